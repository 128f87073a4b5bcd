"""CSR for numbers beyond the behaviour suite: a scalar reference, units, limits, the kernel."""

from __future__ import annotations

import platform
from typing import Any

import numba
import numpy as np
import pytest

from detectors import kernel
from detectors.contract import IncidentKind, Phase, SnapshotMismatch
from detectors.csr import Csr, CsrParameters
from detectors.slots import Engine
from detectors.startup import KernelMismatch, warm_up
from detectors.state import STREAM_BYTES
from tests.unit.detectors.laws import LAWS
from tests.unit.detectors.scalar import ScalarCsr
from tests.unit.detectors.suite import EAGER, ENGINES, STREAMS, make_numbers


def make_detector(engine: Engine, parameters: CsrParameters = EAGER, streams: int = STREAMS) -> Csr:
    detector = Csr(parameters, engine)
    detector.add(np.arange(1000, 1000 + streams, dtype=np.uint64))
    return detector


@pytest.mark.parametrize("engine", ENGINES)
def test_readings_equal_a_scalar_reference_to_the_bit(engine: Engine) -> None:
    traffic = make_numbers(14_000, seed=1)
    slots, (values,) = traffic.slots, traffic.columns
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


@pytest.mark.parametrize(
    "parameters", [CsrParameters(60.0, warm_up=99), CsrParameters(60.0, confirm_within=599)]
)
def test_a_snapshot_of_other_parameters_is_refused(parameters: CsrParameters) -> None:
    with pytest.raises(SnapshotMismatch):
        Csr(parameters).restore(make_detector("numba").snapshot())


def test_a_snapshot_goes_on_when_an_incident_needs_more_to_be_confirmed() -> None:
    traffic = make_numbers(14_000, seed=1)
    slots, (values,) = traffic.slots, traffic.columns
    before = make_detector("numba", CsrParameters(60.0, confirm_threshold=5e3, confirm_within=400))
    before.update(slots[:4000], values[:4000])
    after = Csr(CsrParameters(60.0))
    after.restore(before.snapshot())
    assert len(after) == STREAMS
    kinds = after.update(slots[4000:], values[4000:]).incidents.kind
    assert {IncidentKind.CONFIRMED, IncidentKind.CLOSED} <= set(kinds.tolist())


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


def test_retiring_during_an_incident_frees_its_second_engine() -> None:
    traffic = make_numbers(6000, seed=10)
    slots, (values,) = traffic.slots, traffic.columns
    detector = make_detector("numba")
    readings = detector.update(slots, values)
    last = {int(slot): int(phase) for slot, phase in zip(slots, readings.phase, strict=True)}
    opened = np.array([slot for slot, phase in last.items() if phase == Phase.OPEN], np.int32)
    assert len(opened) > 0
    detector.retire(opened)
    assert len(detector.snapshot()["side_taken"]) == 0


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
