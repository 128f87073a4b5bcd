"""One change is one incident: what continues an incident, and what opens another."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.bound import Bound
from detectors.contract import Direction, IncidentKind, Phase, Readings
from detectors.csr import Csr, CsrParameters
from detectors.evaluate import Alarms, incidents_per_change
from detectors.synthetic import FAMILIES, make_changed

STREAMS = 60
SETTLE = Csr().settle_within
UPPER = (Direction.UP, Direction.UPPER_TAIL)


def watch(values: NDArray[np.float64], detector: Csr | None = None) -> Readings:
    """Values of shape (time, streams); rows of incidents are times."""
    length, streams = values.shape
    detector = Csr(CsrParameters(threshold=1e4)) if detector is None else detector
    readings = detector.update(
        np.tile(detector.add(np.arange(streams, dtype=np.uint64)), length), values.ravel()
    )
    readings.incidents.row[:] //= streams
    return readings


def of_kind(readings: Readings, *kinds: IncidentKind) -> NDArray[np.bool_]:
    return np.isin(readings.incidents.kind, kinds)


def make_steps(seed: int, *steps: tuple[int, float]) -> NDArray[np.float64]:
    """Normal streams; at each of the times the mean moves by so many sd."""
    values = np.random.default_rng(seed).normal(size=(5000, STREAMS))
    for at, by in steps:
        values[at:] += by
    return values


@pytest.mark.parametrize("name", ["gradual +1 sd over 500", "ramp +1 sd over 1,000"])
def test_a_change_that_is_slow_to_come_is_one_incident_of_several_alarms(name: str) -> None:
    (family,) = [family for family in FAMILIES if family.name == name]
    at = np.random.default_rng(1).integers(1000, 3001, 200)
    readings = watch(make_changed(family, at, 5000, np.random.default_rng(2)))
    incidents = readings.incidents
    opened, alarms = (
        Alarms(incidents.slot[kept].astype(np.int64), incidents.row[kept])
        for kept in (
            of_kind(readings, IncidentKind.OPENED),
            of_kind(readings, IncidentKind.OPENED, IncidentKind.CONTINUED),
        )
    )
    assert incidents_per_change(opened, at, horizon=2000) <= 1.2
    assert incidents_per_change(alarms, at, horizon=2000) >= 1.6
    assert readings.alarm.sum() == len(alarms.time)


def test_a_second_change_to_another_side_is_an_incident_of_its_own() -> None:
    readings = watch(make_steps(3, (2000, 2.0), (2300, -2.0)))
    incidents = readings.incidents
    back = (incidents.row >= 2300) & (incidents.row < 2400) & (incidents.direction == Direction.DOWN)
    assert len(np.unique(incidents.slot[back & of_kind(readings, IncidentKind.OPENED)])) >= 0.9 * STREAMS
    assert not (back & of_kind(readings, IncidentKind.CONTINUED)).any()


@pytest.mark.parametrize(
    ("gap", "kind", "other"),
    [
        (300, IncidentKind.CONTINUED, IncidentKind.OPENED),
        (SETTLE + 300, IncidentKind.OPENED, IncidentKind.CONTINUED),
    ],
)
def test_a_second_change_to_the_same_side_is_more_of_the_first_until_that_has_settled(
    gap: int, kind: IncidentKind, other: IncidentKind
) -> None:
    readings = watch(make_steps(4, (1500, 2.0), (1500 + gap, 2.0)))
    incidents = readings.incidents
    since = incidents.row - 1500 - gap
    soon = (since >= 0) & (since < 50) & np.isin(incidents.direction, UPPER)
    assert len(np.unique(incidents.slot[soon & of_kind(readings, kind)])) >= 0.9 * STREAMS
    assert (soon & of_kind(readings, other)).sum() <= 0.1 * STREAMS


def test_a_confirmed_incident_keeps_the_change_that_it_was_told_of() -> None:
    (family,) = [family for family in FAMILIES if family.name == "ramp +1 sd over 1,000"]
    at = np.full(200, 1500)
    readings = watch(make_changed(family, at, 5000, np.random.default_rng(5)))
    told: dict[int, int] = {}
    continued = 0
    for slot, kind, direction in zip(
        readings.incidents.slot, readings.incidents.kind, readings.incidents.direction, strict=True
    ):
        if kind == IncidentKind.OPENED:
            told.pop(slot, None)
        elif slot in told:
            assert direction == told[slot]
            continued += kind == IncidentKind.CONTINUED
        elif kind == IncidentKind.CONFIRMED:
            told[slot] = direction
    assert continued >= 100


def test_whether_an_incident_may_be_continued_can_be_asked() -> None:
    detector = Csr(CsrParameters(threshold=1e4))
    readings = watch(make_steps(6, (1500, 2.0))[: 1500 + SETTLE], detector)
    slots = np.arange(STREAMS, dtype=np.int32)
    ended = of_kind(readings, IncidentKind.CONFIRMED, IncidentKind.CLOSED, IncidentKind.REBASED)
    late = np.zeros(STREAMS, np.bool_)
    late[readings.incidents.slot[ended & (readings.incidents.row >= 1500)]] = True
    assert late.all()
    armed = readings.phase[-STREAMS:] == Phase.ARMED
    assert armed.sum() >= 0.9 * STREAMS
    assert detector.settling(slots)[armed].all()
    values = np.random.default_rng(7).normal(2.0, 1.0, (SETTLE + 100, STREAMS))
    quiet = np.ones(STREAMS, np.bool_)
    quiet[detector.update(np.tile(slots, len(values)), values.ravel()).incidents.slot] = False
    assert quiet.sum() >= 0.7 * STREAMS
    assert not detector.settling(slots)[quiet].any()


def test_a_bound_that_is_broken_again_is_told_again() -> None:
    errors = Bound(limit=0.5, share=0.01)
    slots = errors.add(np.array([7], np.uint64))
    values = np.repeat([0.0, 1.0, 0.0, 1.0], [100, 5, 695, 5])
    kinds = errors.update(slots.repeat(len(values)), values).incidents.kind
    assert (kinds == IncidentKind.OPENED).sum() == 2
    assert IncidentKind.CONTINUED not in kinds
