"""Logs give contents to the steps of their spans, and evaluations; they make no second step."""

import json
from typing import Any

import msgspec
import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from schemas import otlp_logs
from schemas.decoded import Decoded, Reason

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NOW_NS = 1_750_000_000_000_000_000


def text(value: str) -> dict[str, Any]:
    return {"stringValue": value}


def record(
    name: str, *, body: Any = None, trace: str = TRACE, span: str = SPAN, **attributes: Any
) -> dict[str, Any]:
    return {
        "timeUnixNano": str(NOW_NS),
        "eventName": name,
        "traceId": trace,
        "spanId": span,
        "attributes": [{"key": key.replace("__", "."), "value": value} for key, value in attributes.items()],
        **({"body": body} if body else {}),
    }


def request(*records: dict[str, Any]) -> bytes:
    scope = {"scope": {"name": "openai", "version": "2"}, "logRecords": list(records)}
    resource = {"attributes": [{"key": "service.name", "value": text("desk")}]}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}).encode()


def protobuf(value: bytes) -> bytes:
    """The same in protobuf; its JSON has ids in base64, which is not that of OTLP."""
    document = json.loads(value)
    for scope in document["resourceLogs"][0]["scopeLogs"]:
        for one in scope["logRecords"]:
            one.pop("traceId"), one.pop("spanId")
    message = Parse(json.dumps(document), ExportLogsServiceRequest())
    for one, said in zip(
        message.resource_logs[0].scope_logs[0].log_records,
        json.loads(value)["resourceLogs"][0]["scopeLogs"][0]["logRecords"],
        strict=True,
    ):
        one.trace_id, one.span_id = bytes.fromhex(said["traceId"]), bytes.fromhex(said["spanId"])
    return bytes(message.SerializeToString())


def both(value: bytes) -> Decoded:
    one, other = otlp_logs.decode(value), otlp_logs.decode(protobuf(value))
    assert (one.events, one.attachments, one.ignored) == (other.events, other.attachments, other.ignored)
    assert [(r.number, r.reason, r.detail) for r in one.rejected] == [
        (r.number, r.reason, r.detail) for r in other.rejected
    ]
    return one


def content(event: Any, name: str) -> Any:
    return msgspec.json.decode(getattr(event, name))


def test_contents_of_a_call_have_the_id_of_its_span_and_make_no_step() -> None:
    said = {"kvlistValue": {"values": [{"key": "content", "value": text("Hi")}]}}
    found = both(
        request(
            record(
                "gen_ai.client.inference.operation.details",
                gen_ai__input__messages=text('[{"role": "user"}]'),
                gen_ai__output__messages=text('[{"role": "assistant"}]'),
            ),
            record("gen_ai.user.message", body=said),
            record("gen_ai.choice", body=said),
        )
    )
    assert (found.events, found.rejected, found.ignored) == ([], [], 0)
    details, asked, answered = found.attachments
    assert {event.event_id for event in found.attachments} == {f"{TRACE}-{SPAN}"}
    assert content(details, "input_messages") == [{"role": "user"}]
    assert content(details, "output_messages") == [{"role": "assistant"}]
    assert content(asked, "input_messages") == [{"role": "user", "content": "Hi"}]
    assert content(answered, "output_messages") == [{"role": "assistant", "content": "Hi"}]
    times = [event.start_time_unix_nano for event in found.attachments]
    assert len(set(times)) == 3, "the table keeps one row for a name and time"


def test_an_evaluation_is_a_step_below_the_one_it_judges_with_an_id_of_its_own() -> None:
    judged: dict[str, Any] = {
        "gen_ai__evaluation__name": text("groundedness"),
        "gen_ai__evaluation__score__value": {"doubleValue": 0.5},
        "gen_ai__evaluation__score__label": text("poor"),
        "gen_ai__evaluation__explanation": text("not in the text"),
    }
    value = request(
        record("gen_ai.evaluation.result", **judged),
        record("gen_ai.evaluation.result", **(judged | {"gen_ai__evaluation__name": text("tone")})),
        record("gen_ai.evaluation.result", trace="", span="", gen_ai__response__id=text("resp_1"), **judged),
    )
    one, other, alone = both(value).events
    assert (one.kind, one.parent_event_id, one.trace_id) == ("feedback", f"{TRACE}-{SPAN}", TRACE)
    assert (one.evaluation_name, one.evaluation_score_value, one.evaluation_score_label) == (
        "groundedness",
        0.5,
        "poor",
    )
    assert (one.evaluation_explanation, one.service_name) == ("not in the text", "desk")
    assert one.event_id != other.event_id
    assert one.event_id.startswith(f"{TRACE}-{SPAN}-")
    assert (alone.trace_id, alone.parent_event_id, alone.response_id) == (None, None, "resp_1")
    assert [event.event_id for event in otlp_logs.decode(value).events] == [
        event.event_id for event in otlp_logs.decode(value).events
    ], "an id is made from what the record says"


def test_other_logs_are_counted_and_a_content_without_a_span_is_kept_apart() -> None:
    found = both(
        request(
            record("", body=text("GET /")),
            record("gen_ai.user.message", span="", body=text("Hi")),
            record("gen_ai.user.message", body=text("Hi")),
        )
    )
    assert (found.ignored, len(found.attachments)) == (1, 1)
    (rejected,) = found.rejected
    assert (rejected.number, rejected.reason) == (1, Reason.INVALID_LOG)
    assert "span id" in rejected.detail


@pytest.mark.parametrize("value", [b"", b"{", b"{}", b"\x0a\xff\xff", b'{"resourceLogs": 3}', b"\x12\x00"])
def test_what_is_no_export_is_refused_with_a_reason(value: bytes) -> None:
    found = otlp_logs.decode(value)
    assert (len(found.rejected), found.events) == (1, [])
    assert found.rejected[0].reason is not Reason.INTERNAL
