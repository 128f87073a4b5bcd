"""river's detectors behind the adapter: neither unit nor nan blinds them, and what a snapshot may hold."""

from __future__ import annotations

import os
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from river.drift import ADWIN, KSWIN
from river.drift.binary import DDM

from detectors.contract import Direction, IncidentKind, Phase, Readings, SnapshotMismatch
from detectors.river_adapter import RiverDetector, make_adwin


def make_shifted(seed: int, shift: float = 1.0) -> NDArray[np.float64]:
    """Standard normal values, from 1,000 on shifted."""
    values = np.random.default_rng(seed).normal(size=2000)
    values[1000:] += shift
    return values


def watch(detector: RiverDetector, values: NDArray[np.float64]) -> Readings:
    slots = detector.add(np.array([1], np.uint64))
    return detector.update(slots.repeat(len(values)), values)


def bare_adwin_detects_at(values: NDArray[np.float64]) -> list[int]:
    adwin = ADWIN()  # type: ignore[no-untyped-call]  # river's
    found = []
    for row, value in enumerate(values.tolist()):
        adwin.update(value)  # type: ignore[no-untyped-call]  # river's
        if adwin.drift_detected:
            found.append(row)
    return found


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_a_shift_is_found_in_every_unit(unit: float) -> None:
    opened = watch(make_adwin(), make_shifted(1) * unit).incidents.row[0]
    assert opened == watch(make_adwin(), make_shifted(1)).incidents.row[0]
    assert 1000 <= opened <= 1100


def test_without_the_adapter_a_small_unit_hides_the_shift() -> None:
    values = make_shifted(1)
    assert any(1000 <= row <= 1100 for row in bare_adwin_detects_at(values))
    assert not bare_adwin_detects_at(values * 1e-3)


def test_without_the_adapter_one_nan_blinds_for_ever() -> None:
    values = make_shifted(1)
    values[500] = np.nan
    assert not bare_adwin_detects_at(values)
    assert watch(make_adwin(), values).incidents.kind[0] == IncidentKind.OPENED


def test_an_incident_is_confirmed_when_the_values_after_it_are_known() -> None:
    readings = watch(make_adwin(warm_up=80), 10 + make_shifted(2))
    incidents = readings.incidents
    opened, confirmed = incidents.row[:2].tolist()
    assert incidents.kind[:2].tolist() == [IncidentKind.OPENED, IncidentKind.CONFIRMED]
    assert confirmed == opened + 80
    assert readings.phase[opened] == Phase.OPEN
    assert readings.phase[confirmed] == Phase.ARMED
    assert readings.statistic[[opened - 1, opened, confirmed]].tolist() == [0.0, 1.0, 1.0]
    assert incidents.direction[:2].tolist() == [Direction.NONE, Direction.UP]
    assert incidents.reference[1, 1] == pytest.approx(10, abs=0.4)
    assert incidents.current[1, 1] == pytest.approx(11, abs=0.4)
    assert incidents.reference[1, 0] < incidents.reference[1, 1] < incidents.reference[1, 2]


def test_detectors_of_bits_take_them_as_they_are() -> None:
    bits = np.random.default_rng(3).random(4000) < np.repeat([0.05, 0.4], 2000)
    incidents = watch(RiverDetector(DDM, scaled=False), bits.astype(np.float64)).incidents
    assert np.any((incidents.kind == IncidentKind.OPENED) & (incidents.row >= 2000) & (incidents.row < 2200))


def test_a_constant_stream_has_no_scale_and_no_alarm() -> None:
    readings = watch(make_adwin(), np.full(1000, 3.0))
    assert not readings.alarm.any()
    assert readings.phase[-1] == Phase.ARMED


def test_a_snapshot_under_other_settings_is_refused() -> None:
    detector = make_adwin()
    watch(detector, make_shifted(4))
    for other in (make_adwin(delta=0.1), make_adwin(warm_up=99), RiverDetector(ADWIN, scaled=False)):
        with pytest.raises(SnapshotMismatch):
            other.restore(detector.snapshot())


def test_a_snapshot_that_names_anything_but_river_s_detectors_is_refused() -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, ("exit 1",)

    class Reaching:
        def __reduce__(self) -> tuple[Any, ...]:
            return getattr, (KSWIN, "__init__")

    detector = make_adwin()
    watch(detector, make_shifted(5))
    for bad in (Hostile(), Reaching()):
        snapshot = detector.snapshot()
        data = np.frombuffer(pickle.dumps(bad, protocol=2), np.uint8).copy()
        snapshot["objects"], snapshot["object_ends"] = data, np.array([len(data)], np.int64)
        with pytest.raises(SnapshotMismatch, match="river detector"):
            detector.restore(snapshot)


def test_a_detector_with_a_seed_goes_on_from_a_snapshot() -> None:
    values = make_shifted(7)

    def make() -> RiverDetector:
        return RiverDetector(lambda: KSWIN(seed=1))

    whole, first, second = make(), make(), make()
    expected = watch(whole, values).incidents.row
    seen = watch(first, values[:1005]).incidents.row.tolist()
    second.restore(first.snapshot())
    seen += (second.update(np.zeros(995, np.int32), values[1005:]).incidents.row + 1005).tolist()
    assert seen == expected.tolist()
    assert len(seen) >= 2


def test_a_snapshot_cut_short_is_refused() -> None:
    detector = make_adwin()
    watch(detector, make_shifted(6)[:900])
    snapshot = detector.snapshot()
    snapshot["objects"] = snapshot["objects"][:-9]
    with pytest.raises(SnapshotMismatch, match="not whole"):
        make_adwin().restore(snapshot)


def test_thresholds_and_short_warm_ups_are_refused() -> None:
    with pytest.raises(ValueError, match="no threshold"):
        make_adwin().add(np.array([1], np.uint64), np.array([1e4]))
    with pytest.raises(ValueError, match="warm_up"):
        make_adwin(warm_up=9)
