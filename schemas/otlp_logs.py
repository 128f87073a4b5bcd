"""How do bytes of the topic `otlp_logs` become contents and evaluations? OTLP logs, protobuf or JSON.

A message is one ExportLogsServiceRequest. Records that carry contents of a call belong to the step that the
span beside them becomes: they give contents under its id, and no step. An evaluation is a step of its own,
below the span that it judges, whenever it comes. Other logs are not for us, and are counted.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import msgspec
from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from schemas.anyvalue import (
    Attributed,
    KeyValue,
    Scope,
    Value,
    hex_id,
    json_attributes,
    json_value,
    pb_attributes,
    pb_value,
)
from schemas.decoded import Decoded, Reason, Rejected
from schemas.event import Event
from schemas.span import InvalidSpan, Resource, Span, read_resource, to_event
from schemas.spans.values import Attributes

DETAILS = "gen_ai.client.inference.operation.details"
EVALUATION = "gen_ai.evaluation.result"
# Former events, one for each message -> the attribute that spans have for it, and who says it.
MESSAGES = {
    "gen_ai.system.message": ("gen_ai.input.messages", "system"),
    "gen_ai.user.message": ("gen_ai.input.messages", "user"),
    "gen_ai.assistant.message": ("gen_ai.input.messages", "assistant"),
    "gen_ai.tool.message": ("gen_ai.input.messages", "tool"),
    "gen_ai.choice": ("gen_ai.output.messages", "assistant"),
}


class Log(NamedTuple):
    """One record, the same from protobuf and JSON; ids are lower-case hex, or empty."""

    name: str
    time_unix_nano: int
    trace_id: str
    span_id: str
    attributes: Attributes
    body: Any
    resource: Resource
    scope_name: str
    scope_version: str


_Read = Callable[[], Log]
_Bytes = Callable[[], bytes]


def decode(value: bytes) -> Decoded:
    """Contents and evaluations of one message; never raises for any bytes.

    Args:
        value: ExportLogsServiceRequest in protobuf or OTLP JSON.

    Returns:
        Evaluations as events, contents as attachments, and what is neither. A record is a log.
    """
    if not value:
        return Decoded([], (), [Rejected(0, Reason.EMPTY, "The message has no bytes", value)])
    is_json = value[:64].lstrip()[:1] == b"{"
    try:
        logs = list(_read_json(value) if is_json else _read_protobuf(value))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded([], (), [Rejected(0, Reason.INVALID_JSON, _say(error), value)])
    except ProtobufError as error:
        return Decoded([], (), [Rejected(0, Reason.INVALID_PROTOBUF, _say(error), value)])
    events: list[Event] = []
    numbers: list[int] = []
    attachments: list[Event] = []
    rejected: list[Rejected] = []
    ignored = 0
    for number, (read, original) in enumerate(logs):
        try:
            log = read()
            if log.name == EVALUATION:
                events.append(_evaluation(log))
                numbers.append(number)
            elif (said := _contents(log)) is not None:
                attachments.append(_attached(log, said, number))
            else:
                ignored += 1
        except (InvalidSpan, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            rejected.append(Rejected(number, Reason.INVALID_LOG, _say(error), original()))
    return Decoded(events, numbers, rejected, attachments, ignored)


def _contents(log: Log) -> Attributes | None:
    """The contents that a record carries, under the names that spans have for them; None: it is none."""
    if log.name == DETAILS:
        return {**(log.body if isinstance(log.body, dict) else {}), **log.attributes}
    if log.name not in MESSAGES:
        return None
    name, role = MESSAGES[log.name]
    said = log.body if isinstance(log.body, dict) else {"content": log.body}
    return {name: [{"role": role, **said}]}


def _attached(log: Log, attributes: Attributes, number: int) -> Event:
    """The contents of a record, as an event with the id of the step that they belong to.

    Records of one step come with one time, and the time tells them apart: so each has its own nanosecond.
    """
    return to_event(_span(log, log.trace_id, log.span_id, "", attributes, log.time_unix_nano + number))


def _evaluation(log: Log) -> Event:
    """An evaluation, as a step below what it judges; without a trace it stands alone."""
    content = [log.name, log.time_unix_nano, log.trace_id, log.span_id, log.attributes, log.body]
    text = json.dumps(content, sort_keys=True, default=str)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    ids = (log.trace_id or digest, digest[:16], log.span_id)
    event = to_event(_span(log, *ids, log.attributes, log.time_unix_nano))
    return msgspec.structs.replace(
        event,
        event_id="-".join(part for part in (log.trace_id, log.span_id, digest[:16]) if part),
        trace_id=log.trace_id or None,
        kind="feedback",
        # A judge's model is not what the judged step cost.
        step_name=event.evaluation_name or event.step_name,
    )


def _span(log: Log, trace_id: str, span_id: str, parent: str, attributes: Attributes, time_ns: int) -> Span:
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=log.name,
        start_time_unix_nano=time_ns,
        end_time_unix_nano=time_ns,
        attributes=attributes,
        resource=log.resource,
        scope_name=log.scope_name,
        scope_version=log.scope_version,
        status_code=0,
        status_message="",
        events=[],
    )


def _say(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _named(name: str, attributes: Attributes) -> str:
    """The event's name: a field since OTLP 1.5, an attribute before."""
    return name or str(attributes.pop("event.name", ""))


