"""Which event is a span? Applies the tables of `schemas.dialect` to one OTLP span, whoever wrote it.

A value that cannot be read gives way to the next name of its field and stays an attribute. A span whose ids
or usage are unusable is refused as a whole (it becomes a dead letter that names the attribute); labels that
are too long are cut, because emitters cannot know our limits.
"""

from functools import lru_cache
from typing import Any

from schemas import dialect
from schemas.attributes import Read, Sort, read
from schemas.event import Event
from schemas.spans.contents import add_contents, add_out_of_json
from schemas.spans.events import add_failure, with_events
from schemas.spans.kind import kind_of
from schemas.spans.labels import CLEAN
from schemas.spans.model import MAX_UNIX_NANO, InvalidSpan, Resource, Span, SpanEvent
from schemas.spans.names import add_named
from schemas.spans.numbers import add_numbers, add_usage
from schemas.spans.values import LABEL_CHARS, Attributes, fingerprint_of, label_of, parsed, texts_of

__all__ = ["InvalidSpan", "Resource", "Span", "SpanEvent", "read_resource", "to_event"]

MAX_REASONS = 64
# SDKs that were not told a service's name invent one; it names nothing.
_UNKNOWN_SERVICE = "unknown_service"
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


def to_event(span: Span) -> Event:
    """The event that a span is.

    Raises:
        InvalidSpan: an id is missing or of the wrong length, a time is none, or usage cannot be read.
    """
    _check_ids(span)
    said = read(with_events(span) if span.events else span.attributes)
    fields = _labels(said)
    by_name = add_named(span.name, said.hints, said.rest, fields)
    kind = fields["kind"] = kind_of(said.hints, fields, by_name)
    if kind == "llm":
        add_out_of_json(said, fields)
    add_usage(said, span.scope_name, span.scope_version, fields)
    add_numbers(said, span.start_time_unix_nano, fields)
    add_contents(said, kind, fields)
    _add_resource(span.resource, fields)
    add_failure(span, said.hints, fields)
    for field, place in said.shape.firsts[Sort.REASONS]:
        fields[field] = _reasons(said.values[place])
    for _, place in said.shape.firsts[Sort.TOOLS]:
        fields["tools_fingerprint"] = fingerprint_of(said.values[place])
    fields["sources"] = _sources(said, fields)
    fields["attributes"] = texts_of(said.rest) if said.rest else None
    fields["dialect"] = said.shape.dialect
    _add_span(span, fields)
    return Event(**fields)


def read_resource(attributes: Attributes) -> Resource:
    """Labels of a resource, and what is none of them."""
    rest, labels = dict(attributes), {}
    for field, names in dialect.RESOURCE_LABELS.items():
        for name in names:
            value = rest.pop(name, None)
            if value in (None, "", []) or str(value).startswith(_UNKNOWN_SERVICE):
                continue
            labels[field] = label_of(value)
            break
    return Resource(labels, texts_of(rest))


def _check_ids(span: Span) -> None:
    if len(span.trace_id) != 32 or span.trace_id == _NO_TRACE:
        raise InvalidSpan(f"The trace id {span.trace_id[:64]!r} is not 16 bytes, or all zero")
    if len(span.span_id) != 16 or span.span_id == _NO_SPAN:
        raise InvalidSpan(f"The span id {span.span_id[:64]!r} is not 8 bytes, or all zero")
    if len(span.parent_span_id) not in (0, 16):
        raise InvalidSpan(f"The parent span id {span.parent_span_id[:64]!r} is not 8 bytes")


def _labels(said: Read) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    refused: list[str] = []
    for field, place, clean in said.shape.labels:
        value = said.values[place]
        label: str | None = value[:LABEL_CHARS] if type(value) is str else label_of(value)
        if clean is not None:
            label = clean(label)  # type: ignore[arg-type]  # it was a text until here
        if label:
            fields[field] = label
        else:
            refused.append(field)
    for field in refused:
        _next_label(said, field, fields)
    return fields


def _next_label(said: Read, field: str, fields: dict[str, Any]) -> None:
    """The first value of a field that can be read; those before it stay attributes."""
    for found in said.all(field):
        if label := CLEAN[field](label_of(found.value)):
            fields[field] = label
            said.prefer(field, found)
            return
        said.refuse(found)


def _add_resource(resource: Resource, fields: dict[str, Any]) -> None:
    """Add what the resource says; a team of the span's own stays."""
    team = fields.get("team")
    fields.update(resource.labels)
    if team is not None:
        fields["team"] = team
    fields["resource_attributes"] = resource.rest


def _add_span(span: Span, fields: dict[str, Any]) -> None:
    """Add what a span has beside attributes."""
    name = span.name[:LABEL_CHARS]
    fields["event_id"] = f"{span.trace_id}-{span.span_id}"
    fields["trace_id"] = span.trace_id
    if span.parent_span_id:
        fields["parent_event_id"] = f"{span.trace_id}-{span.parent_span_id}"
    if name:
        fields["span_name"] = name
    fields["step_name"] = (fields.get("tool_name") if fields["kind"] == "tool" else None) or name or None
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    if not (0 <= start <= MAX_UNIX_NANO and 0 <= end <= MAX_UNIX_NANO):
        start, end = _time(start, "start"), _time(end, "end")
    fields["start_time_unix_nano"] = start
    fields["end_time_unix_nano"] = end or None
    if span.scope_name:
        fields["scope_name"] = span.scope_name[:LABEL_CHARS]
    if span.scope_version:
        fields["scope_version"] = span.scope_version[:LABEL_CHARS]


def _time(unix_nano: int, which: str) -> int:
    """A time in 64 bits with a sign; what is beyond is flagged like every time that cannot be right."""
    if unix_nano < 0:
        raise InvalidSpan(f"The {which} time {unix_nano} is before 1970, which OTLP cannot say")
    return min(unix_nano, MAX_UNIX_NANO)


def _sources(said: Read, fields: dict[str, Any]) -> dict[str, str] | None:
    """Fields that another than the current name of OpenTelemetry said."""
    sources = said.shape.sources
    if said.preferred:
        sources = sources | {field: found.name for field, found in said.preferred.items()}
    if None not in map(fields.get, sources):
        return sources or None  # the same for all spans of a shape
    return {field: name for field, name in sources.items() if fields.get(field) is not None} or None


def _reasons(value: Any) -> list[str] | None:
    """Finish reasons, by their names in OpenTelemetry."""
    if isinstance(value, str) and value.startswith("["):
        value = parsed(value)
    return [_reason(label_of(item)) for item in (value[:MAX_REASONS] if isinstance(value, list) else [value])]


@lru_cache(1_024)
def _reason(label: str) -> str:
    return dialect.FINISH_REASONS.get(label.lower(), label)
