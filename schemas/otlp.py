"""How do bytes of the topic `otlp_spans` become events? OTLP traces, protobuf or JSON.

A message is one ExportTraceServiceRequest, as the Collector's kafka exporter writes it (`otlp_proto` or
`otlp_json`). Both encodings are read into the same `Span`, which `schemas.span` turns into an event, so JSON
and protobuf of one trace give the same events. Does not price, place or attribute anything.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas.anyvalue import (
    Attributed,
    KeyValue,
    Scope,
    hex_id,
    json_attributes,
    pb_attributes,
)
from schemas.decoded import Decoded, Reason, Rejected
from schemas.event import Event
from schemas.span import InvalidSpan, Resource, Span, SpanEvent, read_resource, to_event


class _Batch(NamedTuple):
    """The spans of one scope, unread, and how each is read and written again."""

    spans: Sequence[Any]
    read: Callable[[Any, Resource, Any], Span]
    write: Callable[[Any], bytes]
    resource: Resource
    scope: Any


def decode(value: bytes) -> Decoded:
    """The events of one message; never raises for any bytes.

    Args:
        value: ExportTraceServiceRequest (or TracesData, the same on the wire) in protobuf or OTLP JSON.

    Returns:
        An event for each span in order, and what is none, with the reason. A record is a span.
    """
    if not value:
        return Decoded([], (), [Rejected(0, Reason.EMPTY, "The message has no bytes", value)])
    # A request in protobuf begins with 0x0a (field 1); "{" would be a group, which OTLP does not use.
    is_json = value[:64].lstrip()[:1] == b"{"
    try:
        batches = list(_read_json(value) if is_json else _read_protobuf(value))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded([], (), [Rejected(0, Reason.INVALID_JSON, _say(error), value)])
    except ProtobufError as error:
        return Decoded([], (), [Rejected(0, Reason.INVALID_PROTOBUF, _say(error), value)])
    events: list[Event] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    before = 0
    for spans, read, write, resource, scope in batches:
        for number, span in enumerate(spans, before):
            try:
                events.append(to_event(read(span, resource, scope)))
                numbers.append(number)
            except (InvalidSpan, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                rejected.append(Rejected(number, Reason.INVALID_SPAN, _say(error), write(span)))
        before += len(spans)
    return Decoded(events, numbers, rejected)


def _say(error: BaseException) -> str:
    return str(error) or type(error).__name__


# -- protobuf


def _read_protobuf(value: bytes) -> Iterator[_Batch]:
    request = ExportTraceServiceRequest()
    request.ParseFromString(value)
    if not request.resource_spans:
        raise ProtobufError("There is no resource_spans in the message: it is not an OTLP trace export")
    for resource_spans in request.resource_spans:
        resource = read_resource(pb_attributes(resource_spans.resource.attributes))
        for scope_spans in resource_spans.scope_spans:
            scope = Scope(scope_spans.scope.name, scope_spans.scope.version)
            yield _Batch(scope_spans.spans, _pb_span, _pb_bytes, resource, scope)


def _pb_span(span: Any, resource: Resource, scope: Scope) -> Span:
    status, events = span.status, span.events
    return Span(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        pb_attributes(span.attributes),
        resource,
        scope.name,
        scope.version,
        status.code,
        status.message,
        # Most have none, and asking that costs a fifth of looking at each.
        [SpanEvent(event.name, event.time_unix_nano, pb_attributes(event.attributes)) for event in events]
        if events
        else [],
    )


def _pb_bytes(span: Any) -> bytes:
    return bytes(span.SerializeToString())


# -- JSON. strict=False: 64-bit integers are strings there, and some emitters write numbers.


class _Status(msgspec.Struct):
    code: int | str = 0
    message: str = ""


class _SpanEvent(msgspec.Struct, rename="camel"):
    name: str = ""
    time_unix_nano: int = 0
    attributes: list[KeyValue] = []


class _JsonSpan(msgspec.Struct, rename="camel"):
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    name: str = ""
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: list[KeyValue] = []
    events: list[_SpanEvent] = []
    status: _Status = msgspec.field(default_factory=_Status)


class _ScopeSpans(msgspec.Struct):
    scope: Scope = msgspec.field(default_factory=Scope)
    spans: list[msgspec.Raw] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: Attributed = msgspec.field(default_factory=Attributed)
    scope_spans: list[_ScopeSpans] = []


class _Request(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans]


_REQUEST = msgspec.json.Decoder(_Request, strict=False)
_SPAN = msgspec.json.Decoder(_JsonSpan, strict=False)
_STATUS_NAMES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


def _read_json(value: bytes) -> Iterator[_Batch]:
    for resource_spans in _REQUEST.decode(value).resource_spans:
        resource = read_resource(json_attributes(resource_spans.resource.attributes))
        for scope_spans in resource_spans.scope_spans:
            yield _Batch(scope_spans.spans, _json_span, bytes, resource, scope_spans.scope)


def _json_span(raw: msgspec.Raw, resource: Resource, scope: Scope) -> Span:
    span = _SPAN.decode(raw)
    code = span.status.code
    return Span(
        trace_id=hex_id(span.trace_id, "traceId"),
        span_id=hex_id(span.span_id, "spanId"),
        parent_span_id=hex_id(span.parent_span_id, "parentSpanId"),
        name=span.name,
        start_time_unix_nano=span.start_time_unix_nano,
        end_time_unix_nano=span.end_time_unix_nano,
        attributes=json_attributes(span.attributes),
        resource=resource,
        scope_name=scope.name,
        scope_version=scope.version,
        status_code=_STATUS_NAMES.get(code, 0) if isinstance(code, str) else code,
        status_message=span.status.message,
        events=[
            SpanEvent(event.name, event.time_unix_nano, json_attributes(event.attributes))
            for event in span.events
        ],
    )
