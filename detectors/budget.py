"""How strict must the detectors be, so that a person is called falsely at most so many times a week?

A false alarm of a detector with threshold A costs at least A observations on average (``csr.py``), so all
streams together raise at most (observations a week) / A false alarms a week. Solved for A:

    A = expected observations a week of all streams / false pages allowed a week.

Every stream gets the same A, so a busy stream spends more of the budget than a quiet one. To split a budget
over several signals, give each its share of the pages and its own observations: bounds add up, whatever the
dependence between streams. The bound counts alarms; most of the false ones close themselves before anybody is
called (``incidents.py``), so pages stay well below it. Strictness is cheap: A = 1e4, 1e5, 1e6 find one
standard deviation in 21, 26, 32 observations.

``rank_streams`` orders what is seen at one moment. It uses e-d-BH (S. Dandapanthula, A. Ramdas, Multiple
testing in multi-stream sequential change detection, arXiv 2501.04130), only to rank: alarms come from each
stream's own threshold.
"""

from __future__ import annotations

from math import isfinite

import numpy as np
from numpy.typing import NDArray

MIN_THRESHOLD = 1.0
MAX_THRESHOLD = 1e9
"""What a detector takes (``contract.Detector.add``)."""


def threshold_for(observations_per_week: float, false_pages_per_week: float) -> float:
    """The threshold A under which all these streams raise at most so many false alarms a week, on average.

    Args:
        observations_per_week: expected, of all streams together; at least 0.
        false_pages_per_week: allowed; above 0, may be a fraction (0.25: one in four weeks).

    Returns:
        A, at least 1: with fewer observations than pages nothing needs to be held back.

    Raises:
        ValueError: an argument is out of range, or A would exceed 1e9.

    >>> threshold_for(observations_per_week=2_000_000, false_pages_per_week=2)
    1000000.0
    """
    if not (isfinite(observations_per_week) and observations_per_week >= 0):
        raise ValueError(
            f"observations_per_week must be a finite number of at least 0, not {observations_per_week}"
        )
    if not (isfinite(false_pages_per_week) and false_pages_per_week > 0):
        raise ValueError(f"false_pages_per_week must be a finite number above 0, not {false_pages_per_week}")
    threshold = observations_per_week / false_pages_per_week
    if threshold > MAX_THRESHOLD:
        raise ValueError(
            f"{observations_per_week:g} observations a week with {false_pages_per_week:g} false pages need a "
            f"threshold of {threshold:g}, above {MAX_THRESHOLD:g}: allow more pages, or watch one value a run"
        )
    return max(threshold, MIN_THRESHOLD)


def rank_streams(
    statistics: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> tuple[NDArray[np.int64], int]:
    """Streams by the evidence that they have changed, the strongest first, and how many stand out.

    With e_k = statistic / threshold, the first j stand out if j is the greatest number with j e_(j) >= 1: a
    stream below its own threshold does when many others are near theirs, as in an outage. Proved: if each
    threshold is (streams) / a, then at any stopping time T the expected share of unchanged streams among
    those that stand out is at most a E[T], whatever the dependence between streams (T in observations; e-d-BH
    bounds the error over patience).

    Args:
        statistics: one a stream, at least 0, as in ``Readings.statistic``.
        thresholds: one a stream, above 0.

    Returns:
        Indices in descending order of e, ties in ascending order of index; and how many stand out.

    Raises:
        ValueError: lengths differ, or a number is out of range.

    >>> order, standing_out = rank_streams(np.array([10.0, 6e3, 7e3]), np.array([1e4, 1e4, 1e4]))
    >>> order.tolist(), standing_out
    ([2, 1, 0], 2)
    """
    if statistics.shape != thresholds.shape or statistics.ndim != 1:
        raise ValueError(
            f"statistics and thresholds must be columns of one length, not {statistics.shape} and "
            f"{thresholds.shape}"
        )
    if not bool(np.all(statistics >= 0)):
        raise ValueError("a statistic is negative or nan")
    if not bool(np.all((thresholds > 0) & np.isfinite(thresholds))):
        raise ValueError("a threshold is not a finite number above 0")
    evidence = statistics / thresholds
    order: NDArray[np.int64] = np.argsort(-evidence, kind="stable").astype(np.int64)
    enough = np.flatnonzero(np.arange(1, len(order) + 1) * evidence[order] >= 1.0)
    return order, int(enough[-1]) + 1 if len(enough) else 0
