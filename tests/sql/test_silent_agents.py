"""Is an agent that stops reported in minutes, and one that only rests, never?

Rhythms of two weeks, as DRIFT's windows of an hour keep them: an epoch of five minutes is there when
something was heard in it.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboards.alerts.objectives import Objectives
from dashboards.alerts.shapes import api_groups
from schemas.columns import Kind
from tests.sql.alerting import query
from tests.sql.rows import insert

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
EPOCH_S = 300
SECOND_NS = 10**9
# A Wednesday, 10:00; what is before it is a habit.
STOP_S = int(datetime(2026, 3, 4, 10, tzinfo=UTC).timestamp())
START_S = STOP_S // DAY_S * DAY_S - 14 * DAY_S
END_S = START_S + 24 * DAY_S
[RULE] = [
    rule
    for group in api_groups(Objectives())
    for rule in group["rules"]
    if rule["uid"] == "wakeline-silent-agent"
]


def days(start_s: int = START_S, until_s: int = END_S) -> range:
    """Midnights."""
    return range(start_s, until_s, DAY_S)


def is_workday(day_s: int) -> bool:
    return datetime.fromtimestamp(day_s, UTC).weekday() < 5


def always() -> Iterator[int]:
    """Every few seconds: each epoch has some."""
    yield from range(START_S, END_S, EPOCH_S)


def hourly() -> Iterator[int]:
    yield from range(START_S, END_S, HOUR_S)


def six_hourly(rng: random.Random) -> Iterator[int]:
    yield from (start_s + rng.randrange(15 * MINUTE_S) for start_s in range(START_S, END_S, 6 * HOUR_S))


def nightly(rng: random.Random) -> Iterator[int]:
    """At two, give or take ten minutes, for a quarter of an hour."""
    for day_s in days():
        begin_s = day_s + 2 * HOUR_S + rng.randint(-10, 10) * MINUTE_S
        yield from range(begin_s, begin_s + 15 * MINUTE_S, EPOCH_S)


def at_work(rng: random.Random) -> Iterator[int]:
    """From eight to six on five days of seven, give or take twenty minutes; a quarter of an hour pauses."""
    for day_s in filter(is_workday, days()):
        now_s = day_s + 8 * HOUR_S + rng.randint(-20, 20) * MINUTE_S
        while now_s < day_s + 18 * HOUR_S + rng.randint(-20, 20) * MINUTE_S:
            yield now_s
            now_s += rng.randint(1, 15) * MINUTE_S


def at_random(rng: random.Random, mean_s: float) -> Iterator[int]:
    """Without a memory: however long a pause is, it may go on."""
    now_s = float(START_S)
    while now_s < END_S:
        yield int(now_s)
        now_s += rng.expovariate(1 / mean_s)


def by_hand(rng: random.Random) -> Iterator[int]:
    """Somebody starts it for a quarter of an hour, some time later than six hours after the last time."""
    now_s = START_S
    while now_s < END_S:
        yield from range(now_s, now_s + 15 * MINUTE_S, EPOCH_S)
        now_s += 6 * HOUR_S + int(rng.expovariate(2 / DAY_S))


def with_thin_nights(rng: random.Random) -> Iterator[int]:
    """All day long each minute, at night now and then."""
    for hour_s in range(START_S, END_S, HOUR_S):
        is_night = hour_s % DAY_S // HOUR_S in (23, 0, 1, 2, 3, 4, 5)
        for _ in range(1 if is_night else 60):
            yield hour_s + rng.randrange(HOUR_S)


RHYTHMS: dict[str, Iterable[int]] = {
    "always": always(),
    "hourly": hourly(),
    "six-hourly": six_hourly(random.Random(1)),
    "nightly": nightly(random.Random(2)),
    "at work": at_work(random.Random(3)),
    "each 20 minutes at random": at_random(random.Random(4), 20 * MINUTE_S),
    "each 3 hours at random": at_random(random.Random(5), 3 * HOUR_S),
    "by hand": by_hand(random.Random(6)),
    "thin at night": with_thin_nights(random.Random(7)),
}
HEARD = {agent: sorted(set(heard)) for agent, heard in RHYTHMS.items()}


@pytest.fixture(scope="module")
def tables(connect: Callable[..., Client], database: Callable[[], str]) -> tuple[Client, Client]:
    name = database()
    return connect(name), connect(name, reader=True)


@pytest.fixture
def hear(tables: tuple[Client, Client]) -> Callable[..., None]:
    """`hear(agent, moments)`: windows of an hour of an agent that was heard then, in empty tables."""
    tables[0].command("TRUNCATE TABLE windows")

    def store(agent: str, moments: Iterable[int], *, began_before_s: int = 0, kind: str = "llm") -> None:
        rows: list[dict[str, Any]] = [
            {
                "width_s": HOUR_S,
                "window_start": (at_s - began_before_s) // HOUR_S * HOUR_S * SECOND_NS,
                "epoch_start": at_s // EPOCH_S * EPOCH_S * SECOND_NS,
                "agent_name": agent,
                "step_name": "chat",
                "kind": kind,
                "steps": 1,
            }
            for at_s in moments
        ]
        insert(tables[0], Kind.WINDOWS, rows)

    return store


def silent(tables: tuple[Client, Client], at_s: int) -> set[str]:
    """Which agents are reported at a moment."""
    return {agent for ((_, agent),) in query(tables[1], RULE, at_s)}


def first_report_s(tables: tuple[Client, Client], agent: str, moments: range) -> int:
    """By halves: what is reported stays so."""
    return moments[bisect_left(moments, True, key=lambda at_s: agent in silent(tables, at_s))]


@pytest.mark.parametrize("agent", ["always", "thin at night", "at work"])
def test_a_busy_agent_that_stops_is_reported_in_minutes(
    tables: tuple[Client, Client], hear: Callable[..., None], agent: str
) -> None:
    for other, heard in HEARD.items():
        hear(other, (at_s for at_s in heard if other != agent or at_s < STOP_S))
    last_s = max(at_s for at_s in HEARD[agent] if at_s < STOP_S)
    told_s = first_report_s(tables, agent, range(last_s, last_s + 6 * HOUR_S, MINUTE_S))
    # Twice its longest pause around this time: a quarter of an hour for the agent at work.
    assert 600 < told_s - last_s <= (2_700 if agent == "at work" else 960)
    # It stays so, whatever the hour, until it is heard again.
    later_s = range(told_s, told_s + 7 * DAY_S, 5 * HOUR_S)
    assert all(agent in silent(tables, at_s) for at_s in later_s)
    hear(agent, [told_s + DAY_S])
    assert agent not in silent(tables, told_s + DAY_S + EPOCH_S)


def test_agents_that_only_rest_are_never_reported(
    tables: tuple[Client, Client], hear: Callable[..., None]
) -> None:
    for agent, heard in HEARD.items():
        hear(agent, heard)
    # Ten days, a weekend among them, at other minutes of each hour.
    told = {
        (agent, at_s - STOP_S)
        for at_s in range(STOP_S, END_S - 8 * HOUR_S, 131 * MINUTE_S)
        for agent in silent(tables, at_s)
    }
    assert told == set()


@pytest.mark.parametrize(
    ("agent", "stop_s", "earliest_h", "latest_h"),
    [
        # Missed at two; the alarm comes an hour after the latest that is usual.
        ("nightly", STOP_S, 17.0, 17.5),
        ("six-hourly", STOP_S, 3.0, 3.5),
        # From Friday evening on: it should be back on Monday at eight.
        ("at work", STOP_S + 2 * DAY_S + 10 * HOUR_S, 61.0, 61.6),
        ("hourly", STOP_S, 0.9, 2.0),
    ],
)
def test_an_agent_that_does_not_come_back_from_its_rest_is_reported_an_hour_later(
    tables: tuple[Client, Client],
    hear: Callable[..., None],
    agent: str,
    stop_s: int,
    earliest_h: float,
    latest_h: float,
) -> None:
    hear("always", HEARD["always"])
    hear(agent, (at_s for at_s in HEARD[agent] if at_s < stop_s))
    told_s = first_report_s(tables, agent, range(stop_s, stop_s + 4 * DAY_S, 6 * MINUTE_S))
    assert earliest_h <= (told_s - stop_s) / HOUR_S <= latest_h


def test_rests_at_no_fixed_time_are_reported_at_twice_the_longest(
    tables: tuple[Client, Client], hear: Callable[..., None]
) -> None:
    heard = [at_s for at_s in HEARD["by hand"] if at_s < STOP_S]
    hear("by hand", heard)
    hear("always", HEARD["always"])
    lately = [at_s for at_s in heard if at_s >= heard[-1] - 10 * DAY_S]
    longest_s = max(after - before for before, after in pairwise(lately))
    told_s = first_report_s(tables, "by hand", range(STOP_S, END_S, 20 * MINUTE_S))
    assert told_s - heard[-1] == pytest.approx(2 * longest_s, abs=2_400)


def test_when_all_fall_silent_together_one_alert_says_so(
    tables: tuple[Client, Client], hear: Callable[..., None]
) -> None:
    for agent in ("a", "b", "c"):
        hear(agent, (at_s for at_s in HEARD["always"] if at_s < STOP_S))
    hear("nightly", (at_s for at_s in HEARD["nightly"] if at_s < STOP_S))
    hear("stopped before", (at_s for at_s in HEARD["always"] if at_s < STOP_S - DAY_S))
    assert silent(tables, STOP_S + 9 * MINUTE_S) == {"stopped before"}
    assert silent(tables, STOP_S + 11 * MINUTE_S) == {"stopped before", "all agents"}
    # Whoever speaks shows that the way is open: the others are named.
    hear("c", [STOP_S + 12 * MINUTE_S])
    assert silent(tables, STOP_S + 16 * MINUTE_S) == {"stopped before", "a", "b"}


def test_an_agent_alone_is_named(tables: tuple[Client, Client], hear: Callable[..., None]) -> None:
    hear("always", (at_s for at_s in HEARD["always"] if at_s < STOP_S))
    hear("nightly", (at_s for at_s in HEARD["nightly"] if at_s < STOP_S))
    assert silent(tables, STOP_S + 11 * MINUTE_S) == {"always"}


def test_telemetry_that_always_comes_late_is_no_silence(
    tables: tuple[Client, Client], hear: Callable[..., None]
) -> None:
    """What ended in an hour is sent at its end: windows without a gap, heard once an hour."""
    hear("late", (at_s for at_s in HEARD["hourly"] if at_s < STOP_S), began_before_s=HOUR_S)
    hear("always", HEARD["always"])
    reported = [silent(tables, STOP_S + minute * MINUTE_S) for minute in range(0, 50, 7)]
    assert reported == [set()] * len(reported)


def test_feedback_is_no_sign_of_life_and_a_new_agent_has_no_rhythm(
    tables: tuple[Client, Client], hear: Callable[..., None]
) -> None:
    hear("stopped", (at_s for at_s in HEARD["always"] if at_s < STOP_S))
    hear("stopped", range(STOP_S, STOP_S + HOUR_S, EPOCH_S), kind="feedback")
    hear("new", range(STOP_S - 4 * HOUR_S, STOP_S, EPOCH_S))
    hear("always", HEARD["always"])
    assert silent(tables, STOP_S + 2 * HOUR_S) == {"stopped"}


def test_who_is_silent_for_eight_days_is_retired(
    tables: tuple[Client, Client], hear: Callable[..., None]
) -> None:
    hear("retired", (at_s for at_s in HEARD["always"] if at_s < STOP_S))
    hear("always", HEARD["always"])
    assert silent(tables, STOP_S + 8 * DAY_S - HOUR_S) == {"retired"}
    assert silent(tables, STOP_S + 8 * DAY_S + HOUR_S) == set()
