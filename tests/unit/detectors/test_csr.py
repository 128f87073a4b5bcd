"""CSR as a detector of many streams: both engines against a scalar one, replay, units, bad values, slots."""

from __future__ import annotations

import platform
from dataclasses import fields
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors import kernel
from detectors.contract import IncidentKind, Phase, Readings, SnapshotMismatch
from detectors.csr import Csr, CsrParameters
from detectors.slots import Engine
from detectors.startup import KernelMismatch, warm_up
from detectors.state import STREAM_BYTES
from tests.unit.detectors.laws import LAWS
from tests.unit.detectors.scalar import ScalarCsr

ENGINES: tuple[Engine, ...] = ("numba", "numpy")
STREAMS = 12
# Low, so that incidents of every kind happen often.
EAGER = CsrParameters(threshold=60.0)


def make_traffic(rows: int, seed: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Skewed arrivals of streams of every law, each shifting twice, with some values that are no numbers."""
    rng = np.random.default_rng(seed)
    slots = np.minimum(rng.zipf(1.4, rows) - 1, STREAMS - 1).astype(np.int32)
    values = np.empty(rows)
    for slot in range(STREAMS):
        mine = np.flatnonzero(slots == slot)
        law = list(LAWS.values())[slot % len(LAWS)]
        drawn = law(rng, (len(mine),))
        values[mine] = drawn * np.where(np.arange(len(mine)) // 400 % 2 == 1, 1.6, 1.0)
    values[(values == 0.0) & (rng.random(rows) < 0.5)] = -0.0
    values[rng.random(rows) < 0.01] = rng.choice([np.nan, np.inf, -np.inf])
    return slots, values


def make_detector(engine: Engine, parameters: CsrParameters = EAGER, streams: int = STREAMS) -> Csr:
    detector = Csr(parameters, engine)
    detector.add(np.arange(1000, 1000 + streams, dtype=np.uint64))
    return detector


def in_batches(
    detector: Csr, slots: NDArray[np.int32], values: NDArray[np.float64], cuts: list[int]
) -> dict[str, NDArray[np.generic]]:
    """Columns of all batches joined, rows of incidents counted from the first batch."""
    ends = [*sorted(cuts), len(slots)]
    parts: list[dict[str, NDArray[np.generic]]] = []
    start = 0
    for end in ends:
        part = as_columns(detector.update(slots[start:end], values[start:end]))
        part["incidents.row"] = part["incidents.row"].astype(np.int64) + start
        parts.append(part)
        start = end
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def as_columns(readings: Readings) -> dict[str, NDArray[np.generic]]:
    columns = {f.name: getattr(readings, f.name) for f in fields(readings) if f.name != "incidents"}
    for f in fields(readings.incidents):
        columns[f"incidents.{f.name}"] = getattr(readings.incidents, f.name)
    return columns


def assert_identical(a: dict[str, NDArray[np.generic]], b: dict[str, NDArray[np.generic]]) -> None:
    assert a.keys() == b.keys()
    for name, column in a.items():
        assert column.dtype == b[name].dtype, name
        assert column.tobytes() == b[name].tobytes(), name


@pytest.mark.parametrize("engine", ENGINES)
def test_readings_equal_a_scalar_reference_to_the_bit(engine: Engine) -> None:
    slots, values = make_traffic(14_000, seed=1)
    readings = make_detector(engine).update(slots, values)
    scalars = [ScalarCsr(1000 + i, EAGER.threshold) for i in range(STREAMS)]
    events: list[tuple[int, str]] = []
    for row, (slot, value) in enumerate(zip(slots.tolist(), values.tolist(), strict=True)):
        statistic, event = scalars[slot].update(value)
        # After an event the scalar's statistic is what caused it, as a reading's is.
        assert readings.statistic[row] == statistic, row
        assert readings.n[row] == scalars[slot].seen
        if event:
            events.append((row, event))
    kinds = [IncidentKind(kind).name for kind in readings.incidents.kind]
    assert list(zip(readings.incidents.row.tolist(), kinds, strict=True)) == events
    assert set(kinds) == {kind.name for kind in IncidentKind}


def test_both_engines_agree_to_the_bit_in_readings_and_state() -> None:
    slots, values = make_traffic(30_000, seed=2)
    compiled, plain = make_detector("numba"), make_detector("numpy")
    assert_identical(as_columns(compiled.update(slots, values)), as_columns(plain.update(slots, values)))
    assert_identical(compiled.snapshot(), plain.snapshot())


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 6000), max_size=6), engine=st.sampled_from(ENGINES))
def test_however_a_batch_is_cut_the_readings_are_the_same(cuts: list[int], engine: Engine) -> None:
    slots, values = make_traffic(6000, seed=3)
    whole, cut = make_detector("numba"), make_detector(engine)
    assert_identical(in_batches(whole, slots, values, []), in_batches(cut, slots, values, cuts))
    assert_identical(whole.snapshot(), cut.snapshot())


@settings(max_examples=15, deadline=None)
@given(at=st.integers(0, 6000))
def test_a_restored_snapshot_goes_on_as_if_nothing_had_happened(at: int) -> None:
    slots, values = make_traffic(6000, seed=4)
    detector = make_detector("numba")
    first = in_batches(detector, slots[:at], values[:at], [])
    restored = Csr(EAGER)
    restored.restore(detector.snapshot())
    second = in_batches(restored, slots[at:], values[at:], [])
    second["incidents.row"] = second["incidents.row"].astype(np.int64) + at
    joined = {name: np.concatenate([first[name], second[name]]) for name in first}
    whole = make_detector("numba")
    assert_identical(joined, in_batches(whole, slots, values, []))
    assert_identical(restored.snapshot(), whole.snapshot())


def test_a_snapshot_shares_no_memory_with_the_detector() -> None:
    slots, values = make_traffic(4000, seed=5)
    detector = make_detector("numba")
    detector.update(slots[:2000], values[:2000])
    snapshot = detector.snapshot()
    kept = {name: array.copy() for name, array in snapshot.items()}
    detector.update(slots[2000:], values[2000:])
    assert_identical(snapshot, kept)
    other = Csr(EAGER)
    other.restore(snapshot)
    other.update(slots[2000:], values[2000:])
    assert_identical(snapshot, kept)


@pytest.mark.parametrize(
    "parameters", [CsrParameters(60.0, warm_up=99), CsrParameters(60.0, confirm_within=7)]
)
def test_a_snapshot_of_other_parameters_is_refused(parameters: CsrParameters) -> None:
    with pytest.raises(SnapshotMismatch):
        Csr(parameters).restore(make_detector("numba").snapshot())


def test_a_snapshot_with_a_missing_array_is_refused() -> None:
    snapshot = make_detector("numba").snapshot()
    del snapshot["evidence"]
    with pytest.raises(SnapshotMismatch, match="evidence"):
        Csr(EAGER).restore(snapshot)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 0.37, 1e3, 1e6])
def test_the_unit_of_a_signal_changes_no_alarm(factor: float) -> None:
    rng = np.random.default_rng(6)
    laws = list(LAWS.values())
    values = np.stack([law(rng, (3000,)) for law in laws for _ in range(8)], axis=1)
    values[2000:] *= 1.4
    slots = np.tile(np.arange(values.shape[1], dtype=np.int32), 3000)
    parameters = CsrParameters(threshold=1e3)
    plain = make_detector("numba", parameters, values.shape[1]).update(slots, values.ravel())
    scaled = make_detector("numba", parameters, values.shape[1]).update(slots, values.ravel() * factor)
    assert plain.incidents.row.tolist() == scaled.incidents.row.tolist()
    assert plain.incidents.kind.tolist() == scaled.incidents.kind.tolist()
    assert plain.incidents.direction.tolist() == scaled.incidents.direction.tolist()
    assert len(plain.incidents.row) > 100
    known = ~np.isnan(plain.incidents.reference)
    assert scaled.incidents.reference[known] == pytest.approx(
        plain.incidents.reference[known] * factor, rel=1e-5, abs=1e-6 * factor
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_changes_nothing_and_is_counted(bad: float, engine: Engine) -> None:
    slots, values = make_traffic(6000, seed=7)
    good = np.isfinite(values)
    slots, values = slots[good], values[good]
    dirty_slots, dirty = slots.repeat(2), values.repeat(2)
    dirty[1::2] = bad
    clean_detector, dirty_detector = make_detector(engine), make_detector(engine)
    clean = clean_detector.update(slots, values)
    readings = dirty_detector.update(dirty_slots, dirty)
    assert readings.statistic[::2].tolist() == clean.statistic.tolist()
    assert readings.incidents.row.tolist() == (clean.incidents.row * 2).tolist()
    assert not readings.alarm[1::2].any()
    assert readings.n[1::2].tolist() == clean.n.tolist()
    assert readings.phase[1::2].tolist() == clean.phase.tolist()
    every = np.arange(STREAMS, dtype=np.int32)
    assert dirty_detector.refused(every).tolist() == np.bincount(slots, minlength=STREAMS).tolist()
    without = {name: array for name, array in dirty_detector.snapshot().items() if name != "refused"}
    expected = {name: array for name, array in clean_detector.snapshot().items() if name != "refused"}
    assert_identical(without, expected)


def test_ten_million_unchanged_observations_leave_the_statistic_finite() -> None:
    detector = make_detector("numba", CsrParameters(threshold=1e9), 1)
    rng = np.random.default_rng(8)
    slots = np.zeros(1_000_000, np.int32)
    for _ in range(10):
        statistic = detector.update(slots, rng.normal(size=len(slots))).statistic
        assert np.isfinite(statistic).all()
        assert statistic.max() < 1e9
    assert statistic.min() > 0


def test_endless_evidence_stays_finite_up_to_the_greatest_threshold() -> None:
    detector = make_detector("numba", CsrParameters(threshold=1e9), 1)
    readings = detector.update(np.zeros(2000, np.int32), np.arange(2000.0) ** 3)
    assert np.isfinite(readings.statistic).all()
    assert readings.alarm.sum() >= 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_retired_slot_is_used_again_and_starts_afresh(engine: Engine) -> None:
    slots, values = make_traffic(6000, seed=9)
    detector = make_detector(engine)
    detector.update(slots, values)
    detector.retire(np.array([3, 0], np.int32))
    assert len(detector) == STREAMS - 2
    added = detector.add(np.array([1000, 77, 78], np.uint64))
    assert sorted(added.tolist()) == [0, 3, STREAMS]
    watched, ids = detector.watched()
    assert watched.tolist() == list(range(STREAMS + 1))
    assert ids[added].tolist() == [1000, 77, 78]
    mine = values[slots == 0]
    again = detector.update(np.full(len(mine), added[0], np.int32), mine)
    fresh = make_detector(engine).update(np.zeros(len(mine), np.int32), mine)
    assert again.statistic.tolist() == fresh.statistic.tolist()


def test_retiring_during_an_incident_frees_its_second_engine() -> None:
    slots, values = make_traffic(6000, seed=10)
    detector = make_detector("numba")
    readings = detector.update(slots, values)
    last = {int(slot): int(phase) for slot, phase in zip(slots, readings.phase, strict=True)}
    opened = np.array([slot for slot, phase in last.items() if phase == Phase.OPEN], np.int32)
    assert len(opened) > 0
    detector.retire(opened)
    assert len(detector.snapshot()["side_taken"]) == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_an_update_of_a_slot_without_a_stream_is_refused_before_anything_changes(engine: Engine) -> None:
    detector = make_detector(engine)
    detector.retire(np.array([5], np.int32))
    before = detector.snapshot()
    for slot in (-1, 5, STREAMS):
        with pytest.raises(ValueError, match="holds no stream"):
            detector.update(np.array([0, slot], np.int32), np.zeros(2))
    with pytest.raises(ValueError, match="one length"):
        detector.update(np.zeros(3, np.int32), np.zeros(2))
    assert_identical(before, detector.snapshot())


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_batch_gives_empty_readings(engine: Engine) -> None:
    readings = make_detector(engine).update(np.empty(0, np.int32), np.empty(0))
    assert len(readings.statistic) == len(readings.incidents.row) == 0
    assert readings.incidents.reference.shape == (0, 3)


def test_each_stream_may_have_its_own_threshold() -> None:
    detector = Csr(CsrParameters(threshold=1e4))
    slots = detector.add(np.array([9, 9], np.uint64), np.array([1e2, 1e6]))
    values = np.random.default_rng(12).normal(size=1500) + np.repeat([0.0, 1.0], [1000, 500])
    readings = detector.update(np.tile(slots, 1500), values.repeat(2))
    first = [readings.incidents.row[readings.incidents.slot == slot] // 2 for slot in slots]
    opened = [rows[rows >= 1000][0] for rows in first]
    assert opened[0] < opened[1]
    assert readings.threshold[:2].tolist() == [1e2, 1e6]


@pytest.mark.parametrize("bad", [0.5, 1e10, np.nan])
def test_a_threshold_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        CsrParameters(threshold=bad)
    with pytest.raises(ValueError, match="threshold"):
        Csr().add(np.array([1], np.uint64), np.array([bad]))


def test_a_plain_stream_takes_at_most_640_bytes() -> None:
    assert STREAM_BYTES <= 640
    detector = make_detector("numba", streams=1000)
    assert sum(array.nbytes for array in detector.snapshot().values()) / 1000 <= 640


def test_the_compiled_kernel_fuses_no_multiplication_with_an_addition() -> None:
    warm_up()
    uncached = numba.njit(nogil=True, error_model="numpy")(kernel.take_rows.py_func)
    uncached.compile(kernel.take_rows.signatures[0])
    code = "".join(uncached.inspect_asm().values()).lower()
    assert "mul" in code
    fused = "fmadd" if platform.machine() in ("x86_64", "AMD64") else "fmla"
    assert fused not in code


def test_a_compiled_kernel_that_is_not_this_version_s_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As stale machine code would: bets of a table with the rows turned round.
    def stale(*arguments: Any) -> Any:
        return kept(*arguments[:6], arguments[6][::-1].copy(), *arguments[7:])

    kept = kernel.take_rows
    monkeypatch.setattr(kernel, "take_rows", stale)
    with pytest.raises(KernelMismatch, match="statistic"):
        warm_up()


def test_a_kernel_that_cannot_be_cached_is_compiled_all_the_same() -> None:
    # numba finds no folder for code that stands in no file, as in a read-only container without a home.
    names: dict[str, object] = {}
    exec(compile("def double(x):\n    return 2 * x\n", "<nowhere>", "exec"), names)
    double = names["double"]
    assert callable(double)
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(double)
    assert kernel.jit(double)(21) == 42
