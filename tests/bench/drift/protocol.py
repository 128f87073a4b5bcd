"""How is a detector tried on a family of changes? Streams, replicates, seeds and scores; no detector.

A change comes at a time uniform on 1,000 to 3,000 (cold start: 150 to 300), and is missed if no alarm comes
among the 2,000 observations from it on. Nobody resets a detector from outside. False alarms are counted
before the change and on separate streams in which nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.evaluate import (
    Alarms,
    detection_delays,
    false_alarms_per_10k,
    found_share,
    median_delay,
)
from detectors.synthetic import Family, Values, make_changed, make_unchanged

HORIZON = 2_000
WARM, COLD = (1_000, 3_000), (150, 300)

Watch = Callable[[Values, NDArray[np.int64]], Alarms]
"""Takes values, shape (length, streams), and the row from which on the first alarm of a stream is enough."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is drawn."""

    replicates: int
    """Changes of a family."""
    null_streams: int
    null_length: int
    tuning_streams: int
    """Nulls of ``tuning_length`` on which an opponent is tuned; never those it is scored on."""
    tuning_length: int
    tuning_replicates: int
    slow_replicates: int
    """Changes for an opponent that takes a few thousand observations a second."""
    law_streams: int
    """Streams for each law and threshold when the realised ARL is measured."""

    def smaller(self) -> Size:
        """For an opponent that takes a few hundred thousand observations a second."""
        return replace(
            self,
            replicates=self.tuning_replicates,
            null_streams=self.tuning_streams,
            null_length=self.tuning_length,
        )


FULL = Size(200, 60, 20_000, 20, 10_000, 50, 8, 300)
QUICK = Size(12, 3, 3_000, 2, 2_000, 6, 1, 20)


@dataclass(frozen=True, slots=True)
class Trial:
    """The streams of one family."""

    family: Family
    values: Values
    changed_at: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Score:
    """What one detector did on one family."""

    detector: str
    delays: NDArray[np.float64]
    """nan where the change was missed."""
    fa_before: float
    """False alarms in 10,000 observations before the changes; nan if it was not shown them."""
    fa_null: float
    """The same on the family's nulls; nan if it was not run on them."""
    cold_delays: NDArray[np.float64]
    """As ``delays``, after changes in the first few hundred observations; empty if not run."""

    @property
    def median(self) -> float:
        """Median delay in observations, a missed change counted as the horizon."""
        return median_delay(self.delays, HORIZON)

    @property
    def found(self) -> float:
        """Share of the changes that were found."""
        return found_share(self.delays)


def make_rng(family: Family, purpose: str) -> np.random.Generator:
    """A generator of its own for each family and purpose, the same in every run."""
    return np.random.default_rng(crc32(f"{family.name}|{purpose}".encode()))


def make_trial(family: Family, replicates: int, purpose: str, span: tuple[int, int] = WARM) -> Trial:
    """Streams that each change at a time of their own within the span, ends included."""
    rng = make_rng(family, purpose)
    changed_at = rng.integers(span[0], span[1] + 1, replicates)
    return Trial(family, make_changed(family, changed_at, span[1] + HORIZON, rng), changed_at)


def make_null(family: Family, streams: int, length: int, purpose: str) -> Values:
    """Streams in which nothing changes."""
    return make_unchanged(family, streams, length, make_rng(family, purpose))


def never(values: Values) -> NDArray[np.int64]:
    """For ``Watch``: all alarms of all streams are wanted."""
    return np.full(values.shape[1], values.shape[0], np.int64)


def delays_of(watch: Watch, trial: Trial) -> tuple[NDArray[np.float64], float]:
    """The delays of a trial, and the false alarms in 10,000 observations before its changes."""
    alarms = watch(trial.values, trial.changed_at)
    return (
        detection_delays(alarms, trial.changed_at, HORIZON),
        false_alarms_per_10k(alarms, trial.changed_at),
    )


def null_rate(watch: Watch, values: Values) -> float:
    """False alarms in 10,000 observations of streams in which nothing changes."""
    return false_alarms_per_10k(watch(values, never(values)), never(values))


def try_detector(name: str, watch: Watch, family: Family, size: Size) -> Score:
    """The whole protocol for one detector and one family."""
    delays, before = delays_of(watch, make_trial(family, size.replicates, "changes"))
    cold, _ = delays_of(watch, make_trial(family, size.replicates, "cold", COLD))
    null = null_rate(watch, make_null(family, size.null_streams, size.null_length, "null"))
    return Score(name, delays, before, null, cold)
