"""The budget of false pages: what it allows is kept, and what is out of range is refused."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.budget import rank_streams, threshold_for
from detectors.csr import Csr, CsrParameters


def test_streams_under_a_budget_raise_no_more_false_alarms_than_it_allows() -> None:
    # A "week" of 200 unequal streams; alarms are counted in 20 such weeks.
    streams, weeks, allowed = 200, 20, 10.0
    rng = np.random.default_rng(1)
    per_week = rng.integers(50, 500, streams)
    threshold = threshold_for(float(per_week.sum()), allowed)
    detector = Csr(CsrParameters(threshold=threshold))
    slots = detector.add(np.arange(streams, dtype=np.uint64))
    alarms = []
    for _ in range(weeks):
        order = rng.permutation(slots.repeat(per_week))
        readings = detector.update(order, rng.lognormal(7.0, 0.6, len(order)))
        alarms.append(int(readings.alarm.sum()))
    assert 0 < np.mean(alarms) <= allowed


def test_budgets_of_signals_add_up() -> None:
    together = threshold_for(3e6, 3.0)
    assert threshold_for(2e6, 2.0) == threshold_for(1e6, 1.0) == together


def test_fewer_observations_than_pages_ask_for_no_strictness() -> None:
    assert threshold_for(0.0, 1.0) == threshold_for(3.0, 7.0) == 1.0


@pytest.mark.parametrize(
    ("observations", "pages", "named"),
    [
        (-1.0, 1.0, "observations_per_week"),
        (float("nan"), 1.0, "observations_per_week"),
        (float("inf"), 1.0, "observations_per_week"),
        (1.0, 0.0, "false_pages_per_week"),
        (1.0, -2.0, "false_pages_per_week"),
        (1.0, float("nan"), "false_pages_per_week"),
        (1e12, 1.0, "allow more pages"),
    ],
)
def test_a_budget_out_of_range_is_refused_and_named(observations: float, pages: float, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        threshold_for(observations, pages)


def test_ranking_is_that_of_the_e_bh_procedure() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        k = int(rng.integers(1, 12))
        statistics, thresholds = rng.lognormal(8.0, 2.0, k), rng.choice([1e3, 1e4], k)
        order, standing_out = rank_streams(statistics, thresholds)
        descending = sorted((statistics / thresholds).tolist(), reverse=True)
        assert (statistics / thresholds)[order].tolist() == descending
        assert standing_out == max([j for j in range(1, k + 1) if descending[j - 1] * j >= 1], default=0)


def test_the_share_of_unchanged_streams_that_stand_out_is_below_the_bound() -> None:
    # All streams unchanged: the share is 1 whenever any stands out, so its mean is the rate of that event.
    streams, a, horizon, replicates = 20, 1e-2, 50, 200
    rng = np.random.default_rng(3)
    stood_out = 0
    thresholds = np.full(streams, streams / a)
    for replicate in range(replicates):
        detector = Csr(CsrParameters(threshold=1e9))
        slots = detector.add(np.arange(streams, dtype=np.uint64) + np.uint64(1000 * replicate))
        values = rng.normal(size=(100 + horizon, streams))
        statistics = detector.update(np.tile(slots, 100 + horizon), values.ravel()).statistic
        stood_out += rank_streams(statistics[-streams:], thresholds)[1] > 0
    assert 0 < stood_out / replicates <= a * horizon


@pytest.mark.parametrize(
    ("statistics", "thresholds"),
    [([1.0], [1.0, 2.0]), ([-1.0], [1.0]), ([np.nan], [1.0]), ([1.0], [0.0]), ([1.0], [np.inf])],
)
def test_a_ranking_of_numbers_out_of_range_is_refused(
    statistics: list[float], thresholds: list[float]
) -> None:
    with pytest.raises(ValueError, match=r"threshold|statistic"):
        rank_streams(np.array(statistics), np.array(thresholds))


def test_nothing_to_rank_is_an_empty_ranking() -> None:
    order, standing_out = rank_streams(np.empty(0), np.empty(0))
    assert len(order) == standing_out == 0
