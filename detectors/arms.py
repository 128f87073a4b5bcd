"""How far apart are the medians of two arms, of which many values are never kept?

Beside the scores of ``compare.NumberComparison``. Values are counted by the upper 16 bits of their float32:
buckets of .4 to .8 % of the value, at most some thousands. Each median lies between two order statistics at
all times at once (``intervals.rank_interval``), so that their difference lies between the differences of the
ends; these are rounded outwards to the buckets' ends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.bins import to_float32
from detectors.intervals import UNKNOWN, Level, rank_interval

_SIGN = 0x8000


class MedianShift(NamedTuple):
    """The medians of both arms and B's less A's, with ends of an interval, in the signal's unit."""

    a: Level
    b: Level
    low: float
    shift: float
    high: float


class Values:
    """The values of one arm, counted by buckets.

    >>> values = Values()
    >>> values.add(np.arange(1.0, 102.0))
    >>> values.median(0.95).n, values.median(0.95).low <= 51.0 <= values.median(0.95).high
    (101, True)
    """

    def __init__(self, counted: NDArray[np.int64] | None = None) -> None:
        """``counted``: what ``snapshot`` gave."""
        self._counts: dict[int, int] = dict([] if counted is None else counted.tolist())

    def add(self, values: NDArray[np.float64]) -> None:
        """Count finite values."""
        high = (to_float32(values).view(np.uint32) >> np.uint32(16)).astype(np.int64)
        # Keys ascend with the values: negative ones are turned round.
        keys, counts = np.unique(np.where(high & _SIGN, 0xFFFF - high, high | _SIGN), return_counts=True)
        for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
            self._counts[key] = self._counts.get(key, 0) + count

    def median(self, confidence: float) -> Level:
        """The median and its interval. Unknown without values; ends may be infinite."""
        keys = np.array(sorted(self._counts), np.int64)
        passed = np.cumsum([self._counts[key] for key in keys.tolist()], dtype=np.int64)
        if len(keys) == 0:
            return UNKNOWN
        n = int(passed[-1])
        first, last = rank_interval(0.5, n, confidence)
        low = _ends(keys[np.searchsorted(passed, first)])[0] if first > 0 else -np.inf
        high = _ends(keys[np.searchsorted(passed, last + 1)])[1] if last < n else np.inf
        start, end = _ends(keys[np.searchsorted(passed, (n + 1) // 2)])
        return Level(low, start + (end - start) / 2, high, n)

    def snapshot(self) -> NDArray[np.int64]:
        """Buckets and their counts, shape (buckets, 2), ascending."""
        return np.array(sorted(self._counts.items()), np.int64).reshape(-1, 2)


def median_shift(a: Values, b: Values, confidence: float) -> MedianShift:
    """Both medians and their difference; the interval of each holds with half the chance of a miss."""
    each = (1.0 + confidence) / 2
    of_a, of_b = a.median(each), b.median(each)
    return MedianShift(of_a, of_b, of_b.low - of_a.high, of_b.level - of_a.level, of_b.high - of_a.low)


def _ends(key: np.int64) -> tuple[float, float]:
    """The values between which a bucket's lie."""

    def value(bits: int) -> float:
        return float(np.array([bits << 16], np.uint32).view(np.float32)[0])

    if key & _SIGN:
        bits = int(key) & ~_SIGN
        return value(bits), value(bits + 1)
    bits = 0xFFFF - int(key)
    return value(bits + 1), value(bits)
