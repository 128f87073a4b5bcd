"""DRIFT and the hours of the day: a daily cycle is no change, and a change within it is one."""

from functools import cache

import numpy as np
import pytest

from schemas.columns import Kind
from streams.drift.params import Params
from streams.drift.processor import STATE_VERSION, DriftProcessor
from streams.drift.seasons import RIPE_VALUES, Seasons
from streams.drift.signals import SIGNALS, Nature, Signal
from streams.state.snapshots import decode, encode
from tests.unit.drift.frames import SECOND_NS, START_NS, Feed, Row, make_row, split

HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
EVERY_S = 60
DAYS = 6
# In the middle of the fifth day, at an hour and 20 minutes of it.
CHANGE_NS = START_NS + 4 * DAY_NS + 14 * HOUR_NS + 1_200 * SECOND_NS
PLAIN, HOURLY = "csr", Nature.SEASONAL.value


@cache
def make_days(*, factor: float = 1.0, cycle: float = 0.8, every_s: int = EVERY_S) -> tuple[Row, ...]:
    """A step of one agent all day: twice as slow by day as by night, and then slower at every hour."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(DAYS * DAY_NS // (every_s * SECOND_NS)):
        time = START_NS + number * every_s * SECOND_NS
        slower = np.exp(cycle / 2 * np.sin(2 * np.pi * (time % DAY_NS) / DAY_NS))
        slower *= factor if time >= CHANGE_NS else 1.0
        duration_ns = int(rng.lognormal(0.0, 0.4) * slower * SECOND_NS)
        rows.append(make_row(event_id=f"e{number}", time=time, duration_ns=duration_ns))
    return tuple(rows)


def play(rows: tuple[Row, ...], *, size: int = 100, restart_each: int = 0) -> Feed:
    feed = Feed(event_clock=True)
    for number, part in enumerate(split(rows, list(range(0, len(rows), size)))):
        feed.now_ns = part[-1]["time"]
        feed.rows_of(part)
        if restart_each and number % restart_each == 0:
            value = encode(feed.processor.snapshot())
            feed.processor = DriftProcessor(feed.place, Params("test"))
            assert feed.processor.restore(STATE_VERSION, decode(value)) == []
    feed.tick(end=True)
    return feed


def told(feed: Feed) -> list[tuple[str, str, int]]:
    """Detector, state and opening of each incident of the duration."""
    found = [row for row in feed.incidents().values() if row["signal"] == "duration_s"]
    found.sort(key=lambda row: row["opened_time"])
    return [(row["detector"], row["state"], row["opened_time"]) for row in found]


@pytest.fixture(scope="module")
def quiet() -> Feed:
    return play(make_days())


@pytest.fixture(scope="module")
def changed() -> Feed:
    return play(make_days(factor=1.3))


def test_a_daily_cycle_is_taken_for_changes_on_the_first_day_alone(quiet: Feed) -> None:
    incidents = told(quiet)
    assert [one for one in incidents if one[0] == PLAIN], "the plain detector knows no hours"
    assert all(opened < START_NS + DAY_NS for detector, _, opened in incidents if detector == PLAIN)
    assert not [one for one in incidents if one[0] == HOURLY and one[1] == "confirmed"]


def test_without_successors_each_day_would_have_its_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.drift.seasons.RIPE_VALUES", 10**9)
    confirmed = [opened for _, state, opened in told(play(make_days())) if state == "confirmed"]
    days = {(opened - START_NS) // DAY_NS for opened in confirmed}
    assert len(days) >= DAYS - 1


def test_a_change_within_the_cycle_is_found_and_told_once(changed: Feed, quiet: Feed) -> None:
    (incident,) = [one for one in told(changed) if one not in told(quiet)]
    detector, state, opened = incident
    assert (detector, state) == (HOURLY, "confirmed")
    assert 0 <= opened - CHANGE_NS < 3 * HOUR_NS
    (row,) = [row for row in changed.incidents().values() if row["opened_time"] == opened]
    assert row["direction"] == "up"
    assert row["summary"].startswith("planner · chat: duration for the hour up from ")
    assert [alert.type for alert in changed.alerts if alert.incident_id == row["incident_id"]] == [
        "drift.detected",
        "drift.resolved",
    ]


def test_each_minute_is_told_by_one_of_the_two(quiet: Feed) -> None:
    minutes = [row for row in quiet.rows(Kind.READINGS) if row["signal"] == "duration_s" and not row["alarm"]]
    assert len({row["time"] for row in minutes}) == len(minutes) == len(make_days())
    last = {name: max(row["time"] for row in minutes if row["detector"] == name) for name in (PLAIN, HOURLY)}
    first = min(row["time"] for row in minutes if row["detector"] == HOURLY)
    assert last[PLAIN] < first == START_NS + DAY_NS
    assert last[HOURLY] == make_days()[-1]["time"]


def test_a_stream_with_few_values_stays_with_the_plain_detector() -> None:
    feed = play(make_days(every_s=DAYS * 86_400 // RIPE_VALUES))
    readings = [row for row in feed.rows(Kind.READINGS) if row["signal"] == "duration_s"]
    assert {row["detector"] for row in readings} == {PLAIN}


def test_what_is_found_depends_neither_on_framing_nor_on_restarts(changed: Feed) -> None:
    other = play(make_days(factor=1.3), size=37, restart_each=9)
    assert other.rows(Kind.INCIDENTS) == changed.rows(Kind.INCIDENTS)
    assert other.alerts == changed.alerts


def test_an_incident_that_is_open_when_another_detector_takes_over_is_ended_with_the_reason() -> None:
    """The night's last hours become slower just before the first day is over."""
    slow_ns = START_NS + DAY_NS - 900 * SECOND_NS
    rows = [
        row | {"duration_ns": row["duration_ns"] * 4} if row["time"] >= slow_ns else row
        for row in make_days(cycle=0.0)
    ]
    feed = play(tuple(rows))
    ended = [row for row in feed.incidents().values() if "by the hour of the day" in row["summary"]]
    (row,) = [row for row in ended if row["signal"] == "duration_s"]
    assert row["closed_time"] == START_NS + DAY_NS
    # Whoever takes over has seen it too: before, or afterwards.
    hourly = [one for one in told(feed) if one[0] == HOURLY and one[1] == "confirmed"]
    assert (row["state"] == "confirmed") != bool(hourly), "told once"
    detected = [
        alert for alert in feed.alerts if alert.type == "drift.detected" and alert.signal == "duration_s"
    ]
    assert len(detected) == 1


