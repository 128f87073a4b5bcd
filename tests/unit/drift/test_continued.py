"""DRIFT: a change that goes on after it was told stays one incident, and pages once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.columns import Kind
from streams.drift.params import Params
from tests.unit.drift.frames import SECOND_NS, START_NS, Feed, Row, make_row, split
from tests.unit.drift.test_drift_snapshot import restart

LENGTH = 6_000
PARAMS = Params("test", detector_arl=1e4)


def make_steps(factors: NDArray[np.float64], seed: int) -> list[Row]:
    """A step a second; durations about one second times the factor of each."""
    rng = np.random.default_rng(seed)
    durations = rng.lognormal(0.0, 0.4, len(factors)) * factors * SECOND_NS
    return [
        make_row(event_id=f"e{number}", time=START_NS + number * SECOND_NS, duration_ns=int(duration))
        for number, duration in enumerate(durations)
    ]


def watch(rows: list[Row], *, restarts: bool = False) -> Feed:
    feed = Feed(PARAMS, event_clock=True)
    for part in split(rows, range(0, len(rows), 100)):
        feed.rows_of(part, after_s=len(part))
        if restarts:
            assert restart(feed, PARAMS) == []
    feed.tick(end=True)
    return feed


def make_ramp(seed: int = 2) -> list[Row]:
    """Within 1,500 steps from the 2,000th on a duration doubles."""
    return make_steps(1.0 + np.clip((np.arange(LENGTH) - 2_000) / 1_500, 0.0, 1.0), seed)


@pytest.fixture(scope="module")
def ramp() -> Feed:
    return watch(make_ramp())


def histories(feed: Feed) -> Iterator[list[dict[str, Any]]]:
    """The rows of each incident, in their order."""
    rows = feed.rows(Kind.INCIDENTS)
    for incident_id in dict.fromkeys(row["incident_id"] for row in rows):
        yield [row for row in rows if row["incident_id"] == incident_id]


def test_a_slow_rise_is_one_incident_from_the_first_level_to_the_last(ramp: Feed) -> None:
    (rows,) = [rows for rows in histories(ramp) if rows[0]["signal"] == "duration_s"]
    assert [row["state"] for row in rows[:2]] == ["open", "confirmed"]
    over = [row for row in rows if row["closed_time"] is not None]
    assert len(over) >= 2, "it goes on after it was over"
    assert sum(row["alarm"] for row in ramp.rows(Kind.READINGS)) >= len(over)
    for name in ("opened_time", "confirmed_time", "n", "statistic", "reference_level", "direction"):
        assert len({row[name] for row in over}) == 1
    levels = [row["current_level"] for row in over]
    assert levels == sorted(levels)
    assert over[-1]["reference_level"] == pytest.approx(1.0, rel=0.15)
    assert over[-1]["current_level"] >= 1.6
    assert over[-1]["closed_time"] > over[0]["closed_time"]
    assert "up further from" in over[-1]["summary"]
    assert "further" not in over[0]["summary"]


def test_it_pages_once_and_each_end_is_told(ramp: Feed) -> None:
    (rows,) = [rows for rows in histories(ramp) if rows[0]["signal"] == "duration_s"]
    alerts = [alert for alert in ramp.alerts if alert.incident_id == rows[0]["incident_id"]]
    assert [alert.severity for alert in alerts] == ["warning"] + ["info"] * (len(alerts) - 1)
    assert len({alert.alert_id for alert in alerts}) == len(alerts)
    over = [row["summary"] for row in rows if row["closed_time"] is not None]
    assert [alert.summary for alert in alerts[1:]] == over


def test_once_it_is_over_no_row_says_otherwise(ramp: Feed) -> None:
    """An alert rule that asks for incidents without an end does not fire anew."""
    (rows,) = [rows for rows in histories(ramp) if rows[0]["signal"] == "duration_s"]
    ended = [row["closed_time"] is not None for row in rows]
    assert ended == sorted(ended)


def test_an_alarm_that_was_taken_for_false_and_comes_again_is_the_same_incident() -> None:
    found = []
    for seed in range(12):
        feed = watch(make_steps(np.where(np.arange(LENGTH) < 1_000, 1.0, 1.09), seed))
        found += [
            (feed, rows) for rows in histories(feed) if [r["state"] for r in rows[1:3]] == ["closed", "open"]
        ]
    assert found, "a change so slight may take more than one alarm"
    for feed, rows in found:
        assert rows[2]["closed_time"] is None
        assert rows[2]["opened_time"] == rows[0]["opened_time"]
        paged = [alert for alert in feed.alerts if alert.incident_id == rows[0]["incident_id"]]
        confirmed = [row for row in rows if row["state"] == "confirmed"]
        assert len(paged) == len(confirmed), "told when it is confirmed and when it is over"


def test_a_step_back_is_an_incident_of_its_own() -> None:
    feed = watch(make_steps(np.where((np.arange(LENGTH) // 300) == 10, 2.0, 1.0), seed=3))
    sides = [rows[0]["direction"] for rows in histories(feed) if rows[0]["signal"] == "duration_s"]
    assert sides[:2] == ["up", "down"]


def test_incidents_are_continued_over_restarts_to_the_bit(ramp: Feed) -> None:
    restarted = watch(make_ramp(), restarts=True)
    assert restarted.frames == ramp.frames
    assert restarted.alerts == ramp.alerts


def test_an_incident_that_has_settled_is_no_part_of_a_snapshot(ramp: Feed) -> None:
    watching = ramp.processor._watch
    about, _, _ = watching.state()
    assert about.incidents == []
    assert watching.open_incidents == 0
