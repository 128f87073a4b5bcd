"""Any bytes decode to events or to reasons; a bad record never takes its neighbours with it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas import native, otlp
from schemas.decoded import Reason

GOOD = [{"event_id": f"e{number}", "kind": "tool", "start_time_unix_nano": number} for number in range(4)]
FAULTS = {
    b"{broken": Reason.INVALID_JSON,
    b'{"kind": "tool"}': Reason.INVALID_EVENT,
    b'{"event_id": "x", "kind": "dream", "start_time_unix_nano": 1}': Reason.INVALID_EVENT,
    b'{"event_id": "x", "kind": "llm", "start_time_unix_nano": 1, "input_tokens": -1}': Reason.INVALID_EVENT,
    b'{"event_id": "x", "kind": "llm", "start_time_unix_nano": NaN}': Reason.INVALID_JSON,
    b'{"event_id": "\xff", "kind": "llm", "start_time_unix_nano": 1}': Reason.INVALID_JSON,
    b'{"input_messages": ' + b"[" * 100_000: Reason.INVALID_JSON,
}


@given(st.binary(max_size=300))
def test_no_bytes_raise_and_none_vanish(value: bytes) -> None:
    for decoder in (native, otlp):
        decoded = decoder.decode(value)
        assert all(rejected.reason is not Reason.INTERNAL for rejected in decoded.rejected)
        if not decoded.events:
            assert decoded.rejected or decoder is otlp


@pytest.mark.parametrize(("bad", "reason"), FAULTS.items(), ids=lambda value: str(value)[:30])
def test_good_records_around_a_bad_line_come_out_as_without_it(bad: bytes, reason: Reason) -> None:
    lines = [json.dumps(event).encode() for event in GOOD]
    clean = native.decode(b"\n".join(lines)).events
    decoded = native.decode(b"\n".join([*lines[:2], bad, *lines[2:]]))
    assert decoded.events == clean
    assert list(decoded.numbers) == [0, 1, 3, 4]
    [rejected] = decoded.rejected
    assert (rejected.reason, rejected.number, rejected.original) == (reason, 2, bad)
    assert rejected.detail


def test_an_object_an_array_and_lines_give_the_same_events() -> None:
    lines = b"\n".join(json.dumps(event).encode() for event in GOOD)
    array = json.dumps(GOOD).encode()
    apart = [native.decode(json.dumps(event, indent=2).encode()).events[0] for event in GOOD]
    assert native.decode(lines).events == native.decode(array).events == apart


def test_protobuf_and_json_of_eight_real_traces_decode_alike(shared_data: Path) -> None:
    for path in sorted((shared_data / "otlp").glob("*.otlp.pb")):
        binary, text = (otlp.decode(path.with_suffix(ending).read_bytes()) for ending in (".pb", ".json"))
        assert not binary.rejected
        assert {event.event_id: event for event in binary.events} == {
            event.event_id: event for event in text.events
        }


def test_every_truncation_of_a_trace_is_events_or_a_reason(shared_data: Path) -> None:
    value = (shared_data / "otlp" / "pydantic-ai-2025-06-06.otlp.pb").read_bytes()
    for end in range(0, len(value), 37):
        decoded = otlp.decode(value[:end])
        assert decoded.events or decoded.rejected


@pytest.mark.parametrize("value", [{"intValue": "-5"}, {"doubleValue": "NaN"}, {"stringValue": "many"}])
def test_unusable_usage_refuses_the_span_and_not_its_neighbour(value: dict[str, str]) -> None:
    def span(number: int, attributes: list[object]) -> dict[str, object]:
        return {"traceId": "0a" * 16, "spanId": f"{number:016x}", "name": "x", "attributes": attributes}

    bad = span(2, [{"key": "gen_ai.usage.input_tokens", "value": value}])
    spans = [span(1, []), bad, span(3, [])]
    decoded = otlp.decode(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode())
    assert list(decoded.numbers) == [0, 2]
    [rejected] = decoded.rejected
    assert rejected.reason is Reason.INVALID_SPAN
    assert "gen_ai.usage.input_tokens" in rejected.detail
    assert json.loads(rejected.original) == bad


def test_spans_are_numbered_through_all_scopes_of_a_message_refused_ones_too() -> None:
    def span(number: int, *, good: bool = True) -> dict[str, str]:
        return {
            "traceId": "0af7651916cd43dd8448eb211c80319c" if good else "00" * 16,
            "spanId": f"{number + 1:016x}",
            "name": str(number),
            "startTimeUnixNano": "1750000000000000000",
        }

    scopes: list[list[dict[str, str]]] = [[span(0), span(1)], [], [span(2, good=False), span(3)], [span(4)]]
    document = {
        "resourceSpans": [
            {"scopeSpans": [{"spans": spans} for spans in scopes[:2]]},
            {"scopeSpans": [{"spans": spans} for spans in scopes[2:]]},
        ]
    }
    # OTLP JSON has ids in hexadecimal, protobuf's own JSON in base64.
    binary = ExportTraceServiceRequest()
    for group in document["resourceSpans"]:
        into = binary.resource_spans.add()
        for scope in group["scopeSpans"]:
            to = into.scope_spans.add()
            for one in scope["spans"]:
                to.spans.add(
                    trace_id=bytes.fromhex(one["traceId"]),
                    span_id=bytes.fromhex(one["spanId"]),
                    name=one["name"],
                    start_time_unix_nano=int(one["startTimeUnixNano"]),
                )
    for value in (json.dumps(document).encode(), binary.SerializeToString()):
        decoded = otlp.decode(value)
        assert list(decoded.numbers) == [0, 1, 3, 4]
        assert [event.span_name for event in decoded.events] == ["0", "1", "3", "4"]
        [rejected] = decoded.rejected
        assert (rejected.number, rejected.reason) == (2, Reason.INVALID_SPAN)
