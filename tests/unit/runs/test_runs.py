"""RUNS: each step is counted once, under its agent, in its run, whatever the order and the framing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import RUN_COLUMNS_2, Kind
from schemas.event import Event
from schemas.frame import Flag
from streams.runs.params import SECOND_NS
from tests.unit.runs.frames import NOW_NS, Feed, make_event

# What a row of a run says that does not depend on how its steps came.
STABLE = (
    "state",
    "start_time",
    "end_time",
    "root_event_id",
    "agent_name",
    "agent_version",
    "team",
    "agents",
    "steps",
    "llm_calls",
    "tool_calls",
    "errors",
    "input_tokens",
    "output_tokens",
    "cost_pico_usd",
    "unpriced_steps",
    "outcome_name",
    "outcome_success",
    *(name for name, _ in RUN_COLUMNS_2),
)


def stable(feed: Feed) -> dict[str, dict[str, Any]]:
    return {run_id: {name: row[name] for name in STABLE} for run_id, row in feed.runs().items()}


def test_a_run_adds_up_its_steps_and_closes_ten_seconds_after_its_root() -> None:
    feed = Feed()
    feed.frame(
        [make_event("a", parent_event_id="root"), make_event("b", parent_event_id="root", kind="tool")]
    )
    feed.frame([make_event("root", kind="run", input_tokens=None, output_tokens=None, team="support")])
    feed.tick()
    assert feed.runs() == {}, "a short run is not sent before it closes"
    feed.tick(10)
    run = feed.runs()["r"]
    assert (run["state"], run["steps"], run["llm_calls"], run["tool_calls"]) == ("closed", 3, 1, 1)
    assert (run["input_tokens"], run["output_tokens"]) == (200, 20), "nothing else tells of the tool's usage"
    assert run["cost_pico_usd"] == 200 * 150_000 + 20 * 600_000
    assert (run["root_event_id"], run["team"]) == ("root", "support")


def test_an_open_run_is_sent_every_five_seconds_while_it_changes() -> None:
    feed = Feed()
    feed.frame([make_event("a", parent_event_id="root")])
    feed.tick(5)
    assert feed.runs()["r"]["state"] == "open"
    before = len(feed.rows(Kind.RUNS))
    feed.tick(60)
    assert len(feed.rows(Kind.RUNS)) == before, "nothing has changed"


def test_silence_closes_a_run_whose_root_never_ended() -> None:
    feed = Feed()
    feed.frame([make_event("a", parent_event_id="root")])
    feed.tick(29 * 60)
    assert feed.runs()["r"]["state"] == "open"
    feed.tick(60)
    assert feed.runs()["r"]["state"] == "closed"


def test_a_late_step_opens_its_run_again_and_is_added() -> None:
    feed = Feed()
    feed.frame([make_event("root", kind="run")])
    feed.tick(10)
    assert feed.runs()["r"]["state"] == "closed"
    feed.frame([make_event("late", parent_event_id="root")])
    feed.tick(10)
    assert (feed.runs()["r"]["state"], feed.runs()["r"]["steps"]) == ("closed", 2)


def test_a_step_that_ingest_repeats_is_dropped_by_its_origin() -> None:
    feed = Feed()
    feed.frame([make_event("a")], source_offset=5)
    feed.frame([make_event("a")], source_offset=5)
    feed.end()
    assert (feed.runs()["r"]["steps"], feed.runs()["r"]["duplicates"]) == (1, 0)


def test_a_run_known_only_from_repeats_is_not_opened_again() -> None:
    feed = Feed(remember_rows=0)
    feed.frame([make_event("a")], source_offset=5)
    feed.end()
    feed.tick()
    sent = len(feed.rows(Kind.RUNS))
    feed.frame([make_event("a")], source_offset=5)
    feed.end()
    assert len(feed.rows(Kind.RUNS)) == sent


def test_the_same_event_twice_counts_once_and_is_said() -> None:
    feed = Feed()
    feed.frame([make_event("a")])
    feed.frame([make_event("a")])
    feed.end()
    assert (feed.runs()["r"]["steps"], feed.runs()["r"]["duplicates"]) == (1, 1)
    assert sum(feed.signals().values()) == 1


def test_a_started_step_counts_when_it_ends() -> None:
    feed = Feed()
    started = make_event("a", state="started", end_time_unix_nano=None, input_tokens=None, output_tokens=None)
    feed.frame([started])
    feed.tick(6)
    assert feed.runs()["r"]["steps"] == 0
    assert not feed.signals()
    feed.frame([make_event("a")])
    feed.frame([started])
    feed.end()
    assert (feed.runs()["r"]["steps"], feed.runs()["r"]["duplicates"]) == (1, 0)
    assert sum(feed.signals().values()) == 1


def test_of_two_contents_the_one_with_usage_counts_whichever_comes_first() -> None:
    poor = make_event("a", input_tokens=None, output_tokens=None)
    rich = make_event("a")
    results = []
    for order in ([poor, rich], [rich, poor]):
        feed = Feed()
        for event in order:
            feed.frame([event])
            feed.tick()
        feed.end()
        results.append((stable(feed), feed.signals()))
        corrected = feed.rows(Kind.CORRECTED_STEPS)
        assert corrected[-1]["input_tokens"] == 100, "the winner is written above the other"
    assert results[0] == results[1]
    assert results[0][0]["r"]["input_tokens"] == 100


@pytest.mark.parametrize("earlier_s", [1, 7_200])
def test_a_loser_stored_under_another_time_is_deleted(earlier_s: int) -> None:
    feed = Feed()
    feed.frame([make_event("a", input_tokens=None, output_tokens=None)])
    feed.frame([make_event("a", start_time_unix_nano=NOW_NS - earlier_s * SECOND_NS)])
    feed.end()
    corrected = feed.rows(Kind.CORRECTED_STEPS)
    assert [(row["is_deleted"], row["time"]) for row in corrected] == [
        (True, NOW_NS),
        (False, NOW_NS - earlier_s * SECOND_NS),
    ]


def test_a_step_that_names_its_agent_goes_out_once_at_the_next_tick_and_needs_no_correction() -> None:
    feed = Feed()
    feed.frame([make_event("a")])
    assert not feed.outputs
    feed.tick()
    feed.tick()
    assert [row["event_id"] for row in feed.rows(Kind.SIGNALS)] == ["a"]
    assert feed.rows(Kind.CORRECTED_STEPS) == []


def test_an_agent_named_by_an_ancestor_that_ends_last_owns_the_steps_below_it() -> None:
    feed = Feed()
    feed.frame([make_event("leaf", agent_name=None, parent_event_id="middle")])
    feed.frame([make_event("middle", agent_name=None, kind="other", parent_event_id="top")])
    feed.tick()
    assert not feed.signals()
    feed.frame([make_event("top", kind="agent", agent_name="boss", agent_version="2", input_tokens=None)])
    feed.tick()
    assert {key[:2]: weight for key, weight in feed.signals().items()} == {
        ("leaf", "boss"): 1,
        ("middle", "boss"): 1,
        ("top", "boss"): 1,
    }
    assert {
        row["event_id"]: (row["agent_name"], row["agent_version"]) for row in feed.rows(Kind.CORRECTED_STEPS)
    } == {
        "leaf": ("boss", "2"),
        "middle": ("boss", "2"),
    }


def test_after_thirty_seconds_a_step_goes_out_under_its_service_and_a_late_ancestor_takes_it_back() -> None:
    feed = Feed()
    feed.frame([make_event("leaf", agent_name=None, service_name="shop", parent_event_id="top")])
    feed.tick(29)
    assert not feed.signals()
    feed.tick(1)
    assert [key[:2] for key in feed.signals()] == [("leaf", "shop")]
    feed.frame([make_event("top", agent_name="boss")])
    feed.tick()
    assert sorted(key[:2] for key in feed.signals()) == [("leaf", "boss"), ("top", "boss")]
    assert [row["weight"] for row in feed.rows(Kind.SIGNALS) if row["event_id"] == "leaf"] == [1, -1, 1]


def test_a_detector_sees_a_step_once_however_often_it_is_corrected() -> None:
    feed = Feed()
    poor = make_event("leaf", agent_name=None, parent_event_id="top", input_tokens=None, output_tokens=None)
    feed.frame([poor])
    feed.tick(30)
    feed.frame([make_event("top", agent_name="boss")])
    feed.frame([make_event("leaf", agent_name=None, parent_event_id="top")])
    feed.end()
    first = [(row["event_id"], row["weight"]) for row in feed.rows(Kind.SIGNALS) if row["first"]]
    assert first == [("leaf", 1), ("top", 1)]
    assert sum(row["weight"] for row in feed.rows(Kind.SIGNALS) if row["event_id"] == "leaf") == 1


def test_a_cycle_of_parents_ends_unattributed() -> None:
    feed = Feed()
    feed.frame([make_event("a", agent_name=None, parent_event_id="b")])
    feed.frame([make_event("b", agent_name=None, parent_event_id="a")])
    feed.end()
    assert sorted(key[:2] for key in feed.signals()) == [("a", "unattributed"), ("b", "unattributed")]


def test_identical_tool_calls_in_an_open_run_are_a_loop_once() -> None:
    feed = Feed(loop_calls=3)
    call: dict[str, Any] = {
        "kind": "tool",
        "tool_name": "search",
        "input_tokens": None,
        "output_tokens": None,
    }
    for number in range(2):
        feed.frame([make_event(f"s{number}", tool_call_arguments=b'{"q":1}', parent_event_id="root", **call)])
    feed.frame([make_event("other", tool_call_arguments=b'{"q":2}', parent_event_id="root", **call)])
    assert feed.alerts == []
    feed.frame([make_event("s2", tool_call_arguments=b'{"q":1}', parent_event_id="root", **call)])
    assert [(alert.type, alert.run_id, alert.step_name) for alert in feed.alerts] == [
        ("loop.detected", "r", "search")
    ]
    feed.frame([make_event("s3", tool_call_arguments=b'{"q":1}', parent_event_id="root", **call)])
    feed.end()
    assert len(feed.alerts) == 1
    incidents = feed.rows(Kind.INCIDENTS)
    assert [row["state"] for row in incidents] == ["open", "closed"]
    assert len({row["incident_id"] for row in incidents}) == 1
    assert feed.runs()["r"]["repeated_tool_calls"] == 4


def test_usage_of_a_roll_up_is_in_no_sum_and_stays_on_the_step() -> None:
    feed = Feed()
    feed.frame([make_event("call", parent_event_id="top"), make_event("top", kind="agent")])
    feed.end()
    assert feed.runs()["r"]["input_tokens"] == 100
    tokens = {row["event_id"]: row["input_tokens"] for row in feed.rows(Kind.SIGNALS)}
    assert tokens == {"call": 100, "top": None}


def test_the_latest_outcome_is_the_runs() -> None:
    feed = Feed()
    for second, success in ((2, True), (1, False)):
        feed.frame(
            [
                make_event(
                    f"o{second}",
                    kind="outcome",
                    outcome_name="resolved",
                    outcome_success=success,
                    start_time_unix_nano=NOW_NS + second * SECOND_NS,
                )
            ]
        )
    feed.end()
    assert (feed.runs()["r"]["outcome_name"], feed.runs()["r"]["outcome_success"]) == ("resolved", True)


def test_the_end_settles_and_closes_everything_and_tells_every_signal_partition() -> None:
    feed = Feed()
    feed.frame([make_event("a", agent_name=None, parent_event_id="gone")])
    feed.end()
    ends = [output.partition for output in feed.outputs if output.flags & Flag.END]
    assert ends == [0, 1, 2, 3]
    assert feed.outputs[-1].flags & Flag.END, "nothing comes after the end"
    assert feed.runs()["r"]["state"] == "closed"


def test_closed_runs_are_forgotten_after_thirty_minutes_and_their_rows_with_them() -> None:
    feed = Feed()
    feed.frame([make_event("root", kind="run")])
    feed.tick(10)
    feed.tick(30 * 60)
    feed.frame([make_event("root", kind="run")])
    feed.end()
    parts = {row["part"] for row in feed.rows(Kind.RUNS)}
    assert len(parts) == 2, "what comes back is a new part of the run"


AGENTS = (None, None, "planner", "coder")


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Steps of up to three runs; ids come twice with the same or another content, parents may be missing."""
    events = []
    for number in range(draw(st.integers(1, 14))):
        run_id = draw(st.sampled_from(("r1", "r2", "r3")))
        event_id = f"{run_id}-{draw(st.integers(0, 7))}"
        parent = draw(st.integers(-1, 9))
        tokens = draw(st.one_of(st.none(), st.integers(0, 1000)))
        events.append(
            make_event(
                event_id,
                run_id,
                kind=draw(st.sampled_from(("llm", "tool", "agent"))),
                agent_name=draw(st.sampled_from(AGENTS)),
                parent_event_id=None if parent < 0 else f"{run_id}-{parent}",
                start_time_unix_nano=NOW_NS + draw(st.integers(0, 5)) * SECOND_NS,
                end_time_unix_nano=NOW_NS + 9 * SECOND_NS + number,
                input_tokens=tokens,
                output_tokens=tokens,
                error_type=draw(st.sampled_from((None, None, "timeout"))),
            )
        )
    return events


