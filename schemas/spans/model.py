"""What is a span, whoever wrote it and in whichever encoding? Types alone."""

from typing import NamedTuple

import msgspec

from schemas.spans.values import Attributes

MAX_UNIX_NANO = 2**63 - 1


class InvalidSpan(ValueError):
    """A span that cannot be an event. The message names the attribute or id."""


# A struct is made in a tenth of the time of a tuple with names.
class SpanEvent(msgspec.Struct, gc=False):
    """An event of a span; its time in Unix nanoseconds."""

    name: str
    time_unix_nano: int
    attributes: Attributes


class Resource(NamedTuple):
    """What the resource of spans says: fields, and what is none of them; read once for all of its spans."""

    labels: dict[str, str]
    rest: dict[str, str] | None


class Span(msgspec.Struct, gc=False):
    """One OTLP span, the same from protobuf and JSON; ids are lower-case hex, times Unix nanoseconds."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: Attributes
    resource: Resource
    scope_name: str
    scope_version: str
    status_code: int
    status_message: str
    events: list[SpanEvent]
