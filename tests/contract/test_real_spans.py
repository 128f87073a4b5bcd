"""Real spans of eight agent frameworks and of one SDK decode to what was in them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas import otlp
from schemas.event import Event
from streams.pricing.apply import BILLABLE_KINDS
from tests.unit.runs.frames import Feed

TRACES = (
    "agno-2025-06-11",
    "crewai-2025-07-11",
    "google-adk-2025-08-28",
    "langgraph-python-2025-08-22",
    "microsoft-agent-2025-12-17",
    "openai-agents-2025-09-30",
    "pydantic-ai-2025-06-06",
    "vercel-aisdk-2025-11-17",
)
ESTIMATED = "the span carries no usage; the other product counted the words of its texts"
# Spans whose tokens we tell otherwise than the product that `expected.jsonl` was taken from, and why.
OTHERWISE = {
    "0a4fac": "the product bills no span that is no generation; we keep its usage and RUNS bills its calls",
    "1dc676": "the attributes say 62 and 85; the product put its own count in their place",
    **dict.fromkeys(("b38a82", "ca136d", "fc7f61", "1f883b", "4f6535", "5ba096", "4cd6ca"), ESTIMATED),
}
AGENTS = {
    # The root's name: nothing names an agent.
    "agno": dict.fromkeys(("1cffdf", "b38a82", "6581e1", "ca136d", "fc7f61", "1f883b"), "Agent.run"),
    # A crew of one agent is that agent; the span around it and what it logs have the root's name.
    "crewai": {
        "0dd92f": "Software developer",
        "a8bf77": "Software developer",
        "231c43": "Software developer",
        "69490d": "Software developer",
        "120aa4": "Software developer",
        "839dad": "crewai-index-trace",
    },
    "google": {
        "86cd49": "invocation [hello_app]",
        **dict.fromkeys(("6d8beb", "bded67", "f6e4c6", "04290e"), "hello_agent"),
    },
    "langgraph": dict.fromkeys(
        ("b024c7", "3b239b", "4f6535", "5ba096", "214412", "c8a18a", "e63806", "98d3e0", "c7fbfd"),
        "LangGraph",
    ),
    # Its name is an id of the run, and so is the name of its root: the instrumentation is left.
    "microsoft": dict.fromkeys(("4cd6ca", "2406e8", "b0913e", "a2de97"), "agent_framework"),
    "openai": {
        "e5a76f": "Agent workflow",
        **dict.fromkeys(("d950b6", "90d947", "988700", "5b99c3"), "Hello world"),
    },
    "pydantic": {"538fed": "pydantic-ai-qa-trace", "0a4fac": "qa_agent", "5cb389": "qa_agent"},
    "vercel": dict.fromkeys(("1dc676", "91a17a", "e9bb8c"), "ai.generateText"),
}


def read(folder: Path, name: str, encoding: str = "json") -> list[Event]:
    decoded = otlp.decode((folder / "otlp" / f"{name}.otlp.{encoding}").read_bytes())
    assert decoded.rejected == []
    return decoded.events


def short(event_id: str) -> str:
    return event_id.split("-")[1][:6]


@pytest.mark.parametrize("name", TRACES)
def test_json_and_protobuf_are_the_same_steps(shared_data: Path, name: str) -> None:
    assert read(shared_data, name) == read(shared_data, name, "pb")


def test_tokens_are_those_that_another_product_found_but_for_reasons(shared_data: Path) -> None:
    expected = {}
    for line in (shared_data / "otlp" / "expected.jsonl").read_text().splitlines():
        row = json.loads(line)
        expected[row["span_id"]] = (row["input_tokens"], row["output_tokens"])
    events = [event for name in TRACES for event in read(shared_data, name)]
    assert len(events) == len(expected) == 41
    differing = {
        short(event.event_id)
        for event in events
        if expected[event.event_id.split("-")[1]] != (event.input_tokens or 0, event.output_tokens or 0)
    }
    assert differing == set(OTHERWISE)


def test_every_span_of_the_traces_has_the_agent_that_a_reader_would_name(shared_data: Path) -> None:
    feed = Feed()
    for name in TRACES:
        for event in read(shared_data, name):
            feed.frame([event])
    feed.end()
    found = {short(event_id): agent for event_id, agent, *_ in feed.signals()}
    expected = {span: agent for spans in AGENTS.values() for span, agent in spans.items()}
    assert len(expected) == 41
    assert found == expected


def test_the_usage_of_no_span_around_a_call_is_billed(shared_data: Path) -> None:
    for name, tokens in (("pydantic-ai-2025-06-06", 31), ("vercel-aisdk-2025-11-17", 62)):
        feed = Feed()
        feed.frame(read(shared_data, name))
        feed.end()
        (run,) = feed.runs().values()
        assert run["input_tokens"] == tokens


# What one dialect can say and the other cannot: nothing about the call, its tokens or its price.
ONLY_OTEL = {
    "operation_name": "OpenInference says the kind of a span in its place",
    "response_id": "OpenInference has no name for it",
    "finish_reasons": "neither",
    "dialect": "that is the difference",
    "sources": "likewise",
    "attributes": "what is no field of ours",
}
SHAPE = {"input_messages", "output_messages"}


def test_the_two_dialects_of_one_span_are_the_same_step(shared_data: Path) -> None:
    folder = shared_data / "otlp" / "openinference_genai_fixtures"

    def step(name: str) -> dict[str, Any]:
        attributes = json.loads((folder / f"{name}.json").read_text())
        event = decode_span(name="chat gpt-4", attributes=attributes)
        return dict(json.loads(msgspec.json.encode(event)))

    current = step("otel_genai_client_span_tool_calls")
    older = step("otel_genai_deprecated_client_span_tool_calls")
    other = step("openinference_client_span_tool_calls")
    assert differing(current, older) <= {"dialect", "attributes", "output_messages"}
    assert differing(current, other) == set(ONLY_OTEL) | SHAPE
    assert (other["request_model"], other["response_model"]) == ("gpt-4", "gpt-4-0613")
    assert [message["role"] for message in other["input_messages"]] == ["user", "assistant", "tool"]
    call = other["input_messages"][1]["tool_calls"][0]
    assert (call["id"], call["function"]["name"]) == ("1234", "get_weather")


def differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def test_a_call_of_the_vercel_sdk_is_billed_once(shared_data: Path) -> None:
    spans = json.loads((shared_data / "openinference" / "vercel_v6_spans" / "all-spans.json").read_text())
    billable: dict[str, int] = {}
    for span in spans:
        event = decode_span(name=span["name"], attributes=span["attributes"], scope="ai")
        assert event.dialect == "vercel"
        if event.kind in BILLABLE_KINDS:
            billable[span["name"]] = billable.get(span["name"], 0) + (event.input_tokens or 0)
    assert billable == {
        "ai.generateText.doGenerate": 14 + 50,
        "ai.generateObject.doGenerate": 63,
        "ai.streamText.doStream": 15,
        "ai.embed.doEmbed": 10,
    }


def decode_span(*, name: str, attributes: dict[str, Any], scope: str = "s") -> Event:
    """A span with these attributes, through OTLP JSON."""

    def value(given: Any) -> dict[str, Any]:
        if isinstance(given, bool):
            return {"boolValue": given}
        if isinstance(given, int):
            return {"intValue": str(given)}
        if isinstance(given, float):
            return {"doubleValue": given}
        if isinstance(given, list):
            return {"arrayValue": {"values": [value(item) for item in given]}}
        return {"stringValue": given}

    span = {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": name,
        "startTimeUnixNano": "1750000000000000000",
        "endTimeUnixNano": "1750000001000000000",
        "attributes": [{"key": key, "value": value(given)} for key, given in attributes.items()],
    }
    request = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": [span]}]}]}
    decoded = otlp.decode(json.dumps(request).encode())
    assert decoded.rejected == []
    return decoded.events[0]
