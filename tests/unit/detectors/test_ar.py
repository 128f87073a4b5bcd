"""The AR stage: what it takes away, when it is on, what it costs, and what is promised where it is off."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.signal import lfilter

from detectors.ar import ArCsr
from detectors.bins import find_edges
from detectors.contract import Direction, IncidentKind, Phase, Readings
from detectors.csr import Csr, CsrParameters
from detectors.slots import Engine
from detectors.whitener import CELLS, EDGE_SCORES, STRIDE, find_scores, find_values
from tests.unit.detectors.laws import LAWS

_TOLD = (IncidentKind.OPENED, IncidentKind.CONTINUED, IncidentKind.CONFIRMED)


def make_ar(phi: float, length: int, streams: int, seed: int) -> NDArray[np.float64]:
    """Stationary AR(1) of sd 1, shape (length, streams)."""
    noise = np.random.default_rng(seed).normal(size=(length + 200, streams)) * np.sqrt(1 - phi * phi)
    return np.asarray(lfilter([1.0], [1.0, -phi], noise, axis=0))[200:]


def watch(values: NDArray[np.float64], threshold: float = 1e4) -> tuple[ArCsr, Readings]:
    length, streams = values.shape
    detector = ArCsr(CsrParameters(threshold=threshold))
    slots = detector.add(np.arange(streams, dtype=np.uint64) + np.uint64(length))
    return detector, detector.update(np.tile(slots, length), values.ravel())


def false_alarms(readings: Readings) -> float:
    """Per 10,000 observations."""
    return 1e4 * float(readings.alarm.mean())


@pytest.mark.parametrize(("phi", "allowed"), [(0.5, 1.0), (0.7, 1.0), (0.9, 2.0)])
@pytest.mark.parametrize("law", ["normal", "lognormal"])
def test_an_autocorrelated_stream_raises_few_false_alarms(phi: float, allowed: float, law: str) -> None:
    values = make_ar(phi, 20_000, 60, seed=31)
    if law == "lognormal":
        values = 1200 * np.exp(0.6 * values)
    assert false_alarms(watch(values)[1]) <= allowed


def test_without_the_stage_the_same_stream_raises_many() -> None:
    values = make_ar(0.5, 20_000, 20, seed=31)
    detector = Csr(CsrParameters(threshold=1e4))
    slots = detector.add(np.arange(20, dtype=np.uint64))
    assert false_alarms(detector.update(np.tile(slots, 20_000), values.ravel())) > 10


def test_a_shift_of_an_autocorrelated_stream_is_found() -> None:
    values, streams = make_ar(0.5, 5000, 200, seed=32), 200
    at = np.random.default_rng(32).integers(1000, 3001, streams)
    values += np.arange(5000)[:, None] >= at
    incidents = watch(values)[1].incidents
    delays = np.full(streams, 2000)
    for row, slot, kind in zip(incidents.row // streams, incidents.slot, incidents.kind, strict=True):
        if kind in _TOLD and row >= at[slot]:
            delays[slot] = min(delays[slot], row - at[slot] + 1)
    assert np.mean(delays < 2000) >= 0.97
    assert np.median(delays) <= 58


@pytest.mark.parametrize("law", LAWS)
def test_a_stream_of_independent_values_passes_untouched(law: str) -> None:
    values = LAWS[law](np.random.default_rng(33), (600, 400))
    detector, _ = watch(values[:CELLS])
    slots = np.arange(400, dtype=np.int32)
    off = np.flatnonzero(detector.phi(slots) == 0.0)
    assert len(off) >= 0.96 * 400
    # What is behind the stage is CSR, from the first value after the warm-up on.
    plain = Csr(CsrParameters(threshold=1e4))
    plain.add(np.arange(400, dtype=np.uint64) + np.uint64(CELLS))
    rows, later = np.tile(slots, 600 - CELLS), values[CELLS:].ravel()
    expected = plain.update(rows, later).statistic.reshape(-1, 400)
    after = detector.update(rows, later).statistic.reshape(-1, 400)
    assert after[:, off].tolist() == expected[:, off].tolist()


@pytest.mark.parametrize("law", LAWS)
def test_independent_values_keep_the_promised_mean_time_to_a_false_alarm(law: str) -> None:
    horizon, streams, threshold = 5000, 200, 1e3
    length = horizon + CELLS + 100
    _, readings = watch(LAWS[law](np.random.default_rng(34), (length, streams)), threshold)
    first = np.full(streams, horizon)
    opened = readings.incidents.kind == IncidentKind.OPENED
    for row, slot in zip(
        readings.incidents.row[opened][::-1], readings.incidents.slot[opened][::-1], strict=True
    ):
        first[slot] = min(row // streams - CELLS - 99, horizon)
    # The mean of the censored times is below the mean of the times.
    lower = first.mean() - 2.326 * first.std(ddof=1) / np.sqrt(streams)
    assert lower >= threshold


@pytest.mark.parametrize("phi", [0.5, 0.9])
def test_the_coefficient_is_learnt(phi: float) -> None:
    detector, _ = watch(make_ar(phi, 4000, 100, seed=35))
    learnt = detector.phi(np.arange(100, dtype=np.int32))
    # Of a few it is being learnt again, after a false alarm that was confirmed.
    assert np.isnan(learnt).sum() <= 5
    assert np.nanmedian(learnt) == pytest.approx(phi, abs=0.02)
    assert np.nanmax(np.abs(learnt - phi)) < 0.12


def test_a_strongly_autocorrelated_stream_warms_up_longer() -> None:
    for phi, expected in ((0.0, CELLS), (0.95, CELLS * STRIDE)):
        _, readings = watch(make_ar(phi, 800, 40, seed=36))
        phases = readings.phase.reshape(800, 40)
        armed = np.argmax(phases == Phase.ARMED, axis=0) + 1
        assert np.median(armed) == expected + CsrParameters().warm_up


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_the_unit_of_a_signal_changes_no_alarm(factor: float) -> None:
    values = np.exp(make_ar(0.5, 4000, 40, seed=37))
    values[2000:] *= 1.5
    plain, scaled = watch(values, 1e3)[1].incidents, watch(values * factor, 1e3)[1].incidents
    assert len(plain.row) > 50
    assert plain.row.tolist() == scaled.row.tolist()
    assert plain.kind.tolist() == scaled.kind.tolist()
    known = np.isfinite(plain.reference)
    assert scaled.reference[known] == pytest.approx(plain.reference[known] * factor, rel=1e-4)


def test_incidents_tell_levels_in_the_signal_s_unit() -> None:
    values = 1200 * np.exp(0.5 * make_ar(0.6, 6000, 100, seed=38))
    values[3000:] *= 1.6
    incidents = watch(values)[1].incidents
    confirmed = (
        (incidents.row // 100 >= 3000)
        & (incidents.kind == IncidentKind.CONFIRMED)
        & (incidents.direction == Direction.UP)
    )
    assert confirmed.sum() >= 50
    assert np.median(incidents.reference[confirmed, 1]) == pytest.approx(1200, rel=0.06)
    assert np.median(incidents.current[confirmed, 1]) == pytest.approx(1920, rel=0.15)


def test_the_ends_of_a_distribution_are_translated_too() -> None:
    # AR(1) of sd 1 whose width doubles: from 3.29 between the 5 % and the 95 % quantile to 6.58.
    values = make_ar(0.6, 6000, 100, seed=39)
    values[3000:] *= 2.0
    incidents = watch(values)[1].incidents
    wider = (incidents.row // 100 >= 3000) & (incidents.direction == Direction.WIDER)
    confirmed = wider & (incidents.kind == IncidentKind.CONFIRMED)
    assert confirmed.sum() >= 50
    assert np.median(incidents.reference[confirmed, 1]) == pytest.approx(3.29, rel=0.12)


def test_scores_are_normal_whatever_the_law_and_values_come_back() -> None:
    rng = np.random.default_rng(40)
    values = rng.lognormal(7.0, 0.6, 4000).astype(np.float32)
    edges = find_edges(values[None, :])
    scores = find_scores(edges.repeat(4000, axis=0), values)
    assert stats.kstest(scores, "norm").statistic < 0.02
    assert find_values(edges[0], scores) == pytest.approx(values, rel=1e-6)
    assert np.all(np.diff(EDGE_SCORES) > 0)


def test_after_a_confirmed_change_the_stage_is_learnt_again_and_the_next_change_is_found() -> None:
    values = np.exp(0.5 * make_ar(0.5, 7000, 40, seed=41))
    values[2000:] *= 4.0
    values[5000:] *= 1.5
    detector, readings = watch(values)
    incidents = readings.incidents
    row = incidents.row // 40
    confirmed = incidents.kind == IncidentKind.CONFIRMED
    first = confirmed & (row >= 2000) & (row < 2400)
    assert len(np.unique(incidents.slot[first])) >= 38
    second = (row >= 5000) & ((incidents.kind == IncidentKind.OPENED) | confirmed)
    assert len(np.unique(incidents.slot[second])) >= 36
    assert np.nanmedian(detector.phi(np.arange(40, dtype=np.int32))) == pytest.approx(0.5, abs=0.05)
    # Levels after the second change are those of values, by the stage that was learnt after the first.
    told = confirmed & (row >= 5000) & (incidents.direction == Direction.UP)
    assert np.median(incidents.reference[told, 1]) == pytest.approx(4.0, rel=0.1)


def test_a_stream_whose_stage_begins_anew_counts_all_its_values_and_refuses_none_of_them() -> None:
    values = np.exp(0.5 * make_ar(0.6, 3000, 1, seed=42)[:, 0])
    values[1500:] *= 5.0
    whole = ArCsr()
    slot = whole.add(np.array([3], np.uint64))
    read = whole.update(slot.repeat(3000), values)
    confirmed = read.incidents.row[read.incidents.kind == IncidentKind.CONFIRMED]
    rebased = read.incidents.row[read.incidents.kind == IncidentKind.REBASED]
    assert confirmed[0] >= 1500
    assert rebased[0] == confirmed[0] + CELLS + CsrParameters().warm_up
    assert (read.phase[confirmed[0] : rebased[0]] == Phase.RELEARNING).all()
    assert (read.phase[rebased[0]], read.statistic[confirmed[0] + 1]) == (Phase.ARMED, 0.0)
    assert read.n.tolist() == list(range(1, 3001))
    assert whole.refused(slot).tolist() == [0]
    # Cut anywhere, by either engine, it is the same.
    engines: dict[Engine, list[int]] = {
        "numba": [confirmed[0] + 1, confirmed[0] + 40],
        "numpy": [rebased[0] - 3],
    }
    for engine, cuts in engines.items():
        other = ArCsr(engine=engine)
        other.add(np.array([3], np.uint64))
        parts = [other.update(slot.repeat(len(part)), part) for part in np.split(values, cuts)]
        for name in ("statistic", "threshold", "n", "phase", "direction"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            assert joined.tolist() == getattr(read, name).tolist()
