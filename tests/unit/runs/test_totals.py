"""What a row of RUNS says of the run's shape, of its critical path and of each agent's share."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from schemas.columns import Kind
from schemas.event import Event
from streams.runs.params import SECOND_NS
from streams.runs.store import RowStore
from streams.runs.totals import build_totals
from tests.unit.runs.frames import NOW_NS, Feed, make_event
from tests.unit.runs.test_runs import histories


def at(start_s: float, end_s: float) -> dict[str, Any]:
    return {
        "start_time_unix_nano": NOW_NS + int(start_s * SECOND_NS),
        "end_time_unix_nano": NOW_NS + int(end_s * SECOND_NS),
    }


NO_USAGE: dict[str, Any] = {"input_tokens": None, "output_tokens": None}
# A run of two agents: `boss` plans, starts `coder`, which searches and answers while a slow check goes on.
STORY = [
    make_event("run", kind="run", step_name="serve", agent_name=None, **at(0, 20), **NO_USAGE),
    make_event(
        "boss",
        kind="agent",
        step_name="lead",
        agent_name="boss",
        parent_event_id="run",
        **at(1, 20),
        **NO_USAGE,
    ),
    make_event("plan", agent_name=None, step_name="plan", parent_event_id="boss", **at(1, 5)),
    make_event(
        "coder",
        kind="agent",
        step_name="code",
        agent_name="coder",
        parent_event_id="boss",
        **at(6, 18),
        **NO_USAGE,
    ),
    make_event(
        "search", kind="tool", agent_name=None, step_name="search", parent_event_id="coder", **at(6, 9)
    ),
    make_event("answer", agent_name=None, step_name="answer", parent_event_id="coder", **at(9, 18)),
    make_event("check", kind="tool", agent_name=None, step_name="check", parent_event_id="boss", **at(5, 17)),
]


def run_of(events: list[Event], **params: Any) -> dict[str, Any]:
    feed = Feed(**params)
    feed.frame(events)
    feed.end()
    return feed.runs()["r"]


def test_a_run_of_two_agents_is_told_in_full() -> None:
    run = run_of(STORY)
    assert (run["depth"], run["roots"], run["orphans"], run["parent_cycles"]) == (4, 1, 0, 0)
    assert (run["steps_outside_parent"], run["unended_steps"]) == (0, 0)
    path = [run[f"critical_{kind}_ns"] / SECOND_NS for kind in ("llm", "tool", "other", "waiting")]
    assert path == [4 + 9, 3, 1 + 1 + 2, 0], (
        "root 0-1, boss 5-6 and 18-20; the check was waited for by nobody"
    )
    assert run["critical_steps"] == [
        ("answer", 9 * SECOND_NS),
        ("plan", 4 * SECOND_NS),
        ("lead", 3 * SECOND_NS),
        ("search", 3 * SECOND_NS),
        ("serve", SECOND_NS),
    ]
    assert run["steps_by_agent"] == [("boss", 3), ("coder", 3), ("unattributed", 1)]
    assert run["llm_calls_by_agent"] == [("boss", 1), ("coder", 1), ("unattributed", 0)]
    assert run["tool_calls_by_agent"] == [("boss", 1), ("coder", 1), ("unattributed", 0)]
    assert dict(run["self_ns_by_agent"]) == {
        "boss": (2 + 4 + 12) * SECOND_NS,
        "coder": 12 * SECOND_NS,
        "unattributed": SECOND_NS,
    }
    assert run["agents_started"] == [("boss -> coder", 1), ("unattributed -> boss", 1)]
    assert not run["truncated"]
    assert not run["path_truncated"]


def test_the_five_greatest_steps_of_the_path_are_named_greatest_first() -> None:
    events = [
        make_event(f"s{number}", step_name=f"step-{number}", **at(number**2, (number + 1) ** 2))
        for number in range(8)
    ]
    run = run_of(events)
    assert run["critical_steps"] == [
        (f"step-{number}", (2 * number + 1) * SECOND_NS) for number in range(7, 2, -1)
    ]


def test_an_orphan_and_a_step_that_never_ended_are_counted_and_the_path_goes_past_them() -> None:
    begun = make_event(
        "mid", state="started", parent_event_id="top", **(at(1, 2) | {"end_time_unix_nano": None})
    )
    run = run_of(
        [
            make_event("top", kind="agent", **at(0, 9)),
            begun,
            make_event("leaf", parent_event_id="mid", **at(2, 5)),
            make_event("lost", parent_event_id="never", **at(10, 11)),
        ]
    )
    assert (run["steps"], run["unended_steps"], run["orphans"], run["depth"]) == (3, 1, 1, 3)
    assert run["critical_llm_ns"] == (3 + 1) * SECOND_NS
    assert run["critical_waiting_ns"] == SECOND_NS


def test_a_run_of_too_many_steps_for_a_path_has_none_and_still_its_shares() -> None:
    feed = Feed()
    feed.frame(STORY)
    table, store = feed.processor._table, feed.processor._store
    columns = build_totals([table.run(table.slot_of["r"])], store, max_path_steps=len(STORY) - 1)
    assert columns["path_truncated"].to_pylist() == [True]
    for name in ("critical_llm_ns", "critical_waiting_ns", "self_ns_by_agent"):
        assert columns[name].to_pylist() == [None], name
    assert dict(columns["steps_by_agent"].to_pylist()[0])["coder"] == 3
    assert columns["depth"].to_pylist() == [4]


@given(histories())
@settings(max_examples=100, deadline=None)
def test_shares_add_up_to_the_run_and_the_path_to_its_duration(events: list[Event]) -> None:
    feed = Feed()
    for event in events:
        feed.frame([event])
    feed.end()
    for run in feed.runs().values():
        for name in ("steps", "llm_calls", "tool_calls", "input_tokens", "output_tokens"):
            assert sum(dict(run[f"{name}_by_agent"]).values()) == run[name], name
        assert sum(dict(run["cost_by_agent_pico_usd"]).values()) == run["cost_pico_usd"]
        path = sum(run[f"critical_{kind}_ns"] for kind in ("llm", "tool", "other", "waiting"))
        # A content that another has replaced is still in the run's first start and last end.
        assert 0 < path <= run["end_time"] - run["start_time"]


@given(histories())
@settings(max_examples=60, deadline=None)
def test_the_agent_of_a_share_is_the_agent_of_the_signals(events: list[Event]) -> None:
    feed = Feed()
    feed.frame(events)
    feed.end()
    signals: dict[str, int] = {}
    for (_, agent, *_), weight in feed.signals().items():
        signals[agent] = signals.get(agent, 0) + weight
    shares: dict[str, int] = {}
    for run in feed.runs().values():
        for agent, steps in run["steps_by_agent"]:
            shares[agent] = shares.get(agent, 0) + steps
    assert shares == signals


def test_rows_are_taken_from_many_frames_in_the_order_asked_for() -> None:
    feed = Feed()
    for name in "abcdef":
        feed.frame([make_event(name + "1"), make_event(name + "2")])
    store: RowStore = feed.processor._store
    wanted = np.array([11, 0, 5, 4, 4, 10, 1], np.int64)
    taken = store.take(wanted, ["event_id"])
    assert taken.column("event_id").to_pylist() == ["f2", "a1", "c2", "c1", "c1", "f1", "a2"]
    assert store.take(np.zeros(0, np.int64), ["event_id"]).num_rows == 0


# -- bounds


def test_steps_beyond_the_greatest_number_of_a_run_count_and_are_not_remembered() -> None:
    feed = Feed(max_steps_per_run=4)
    events = [make_event(f"s{number}", parent_event_id="root") for number in range(7)]
    feed.frame(events[:3])
    feed.frame([*events[2:], make_event("root", kind="run", **NO_USAGE)])
    feed.end()
    run = feed.runs()["r"]
    assert (run["steps"], run["input_tokens"], run["duplicates"]) == (8, 700, 1)
    assert run["truncated"]
    assert run["root_event_id"] == "root", "roots are always remembered"
    assert sum(dict(run["steps_by_agent"]).values()) == 5
    assert sum(feed.signals().values()) == 8, "windows have them all"
    assert feed.processor._table.counts["runs.overflowed"] == 3
    assert feed.processor._store.rows == 6


def test_a_step_beyond_it_goes_to_the_agent_above_it_or_its_service() -> None:
    feed = Feed(max_steps_per_run=1)
    feed.frame([make_event("top", kind="agent", agent_name="boss", **NO_USAGE)])
    feed.frame(
        [
            make_event("under", agent_name=None, parent_event_id="top"),
            make_event("alone", agent_name=None, parent_event_id="gone", service_name="shop"),
        ]
    )
    feed.end()
    assert {key[:2] for key in feed.signals()} == {("top", "boss"), ("under", "boss"), ("alone", "shop")}


def test_of_too_many_open_runs_the_one_silent_longest_closes_and_goes_on_when_it_speaks() -> None:
    feed = Feed(max_open_runs=2)
    for name in ("one", "two", "three"):
        feed.frame([make_event(f"{name}-a", name, parent_event_id="x")])
        feed.now_ns += SECOND_NS
    feed.tick(6)
    states = {run_id: run["state"] for run_id, run in feed.runs().items()}
    assert states == {"one": "closed", "two": "open", "three": "open"}
    assert feed.processor._table.counts["runs.closed_early"] == 1
    feed.frame([make_event("one-b", "one", parent_event_id="x")])
    feed.end()
    assert feed.runs()["one"]["steps"] == 2


@pytest.mark.parametrize("order", [1, -1])
def test_a_long_run_that_names_no_agent_costs_a_look_a_step(order: int) -> None:
    """Walks are counted, not timed: 300 frames of a step each, below a root that comes first or last."""
    feed, looks = Feed(), 0
    attribution = feed.processor._attribution
    look_up = attribution._look_up

    def counting(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        return look_up(*args)

    attribution._look_up = counting  # type: ignore[assignment, method-assign]  # counts, and does the same
    events = [make_event(f"s{n}", agent_name=None, parent_event_id="root") for n in range(300)]
    events = [make_event("root", agent_name="boss", **NO_USAGE), *events][::order]
    for event in events:
        feed.frame([event])
    feed.tick()
    assert looks <= 2 * len(events)
    assert {row["agent_name"] for row in feed.rows(Kind.SIGNALS)} == {"boss"}