@given(histories(), st.data())
@settings(max_examples=150, deadline=None)
def test_order_framing_and_repetition_change_no_run_and_no_sum(
    events: list[Event], data: st.DataObject
) -> None:
    def play(order: list[Event], pauses: bool) -> Feed:
        feed = Feed()
        while order:
            size = data.draw(st.integers(1, len(order)))
            feed.frame(order[:size])
            order = order[size:]
            if pauses and data.draw(st.booleans()):
                feed.tick(data.draw(st.sampled_from((0.25, 6, 31))))
        feed.end()
        return feed

    once = play(list(events), pauses=False)
    again = play(data.draw(st.permutations([*events, *events])), pauses=True)
    assert stable(again) == stable(once)
    assert again.signals() == once.signals()
    seen = [row["event_id"] for row in again.rows(Kind.SIGNALS) if row["first"]]
    assert sorted(seen) == sorted({event.event_id for event in events}), "a detector sees each step once"


@pytest.mark.parametrize("field", ["steps", "input_tokens", "cost_pico_usd"])
def test_the_sum_over_signals_is_the_sum_over_runs(field: str) -> None:
    feed = Feed()
    feed.frame([make_event(f"{number}", f"r{number % 3}") for number in range(30)])
    feed.frame([make_event(f"{number}", f"r{number % 3}", input_tokens=7) for number in range(0, 30, 5)])
    feed.end()
    signals = [row for row in feed.rows(Kind.SIGNALS) if row["weight"]]
    total = sum(row["weight"] * (1 if field == "steps" else row[field]) for row in signals)
    assert total == sum(run[field] for run in feed.runs().values())
