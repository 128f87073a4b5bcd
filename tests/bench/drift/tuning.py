"""Which setting would an opponent have, had its user known the stream beforehand?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors.evaluate import PER, Alarms, median_delay
from detectors.synthetic import LAWS, Family, Nature, Values
from tests.bench.drift.opponents import (
    BITS,
    NUMBERS,
    Ladder,
    Make,
    oracle_view,
    watch_each,
)
from tests.bench.drift.protocol import (
    HORIZON,
    Score,
    Size,
    Trial,
    delays_of,
    make_null,
    make_trial,
    try_detector,
)

MOST_FALSE = 1.0
"""False alarms in 10,000 observations that a tuned opponent may have on the null it is tuned on."""


def is_quiet(make: Make, null: Values) -> bool:
    """At most ``MOST_FALSE`` on these streams; given up as soon as it is not."""
    allowed = MOST_FALSE * null.size / PER
    alarms = 0
    for stream in range(null.shape[1]):
        whole = np.full(1, len(null), np.int64)
        alarms += len(watch_each(make, null[:, [stream]], whole).time)
        if alarms > allowed:
            return False
    return True


def loosest(ladder: Ladder, null: Values) -> tuple[str, Make] | None:
    """The first rung that is quiet on the null, by bisection; None if even the strictest is not."""
    low, high = 0, len(ladder.rungs)
    while low < high:
        middle = (low + high) // 2
        if is_quiet(ladder.rungs[middle][1], null):
            high = middle
        else:
            low = middle + 1
    return ladder.rungs[low] if low < len(ladder.rungs) else None


def tune(ladders: tuple[Ladder, ...], null: Values, trial: Trial) -> tuple[str, Make]:
    """Of all ladders' loosest quiet rungs the one that finds these changes first.

    Raises:
        ValueError: no rung is quiet.
    """
    candidates = [rung for ladder in ladders if (rung := loosest(ladder, null)) is not None]
    if not candidates:
        raise ValueError(
            f"no rung of any ladder is quiet on the null of {trial.family.name!r}: add stricter ones"
        )
    return min(candidates, key=lambda rung: _delay(rung[1], trial))


def _delay(make: Make, trial: Trial) -> float:
    return median_delay(delays_of(partial(watch_each, make), trial)[0], HORIZON)


def tune_on_normal(ladder: Ladder, streams: int, length: int) -> str:
    """The label of the rung that is quiet on a standard normal stream; of the strictest if none is."""
    null = LAWS["normal"](np.random.default_rng(1), (length, streams))
    return (loosest(ladder, null) or ladder.rungs[-1])[0]


def try_oracle(family: Family, size: Size) -> Score:
    """The best of all ladders, tuned on the family's own nulls and changes and scored on others."""
    tuning_null = make_null(family, size.tuning_streams, size.tuning_length, "tuning null")

    def seen(trial: Trial) -> Trial:
        return replace(trial, values=oracle_view(family, trial.values, tuning_null))

    ladders = BITS if family.nature is Nature.BIT else NUMBERS
    best = tune(
        ladders,
        oracle_view(family, tuning_null, tuning_null),
        seen(make_trial(family, size.tuning_replicates, "tuning changes")),
    )
    return _score(best, family, size, tuning_null)


def _score(rung: tuple[str, Make], family: Family, size: Size, tuning_null: Values) -> Score:
    def watch(values: Values, enough_from: NDArray[np.int64]) -> Alarms:
        return watch_each(rung[1], oracle_view(family, values, tuning_null), enough_from)

    return try_detector(rung[0], watch, family, size)
