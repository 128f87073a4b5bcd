"""What every detector keeps to, whatever it computes: replay, cuts, snapshots, bad values, slots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.contract import IncidentKind, SnapshotMismatch
from detectors.slots import Engine
from tests.unit.detectors.suite import (
    CASES,
    ENGINES,
    STREAMS,
    Case,
    as_columns,
    assert_identical,
    in_batches,
    joined,
)

ROWS = 6000
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_case_with_thresholds = pytest.mark.parametrize(
    "case", [case for case in CASES if case.thresholds], ids=lambda case: case.name
)
every_engine = pytest.mark.parametrize("engine", ENGINES)


@every_case
def test_both_engines_agree_to_the_bit_in_readings_and_state(case: Case) -> None:
    traffic = case.traffic(30_000, 2)
    compiled, plain = case.watching("numba"), case.watching("numpy")
    readings = in_batches(compiled, traffic, [])
    assert_identical(readings, in_batches(plain, traffic, []))
    assert_identical(compiled.snapshot(), plain.snapshot())
    # The suite would say little about a detector that is never alarmed.
    assert {IncidentKind.OPENED, IncidentKind.CONFIRMED} <= set(readings["incidents.kind"].tolist())


@every_case
@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=6), engine=st.sampled_from(ENGINES))
def test_however_a_batch_is_cut_the_readings_are_the_same(
    case: Case, cuts: list[int], engine: Engine
) -> None:
    traffic = case.traffic(ROWS, 3)
    whole, cut = case.watching(), case.watching(engine)
    assert_identical(in_batches(whole, traffic, []), in_batches(cut, traffic, cuts))
    assert_identical(whole.snapshot(), cut.snapshot())


@every_case
@settings(max_examples=5, deadline=None)
@given(at=st.integers(0, ROWS))
def test_a_restored_snapshot_goes_on_as_if_nothing_had_happened(case: Case, at: int) -> None:
    traffic = case.traffic(ROWS, 4)
    detector = case.watching()
    first = in_batches(detector, traffic.take(slice(0, at)), [])
    restored = case.make("numba")
    restored.restore(detector.snapshot())
    second = in_batches(restored, traffic.take(slice(at, ROWS)), [])
    second["incidents.row"] = second["incidents.row"] + at
    whole = case.watching()
    assert_identical(joined([first, second]), in_batches(whole, traffic, []))
    assert_identical(restored.snapshot(), whole.snapshot())


@every_case
def test_a_snapshot_shares_no_memory_with_the_detector(case: Case) -> None:
    traffic = case.traffic(ROWS, 5)
    half, rest = traffic.take(slice(0, ROWS // 2)), traffic.take(slice(ROWS // 2, ROWS))
    detector = case.watching()
    in_batches(detector, half, [])
    snapshot = detector.snapshot()
    kept = {name: array.copy() for name, array in snapshot.items()}
    in_batches(detector, rest, [])
    assert_identical(snapshot, kept)
    other = case.make("numba")
    other.restore(snapshot)
    in_batches(other, rest, [])
    assert_identical(snapshot, kept)


@every_case
def test_a_snapshot_that_lacks_any_array_is_refused_and_changes_nothing(case: Case) -> None:
    snapshot = case.watching().snapshot()
    other = case.watching()
    in_batches(other, case.traffic(500, 6), [])
    before = other.snapshot()
    for name in snapshot:
        if name == "free":
            continue
        with pytest.raises(SnapshotMismatch):
            other.restore({key: array for key, array in snapshot.items() if key != name})
        assert_identical(other.snapshot(), before)


@every_case
@every_engine
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_changes_nothing_and_is_counted(
    case: Case, bad: float, engine: Engine
) -> None:
    traffic = case.traffic(ROWS, 7)
    values = traffic.columns[0]
    good = np.isfinite(values).reshape(len(traffic), -1).all(axis=1)
    traffic = traffic.take(good)
    dirty = traffic.take(np.arange(len(traffic)).repeat(2))
    dirty.columns[0][1::2] = bad
    clean_detector, dirty_detector = case.watching(engine), case.watching(engine)
    clean = as_columns(clean_detector.update(traffic.slots, *traffic.columns))
    readings = as_columns(dirty_detector.update(dirty.slots, *dirty.columns))
    assert readings["statistic"][::2].tolist() == clean["statistic"].tolist()
    assert readings["incidents.row"].tolist() == (clean["incidents.row"] * 2).tolist()
    assert not readings["alarm"][1::2].any()
    assert readings["n"][1::2].tolist() == clean["n"].tolist()
    assert readings["phase"][1::2].tolist() == clean["phase"].tolist()
    every = np.arange(STREAMS, dtype=np.int32)
    counted = dirty_detector.refused(every) - clean_detector.refused(every)
    assert counted.tolist() == np.bincount(traffic.slots, minlength=STREAMS).tolist()


@every_case
@every_engine
def test_a_retired_slot_is_used_again_and_starts_afresh(case: Case, engine: Engine) -> None:
    traffic = case.traffic(ROWS, 9)
    detector = case.watching(engine)
    in_batches(detector, traffic, [])
    detector.retire(np.array([3, 0], np.int32))
    assert len(detector) == STREAMS - 2
    added = detector.add(np.array([1000, 77, 78], np.uint64))
    assert sorted(added.tolist()) == [0, 3, STREAMS]
    mine = traffic.take(traffic.slots == 0)
    again = detector.update(np.full(len(mine), added[0], np.int32), *mine.columns)
    fresh = case.watching(engine).update(mine.slots, *mine.columns)
    assert again.statistic.tolist() == fresh.statistic.tolist()
    assert again.n.tolist() == fresh.n.tolist()


@every_case
@every_engine
def test_an_update_of_a_slot_without_a_stream_is_refused_before_anything_changes(
    case: Case, engine: Engine
) -> None:
    detector = case.watching(engine)
    detector.retire(np.array([5], np.int32))
    before = detector.snapshot()
    rows = case.traffic(2, 1)
    for slot in (-1, 5, STREAMS):
        with pytest.raises(ValueError, match="holds no stream"):
            detector.update(np.array([0, slot], np.int32), *rows.columns)
    with pytest.raises(ValueError, match="one length"):
        detector.update(np.zeros(3, np.int32), *rows.columns)
    with pytest.raises(ValueError, match="holds no stream"):
        detector.retire(np.array([0, 5], np.int32))
    assert_identical(before, detector.snapshot())


@every_case
@every_engine
def test_an_empty_batch_gives_empty_readings(case: Case, engine: Engine) -> None:
    empty = case.traffic(10, 1).take(slice(0))
    readings = case.watching(engine).update(empty.slots, *empty.columns)
    assert len(readings.statistic) == len(readings.incidents.row) == 0
    assert readings.incidents.reference.shape == (0, 3)


@every_case_with_thresholds
def test_each_stream_has_its_own_threshold(case: Case) -> None:
    detector = case.make("numba")
    slots = detector.add(np.array([1000, 1000], np.uint64), np.array([40.0, 1e9]))
    mine = case.traffic(30_000, 12)
    mine = mine.take(mine.slots == 0).take(np.arange(np.sum(mine.slots == 0)).repeat(2))
    readings = detector.update(np.tile(slots, len(mine) // 2), *mine.columns)
    opened = readings.incidents.slot[readings.incidents.kind == IncidentKind.OPENED]
    assert np.sum(opened == slots[0]) > np.sum(opened == slots[1])
    assert detector.thresholds(slots).tolist() == [40.0, 1e9]
    assert readings.threshold[:2].tolist() == [40.0, 1e9]


@every_case_with_thresholds
@pytest.mark.parametrize("bad", [0.5, 1e10, np.nan])
def test_a_threshold_out_of_range_is_refused(case: Case, bad: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        case.make("numba").add(np.array([1], np.uint64), np.array([bad]))
