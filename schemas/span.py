"""Which event is a span? Applies the tables of `schemas.dialect` to the attributes of one OTLP span.

A span whose ids or usage are unusable is refused as a whole (it becomes a dead letter that names the
attribute); labels that are too long are cut, because emitters cannot know our limits.
"""

import hashlib
import math
from typing import Any, NamedTuple, TypeAlias

import msgspec

from schemas import dialect
from schemas.event import NO_CONTENT, Event, Kind

Attributes: TypeAlias = dict[str, Any]

LABEL_CHARS = 256
MESSAGE_CHARS = 4096
MAX_TOKENS = 1_000_000_000
_INT64_MAX = 2**63 - 1
_STATUS_ERROR = 2
# SDKs that were not told a service's name invent one; it names nothing.
_UNKNOWN_SERVICE = "unknown_service"


class InvalidSpan(ValueError):
    """A span that cannot be an event. The message names the attribute or id."""


class Span(NamedTuple):
    """One OTLP span, the same from protobuf and JSON; ids are lower-case hex, times Unix nanoseconds."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: Attributes
    resource: Attributes
    scope_name: str
    scope_version: str
    status_code: int
    status_message: str
    exceptions: list[Attributes]


def to_event(span: Span) -> Event:
    """The event that a span is.

    Raises:
        InvalidSpan: an id is missing or of the wrong length, or a number is not one.
    """
    _check_ids(span)
    attributes = dict(span.attributes)
    fields: dict[str, Any] = {
        field: _label(value)
        for field, names in dialect.LABELS.items()
        if (value := _take(attributes, names)) is not None
    }
    for field, names in dialect.TOKENS.items():
        fields[field] = _tokens(attributes, names)
    for field, names in dialect.NUMBERS.items():
        fields[field] = _number(attributes, names)
    for field, names in dialect.CONTENTS.items():
        fields[field] = _content(_take(attributes, names))
    resource = dict(span.resource)
    for field, names in dialect.RESOURCE_LABELS.items():
        value = _take(resource, names)
        if value is not None and not str(value).startswith(_UNKNOWN_SERVICE):
            fields[field] = _label(value)
    kind = dialect.kind_of(
        fields.get("operation_name"),
        fields.get("tool_name"),
        fields.get("request_model") or fields.get("response_model"),
    )
    fields.update(_failure(span, fields.pop("error_type", None)))
    return Event(
        event_id=f"{span.trace_id}-{span.span_id}",
        trace_id=span.trace_id,
        parent_event_id=f"{span.trace_id}-{span.parent_span_id}" if span.parent_span_id else None,
        kind=kind,
        step_name=_step_name(span.name, kind, fields.get("tool_name")),
        start_time_unix_nano=min(span.start_time_unix_nano, _INT64_MAX),
        end_time_unix_nano=min(span.end_time_unix_nano, _INT64_MAX) or None,
        finish_reasons=_strings(_take(attributes, dialect.FINISH_REASONS)),
        tools_fingerprint=_fingerprint(_take(attributes, dialect.TOOL_DEFINITIONS)),
        scope_name=_label(span.scope_name) if span.scope_name else None,
        scope_version=_label(span.scope_version) if span.scope_version else None,
        attributes={key: _text(value) for key, value in attributes.items() if value is not None} or None,
        resource_attributes={key: _text(value) for key, value in resource.items() if value is not None}
        or None,
        **fields,
    )


def _check_ids(span: Span) -> None:
    if len(span.trace_id) != 32 or not span.trace_id.strip("0"):
        raise InvalidSpan(f"The trace id {span.trace_id[:64]!r} is not 16 bytes, or all zero")
    if len(span.span_id) != 16 or not span.span_id.strip("0"):
        raise InvalidSpan(f"The span id {span.span_id[:64]!r} is not 8 bytes, or all zero")
    if len(span.parent_span_id) not in (0, 16):
        raise InvalidSpan(f"The parent span id {span.parent_span_id[:64]!r} is not 8 bytes")


def _take(attributes: Attributes, names: tuple[str, ...]) -> Any:
    """The first value that is there and not empty; what was read is removed, so it is stored once."""
    found = None
    for name in names:
        value = attributes.pop(name, None)
        if found is None and value is not None and value != "" and value != []:
            found = value
    return found


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return msgspec.json.encode(value).decode()


def _label(value: Any) -> str:
    return _text(value)[:LABEL_CHARS]


def _tokens(attributes: Attributes, names: tuple[str, ...]) -> int | None:
    value = _number(attributes, names)
    if value is None:
        return None
    if value < 0 or value != int(value) or value > MAX_TOKENS:
        raise InvalidSpan(f"{names[0]} is {value}, not a number of tokens (0 to {MAX_TOKENS})")
    return int(value)


def _number(attributes: Attributes, names: tuple[str, ...]) -> float | None:
    value = _take(attributes, names)
    if value is None:
        return None
    try:
        number = float(value) if not isinstance(value, (list, dict)) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidSpan(f"{names[0]} is {_text(value)[:64]!r}, not a finite number")
    return number


def _content(value: Any) -> msgspec.Raw:
    """Content as JSON. A string that holds JSON, as the conventions allow on spans, is kept as that JSON."""
    if value is None:
        return NO_CONTENT
    if isinstance(value, str):
        try:
            return msgspec.Raw(bytes(msgspec.json.decode(value, type=msgspec.Raw)))
        except (msgspec.DecodeError, RecursionError):
            return msgspec.Raw(msgspec.json.encode(value))
    return msgspec.Raw(msgspec.json.encode(value))


def _strings(value: Any) -> list[str] | None:
    if value is None:
        return None
    return [_label(item) for item in (value if isinstance(value, list) else [value])][:64]


def _fingerprint(value: Any) -> str | None:
    return None if value is None else hashlib.blake2b(_text(value).encode(), digest_size=8).hexdigest()


def _failure(span: Span, error_type: str | None) -> dict[str, str]:
    """`error_type` and `error_message` of a span that failed; nothing of one that did not."""
    last = span.exceptions[-1] if span.exceptions else {}
    if span.status_code != _STATUS_ERROR and not error_type:
        return {}
    message = span.status_message or _text(last.get("exception.message") or "")
    kind = error_type or _label(last.get("exception.type") or "error")
    return {"error_type": kind, **({"error_message": message[:MESSAGE_CHARS]} if message else {})}


def _step_name(span_name: str, kind: Kind, tool_name: str | None) -> str | None:
    if kind == "tool" and tool_name:
        return tool_name
    return span_name[:LABEL_CHARS] or None
