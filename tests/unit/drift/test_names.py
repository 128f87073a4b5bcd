"""Names that come from outside: new ones are news, many are not, and nobody's crowd out another's."""

import numpy as np

from schemas.columns import Kind
from streams.drift.names import OTHER, Names
from streams.drift.params import Params
from tests.unit.drift.frames import SECOND_NS, Feed, Row, make_row

DAY_S = 86_400.0
WARM_UP = 250
LATE = Params("test", late_ns=10**18)


def calls(count: int, *, model: str = "small", agent: str = "planner", **more: str) -> list[Row]:
    return [make_row(event_id=f"{model} {n}", model=model, agent_name=agent, **more) for n in range(count)]


def news(feed: Feed) -> list[str]:
    return [alert.summary for alert in feed.alerts if alert.type == "value.first_seen"]


def test_a_model_per_call_is_told_five_times_a_day_and_then_once_that_there_are_more() -> None:
    feed = Feed(LATE)
    feed.rows_of(calls(WARM_UP))
    feed.rows_of([row for n in range(50) for row in calls(1, model=f"call-{n}")])
    told = news(feed)
    assert [f"call-{n} seen for the first time" in told[n] for n in range(5)] == [True] * 5
    assert told[5] == "planner: more values than can be told are new in the mix of models today"
    assert len(told) == 6
    feed.rows_of(calls(1, model="another-day"), after_s=DAY_S)
    assert "another-day" in news(feed)[6]
    assert len({alert.alert_id for alert in feed.alerts}) == len(feed.alerts)


def test_another_agents_names_leave_the_honest_one_its_own() -> None:
    feed = Feed(Params("test", late_ns=10**18, stream_names=20))
    feed.rows_of(calls(WARM_UP, agent="honest"))
    feed.rows_of([row for n in range(400) for row in calls(1, model=f"call-{n}", agent="hostile")])
    feed.rows_of(calls(1, model="large", agent="honest"))
    assert "honest: large seen for the first time" in news(feed)[-1]


def test_an_agent_that_names_each_step_anew_takes_no_more_than_its_share() -> None:
    feed = Feed(Params("test", segments=10, agent_segments=4))
    feed.rows_of([make_row(event_id=f"e{n}", agent_name="hostile", step_name=f"step {n}") for n in range(30)])
    feed.rows_of([make_row(agent_name="honest", step_name="chat")])
    feed.tick(61)
    readings = [row for row in feed.rows(Kind.READINGS) if row["step_name"]]
    assert {(row["agent_name"], row["step_name"]) for row in readings} == {
        ("hostile", f"step {n}") for n in range(4)
    } | {("honest", "chat")}


def test_names_that_are_no_values_take_no_place() -> None:
    """Only tools are of the mix of tools; what LLM calls are called is not asked for."""
    feed = Feed(Params("test", names=3))
    rows = [make_row(event_id=f"e{n}", step_name=f"step {n}") for n in range(20)]
    feed.rows_of([*rows, make_row(event_id="tool", kind="tool", step_name="search", model=None)])
    about, _, _ = feed.processor._watch.state()
    assert sorted(name for _, names in about.names for name in names) == ["gpt-4o-mini", "search"]


def test_beyond_the_limits_names_are_others_and_counted() -> None:
    names = Names(limit=3, stream_limit=2)
    codes = names.codes(np.array([7, 7, 7, 8, 8, 7]), ["a", "b", "c", "a", "d", "a"])
    assert codes == [1, 2, OTHER, 1, OTHER, 1]
    assert names.folded == 2
    assert [names.name(7, code) for code in (0, 1, 2, -1)] == ["other", "a", "b", ""]
    again = Names(limit=3, stream_limit=2)
    again.load(names.state())
    assert again.codes(np.array([8, 7]), ["a", "b"]) == [1, 2]


def test_a_step_of_two_hours_is_not_late_because_it_began_two_hours_ago() -> None:
    feed = Feed()
    long_s = 7_200
    row = make_row(duration_ns=long_s * SECOND_NS)
    feed.rows_of([row | {"append_time": row["time"] + (long_s + 1) * SECOND_NS}])
    feed.tick(61)
    assert {row["signal"] for row in feed.rows(Kind.READINGS)} >= {"duration_s", "error_ratio"}
