"""From where to where did a stream of numbers move? Quantiles of a reference, with their intervals.

Told by incidents; no alarm depends on it. A reference holds W values, or the edges they set and, from then
on, counts: a quantile is an order statistic, or interpolated within its bin. Its interval (``intervals.py``)
ends at order statistics, or at the edges of the bins that hold them: that makes it wider, never too narrow.
"""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray

from detectors.bins import BINS, EDGES, QUANTILE_BINS, TAIL_BINS
from detectors.contract import Direction
from detectors.intervals import CONFIDENCE, UNKNOWN, Level, rank_interval
from detectors.state import counts_of, edges_of, floats

LOW_END, MIDDLE, HIGH_END = 0.05, 0.5, 0.95
_SHARES = {Direction.UPPER_TAIL: HIGH_END, Direction.LOWER_TAIL: LOW_END}


def number_level(block: NDArray[np.int32], taken: int, warm_up: int, direction: Direction) -> Level:
    """The level of one reference that a change in this direction is about; see ``contract.Incidents``.

    Until as many values were counted as set the edges, it is that of the W values that set them.

    Args:
        block: shape (BLOCK,); see ``state``.
        taken: values the reference has taken.
        warm_up: W.
        direction: of the change.
    """
    if direction not in (Direction.WIDER, Direction.NARROWER):
        return _quantile(block, taken, warm_up, _SHARES.get(direction, MIDDLE), CONFIDENCE)
    # Both ends hold together when each misses with half the probability.
    each = (1.0 + CONFIDENCE) / 2
    low, high = (_quantile(block, taken, warm_up, share, each) for share in (LOW_END, HIGH_END))
    return Level(max(high.low - low.high, 0.0), high.level - low.level, high.high - low.low, high.n)


def _quantile(block: NDArray[np.int32], taken: int, warm_up: int, share: float, confidence: float) -> Level:
    if taken < warm_up:
        return sample_quantile(floats(block)[:taken], share, confidence)
    if taken < 2 * warm_up:
        return binned_quantile(edges_of(block), _warm_up_counts(warm_up), share, confidence)
    return binned_quantile(edges_of(block), counts_of(block), share, confidence)


def _warm_up_counts(warm_up: int) -> NDArray[np.int32]:
    """How many of the W values lie from one edge to the next, by their ranks."""
    counts = np.zeros(BINS, np.int32)
    ranks = np.arange(QUANTILE_BINS + 1) * warm_up // QUANTILE_BINS
    counts[TAIL_BINS : TAIL_BINS + QUANTILE_BINS] = np.diff(ranks)
    return counts


def sample_quantile(values: NDArray[np.float32], share: float, confidence: float = CONFIDENCE) -> Level:
    """A quantile of a few values, as an order statistic, between two others. Unknown if there are none.

    >>> sample_quantile(np.arange(100, dtype=np.float32), 0.5)
    Level(low=33.0, level=50.0, high=66.0, n=100)
    """
    n = len(values)
    if n == 0:
        return UNKNOWN
    ordered = np.sort(values)
    first, last = rank_interval(share, n, confidence)
    low = float(ordered[first - 1]) if first > 0 else -inf
    high = float(ordered[last]) if last < n else inf
    return Level(low, float(ordered[min(int(share * n), n - 1)]), high, n)


def binned_quantile(
    edges: NDArray[np.float32], counts: NDArray[np.int32], share: float, confidence: float = CONFIDENCE
) -> Level:
    """A quantile of binned values, interpolated within its bin; in an outermost, open bin that bin's edge.

    Unknown if nothing was counted.

    Args:
        edges: shape (63,).
        counts: shape (64,).
        share: of the values that lie below it.
        confidence: of the interval.
    """
    passed = np.cumsum(counts, dtype=np.int64)
    n = int(passed[-1])
    if n == 0:
        return UNKNOWN
    first, last = rank_interval(share, n, confidence)
    b = int(np.searchsorted(passed, first))
    low = float(edges[b - 1]) if first > 0 and b > 0 else -inf
    b = int(np.searchsorted(passed, last + 1))
    high = float(edges[b]) if last < n and b < EDGES else inf
    return Level(low, _interpolated(edges, counts, passed, share * n), high, n)


def _interpolated(
    edges: NDArray[np.float32], counts: NDArray[np.int32], passed: NDArray[np.int64], target: float
) -> float:
    b = min(int(np.searchsorted(passed, target)), EDGES)
    low, high = float(edges[max(b - 1, 0)]), float(edges[min(b, EDGES - 1)])
    before = int(passed[b]) - int(counts[b])
    return low + (high - low) * ((target - before) / max(int(counts[b]), 1))
