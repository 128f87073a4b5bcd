"""Scores of detectors: by hand on small cases, against theory on large ones, and nan where undefined."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.evaluate import (
    Alarms,
    detection_delays,
    false_alarms_per_10k,
    found_share,
    incidents_per_change,
    median_delay,
    realised_arl,
    self_closed_share,
)

NOTHING = np.empty(0, np.int64)
NO_ALARMS = Alarms(NOTHING, NOTHING)


def make_alarms(*pairs: tuple[int, int]) -> Alarms:
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    return Alarms(columns[:, 0], columns[:, 1])


def at(*times: int) -> NDArray[np.int64]:
    return np.array(times, np.int64)


def test_an_alarm_before_the_change_is_no_find() -> None:
    delays = detection_delays(make_alarms((0, 9), (0, 15), (1, 9)), at(10, 10), horizon=100)
    assert delays[0] == 6.0
    assert np.isnan(delays[1])


def test_the_first_observation_after_the_change_is_a_delay_of_one_and_the_last_of_the_horizon_counts() -> (
    None
):
    alarms = make_alarms((0, 10), (1, 109), (2, 110))
    delays = detection_delays(alarms, at(10, 10, 10), horizon=100)
    assert delays[:2].tolist() == [1.0, 100.0]
    assert np.isnan(delays[2])


def test_the_order_of_alarms_does_not_matter() -> None:
    alarms = make_alarms((1, 50), (0, 20), (1, 12), (0, 90))
    reverse = Alarms(alarms.stream[::-1], alarms.time[::-1])
    for given in (alarms, reverse):
        assert detection_delays(given, at(10, 10), 100).tolist() == [11.0, 3.0]


def test_a_missed_change_counts_as_the_horizon_in_the_median() -> None:
    delays = np.array([4.0, np.nan, np.nan])
    assert median_delay(delays, horizon=2000) == 2000.0
    assert found_share(delays) == pytest.approx(1 / 3)


def test_false_alarms_are_those_before_each_stream_s_own_change() -> None:
    alarms = make_alarms((0, 999), (0, 1000), (1, 1500))
    assert false_alarms_per_10k(alarms, at(1000, 3000)) == pytest.approx(2 * 10_000 / 4000)


def test_always_firing_is_found_out_by_its_false_alarms_and_by_nothing_else() -> None:
    changed_at = np.random.default_rng(1).integers(1000, 3001, 400)
    stream = np.repeat(np.arange(400), 5)
    alarms = Alarms(stream, np.tile(np.arange(999, 5000, 1000), 400))
    delays = detection_delays(alarms, changed_at, horizon=2000)
    assert found_share(delays) == 1.0
    assert median_delay(delays, 2000) == pytest.approx(500, abs=60)
    assert false_alarms_per_10k(alarms, changed_at) == pytest.approx(10, rel=0.3)


def test_the_realised_arl_bound_covers_the_true_mean_99_times_in_100_and_is_not_far_below() -> None:
    rng = np.random.default_rng(2)
    # 2,000 experiments of 100 streams whose times are geometric, of mean 1,000, and seldom cut.
    times = rng.geometric(1e-3, (2000, 100)) - 1
    bounds = np.array(
        [realised_arl(Alarms(np.arange(100), row), 100, 0, horizon=20_000).lower_99 for row in times]
    )
    assert np.mean(bounds <= 1000.0) >= 0.99
    assert np.median(bounds) > 700.0


def test_a_stream_without_an_alarm_is_cut_off_at_the_horizon_and_said_to_be() -> None:
    run = realised_arl(make_alarms((0, 50), (0, 149)), streams=2, start=100, horizon=1000)
    assert run.mean == (50 + 1000) / 2
    assert run.cut_share == 0.5


def test_incidents_of_one_change_are_counted_within_its_horizon_alone() -> None:
    opened = make_alarms((0, 5), (0, 10), (0, 40), (0, 110), (1, 12))
    assert incidents_per_change(opened, at(10, 10, 10), horizon=100) == 1.5


def test_what_is_undefined_is_nan() -> None:
    empty = np.empty(0)
    assert np.isnan(median_delay(empty, 100))
    assert np.isnan(found_share(empty))
    assert np.isnan(false_alarms_per_10k(NO_ALARMS, at(0, 0)))
    assert np.isnan(realised_arl(NO_ALARMS, 1, 0, 100)).all()
    assert np.isnan(incidents_per_change(NO_ALARMS, at(10), 100))
    assert np.isnan(self_closed_share(0, 0))
    assert self_closed_share(0, 3) == 0.0
