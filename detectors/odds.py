"""What is bet on a stream of zeros and ones against "its rate is what it was"?

Third step of CSR for 0/1: rank -> **bets** -> statistic. Among zeros and ones the rank p of a one is
uniform on the top of [0, 1), a share as large as the rate of ones so far; that of a zero on the rest.
Against a rate of r that becomes that of odds theta times as high, the best bet is

    f(p) = theta / (1 - r + r theta) for p >= 1 - r,  1 / (1 - r + r theta) below.

Which r? Bets may not ask the running counts (DRIFT.md, trap 1), and 200 observations tell a rate of .005 by
a factor of three. So there are bets for 12 rates, neighbours on a grid of log odds (.35 apart, from .0005
to .9995), and for the odds theta = 1/2, 1.4, 2, 3 at each: 48. Their weights are Jeffreys' posterior of the
rate given the first W values, which are dropped, times .1, .3, .3, .3 (rising rates are the ones people are
called for) and .85: the rest is kept back, so that the time to a false alarm, which is hardly above the
promise with bets as mild as these, is above it beyond the noise of measuring. One bet around the best guess
of r finds .005 -> .02 in 611 observations (median), this mixture in 430, with nothing kept back.

Each pair of heights is float32 and the place of the step is made from them, so that a bet's average is 1 to
the last bits of float64. Weights are whole multiples of 2^-16. No function of the C library is
used.
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.normal import exponential

ODDS = (0.5, 1.4, 2.0, 3.0)
ODDS_WEIGHTS = (0.1, 0.3, 0.3, 0.3)
RATES = 12
BETS = RATES * len(ODDS)
"""Bet ``j`` is for rate ``j // 4`` of the stream's and odds ``j % 4``."""
_STEP = 0.35
_HALF = 22
GRID = 2 * _HALF + 1
QUANTUM = 2.0**-16
STAKED = round(0.85 / QUANTUM) * QUANTUM
"""Sum of the weights; what is left of 1 is never bet."""


class OddsTables(NamedTuple):
    """The bets of all streams. A NamedTuple because numba takes it apart without cost."""

    first: NDArray[np.int32]
    """Shape (W + 1,): by the ones among the first W, the grid's place of the first of the 12 rates."""
    weight: NDArray[np.float32]
    """Shape (W + 1, BETS): by the same, the weight of each bet."""
    cut: NDArray[np.float64]
    """Shape (GRID, 4): from which p on a bet is at its upper height."""
    above: NDArray[np.float32]
    """Shape (GRID, 4)."""
    below: NDArray[np.float32]
    """Shape (GRID, 4)."""


def grid_rates() -> list[float]:
    """The rates of the grid, ascending.

    >>> [round(rate, 4) for rate in grid_rates()[::11]]
    [0.0005, 0.0208, 0.5, 0.9792, 0.9995]
    """
    lower = [exponential(-_STEP * i) for i in range(_HALF, 0, -1)]
    rates = [odds / (1.0 + odds) for odds in lower]
    return [*rates, 0.5, *(1.0 - rate for rate in reversed(rates))]


def _power(base: float, exponent: int) -> float:
    """By squaring, so that every machine has the same last bit."""
    result = 1.0
    while exponent:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


def _likelihood(rate: float, best: float, ones: int, zeros: int) -> float:
    """Jeffreys' posterior density of the log odds at one rate over that at another."""
    up, down = rate / best, (1.0 - rate) / (1.0 - best)
    return _power(up, ones) * _power(down, zeros) * sqrt(up * down)


def _quantised(shares: list[float]) -> list[int]:
    """Shares in quanta, at least one, summing to exactly STAKED / QUANTUM."""
    total = sum(shares) / STAKED
    quanta = [max(1, round(share / total / QUANTUM)) for share in shares]
    quanta[quanta.index(max(quanta))] += round(STAKED / QUANTUM) - sum(quanta)
    return quanta


def _weigh(rates: list[float], ones: int, warm_up: int) -> tuple[int, list[int]]:
    """The grid's place of the first rate that is bet on, and the weights of all bets in quanta."""
    guess = (ones + 0.5) / (warm_up + 1.0)
    nearest = min(range(GRID), key=lambda g: abs(rates[g] - guess) / min(rates[g], 1.0 - rates[g]))
    first = min(max(nearest - RATES // 2, 0), GRID - RATES)
    posterior = [
        _likelihood(rates[g], rates[nearest], ones, warm_up - ones) for g in range(first, first + RATES)
    ]
    return first, _quantised([share * weight for share in posterior for weight in ODDS_WEIGHTS])


@cache
def make_odds_tables(warm_up: int) -> OddsTables:
    """The bets, read-only, for a warm-up of this many values. Takes 10 ms once for 200.

    >>> tables = make_odds_tables(200)
    >>> average = (1 - tables.cut) * tables.above + tables.cut * tables.below
    >>> bool(abs(average - 1).max() < 1e-12), bool((tables.weight.sum(axis=1, dtype=float) == STAKED).all())
    (True, True)
    """
    rates = grid_rates()
    heights = np.array([[1.0 / (1.0 - rate + rate * odds) for odds in ODDS] for rate in rates])
    above = (heights * np.array(ODDS)).astype(np.float32)
    below = heights.astype(np.float32)
    wide_above, wide_below = above.astype(np.float64), below.astype(np.float64)
    cut = 1.0 - (1.0 - wide_below) / (wide_above - wide_below)
    weighed = [_weigh(rates, ones, warm_up) for ones in range(warm_up + 1)]
    tables = OddsTables(
        first=np.array([first for first, _ in weighed], np.int32),
        weight=(np.array([quanta for _, quanta in weighed]) * QUANTUM).astype(np.float32),
        cut=cut,
        above=above,
        below=below,
    )
    for table in tables:
        table.setflags(write=False)
    return tables
