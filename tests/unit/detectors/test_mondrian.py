"""Mondrian CSR: seasons are no change, changes are found all the same, and its promise bucket by bucket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import mondrian, synthetic
from detectors.bins import QUANTILE_BINS, TAIL_BINS
from detectors.contract import IncidentKind, Readings
from detectors.csr import Csr, CsrParameters
from detectors.mondrian import Mondrian, MondrianParameters, mondrian_layout
from detectors.slots import Engine
from detectors.state import stream_bytes
from tests.unit.detectors.laws import LAWS

SEASON = next(family for family in synthetic.FAMILIES if family.name == "season +.5 sd")
Buckets = NDArray[np.int64]
_TOLD = (IncidentKind.OPENED, IncidentKind.CONTINUED, IncidentKind.CONFIRMED)


def watch(values: NDArray[np.float64], buckets: Buckets, threshold: float = 1e4, hours: int = 24) -> Readings:
    """Readings of streams given as columns; a row of them shares a bucket."""
    length, streams = values.shape
    detector = Mondrian(MondrianParameters(threshold=threshold, buckets=hours))
    slots = detector.add(np.arange(streams, dtype=np.uint64) + np.uint64(length))
    return detector.update(np.tile(slots, length), values.ravel(), buckets.repeat(streams))


def false_alarms(readings: Readings) -> float:
    """Per 10,000 observations."""
    return 1e4 * float(readings.alarm.mean())


def make_null(length: int, streams: int, seed: int) -> NDArray[np.float64]:
    never = np.full((length, streams), -length)
    return SEASON.draw(np.random.default_rng(seed), never)


def test_a_season_raises_few_false_alarms() -> None:
    values = make_null(20_000, 60, seed=1)
    assert false_alarms(watch(values, synthetic.season_buckets(20_000))) <= 1.0


def test_without_buckets_the_same_season_raises_many() -> None:
    values = make_null(20_000, 20, seed=1)
    detector = Csr(CsrParameters(threshold=1e4))
    slots = detector.add(np.arange(20, dtype=np.uint64))
    assert false_alarms(detector.update(np.tile(slots, 20_000), values.ravel())) > 20


def test_a_shift_on_top_of_a_season_is_found() -> None:
    streams, rng = 200, np.random.default_rng(2)
    at = rng.integers(1000, 3001, streams)
    values = synthetic.make_changed(SEASON, at, 5000, rng)
    incidents = watch(values, synthetic.season_buckets(5000)).incidents
    delays = np.full(streams, 2000)
    for row, slot, kind in zip(incidents.row // streams, incidents.slot, incidents.kind, strict=True):
        if kind in _TOLD and row >= at[slot]:
            delays[slot] = min(delays[slot], row - at[slot] + 1)
    assert np.mean(delays < 2000) >= 0.97
    assert np.median(delays) <= 82


def _in_turn(rng: np.random.Generator, length: int) -> Buckets:
    return np.arange(length) // 20 % 24


def _at_random(rng: np.random.Generator, length: int) -> Buckets:
    return rng.integers(0, 24, length)


def _unequal(rng: np.random.Generator, length: int) -> Buckets:
    return np.minimum(rng.geometric(0.3, length) - 1, 23)


@pytest.mark.parametrize("order", [_in_turn, _at_random, _unequal])
@pytest.mark.parametrize("threshold", [1e3])
def test_the_promise_holds_when_every_bucket_has_a_law_of_its_own(
    order: Callable[[np.random.Generator, int], Buckets], threshold: float
) -> None:
    horizon, streams = 5000, 300
    rng = np.random.default_rng(3)
    length = horizon + 50
    buckets = order(rng, length)
    laws = list(LAWS.values())
    values = np.empty((length, streams))
    for bucket in range(24):
        mine = np.flatnonzero(buckets == bucket)
        values[mine] = (1 + bucket) * laws[bucket % len(laws)](rng, (len(mine), streams))
    readings = watch(values, buckets, threshold)
    alarm = readings.alarm.reshape(length, streams)
    times = np.where(alarm.any(axis=0), alarm.argmax(axis=0) + 1 - 50, horizon)
    # The mean of the censored times is below the mean of the times.
    lower = times.mean() - 2.326 * times.std(ddof=1) / np.sqrt(streams)
    assert lower >= threshold


def test_with_one_bucket_it_is_csr_to_the_bit() -> None:
    values = LAWS["latency in ms"](np.random.default_rng(4), (3000,))
    values[2000:] *= 1.5
    plain = Csr(CsrParameters())
    seasonal = Mondrian(MondrianParameters(confirm_threshold=plain.parameters.confirm_threshold))
    slots = plain.add(np.array([5], np.uint64))
    seasonal.add(np.array([5], np.uint64))
    expected = plain.update(slots.repeat(3000), values)
    readings = seasonal.update(slots.repeat(3000), values)
    assert readings.statistic.tolist() == expected.statistic.tolist()
    assert readings.incidents.row.tolist() == expected.incidents.row.tolist()
    assert readings.incidents.kind.tolist() == expected.incidents.kind.tolist()


def test_each_bucket_is_ranked_against_itself_alone() -> None:
    # Bucket 1 moves to where bucket 0 has always been.
    rng = np.random.default_rng(5)
    buckets = np.arange(3000) % 2
    values = rng.normal(size=(3000, 20)) + 3.0 * buckets[:, None]
    values[2000:] -= 3.0 * buckets[2000:, None]
    incidents = watch(values, buckets, hours=2).incidents
    time = incidents.row // 20
    # Where a false incident is open the change confirms it instead.
    told = np.isin(incidents.kind, _TOLD) & (time >= 2000) & (time < 2020)
    assert np.unique(incidents.slot[told]).tolist() == list(range(20))


def test_an_incident_tells_the_level_of_its_hour() -> None:
    rng = np.random.default_rng(6)
    buckets = np.arange(9600) // 400 % 24
    values = (1000.0 + 50.0 * buckets)[:, None] * rng.lognormal(0.0, 0.3, (9600, 40))
    # Within hour 20 of the second day nothing is new yet but that it is slower by half.
    buckets = np.concatenate([buckets, np.full(300, 20)])
    slow = 2000.0 * 1.5 * rng.lognormal(0.0, 0.3, (300, 40))
    incidents = watch(np.concatenate([values, slow]), buckets).incidents
    confirmed = (incidents.kind == IncidentKind.CONFIRMED) & (incidents.row // 40 >= 9600)
    assert confirmed.sum() >= 38
    assert np.median(incidents.reference[confirmed, 1]) == pytest.approx(2000, rel=0.04)
    assert np.median(incidents.current[confirmed, 1]) == pytest.approx(3000, rel=0.1)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_the_unit_of_a_signal_changes_no_alarm(factor: float) -> None:
    values = np.exp(make_null(4000, 40, seed=7))
    values[2000:] *= 2.0
    buckets = synthetic.season_buckets(4000)
    plain, scaled = (watch(v, buckets, 1e3).incidents for v in (values, values * factor))
    assert len(plain.row) > 50
    assert plain.row.tolist() == scaled.row.tolist()
    assert plain.kind.tolist() == scaled.kind.tolist()


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_a_bucket_that_is_full_learns_no_more(engine: Engine) -> None:
    detector = Mondrian(MondrianParameters(threshold=1e9, buckets=2), engine)
    streams = 1 if engine == "numba" else 400
    slots = detector.add(np.arange(streams, dtype=np.uint64))
    rng = np.random.default_rng(8)
    warm_up = np.tile(slots, 50)
    detector.update(warm_up, rng.normal(size=len(warm_up)))
    # Bring the counts of bucket 0 to just under what 16 bits hold.
    snapshot = detector.snapshot()
    block = snapshot["block"].astype(np.int32)
    halves = block.view(np.uint16)
    inner = 2 * mondrian.COUNTS + TAIL_BINS
    halves[:, inner : inner + QUANTILE_BINS] = 1638
    block[:, -2] = 1638 * QUANTILE_BINS
    detector.restore({**snapshot, "block": block})
    more = np.tile(slots, 30)
    readings = detector.update(more, rng.normal(size=len(more)))
    after = np.asarray(detector.snapshot()["block"], np.int32)
    counts = after.view(np.uint16)[:, 2 * mondrian.COUNTS :][:, :64]
    assert (counts.sum(axis=1, dtype=np.int64) == mondrian.FULL_COUNT).all()
    assert (after[:, -2] == mondrian.FULL_COUNT).all()
    assert np.isfinite(readings.statistic).all()


def test_a_stream_of_24_hours_takes_at_most_4_kb() -> None:
    assert stream_bytes(mondrian_layout(24)) <= 4096
    detector = Mondrian()
    detector.add(np.arange(200, dtype=np.uint64))
    assert sum(array.nbytes for array in detector.snapshot().values()) / 200 <= 4096


@pytest.mark.parametrize(
    ("buckets", "named"),
    [([0, 24], "bucket"), ([-1, 0], "bucket"), ([0], "one length"), ([[0, 1]], "one length")],
)
def test_buckets_that_there_are_not_are_refused_before_anything_changes(
    buckets: list[int], named: str
) -> None:
    detector = Mondrian()
    slots = detector.add(np.arange(2, dtype=np.uint64))
    with pytest.raises(ValueError, match=named):
        detector.update(slots, np.zeros(2), np.array(buckets))
    assert not detector.snapshot()["seen"].any()


@pytest.mark.parametrize("buckets", [1, 1001])
def test_a_number_of_buckets_out_of_range_is_refused(buckets: int) -> None:
    with pytest.raises(ValueError, match="buckets"):
        MondrianParameters(buckets=buckets)
