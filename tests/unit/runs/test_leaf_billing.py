"""Each call is billed once, wherever it is told of and whatever comes first."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import CostStatus, Kind
from schemas.event import Event
from streams.runs.params import SECOND_NS
from tests.unit.runs.frames import NOW_NS, Feed, make_event

AGENT = {"kind": "agent", "request_model": "gpt-4o-mini"}
SUMS = ("input_tokens", "output_tokens", "cost_pico_usd", "unpriced_steps")


def fed(*events: Event, frames: int = 1, ticks: bool = False) -> Feed:
    """All events, in so many frames, with a tick after each or one at the end."""
    feed = Feed()
    size = -(-len(events) // frames)
    for first in range(0, len(events), size):
        feed.frame(events[first : first + size])
        if ticks:
            feed.tick()
    feed.end()
    return feed


def billed(feed: Feed) -> dict[str, int]:
    """Input tokens of each step that has any in windows."""
    found: dict[str, int] = {}
    for (event_id, _, tokens, _, _), weight in feed.signals().items():
        found[event_id] = found.get(event_id, 0) + (tokens or 0) * weight
    return {event_id: tokens for event_id, tokens in found.items() if tokens}


def statuses(feed: Feed) -> dict[str, CostStatus]:
    """The last status that each corrected row says."""
    return {row["event_id"]: CostStatus(row["cost_status"]) for row in feed.rows(Kind.CORRECTED_STEPS)}


def check_sums(feed: Feed) -> None:
    """Runs, their shares by agent, and windows say the same."""
    signals = feed.rows(Kind.SIGNALS)
    for run_id, run in feed.runs().items():
        mine = [row for row in signals if row["run_id"] == run_id]
        for name in ("input_tokens", "output_tokens", "cost_pico_usd"):
            assert run[name] == sum((row[name] or 0) * row["weight"] for row in mine), name
        unpriced = sum((row["cost_status"] == CostStatus.UNPRICED) * row["weight"] for row in mine)
        assert run["unpriced_steps"] == unpriced
        for name in ("input_tokens_by_agent", "output_tokens_by_agent", "cost_by_agent_pico_usd"):
            total = name.replace("_by_agent", "")
            assert sum(value for _, value in run[name]) == run[total], name


@pytest.mark.parametrize("ticks", [False, True])
@pytest.mark.parametrize("upside_down", [False, True])
def test_the_usage_of_an_agent_is_not_added_to_that_of_its_calls(upside_down: bool, ticks: bool) -> None:
    events = [
        make_event("root", **AGENT, input_tokens=300),
        make_event("one", parent_event_id="root", input_tokens=100),
        make_event("two", parent_event_id="chain", input_tokens=200),
        make_event("chain", parent_event_id="root", kind="other", input_tokens=200),
    ]
    feed = fed(*events[:: -1 if upside_down else 1], frames=4, ticks=ticks)
    assert billed(feed) == {"one": 100, "two": 200}
    assert feed.runs()["r"]["input_tokens"] == 300
    check_sums(feed)


def test_the_usage_of_an_agent_counts_where_nothing_below_it_tells_any() -> None:
    feed = fed(
        make_event("root", **AGENT, input_tokens=300),
        make_event("inner", **AGENT, parent_event_id="root", input_tokens=250),
        make_event("call", parent_event_id="inner", input_tokens=None, output_tokens=None),
    )
    assert billed(feed) == {"inner": 250}, "the innermost"
    assert statuses(feed)["inner"] is CostStatus.PRICED
    corrected = [row for row in feed.rows(Kind.CORRECTED_STEPS) if row["event_id"] == "inner"]
    assert corrected[-1]["cost_pico_usd"] == 250 * 150_000 + 10 * 600_000
    check_sums(feed)


def test_what_was_billed_of_an_agent_is_taken_back_when_its_call_comes() -> None:
    feed = Feed()
    feed.frame([make_event("root", **AGENT, input_tokens=300)])
    feed.tick()
    assert billed(feed) == {"root": 300}
    feed.frame([make_event("call", parent_event_id="root", input_tokens=290)])
    feed.tick()
    assert billed(feed) == {"call": 290}
    assert statuses(feed)["root"] is CostStatus.ROLLUP
    feed.end()
    check_sums(feed)


def test_detectors_see_the_usage_of_an_agent_when_it_counts_and_of_a_call_around_a_call_never() -> None:
    feed = Feed()
    feed.frame([make_event("alone", "s", **AGENT, input_tokens=300)])
    feed.frame([make_event("inner", parent_event_id="outer"), make_event("outer")])
    feed.tick()
    seen = {row["event_id"]: row["input_tokens"] for row in feed.rows(Kind.SIGNALS) if row["first"]}
    assert seen == {"alone": 300, "inner": 100, "outer": None}


def test_a_call_within_a_call_is_the_one_that_counts() -> None:
    feed = fed(
        make_event("langchain", input_tokens=100),
        make_event("openai", parent_event_id="langchain", input_tokens=100),
    )
    assert billed(feed) == {"openai": 100}
    assert statuses(feed) == {"langchain": CostStatus.ROLLUP}
    check_sums(feed)


def test_an_embedding_or_an_agent_within_a_call_is_not_that_call() -> None:
    feed = fed(
        make_event("outer", input_tokens=100),
        make_event("vectors", parent_event_id="outer", kind="embedding", input_tokens=7),
        make_event("tool", parent_event_id="outer", kind="tool", input_tokens=None, output_tokens=None),
        make_event("agent", parent_event_id="tool", **AGENT, input_tokens=50),
        make_event("its call", parent_event_id="agent", input_tokens=50),
    )
    assert billed(feed) == {"outer": 100, "vectors": 7, "its call": 50}


def test_a_step_whose_ancestors_have_not_come_may_be_one_of_an_agents_calls() -> None:
    lost = make_event("lost", parent_event_id="not here", input_tokens=100)
    agent = make_event("root", **AGENT, input_tokens=100)
    assert billed(fed(lost, agent)) == {"lost": 100}
    before = make_event(
        "lost", parent_event_id="not here", input_tokens=100, start_time_unix_nano=NOW_NS - SECOND_NS
    )
    assert billed(fed(before, agent)) == {"lost": 100, "root": 100}, "it began before the agent"


def test_agents_under_one_missing_span_are_both_billed() -> None:
    one = make_event("one", **AGENT, parent_event_id="gateway", input_tokens=100)
    two = make_event("two", **AGENT, parent_event_id="gateway", input_tokens=40)
    assert billed(fed(one, two)) == {"one": 100, "two": 40}


def test_one_call_told_of_by_sdk_and_gateway_is_billed_once_the_priced_one_first() -> None:
    sdk = make_event("b", parent_event_id="x", response_id="resp_1", input_tokens=100)
    gateway = make_event(
        "c",
        parent_event_id="y",
        response_id="resp_1",
        input_tokens=100,
        output_tokens=11,
        scope_name="gateway",
    )
    unknown = make_event(
        "a", parent_event_id="z", response_id="resp_1", request_model="none-such", scope_name="proxy"
    )
    root = make_event("root", kind="run", input_tokens=None, output_tokens=None)
    feed = fed(gateway, unknown, sdk, root)
    assert billed(feed) == {"b": 100}
    assert statuses(feed) == {"a": CostStatus.DUPLICATE, "c": CostStatus.DUPLICATE}
    check_sums(feed)


def test_an_id_that_a_server_uses_again_is_billed_as_often_as_one_emitter_tells() -> None:
    def told(event_id: str, second: int, **fields: Any) -> Event:
        start_ns = NOW_NS + second * SECOND_NS
        return make_event(event_id, response_id="chatcmpl-1", start_time_unix_nano=start_ns, **fields)

    one, two = told("a", 0), told("b", 5, input_tokens=200)
    assert billed(fed(one, two)) == {"a": 100, "b": 200}
    same = told("c", 0, scope_name="gateway"), told("d", 5, input_tokens=200, scope_name="gateway")
    assert billed(fed(*same, two, one)) == {"a": 100, "b": 200}
    cached = told("e", 9, response_cached=True, scope_name="gateway")
    assert statuses(fed(one, two, cached)) == {}


def test_a_circle_of_parents_loses_no_usage() -> None:
    one = make_event("a", parent_event_id="b", input_tokens=100)
    two = make_event("b", parent_event_id="a", input_tokens=100)
    assert sum(billed(fed(one, two)).values()) == 100


def test_a_second_content_under_the_id_of_a_call_is_billed_as_it_says() -> None:
    feed = Feed()
    feed.frame([make_event("outer", input_tokens=100), make_event("inner", parent_event_id="outer")])
    feed.tick()
    feed.frame([make_event("inner", parent_event_id="outer", input_tokens=77, response_id="resp_1")])
    feed.tick()
    assert billed(feed) == {"inner": 77}
    feed.end()
    check_sums(feed)


KINDS = ("llm", "llm", "agent", "tool", "other", "embedding")


@st.composite
def trees(draw: st.DrawFn) -> list[Event]:
    """Steps of two runs that hang below one another, some parents missing, some ids told of twice."""
    events = []
    for _ in range(draw(st.integers(1, 12))):
        run_id = draw(st.sampled_from(("r1", "r2")))
        above = draw(st.integers(-1, 12))
        start_ns = NOW_NS + draw(st.integers(0, 3)) * SECOND_NS
        fields: dict[str, Any] = {
            "kind": draw(st.sampled_from(KINDS)),
            "agent_name": draw(st.sampled_from((None, None, "planner"))),
            "agent_hint": draw(st.sampled_from((None, None, "hinted"))),
            "span_name": draw(st.sampled_from((None, "span"))),
            "service_name": draw(st.sampled_from((None, "unknown_service:python", "shop"))),
            "parent_event_id": None if above < 0 else f"{run_id}-{above}",
            "start_time_unix_nano": start_ns,
            "end_time_unix_nano": start_ns + draw(st.integers(0, 3)) * SECOND_NS,
            "request_model": draw(st.sampled_from(("gpt-4o-mini", "none-such"))),
            "response_id": draw(st.sampled_from((None, "x", "y"))),
            "scope_name": draw(st.sampled_from((None, "sdk", "gateway"))),
            "output_tokens": draw(st.sampled_from((None, 1, 2))),
            "input_tokens": draw(st.sampled_from((None, 100, 200))),
        }
        events.append(make_event(f"{run_id}-{draw(st.integers(0, 11))}", run_id, **fields))
    return events


@settings(max_examples=300, deadline=None)
@given(trees(), st.integers(0, 2**32))
def test_no_order_no_framing_and_no_repetition_changes_what_is_billed(events: list[Event], seed: int) -> None:
    def play(events: list[Event], rng: random.Random | None) -> Feed:
        feed, left = Feed(), list(events)
        while left:
            size = rng.randint(1, len(left)) if rng else len(left)
            feed.frame(left[:size])
            left = left[size:]
            if rng and rng.random() < 0.5:
                feed.tick(rng.choice((0.25, 6.0, 31.0)))
        feed.end()
        return feed

    rng = random.Random(seed)
    shuffled = [*events, *events]
    rng.shuffle(shuffled)
    once, again = play(events, None), play(shuffled, rng)
    for feed in (once, again):
        check_sums(feed)
        firsts = [row["event_id"] for row in feed.rows(Kind.SIGNALS) if row["first"]]
        assert len(firsts) == len(set(firsts)), "detectors see a step once"
        assert all(row["cost_pico_usd"] >= 0 for row in feed.runs().values())
    assert billed(once) == billed(again)
    assert once.signals() == again.signals()
    names = (*SUMS, "input_tokens_by_agent", "cost_by_agent_pico_usd", "steps_by_agent", "agents_started")
    for run_id, run in once.runs().items():
        assert {name: run[name] for name in names} == {name: again.runs()[run_id][name] for name in names}
