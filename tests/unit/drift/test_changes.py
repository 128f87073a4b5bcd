"""DRIFT: changes of an agent's signals become alarms, incidents and alerts."""

from itertools import accumulate

import numpy as np
import pytest

from detectors.contract import Direction
from detectors.csr import Csr, CsrParameters
from schemas.columns import Kind
from streams.drift.params import Params
from streams.drift.signals import SIGNALS
from streams.drift.summaries import level_of, summarize
from streams.drift.table import Stream, stream_id
from tests.unit.drift.frames import SECOND_NS, START_NS, Feed, Row, make_row, split

CHANGE = 3_000
STEPS = 5_000
# With this one a slighter change takes over a hundred observations to confirm.
SLOW_SEED = 1
AGENTS = ("planner", "writer")
DURATION, OUTPUT, COST = (
    next(signal for signal in SIGNALS if signal.name == name)
    for name in ("duration_s", "output_tokens", "cost_usd")
)


def make_fleet(seed: int, factor: float = 1.3) -> list[Row]:
    """Two agents in turn, one step each a second; the duration of one becomes longer at its 1,500th step."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(STEPS):
        agent = AGENTS[number % 2]
        slower = factor if agent == "planner" and number >= CHANGE else 1.0
        rows.append(
            make_row(
                event_id=f"e{number}",
                agent_name=agent,
                step_name="search",
                time=START_NS + number * SECOND_NS,
                duration_ns=int(rng.lognormal(0, 0.4) * slower * 0.82 * SECOND_NS),
                output_tokens=int(rng.lognormal(6, 0.5)),
                cost_pico_usd=int(rng.lognormal(17, 0.5)),
            )
        )
    return rows


@pytest.fixture(scope="module")
def feed() -> Feed:
    """A fleet that went through DRIFT in frames of 100 rows, under the event clock."""
    feed = Feed(event_clock=True)
    for part in split(make_fleet(1), range(0, STEPS, 100)):
        feed.rows_of(part, after_s=len(part))
    feed.tick(end=True)
    return feed


def test_a_slower_step_opens_one_incident_and_nothing_else_does(feed: Feed) -> None:
    (incident,) = feed.incidents().values()
    place = (incident["agent_name"], incident["step_name"], incident["signal"], incident["direction"])
    assert place == ("planner", "search", "duration_s", "up")
    assert incident["state"] == "confirmed"


def test_it_is_opened_within_some_hundred_steps_and_not_before_the_change(feed: Feed) -> None:
    (incident,) = feed.incidents().values()
    assert 1_500 < incident["n"] < 1_800
    # Under the event clock the time is that of the step, two seconds apart here, not that of the frame.
    assert incident["opened_time"] == START_NS + 2 * (incident["n"] - 1) * SECOND_NS


def test_an_incident_is_told_whole_at_opening_confirmation_and_close(feed: Feed) -> None:
    rows = feed.rows(Kind.INCIDENTS)
    assert [(row["state"], row["closed_time"] is None) for row in rows] == [
        ("open", True),
        ("confirmed", True),
        ("confirmed", False),
    ]
    for name in ("incident_id", "opened_time", "n", "statistic", "threshold", "agent_name", "detector"):
        assert len({row[name] for row in rows}) == 1
    assert rows[0]["statistic"] >= rows[0]["threshold"] == 100_000


def test_levels_are_medians_before_and_since(feed: Feed) -> None:
    (incident,) = feed.incidents().values()
    assert incident["reference_level"] == pytest.approx(0.82, rel=0.05)
    assert incident["current_level"] == pytest.approx(0.82 * 1.3, rel=0.1)
    opened = feed.rows(Kind.INCIDENTS)[0]
    assert opened["current_level"] is None
    assert opened["summary"].endswith("not confirmed yet")
    assert incident["summary"].endswith("; watched against the new level from now on")
    assert incident["summary"].startswith("planner · search: duration up from 0.8")


def test_people_are_told_at_confirmation_and_when_it_is_over_but_not_at_opening(feed: Feed) -> None:
    (incident,) = feed.incidents().values()
    told = [(alert.type, alert.severity, alert.alert_id) for alert in feed.alerts]
    assert told == [
        ("drift.detected", "warning", f"{incident['incident_id']}.confirmed"),
        ("drift.resolved", "info", f"{incident['incident_id']}.closed.{incident['closed_time']}"),
    ]
    confirmed, over = feed.rows(Kind.INCIDENTS)[1:]
    assert feed.alerts[0].summary == confirmed["summary"]
    assert feed.alerts[1].time_unix_ms == over["closed_time"] // 1_000_000


def test_an_alarm_is_a_reading_at_the_moment_of_its_incident(feed: Feed) -> None:
    (incident,) = feed.incidents().values()
    (alarm,) = [row for row in feed.rows(Kind.READINGS) if row["alarm"]]
    for mine, its in (("time", "opened_time"), ("n", "n"), ("statistic", "statistic"), ("direction",) * 2):
        assert alarm[mine] == incident[its]


def test_the_minute_of_an_alarm_has_its_threshold_and_direction(feed: Feed) -> None:
    (alarm,) = [row for row in feed.rows(Kind.READINGS) if row["alarm"]]
    minute_ns = alarm["time"] // (60 * SECOND_NS) * 60 * SECOND_NS
    (minute,) = [
        row
        for row in feed.rows(Kind.READINGS)
        if row["time"] == minute_ns and row["statistic"] == alarm["statistic"]
    ]
    assert minute["n"] > alarm["n"]
    for name in ("threshold", "direction", "agent_name", "signal"):
        assert minute[name] == alarm[name]


def test_what_is_found_does_not_depend_on_framing(feed: Feed) -> None:
    other = Feed(event_clock=True)
    for part in split(make_fleet(1), range(0, STEPS, 37)):
        other.rows_of(part, after_s=len(part))
    assert other.rows(Kind.INCIDENTS) == feed.rows(Kind.INCIDENTS)
    assert other.alerts == feed.alerts


def test_a_false_alarm_closes_by_itself_and_alerts_nobody() -> None:
    feed = Feed(Params("test", detector_arl=300.0), event_clock=True)
    for part in split(make_fleet(4, factor=1.0), range(0, STEPS, 500)):
        feed.rows_of(part, after_s=len(part))
    closed = [row for row in feed.incidents().values() if row["state"] == "closed"]
    assert closed
    told = {alert.incident_id for alert in feed.alerts}
    assert not told & {row["incident_id"] for row in closed}
    assert all(row["closed_time"] > row["opened_time"] for row in closed)
    assert closed[0]["summary"].endswith("the alarm was false")


def test_a_change_whose_new_level_is_known_at_confirmation_is_over_at_once() -> None:
    feed = Feed(event_clock=True)
    for part in split(make_fleet(SLOW_SEED, factor=1.15), range(0, STEPS, 100)):
        feed.rows_of(part, after_s=len(part))
    rows = [row for row in feed.rows(Kind.INCIDENTS) if row["agent_name"] == "planner"]
    assert [row["state"] for row in rows] == ["open", "confirmed", "confirmed"]
    assert rows[1]["current_level"] == rows[2]["current_level"]
    assert [alert.type for alert in feed.alerts] == ["drift.detected", "drift.resolved"]
    assert feed.alerts[0].time_unix_ms == feed.alerts[1].time_unix_ms


def test_minutes_and_alarms_are_those_of_a_detector_fed_one_value_at_a_time() -> None:
    rows = make_fleet(1)[: CHANGE + 1_000]
    planner = [row for row in rows if row["agent_name"] == "planner"]
    planner.sort(key=lambda row: row["time"] + row["duration_ns"])
    mine = [row["duration_ns"] / 1e9 for row in planner]
    times = accumulate((row["time"] for row in planner), max)
    detector = Csr(CsrParameters(threshold=100_000.0), engine="numpy")
    key = stream_id("test", Stream("planner", "search", DURATION))
    slots = detector.add(np.array([key], np.uint64))
    expected: dict[int, tuple[int, float, float]] = {}
    for time_ns, value in zip(times, mine, strict=True):
        reading = detector.update(slots, np.array([value]))
        minute = time_ns // (60 * SECOND_NS)
        greatest = max(expected.get(minute, (0, 0.0, 0.0))[2], float(reading.statistic[0]))
        expected[minute] = (int(reading.n[0]), value, greatest)
    feed = Feed(event_clock=True)
    for part in split(rows, range(0, len(rows), 333)):
        feed.rows_of(part, after_s=len(part))
    feed.tick(end=True)
    found = {
        row["time"] // (60 * SECOND_NS): (row["n"], row["last"], row["statistic"])
        for row in feed.rows(Kind.READINGS)
        if not row["alarm"] and row["agent_name"] == "planner" and row["signal"] == "duration_s"
    }
    assert found == expected


def test_streams_have_ids_of_their_own_that_names_cannot_forge() -> None:
    names = [("a", "b"), ("ab", ""), ("", "ab"), ("a\0b", ""), ("b", "a")]
    ids = {stream_id(space, Stream(*pair, signal)) for space in "xy" for pair in names for signal in SIGNALS}
    assert len(ids) == 2 * len(names) * len(SIGNALS)
    assert stream_id("live", Stream("planner", "search", DURATION)) == 14142757594087034256


LEVELS = (0.8, 0.82, 0.9)
AFTER = (1.0, 1.04, 1.1)


@pytest.mark.parametrize(
    ("direction", "told"),
    [
        (Direction.UP, "duration up from 0.82 s to 1.04 s (+27 %)"),
        (Direction.WIDER, "spread of duration wider from 0.82 s to 1.04 s (+27 %)"),
        (Direction.UPPER_TAIL, "high end of duration changed from 0.82 s to 1.04 s (+27 %)"),
        (Direction.LOWER_TAIL, "low end of duration changed from 0.82 s to 1.04 s (+27 %)"),
    ],
)
def test_a_change_is_told_in_the_number_that_it_is_about(direction: Direction, told: str) -> None:
    stream = Stream("planner", "search", DURATION)
    assert summarize(stream, "confirmed", direction, LEVELS, AFTER) == f"planner · search: {told}"


def test_a_level_that_is_not_known_is_left_out() -> None:
    stream = Stream("planner", "search", OUTPUT)
    unknown = (float("nan"),) * 3
    assert level_of(unknown) is None
    told = summarize(stream, "confirmed", Direction.DOWN, (1.0, 12_345.0, 2.0), unknown)
    assert told == "planner · search: output down (usually 12,345 tokens)"


def test_a_change_from_nothing_has_no_percentage() -> None:
    stream = Stream("planner", "search", COST)
    told = summarize(stream, "confirmed", Direction.UP, (0.0, 0.0, 0.0), (0.0, 0.00021, 0.0))
    assert told == "planner · search: cost up from 0 USD to 0.00021 USD"
