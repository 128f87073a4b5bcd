"""What is bet against "nothing has changed"?

Third step of CSR: bins -> rank -> **bets** -> statistic. A bet is a fixed positive function f on [0, 1] whose
average is 1: while nothing changes the rank p is uniform and f(p) multiplies the stake by 1 on average; under
the change the bet was made for, by more. The 19 bets are constant on 1,024 cells of p:

- the normal law's likelihood ratios for a shift of +-.25, .5, 1, 2 sd and a scale of .5, .7, 1.5, 2.5 (of the
  observation's normal score, so they work for any law), each mixed with 2 % of a constant so that one outlier
  cannot take all that was won;
- steps on the upper part of p, and tails: more above .999, less above .99 and .95, upper and lower.

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
BETS = 19
COLUMNS = 20
"""Columns of a table's row: the bets and one of zeros, so that a row is five groups of four float32."""
QUANTUM = 2.0**-16
_KEPT = 0.02

Integral = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet: the change it is made for, and the integral of f from 0 to p (a distribution function)."""

    name: str
    direction: Direction
    integral: Callable[[float, float], float]
    """Takes p and its normal score."""


def _shift(sd: float) -> Bet:
    direction = Direction.UP if sd > 0 else Direction.DOWN
    return Bet(f"shift {sd:+g}", direction, lambda p, z: (1 - _KEPT) * cdf(z - sd) + _KEPT * p)


def _scale(ratio: float) -> Bet:
    direction = Direction.WIDER if ratio > 1 else Direction.NARROWER
    return Bet(f"scale {ratio:g}", direction, lambda p, z: (1 - _KEPT) * cdf(z / ratio) + _KEPT * p)


def _steps(name: str, direction: Direction, steps: tuple[tuple[float, float], ...]) -> Bet:
    """f is ``height`` from ``start`` to the next start; below the first, what is left to average 1.

    For the lower tail the same, mirrored.
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

    if direction is Direction.LOWER_TAIL:
        return Bet(name, direction, lambda p, _: 1.0 - upper(1.0 - p))
    return Bet(name, direction, lambda p, _: upper(p))


TABLE: tuple[Bet, ...] = (
    *(_shift(sign * sd) for sd in (0.25, 0.5, 1.0, 2.0) for sign in (1.0, -1.0)),
    *(_scale(ratio) for ratio in (0.5, 0.7, 1.5, 2.5)),
    _steps("step .5", Direction.UP, ((0.5, 1.2),)),
    _steps("step .75", Direction.UP, ((0.75, 1.35),)),
    _steps("step .9", Direction.UPPER_TAIL, ((0.9, 1.8),)),
    _steps("tail", Direction.UPPER_TAIL, ((0.95, 1.2), (0.99, 2.5), (0.999, 15.0))),
    _steps("tail, milder", Direction.UPPER_TAIL, ((0.95, 1.5), (0.99, 5.0))),
    _steps("lower tail", Direction.LOWER_TAIL, ((0.95, 1.2), (0.99, 2.5), (0.999, 15.0))),
    _steps("lower tail, milder", Direction.LOWER_TAIL, ((0.95, 1.5), (0.99, 5.0))),
)
DIRECTIONS: tuple[Direction, ...] = tuple(bet.direction for bet in TABLE)


def _quantised(bet: Bet, scores: list[float]) -> list[int]:
    """The bet's average over each cell in quanta, at least one, summing to exactly CELLS / QUANTUM."""
    integral = [0.0, *(bet.integral(k / CELLS, z) for k, z in enumerate(scores, start=1)), 1.0]
    quanta = [max(1, round((b - a) * CELLS / QUANTUM)) for a, b in pairwise(integral)]
    quanta[quanta.index(max(quanta))] += round(CELLS / QUANTUM) - sum(quanta)
    return quanta


@cache
def make_tables() -> NDArray[np.float32]:
    """The bets, read-only, shape (CELLS, COLUMNS), float32; the last column is 0. Takes about 40 ms once.

    >>> tables = make_tables()
    >>> (tables[:, :BETS].sum(axis=0, dtype=np.float64) == CELLS).all().item()
    True
    """
    scores = quantiles(CELLS)
    tables = np.zeros((CELLS, COLUMNS), np.float32)
    for j, bet in enumerate(TABLE):
        tables[:, j] = np.array(_quantised(bet, scores), np.float64) * QUANTUM
    tables.setflags(write=False)
    return tables
