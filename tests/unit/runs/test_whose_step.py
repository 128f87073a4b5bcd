"""Whose step is it where no span names an agent? What stands in its place, and when that is decided."""

from typing import Any

import pytest

from schemas.columns import Kind
from schemas.event import Event
from tests.unit.runs.frames import Feed, make_event

NOBODY: dict[str, Any] = {"agent_name": None, "input_tokens": None, "output_tokens": None}


def span(event_id: str, parent: str | None = None, **fields: Any) -> Event:
    """A span around others that names no agent."""
    return make_event(event_id, **({"kind": "other", "parent_event_id": parent} | NOBODY | fields))


def owners(feed: Feed) -> dict[str, str]:
    return {event_id: agent for event_id, agent, *_ in feed.signals()}


@pytest.mark.parametrize(
    ("fields", "agent"),
    [
        ({"root": {"agent_name": "named", "agent_hint": "hinted"}}, "named"),
        ({"middle": {"agent_hint": "near"}, "root": {"agent_hint": "far", "span_name": "top"}}, "near"),
        ({"call": {"agent_hint": "own"}, "root": {"agent_name": "named"}}, "named"),
        ({"root": {"agent_hint": "far", "span_name": "top"}}, "far"),
        ({"root": {"span_name": "top", "service_name": "shop"}, "call": {"service_name": "shop"}}, "top"),
        (
            {"root": {"span_name": "run 171105b7-59dd-49c0-9677-0b95395aa46a", "service_name": "a"}},
            "unattributed",
        ),
        ({"middle": {"span_name": "between"}, "call": {"service_name": "shop"}}, "shop"),
        ({"call": {"service_name": "unknown_service:python", "scope_name": "openai"}}, "openai"),
        ({"call": {"service_name": "unknown_service"}}, "unattributed"),
        ({"root": {"kind": "llm", "span_name": "chat gpt-4o"}, "call": {"service_name": "shop"}}, "shop"),
    ],
)
@pytest.mark.parametrize("upside_down", [False, True])
def test_what_stands_for_an_agent(fields: dict[str, dict[str, Any]], agent: str, upside_down: bool) -> None:
    events = [
        span("root", **fields.get("root", {})),
        span("middle", "root", **fields.get("middle", {})),
        span("call", "middle", **({"kind": "llm", "input_tokens": 10} | fields.get("call", {}))),
    ]
    feed = Feed()
    for event in events[:: -1 if upside_down else 1]:
        feed.frame([event])
        feed.tick()
    feed.end()
    assert owners(feed)["call"] == agent
    assert dict(feed.runs()["r"]["input_tokens_by_agent"])[agent] == 10, "the run says the same"


def test_a_step_is_decided_when_all_above_it_have_ended() -> None:
    feed = Feed()
    feed.frame([span("call", "middle", kind="llm"), span("root", span_name="top")])
    feed.tick()
    assert owners(feed) == {"root": "top"}, "what lies between may name an agent"
    feed.frame([span("middle", "root")])
    feed.tick()
    assert owners(feed) == {"root": "top", "middle": "top", "call": "top"}


def test_a_span_that_has_only_started_may_still_name_an_agent() -> None:
    feed = Feed()
    feed.frame([span("root", state="started", end_time_unix_nano=None), span("call", "root", kind="llm")])
    feed.tick()
    assert owners(feed) == {}
    feed.frame([span("root", agent_name="late")])
    feed.tick()
    assert owners(feed) == {"root": "late", "call": "late"}
    assert feed.rows(Kind.CORRECTED_STEPS)[-1]["agent_name"] == "late"


def test_a_step_sent_under_its_service_moves_when_an_ancestor_tells_a_name() -> None:
    feed = Feed()
    feed.frame([span("call", "root", kind="llm", service_name="shop")])
    feed.tick(31)
    assert owners(feed) == {"call": "shop"}
    feed.frame([span("root", agent_hint="planner")])
    feed.tick()
    assert owners(feed) == {"call": "planner", "root": "planner"}
