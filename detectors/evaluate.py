"""How good is a detector: how late does it find a change, how often at all, and how often is it wrong?

Knows alarms and change times, not detectors; ``synthetic.py`` makes streams whose change times are known.
Delay and found share belong together, and neither means anything without the rate of false alarms. There is
no F1 here: over a stream with one change it rewards a detector that fires all the time.

Time is the index of an observation within its stream, from 0. Undefined is nan, never 0; each function says
when.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PER = 10_000
"""False alarms are told for this many observations."""
_Z_99 = 2.3263478740408408
"""The 99 % quantile of the normal law."""


class Alarms(NamedTuple):
    """Alarms of many streams in any order; both columns have one length."""

    stream: NDArray[np.int64]
    """0 .. streams - 1."""
    time: NDArray[np.int64]
    """Index, within its stream, of the observation at which the alarm came."""


class RunLength(NamedTuple):
    """Mean observations to the first alarm where nothing changed."""

    mean: float
    """Of times cut off at the horizon, so at most the true mean: what it shows is shown of that as well."""
    lower_99: float
    """One-sided 99 % confidence bound of the true mean."""
    cut_share: float
    """Share of the streams that had no alarm within the horizon."""


def first_times(alarms: Alarms, since: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each stream's first alarm at or after its own ``since``, shape (streams,); nan where there is none.

    >>> first_times(Alarms(np.array([0, 0, 2]), np.array([3, 9, 1])), np.array([4, 0, 0])).tolist()
    [9.0, nan, 1.0]
    """
    first = np.full(len(since), np.inf)
    after = alarms.time >= since[alarms.stream]
    np.minimum.at(first, alarms.stream[after], alarms.time[after].astype(np.float64))
    return np.where(np.isinf(first), np.nan, first)


def detection_delays(alarms: Alarms, changed_at: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
    """Observations from each change to the first alarm, the alarm's own counted; nan where it was missed.

    Args:
        changed_at: index of the first observation that follows the new law, shape (streams,). An alarm at
            that very observation is a delay of 1.
        horizon: a change is missed if there is no alarm among this many observations from it on.

    >>> alarms = Alarms(np.array([0, 1, 1]), np.array([12, 3, 400]))
    >>> detection_delays(alarms, np.array([10, 10]), horizon=100).tolist()
    [3.0, nan]
    """
    delays = first_times(alarms, changed_at) - changed_at + 1.0
    return np.where(delays <= horizon, delays, np.nan)


def median_delay(delays: NDArray[np.float64], horizon: int) -> float:
    """Median of the delays, a missed change counted as the horizon; nan without any change.

    >>> median_delay(np.array([5.0, np.nan, 7.0]), horizon=100)
    7.0
    """
    if len(delays) == 0:
        return float("nan")
    return float(np.median(np.where(np.isnan(delays), float(horizon), delays)))


def found_share(delays: NDArray[np.float64]) -> float:
    """Share of the changes that were found; nan without any change.

    >>> found_share(np.array([5.0, np.nan]))
    0.5
    """
    return float(np.mean(~np.isnan(delays))) if len(delays) else float("nan")


def false_alarms_per_10k(alarms: Alarms, unchanged: NDArray[np.int64]) -> float:
    """Alarms in 10,000 observations of unchanged streams; nan if there was no such observation.

    Args:
        unchanged: how many observations of each stream come before its change, shape (streams,). All of them
            count, a detector's warm-up too.

    >>> false_alarms_per_10k(Alarms(np.array([0, 1]), np.array([10, 600])), np.array([500, 500]))
    10.0
    """
    observations = int(unchanged.sum())
    if observations == 0:
        return float("nan")
    return float(PER * np.sum(alarms.time < unchanged[alarms.stream]) / observations)


def realised_arl(alarms: Alarms, streams: int, start: int, horizon: int) -> RunLength:
    """The mean observations to a false alarm, from streams in which nothing changes.

    Only the first alarm of a stream counts, and a stream without one counts as the horizon: nothing is
    assumed about the law of the times. The bound is mean - 2.33 s / sqrt(streams); times to an alarm are
    skewed to the right, for which it errs to the careful side. All nan with fewer than two streams.

    Args:
        start: observations at the beginning that promise nothing (a warm-up); alarms there do not count.
        horizon: observations watched after that. Take several times the promised mean, else the cut mean is
            far below the true one.

    >>> alarms = Alarms(np.array([0, 1]), np.array([149, 349]))
    >>> realised_arl(alarms, streams=3, start=100, horizon=400)._replace(lower_99=0.0)
    RunLength(mean=233.33333333333334, lower_99=0.0, cut_share=0.3333333333333333)
    """
    if streams < 2:
        return RunLength(float("nan"), float("nan"), float("nan"))
    times = detection_delays(alarms, np.full(streams, start, np.int64), horizon)
    cut = np.isnan(times)
    times = np.where(cut, float(horizon), times)
    mean = float(times.mean())
    return RunLength(mean, mean - _Z_99 * float(times.std(ddof=1)) / streams**0.5, float(cut.mean()))


def incidents_per_change(opened: Alarms, changed_at: NDArray[np.int64], horizon: int) -> float:
    """Incidents opened within the horizon of a change that was found, on average; nan if none was found.

    1 is ideal: a change that fires again after it was told is counted again.

    >>> opened = Alarms(np.array([0, 0, 1]), np.array([12, 30, 5]))
    >>> incidents_per_change(opened, np.array([10, 10]), horizon=100)
    2.0
    """
    since = opened.time - changed_at[opened.stream]
    counts = np.bincount(opened.stream[(since >= 0) & (since < horizon)], minlength=len(changed_at))
    return float(counts[counts > 0].mean()) if counts.any() else float("nan")


def self_closed_share(closed: int, confirmed: int) -> float:
    """Share of the incidents that closed by themselves among those that came to an end; nan if none did.

    Over streams in which nothing changes each confirmed incident is a wrong page.

    >>> self_closed_share(9, 1)
    0.9
    """
    return closed / (closed + confirmed) if closed + confirmed else float("nan")
