"""What CSR promises and what it finds: false alarms, delays, directions, incidents. All seeded."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.contract import NO_CODE, Direction, IncidentKind, Incidents, Phase
from detectors.csr import Csr, CsrParameters
from detectors.evaluate import (
    Alarms,
    detection_delays,
    found_share,
    incidents_per_change,
    median_delay,
    realised_arl,
    self_closed_share,
)
from tests.unit.detectors.laws import CHANGES, LAWS, make_changed

STREAMS = 100
# Median delays of the prototype (DRIFT.md 4) at A = 1e4.
DELAYS = {
    "mean +.25 sd": 188,
    "mean +.5 sd": 59,
    "mean +1 sd": 18,
    "mean +2 sd": 6,
    "gradual +1 sd over 500": 187,
    "ramp +1 sd over 1,000": 326,
    "sd x2": 17,
    "sd x.5": 31,
    "latency x1.25": 99,
    "5 % of latencies x5": 160,
    "cost x1.5": 77,
    "Pareto tokens x1.3": 35,
    "bimodal .3 -> .4": 344,
    "Poisson 4 -> 5": 64,
    "spikes +1 sd": 18,
}
# Target T3 is .97 for all; the report says where it is missed.
FOUND = {"bimodal .3 -> .4": 0.95}
EXPECTED = {
    "mean +1 sd": Direction.UP,
    "sd x2": Direction.WIDER,
    "sd x.5": Direction.NARROWER,
    "latency x1.25": Direction.UP,
    "5 % of latencies x5": Direction.UPPER_TAIL,
    "cost x1.5": Direction.UP,
}


def watch(values: NDArray[np.float64], threshold: float) -> Incidents:
    """Incidents of streams given as columns; ``row`` becomes the time within the stream."""
    time, streams = values.shape
    detector = Csr(CsrParameters(threshold=threshold))
    slots = detector.add(np.arange(streams, dtype=np.uint64) + np.uint64(time))
    incidents = detector.update(np.tile(slots, time), values.ravel()).incidents
    incidents.row[:] //= streams
    return incidents


def alarms_of(incidents: Incidents, *kinds: IncidentKind) -> Alarms:
    """The incidents of these kinds as alarms."""
    kept = np.isin(incidents.kind, kinds)
    return Alarms(incidents.slot[kept].astype(np.int64), incidents.row[kept])


@pytest.mark.parametrize("law", LAWS)
def test_the_mean_time_to_a_false_alarm_is_at_least_the_threshold(law: str) -> None:
    horizon, streams, threshold = 5000, 300, 1e3
    values = LAWS[law](np.random.default_rng(21), (horizon + 50, streams))
    opened = alarms_of(watch(values, threshold), IncidentKind.OPENED)
    assert realised_arl(opened, streams, start=50, horizon=horizon).lower_99 >= threshold


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_about_as_fast_as_the_prototype_found_it(change: str) -> None:
    values, at = make_changed(change, STREAMS, seed=22)
    alarms = alarms_of(
        watch(values, 1e4), IncidentKind.OPENED, IncidentKind.CONTINUED, IncidentKind.CONFIRMED
    )
    delays = detection_delays(alarms, at, horizon=2000)
    assert found_share(delays) >= FOUND.get(change, 0.97)
    assert median_delay(delays, 2000) <= 1.25 * DELAYS[change] + 2


@pytest.mark.parametrize("change", EXPECTED)
def test_the_direction_of_a_change_is_named(change: str) -> None:
    values, at = make_changed(change, STREAMS, seed=23)
    incidents = watch(values, 1e4)
    after = (incidents.kind == IncidentKind.OPENED) & (incidents.row >= at[incidents.slot])
    assert np.mean(incidents.direction[after] == EXPECTED[change]) >= 0.7


def test_a_confirmed_change_says_from_what_to_what() -> None:
    values, at = make_changed("latency x1.25", STREAMS, seed=24)
    incidents = watch(values, 1e4)
    true = incidents.row >= at[incidents.slot]
    confirmed = true & (incidents.kind == IncidentKind.CONFIRMED)
    rebased = true & (incidents.kind == IncidentKind.REBASED)
    up = incidents.direction == Direction.UP
    assert np.median(incidents.reference[confirmed & up, 1]) == pytest.approx(1200, rel=0.05)
    assert np.median(incidents.current[confirmed & up, 1]) == pytest.approx(1500, rel=0.05)
    assert rebased.any()
    assert (incidents.current_n[rebased] == 50).all()
    assert (np.diff(incidents.reference[confirmed], axis=1) > 0).all()
    low, _, high = incidents.reference[confirmed & up].T
    assert np.mean((low <= 1200) & (high >= 1200)) >= 0.95
    assert (incidents.code == NO_CODE).all()


def test_most_false_incidents_close_themselves() -> None:
    values = LAWS["latency in ms"](np.random.default_rng(25), (10_000, 200))
    kinds = watch(values, 1e3).kind
    closed, confirmed = (int(np.sum(kinds == kind)) for kind in (IncidentKind.CLOSED, IncidentKind.CONFIRMED))
    assert closed + confirmed > 500
    assert self_closed_share(closed, confirmed) >= 0.85


def test_a_true_change_opens_about_one_incident_and_is_confirmed() -> None:
    values, at = make_changed("mean +1 sd", STREAMS, seed=26)
    incidents = watch(values, 1e4)
    confirmed = detection_delays(alarms_of(incidents, IncidentKind.CONFIRMED), at, horizon=200)
    assert median_delay(confirmed, 200) <= 60
    assert found_share(confirmed) >= 0.97
    assert incidents_per_change(alarms_of(incidents, IncidentKind.OPENED), at, horizon=2000) <= 1.2


def test_a_stream_is_armed_again_after_a_change_and_finds_the_next() -> None:
    rng = np.random.default_rng(27)
    values = rng.normal(size=(4000, 20))
    values[1000:] += 2.0
    values[2500:] -= 2.0
    detector = Csr(CsrParameters(threshold=1e4))
    slots = detector.add(np.arange(20, dtype=np.uint64))
    readings = detector.update(np.tile(slots, 4000), values.ravel())
    assert (readings.phase[-20:] == Phase.ARMED).all()
    incidents = readings.incidents
    confirmed = (incidents.kind == IncidentKind.CONFIRMED) & (incidents.row >= 2500 * 20)
    assert len(np.unique(incidents.slot[confirmed])) == 20
    assert np.mean(incidents.direction[confirmed] == Direction.DOWN) >= 0.9
