"""What do all detectors do on one family? One job of the benchmark, run in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import nan

import numpy as np

from detectors.evaluate import detection_delays, found_share, incidents_per_change, self_closed_share
from detectors.synthetic import FAMILIES, Family, Nature
from tests.bench.drift import ours
from tests.bench.drift.opponents import (
    KSWIN_MEMORY,
    NUMBERS,
    Make,
    default_makers,
    find_rung,
    frouros_makers,
    make_kswin,
    watch_always_firing,
    watch_each,
    watch_recent,
)
from tests.bench.drift.protocol import (
    HORIZON,
    Score,
    Size,
    delays_of,
    make_null,
    make_trial,
    null_rate,
    try_detector,
)
from tests.bench.drift.tuning import try_oracle, tune_on_normal

THRESHOLD = 1e4
"""A, for all families."""
LOW_THRESHOLD = 1e3
"""A where false incidents are wanted in numbers."""


@dataclass(frozen=True, slots=True)
class OurIncidents:
    """What becomes of incidents, beyond the alarm that opens them."""

    opened_per_change: float
    """nan if no change was found."""
    confirmed_found: float
    """Share of the changes that were confirmed within the horizon."""
    closed_share: float
    """Of false incidents at ``LOW_THRESHOLD``: those that closed by themselves; nan without any."""
    false_incidents: int
    """That came to an end, at ``LOW_THRESHOLD``."""


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """One row of the table."""

    family: str
    nature: Nature
    ours: Score
    incidents: OurIncidents
    oracle: Score
    defaults: list[Score]
    """river's and frouros' as they come, and the one that always fires."""
    matched: list[Score]


def find_matched(size: Size) -> tuple[str, ...]:
    """Labels of river's detectors of numbers with the setting that is quiet on a normal stream."""
    plain = [ladder for ladder in NUMBERS if ladder.name in ("ADWIN clock 32", "Page-Hinkley drift 0.005")]
    return tuple(tune_on_normal(ladder, size.tuning_streams, size.tuning_length) for ladder in plain)


def run_family(name: str, size: Size, matched: tuple[str, ...]) -> FamilyResult:
    """Everything on one family, about 15 s on one core at full size.

    Args:
        name: of the family.
        size: how much is drawn.
        matched: of ``find_matched``.
    """
    family = next(family for family in FAMILIES if family.name == name)

    def try_made(label: str, make: Make, how_much: Size = size) -> Score:
        return try_detector(label, partial(watch_each, make), family, how_much)

    slower = size.smaller() if family.nature is Nature.BIT else size
    defaults = [try_made(label, make, slower) for label, make in default_makers(family.nature).items()]
    defaults += [try_made(label, make, size.smaller()) for label, make in frouros_makers().items()]
    defaults.append(_try_kswin(family, size))
    defaults.append(try_detector("always fires", watch_always_firing, family, size))
    return FamilyResult(
        family=family.name,
        nature=family.nature,
        ours=_try_ours(family, size),
        incidents=_follow_incidents(family, size),
        oracle=try_oracle(family, size),
        defaults=defaults,
        matched=[try_made(label, find_rung(label)) for label in matched],
    )


def _try_kswin(family: Family, size: Size) -> Score:
    """On few streams and from little before the change on."""
    trial = make_trial(family, size.slow_replicates, "changes")
    start = int(trial.changed_at.min()) - KSWIN_MEMORY
    trial = replace(trial, values=trial.values[start:], changed_at=trial.changed_at - start)
    delays, _ = delays_of(partial(watch_recent, make_kswin), trial)
    null = make_null(family, size.slow_replicates, 2 * KSWIN_MEMORY, "null")
    return Score("KSWIN", delays, nan, null_rate(partial(watch_each, make_kswin), null), np.empty(0))


def _try_ours(family: Family, size: Size) -> Score:
    name, _ = ours.DETECTORS[family.nature]
    return try_detector(name, ours.as_watch(family.nature, THRESHOLD), family, size)


def _follow_incidents(family: Family, size: Size) -> OurIncidents:
    trial = make_trial(family, size.replicates, "changes")
    found = ours.watch(family.nature, THRESHOLD, trial.values)
    null = ours.watch(
        family.nature, LOW_THRESHOLD, make_null(family, size.null_streams, size.null_length, "null")
    )
    closed, confirmed = len(null.closed.time), len(null.confirmed.time)
    return OurIncidents(
        opened_per_change=incidents_per_change(found.opened, trial.changed_at, HORIZON),
        confirmed_found=found_share(detection_delays(found.confirmed, trial.changed_at, HORIZON)),
        closed_share=self_closed_share(closed, confirmed),
        false_incidents=closed + confirmed,
    )
