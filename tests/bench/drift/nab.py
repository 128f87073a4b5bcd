"""What do the detectors say to real series? The part of the Numenta Anomaly Benchmark that is at hand.

Its labels are anomalies, often of a few points, and its series are daily cycles, traffic and prices: hardly
one is exchangeable, or drifts as an agent's signals do. So this is no target; it shows what happens.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.evaluate import PER, Alarms

FOLDER = Path("../shared/data/nab")


@dataclass(frozen=True, slots=True)
class Series:
    """One series and its labelled windows, as half-open ranges of rows."""

    name: str
    values: NDArray[np.float64]
    hours: NDArray[np.int64]
    """Hour of day of each row."""
    windows: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """What one detector did on one series."""

    series: str
    detector: str
    observations: int
    windows: int
    hit: int
    """Windows with an alarm in them."""
    outside: int
    """Alarms outside of all windows."""
    outside_observations: int

    @property
    def outside_per_10k(self) -> float:
        """Alarms in 10,000 observations outside of the windows."""
        return PER * self.outside / self.outside_observations


def load_series(folder: Path) -> Iterator[Series]:
    """All series below a folder, in the order of their names.

    Raises:
        FileNotFoundError: the folder has no labels.
    """
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    for file in sorted((folder / "data").glob("*/*.csv")):
        name = f"{file.parent.name}/{file.name}"
        with file.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        times = [datetime.fromisoformat(row["timestamp"]) for row in rows]  # of no zone, as labelled
        windows = [
            (sum(time < first for time in times), sum(time <= last for time in times))
            for first, last in (map(datetime.fromisoformat, window) for window in labels[name])
        ]
        values = np.array([float(row["value"]) for row in rows])
        yield Series(name.removesuffix(".csv"), values, np.array([time.hour for time in times]), windows)


def score_series(series: Series, detector: str, watch: Callable[[Series], Alarms]) -> SeriesResult:
    """Windows hit, and alarms that no window explains."""
    times = watch(series).time
    inside = np.zeros(len(series.values), np.bool_)
    for first, last in series.windows:
        inside[first:last] = True
    return SeriesResult(
        series=series.name,
        detector=detector,
        observations=len(series.values),
        windows=len(series.windows),
        hit=sum(bool(np.any((times >= first) & (times < last))) for first, last in series.windows),
        outside=int(np.sum(~inside[times])),
        outside_observations=int(np.sum(~inside)),
    )
