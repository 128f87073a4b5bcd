"""What is bet against "nothing has changed", and how much on each bet?

Third step of CSR: bins -> rank -> **bets** -> statistic. A bet is a fixed positive function f on [0, 1] whose
average is 1: while nothing changes the rank p is uniform and f(p) multiplies the stake by 1 on average; under
the change the bet was made for, by more. The 20 bets are constant on 1,024 cells of p:

- the normal law's likelihood ratios for a shift of +-.25, .5, 1, 2 sd and a scale of .5, .7, 1.5, 2.5 (of the
  observation's normal score, so they work for any law), each mixed with 2 % of a constant so that one outlier
  cannot take all that was won;
- steps: more above p = .7 (a second mode, a mixture that moves) or above .9, and the same mirrored;
- tails: far more above .999, more above .995 to .9 (a few values far out), and the same mirrored.

The stakes add up to 1, in 256ths, alike up and down. A bet that holds w of them finds its change later by
about log(1 / w) / (gain of log evidence an observation): many observations for a small change, a fraction of
one for a large one. So most is staked on small shifts and thin tails and little on what is found at once
whatever its stake. Equal stakes found bimodal .3 -> .4 in 338 observations and 5 % of latencies x5 in 124;
these and the step at .7 find them in 291 and 108, sd x2 in 18 instead of 15 (medians of 800).

The values are whole multiples of 2^-16 whose sum is exactly 1024, and exact as float32: their average is not
nearly 1 but 1, on every machine. Nothing is tuned to a signal. Bets are constants: one that used the running
counts would not be covered by the theorem (DRIFT.md, trap 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors.contract import Direction
from detectors.normal import cdf, quantiles

CELLS = 1024
BETS = 20
"""A multiple of four: a row of the tables is five groups of four float32."""
STAKE_UNIT = 2.0**-8
QUANTUM = 2.0**-16
_KEPT = 0.02

Integral = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet: the change it is made for, and the integral of f from 0 to p (a distribution function)."""

    name: str
    stake: int
    """In units of ``STAKE_UNIT``; those of all bets make 256."""
    direction: Direction
    integral: Callable[[float, float], float]
    """Takes p and its normal score."""


def _shift(sd: float, stake: int) -> Bet:
    direction = Direction.UP if sd > 0 else Direction.DOWN
    return Bet(f"shift {sd:+g}", stake, direction, lambda p, z: (1 - _KEPT) * cdf(z - sd) + _KEPT * p)


def _scale(ratio: float, stake: int) -> Bet:
    direction = Direction.WIDER if ratio > 1 else Direction.NARROWER
    return Bet(f"scale {ratio:g}", stake, direction, lambda p, z: (1 - _KEPT) * cdf(z / ratio) + _KEPT * p)


def _steps(
    name: str, stake: int, directions: tuple[Direction, Direction], *steps: tuple[float, float]
) -> tuple[Bet, Bet]:
    """f is ``height`` from ``start`` to the next start; below the first, what is left to average 1.

    And the same mirrored, for the lower end.
    """
    starts = [start for start, _ in steps]
    widths = [end - start for start, end in pairwise([*starts, 1.0])]
    won = sum(width * height for width, (_, height) in zip(widths, steps, strict=True))
    base = (1.0 - won) / starts[0]

    def upper(p: float) -> float:
        total = base * min(p, starts[0])
        for (start, height), width in zip(steps, widths, strict=True):
            total += height * min(max(p - start, 0.0), width)
        return total

    up, down = directions
    return (
        Bet(f"upper {name}", stake, up, lambda p, _: upper(p)),
        Bet(f"lower {name}", stake, down, lambda p, _: 1.0 - upper(1.0 - p)),
    )


_ENDS = (Direction.UPPER_TAIL, Direction.LOWER_TAIL)
TABLE: tuple[Bet, ...] = (
    *(
        _shift(sign * sd, stake)
        for sd, stake in ((0.25, 46), (0.5, 23), (1.0, 6), (2.0, 5))
        for sign in (1.0, -1.0)
    ),
    *(_scale(ratio, 3) for ratio in (0.5, 0.7, 1.5, 2.5)),
    *_steps("step .7", 9, (Direction.UP, Direction.DOWN), (0.7, 1.33)),
    *_steps("step .9", 2, _ENDS, (0.9, 1.8)),
    *_steps("tail", 27, _ENDS, (0.9, 1.1), (0.98, 2.0), (0.995, 6.0), (0.999, 20.0)),
    *_steps("tail, milder", 4, _ENDS, (0.95, 1.5), (0.99, 5.0)),
)
STAKES: tuple[float, ...] = tuple(bet.stake * STAKE_UNIT for bet in TABLE)
"""The share of each bet; exact as float32."""
DIRECTIONS: tuple[Direction, ...] = tuple(bet.direction for bet in TABLE)


def _quantised(bet: Bet, scores: list[float]) -> list[int]:
    """The bet's average over each cell in quanta, at least one, summing to exactly CELLS / QUANTUM."""
    integral = [0.0, *(bet.integral(k / CELLS, z) for k, z in enumerate(scores, start=1)), 1.0]
    quanta = [max(1, round((b - a) * CELLS / QUANTUM)) for a, b in pairwise(integral)]
    quanta[quanta.index(max(quanta))] += round(CELLS / QUANTUM) - sum(quanta)
    return quanta


@cache
def make_tables() -> NDArray[np.float32]:
    """The bets, read-only, shape (CELLS, BETS), float32. Takes about 40 ms once.

    >>> tables = make_tables()
    >>> (tables.sum(axis=0, dtype=np.float64) == CELLS).all().item()
    True
    """
    scores = quantiles(CELLS)
    tables = np.empty((CELLS, BETS), np.float32)
    for j, bet in enumerate(TABLE):
        tables[:, j] = np.array(_quantised(bet, scores), np.float64) * QUANTUM
    tables.setflags(write=False)
    return tables
