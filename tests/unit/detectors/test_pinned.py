"""A pinned reference: its promise on every law, what it finds, and that slow drift is not absorbed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.bets import CELLS
from detectors.contract import Direction, IncidentKind, Phase, Readings
from detectors.pinned import Pinned, PinnedParameters
from detectors.pinned_bets import band, make_bets, make_pinned_tables
from tests.unit.detectors.laws import LAWS

ARMED_AFTER = 50 + 1000


def watch(values: NDArray[np.float64], threshold: float = 1e4, observations: int = 1000) -> Readings:
    length, streams = values.shape
    detector = Pinned(PinnedParameters(threshold=threshold, observations=observations))
    slots = detector.add(np.arange(streams, dtype=np.uint64) + np.uint64(length))
    return detector.update(np.tile(slots, length), values.ravel())


@pytest.mark.parametrize("law", LAWS)
def test_the_promise_holds_on_every_law(law: str) -> None:
    horizon, streams, threshold = 4000, 200, 1e3
    values = LAWS[law](np.random.default_rng(1), (ARMED_AFTER + horizon, streams))
    alarm = watch(values, threshold).alarm.reshape(-1, streams)[ARMED_AFTER:]
    times = np.where(alarm.any(axis=0), alarm.argmax(axis=0) + 1, horizon)
    # The mean of the censored times is below the mean of the times.
    lower = times.mean() - 2.326 * times.std(ddof=1) / np.sqrt(streams)
    assert lower >= 0.99 * threshold


@pytest.mark.parametrize("observations", [100, 1000, 100_000])
def test_no_bet_gains_under_any_law_within_the_band(observations: int) -> None:
    tables = make_pinned_tables(observations, 0.01).astype(np.float64)
    eps = band(observations, 0.01)
    for j, bet in enumerate(make_bets()):
        f = tables[:, j]
        assert bet.averages.min() > 0
        # The worst law puts eps more below every rise and takes it from every fall: try extremes of it.
        order = np.argsort(f, kind="stable")
        assert f.mean() < 1.0
        for count in (1, CELLS // 50, CELLS // 2):
            moved = np.full(CELLS, 1.0 / CELLS)
            lowest = order[: max(1, int(eps * CELLS))]
            moved[lowest] = 0.0
            moved[order[-count:]] += (1.0 - moved.sum()) / count
            distance = np.abs(np.cumsum(moved) - np.arange(1, CELLS + 1) / CELLS).max()
            assert (moved * f).sum() <= 1.0 or distance > eps


def test_the_bets_pay_for_their_variation() -> None:
    tables = make_pinned_tables(1000, 0.01).astype(np.float64)
    for j, bet in enumerate(make_bets()):
        variation = np.abs(np.diff(bet.averages)).sum() / bet.averages.mean()
        assert tables[:, j].mean() == pytest.approx(1.0 / (1.0 + band(1000, 0.01) * variation), rel=1e-6)
        assert tables[:, j].mean() <= 1.0 / (1.0 + band(1000, 0.01) * variation)


@pytest.mark.parametrize(
    ("mean", "sd", "observations", "delay", "direction"),
    [
        (0.5, 1.0, 1000, 200, Direction.UP),
        (-1.0, 1.0, 1000, 50, Direction.DOWN),
        (0.0, 2.0, 1000, 110, Direction.WIDER),
        (0.0, 0.5, 1000, 85, Direction.NARROWER),
        (0.5, 1.0, 4000, 130, Direction.UP),
    ],
)
def test_a_change_beyond_the_band_is_found(
    mean: float, sd: float, observations: int, delay: int, direction: Direction
) -> None:
    rng, before = np.random.default_rng(2), 50 + observations + 500
    values = np.concatenate([rng.normal(size=(before, 100)), rng.normal(mean, sd, (2000, 100))])
    readings = watch(values, observations=observations)
    alarm = readings.alarm.reshape(-1, 100)[before:]
    assert alarm.any(axis=0).all()
    assert np.median(alarm.argmax(axis=0) + 1) <= delay
    incidents = readings.incidents
    opened = (incidents.kind == IncidentKind.OPENED) & (incidents.row // 100 >= before)
    assert np.mean(incidents.direction[opened] == direction) >= 0.6


def test_a_slow_drift_is_held_against_the_level_at_which_it_was_pinned() -> None:
    # One sd within 20,000 observations.
    rng, length = np.random.default_rng(3), 25_000
    drift = np.clip((np.arange(length) - 2000) / 20_000, 0.0, 1.0)
    incidents = watch(rng.normal(size=(length, 40)) + drift[:, None]).incidents
    confirmed = np.flatnonzero(incidents.kind == IncidentKind.CONFIRMED)
    slots, first = np.unique(incidents.slot[confirmed], return_index=True)
    assert len(slots) == 40
    first = confirmed[first]
    assert np.median(drift[incidents.row[first] // 40]) <= 0.45
    # The reference has not moved along, though 5,000 drifting values came before the alarm.
    assert abs(np.median(incidents.reference[first, 1])) < 0.02
    assert np.median(incidents.current[first, 1]) > 0.2


def test_a_stream_is_armed_when_its_reference_is_whole_and_again_after_a_change() -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.normal(size=(1500, 20)), rng.normal(3.0, 1.0, (1500, 20))])
    readings = watch(values)
    phases = readings.phase.reshape(-1, 20)
    assert (phases[ARMED_AFTER - 2] == Phase.WARM_UP).all()
    assert (phases[ARMED_AFTER - 1] == Phase.ARMED).all()
    incidents = readings.incidents
    rebased = incidents.kind == IncidentKind.REBASED
    confirmed = incidents.kind == IncidentKind.CONFIRMED
    assert rebased.sum() == confirmed.sum() == 20
    assert np.median(incidents.reference[confirmed, 1]) == pytest.approx(0.0, abs=0.1)
    assert np.median(incidents.current[rebased, 1]) == pytest.approx(3.0, abs=0.1)
    assert (incidents.current_n[rebased] == 1000).all()


def test_a_second_reference_never_grows_beyond_its_size() -> None:
    # An incident that stays open longer than the reference needs.
    detector = Pinned(PinnedParameters(observations=100, confirm_threshold=1e9, confirm_within=1000))
    slots = detector.add(np.array([1], np.uint64))
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.normal(size=300), rng.normal(4.0, 1.0, 15), rng.normal(size=500)])
    readings = detector.update(slots.repeat(815), values)
    assert readings.phase[-1] == Phase.OPEN
    snapshot = detector.snapshot()
    assert snapshot["side_taken"].tolist() == [150]
    assert np.asarray(snapshot["side_block"][0][:64], np.int64).sum() == 100


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_the_unit_of_a_signal_changes_no_alarm(factor: float) -> None:
    values = LAWS["latency in ms"](np.random.default_rng(6), (4000, 40))
    values[2000:] *= 1.6
    plain, scaled = watch(values, 1e3).incidents, watch(values * factor, 1e3).incidents
    assert len(plain.row) >= 40
    assert plain.row.tolist() == scaled.row.tolist()
    assert plain.kind.tolist() == scaled.kind.tolist()


@pytest.mark.parametrize(
    "bad", [{"observations": 99}, {"observations": 1_000_001}, {"delta": 0.0}, {"delta": 1.0}]
)
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        PinnedParameters(**bad)  # type: ignore[arg-type]  # as from a file