def test_streams_are_ripe_after_a_day_and_enough_values_each_for_itself() -> None:
    place = next(n for n, signal in enumerate(SIGNALS) if signal.nature is Nature.SEASONAL)
    plain = next(n for n, signal in enumerate(SIGNALS) if signal.name == SIGNALS[place].name)
    has = np.zeros((4, len(SIGNALS)), np.bool_)
    has[:, [plain, place]] = True
    numbers = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    seasons = Seasons()
    for _ in range(RIPE_VALUES // 2):
        taken, told = seasons.look(has, numbers, np.full(4, START_NS))
        assert taken.all()
        assert told.tolist() == [True, False] * 4
    taken, told = seasons.look(has, numbers, START_NS + np.array([0, 0, DAY_NS, DAY_NS]))
    assert taken.tolist() == [True, True, True, True, False, True, False, True]
    assert told.tolist() == [True, False, True, False, False, True, False, True]


def test_no_two_signals_share_a_key_and_each_successor_has_one_before_it() -> None:
    assert len({signal.key for signal in SIGNALS}) == len(SIGNALS)
    for signal in SIGNALS:
        same: list[Signal] = [other for other in SIGNALS if other.name == signal.name]
        assert [other.nature for other in same[1:]] in ([], [Nature.SEASONAL])