# -- protobuf


def _read_protobuf(value: bytes) -> Iterator[tuple[_Read, _Bytes]]:
    request = ExportLogsServiceRequest()
    request.ParseFromString(value)
    if not request.resource_logs:
        raise ProtobufError("There is no resource_logs in the message: it is not an OTLP log export")
    for resource_logs in request.resource_logs:
        resource = read_resource(pb_attributes(resource_logs.resource.attributes))
        for scope_logs in resource_logs.scope_logs:
            scope = scope_logs.scope
            for record in scope_logs.log_records:
                yield partial(_pb_log, record, resource, scope), record.SerializeToString


def _pb_log(record: Any, resource: Resource, scope: Any) -> Log:
    attributes = pb_attributes(record.attributes)
    return Log(
        name=_named(record.event_name, attributes),
        time_unix_nano=record.time_unix_nano or record.observed_time_unix_nano,
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        attributes=attributes,
        body=pb_value(record.body),
        resource=resource,
        scope_name=scope.name,
        scope_version=scope.version,
    )


# -- JSON


class _Record(msgspec.Struct, rename="camel"):
    time_unix_nano: int = 0
    observed_time_unix_nano: int = 0
    event_name: str = ""
    trace_id: str = ""
    span_id: str = ""
    attributes: list[KeyValue] = []
    body: Value | None = None


class _ScopeLogs(msgspec.Struct, rename="camel"):
    scope: Scope = msgspec.field(default_factory=Scope)
    log_records: list[msgspec.Raw] = []


class _ResourceLogs(msgspec.Struct, rename="camel"):
    resource: Attributed = msgspec.field(default_factory=Attributed)
    scope_logs: list[_ScopeLogs] = []


class _Request(msgspec.Struct, rename="camel"):
    resource_logs: list[_ResourceLogs]


_REQUEST = msgspec.json.Decoder(_Request, strict=False)
_RECORD = msgspec.json.Decoder(_Record, strict=False)


def _read_json(value: bytes) -> Iterator[tuple[_Read, _Bytes]]:
    for resource_logs in _REQUEST.decode(value).resource_logs:
        resource = read_resource(json_attributes(resource_logs.resource.attributes))
        for scope_logs in resource_logs.scope_logs:
            for raw in scope_logs.log_records:
                yield partial(_json_log, raw, resource, scope_logs.scope), partial(bytes, raw)


def _json_log(raw: msgspec.Raw, resource: Resource, scope: Scope) -> Log:
    record = _RECORD.decode(raw)
    attributes = json_attributes(record.attributes)
    return Log(
        name=_named(record.event_name, attributes),
        time_unix_nano=record.time_unix_nano or record.observed_time_unix_nano,
        trace_id=hex_id(record.trace_id, "traceId"),
        span_id=hex_id(record.span_id, "spanId"),
        attributes=attributes,
        body=None if record.body is None else json_value(record.body),
        resource=resource,
        scope_name=scope.name,
        scope_version=scope.version,
    )
