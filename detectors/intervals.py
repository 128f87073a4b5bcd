"""Between which values does a rate or a quantile lie, however the moment of asking was chosen?

What an incident tells of the level before and after. The moment of an alarm is chosen by the data, so an
interval for a fixed number of observations would promise too much. These hold at all moments at once
(confidence sequences; H. Robbins 1970; S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Annals of Statistics
2021). For k ones of n with rate p

    E_n(p) = B(k + 1/2, n - k + 1/2) / B(1/2, 1/2) / (p^k (1 - p)^(n - k))

is the likelihood of Jeffreys' mixture over that of p: while the ones are independent with rate p it is a
martingale that starts at 1, so that P(E_n(p) < 1/alpha for all n) >= 1 - alpha (Ville 1939). The interval is
the p with E_n(p) < 1/alpha: 1.7 to 1.9 times as wide as Wilson's at n of 100 to 1,000, which holds at one n.

A quantile: the number of values below it is such a k with p known, so it lies between two order statistics.

Not on the decision path: no alarm depends on an interval, and the C library's ``lgamma`` may differ in the
last bit between machines. Ends are therefore whole multiples of 2^-30, or order statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from math import lgamma, log
from typing import NamedTuple

CONFIDENCE = 0.95
_GRID = 1 << 30


class Level(NamedTuple):
    """A level, the interval around it, and the observations behind it."""

    low: float
    level: float
    high: float
    n: int


UNKNOWN = Level(float("nan"), float("nan"), float("nan"), 0)


def _log_mixture(ones: int, n: int) -> float:
    """log B(k + 1/2, n - k + 1/2) / B(1/2, 1/2); the constant is log pi."""
    return lgamma(ones + 0.5) + lgamma(n - ones + 0.5) - lgamma(n + 1.0) - 1.1447298858494002


def _log_likelihood(ones: int, n: int, rate: float) -> float:
    """log p^k (1 - p)^(n - k), with 0 log 0 = 0."""
    won = ones * log(rate) if ones else 0.0
    return won + ((n - ones) * log(1.0 - rate) if n > ones else 0.0)


def _last(start: int, end: int, holds: Callable[[int], bool]) -> int:
    """The integer nearest to ``end`` up to which ``holds`` from ``start`` on, where it does."""
    inside, outside = start, end
    if holds(end):
        return end
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside


def rate_level(ones: int, n: int, confidence: float = CONFIDENCE) -> Level:
    """The rate of ones and its interval; without observations, 0 to 1 around nan.

    Args:
        ones: of ``n`` observations.
        n: at least ``ones``.
        confidence: that the interval holds the rate at all moments at once.

    >>> [round(x, 3) for x in rate_level(10, 100)]
    [0.029, 0.1, 0.228, 100]
    >>> [round(x, 3) for x in rate_level(0, 200)]
    [0.0, 0.0, 0.031, 200]
    """
    if n == 0:
        return Level(0.0, float("nan"), 1.0, 0)
    least = _log_mixture(ones, n) + log(1.0 - confidence)

    def holds(grid: int) -> bool:
        if (grid == 0 and ones) or (grid == _GRID and ones < n):
            return False
        return _log_likelihood(ones, n, grid / _GRID) > least

    middle = round(ones / n * _GRID)
    return Level(_last(middle, 0, holds) / _GRID, ones / n, _last(middle, _GRID, holds) / _GRID, n)


def rank_interval(share: float, n: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Between which order statistics does the quantile of this share lie?

    Returns:
        The least and the greatest number of values that may be below it: it lies between the values of these
        ranks (counted from 1) and the one after the second; rank 0 is minus, n + 1 plus infinity.

    >>> rank_interval(0.5, 100)
    (34, 66)
    """

    def holds(ones: int) -> bool:
        return _log_likelihood(ones, n, share) > _log_mixture(ones, n) + log(1.0 - confidence)

    middle = min(round(share * n), n)
    return _last(middle, 0, holds), _last(middle, n, holds)
