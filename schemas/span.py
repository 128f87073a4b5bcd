"""Which event is a span? Applies the tables of `schemas.dialect` to one OTLP span, whoever wrote it.

A value that cannot be read gives way to the next name of its field and stays an attribute. A span whose ids
or usage are unusable is refused as a whole (it becomes a dead letter that names the attribute); labels that
are too long are cut, because emitters cannot know our limits.
"""

import hashlib
import math
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from schemas import dialect, tokens
from schemas.attributes import Attributes, Found, Read, Sort, read
from schemas.event import NO_CONTENT, Event, Kind

LABEL_CHARS = 256
MESSAGE_CHARS = 4096
MAX_TOKENS = 1_000_000_000
MAX_USD = 999_999
_INT64_MAX = 2**63 - 1
_STATUS_ERROR = 2
# SDKs that were not told a service's name invent one; it names nothing.
_UNKNOWN_SERVICE = "unknown_service"
# A name or id with one of these is another one in each run.
RUN_ID = re.compile("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|[0-9a-fA-F]{16}")
_SPAN_NAMES = [(re.compile(pattern, re.DOTALL), field, kind) for pattern, field, kind in dialect.SPAN_NAMES]
_GENERIC = ("input", "output")


class InvalidSpan(ValueError):
    """A span that cannot be an event. The message names the attribute or id."""


class SpanEvent(NamedTuple):
    """An event of a span; its time in Unix nanoseconds."""

    name: str
    time_unix_nano: int
    attributes: Attributes


class Resource(NamedTuple):
    """What the resource of spans says: fields, and what is none of them; read once for all of its spans."""

    labels: dict[str, str]
    rest: dict[str, str] | None


class Span(NamedTuple):
    """One OTLP span, the same from protobuf and JSON; ids are lower-case hex, times Unix nanoseconds."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: Attributes
    resource: "Resource"
    scope_name: str
    scope_version: str
    status_code: int
    status_message: str
    events: list[SpanEvent]


def to_event(span: Span) -> Event:
    """The event that a span is.

    Raises:
        InvalidSpan: an id is missing or of the wrong length, a time is none, or usage cannot be read.
    """
    _check_ids(span)
    result = read(_with_events(span) if span.events else span.attributes)
    fields = _labels(result)
    kind = kind_of(result, fields, _name_parts(span, result, fields))
    if kind == "llm":
        _out_of_json(result, fields)
    convention = None
    if result.names[Sort.USAGE]:
        usage: tokens.Fields = {name: _tokens(result, name) for name in result.names[Sort.USAGE]}
        convention = tokens.settle(usage, span.scope_name, span.scope_version)
        fields.update(usage)
    _numbers(span, result, fields)
    _contents(result, kind, fields)
    for name, label in span.resource.labels.items():
        if name != "team" or name not in fields:
            fields[name] = label
    fields |= _failure(span, result, fields.pop("error_type", None))
    if "tool_definitions" in result.found:
        fields["tools_fingerprint"] = _fingerprint(result.found["tool_definitions"].value)
    if "finish_reasons" in result.found:
        fields["finish_reasons"] = _reasons(result.found["finish_reasons"].value)
    return Event(
        event_id=f"{span.trace_id}-{span.span_id}",
        trace_id=span.trace_id,
        parent_event_id=f"{span.trace_id}-{span.parent_span_id}" if span.parent_span_id else None,
        kind=kind,
        span_name=span.name[:LABEL_CHARS] or None,
        step_name=_step_name(span.name, kind, fields.get("tool_name")),
        start_time_unix_nano=_time(span.start_time_unix_nano, "start"),
        end_time_unix_nano=_time(span.end_time_unix_nano, "end") or None,
        scope_name=_label(span.scope_name) if span.scope_name else None,
        scope_version=_label(span.scope_version) if span.scope_version else None,
        dialect=result.dialect,
        token_convention=convention,
        sources=_sources(result, fields) or None,
        attributes=_texts(result.rest),
        resource_attributes=span.resource.rest,
        **fields,
    )


def kind_of(result: Read, fields: dict[str, Any], by_name: Kind) -> Kind:
    """The kind of a span: the first attribute that says one, else what it carries, else its name."""
    operation = fields.get("operation_name")
    for name, kinds in dialect.KINDS:
        said = operation if name == "operation_name" else result.hints.get(name)
        if said is not None and (kind := kinds.get(str(said).strip('"').upper())):
            return kind
    if "tool_name" in fields or "tool_call_id" in fields:
        return "tool"
    if "guardrail_verdict" in fields:
        return "guardrail"
    if "agent_name" in fields and not operation:
        return "agent"
    # An operation that we do not know may carry a model without calling it (plan, memory operations).
    if not operation and ("request_model" in fields or "response_model" in fields):
        return "llm"
    said = result.hints.get("traceloop.span.kind")
    if said is not None and (kind := dialect.KIND_OF_TRACELOOP.get(str(said).upper())):
        return kind
    return "handoff" if "handoff_to_agent" in fields else by_name


def _check_ids(span: Span) -> None:
    if len(span.trace_id) != 32 or not span.trace_id.strip("0"):
        raise InvalidSpan(f"The trace id {span.trace_id[:64]!r} is not 16 bytes, or all zero")
    if len(span.span_id) != 16 or not span.span_id.strip("0"):
        raise InvalidSpan(f"The span id {span.span_id[:64]!r} is not 8 bytes, or all zero")
    if len(span.parent_span_id) not in (0, 16):
        raise InvalidSpan(f"The parent span id {span.parent_span_id[:64]!r} is not 8 bytes")


def _time(unix_nano: int, which: str) -> int:
    """A time in 64 bits with a sign; what is beyond is flagged like every time that cannot be right."""
    if unix_nano < 0:
        raise InvalidSpan(f"The {which} time {unix_nano} is before 1970, which OTLP cannot say")
    return min(unix_nano, _INT64_MAX)


# -- events of a span

_MESSAGE_EVENTS = {
    "gen_ai.system.message": "input",
    "gen_ai.user.message": "input",
    "gen_ai.assistant.message": "input",
    "gen_ai.tool.message": "input",
    "gen_ai.choice": "output",
}
_CHUNKS = ("llm.content.completion.chunk", "gen_ai.content.completion.chunk")
# Their attributes are those that spans have.
_DETAILS = (
    "gen_ai.client.inference.operation.details",
    "gen_ai.content.prompt",
    "gen_ai.content.completion",
    "gen_ai.evaluation.result",
    "ai.stream.firstChunk",
    "gen_ai.client.operation.exception",
)


def _with_events(span: Span) -> Attributes:
    """Attributes of the span, and what its events say where it does not."""
    said: Attributes = {}
    messages: dict[str, list[Any]] = {}
    for event in span.events:
        if event.name in _DETAILS:
            for name, value in event.attributes.items():
                said.setdefault(name, value)
        elif event.name in _MESSAGE_EVENTS:
            message = {"role": event.name.split(".")[1], **event.attributes}
            messages.setdefault(_MESSAGE_EVENTS[event.name], []).append(message)
        elif event.name in _CHUNKS and span.start_time_unix_nano <= event.time_unix_nano:
            first_s = (min(event.time_unix_nano, _INT64_MAX) - span.start_time_unix_nano) / 1e9
            said["gen_ai.streaming.time_to_first_token"] = min(
                first_s, said.get("gen_ai.streaming.time_to_first_token", first_s)
            )
    for side, found in messages.items():
        said.setdefault(f"gen_ai.{side}.messages", found)
    return {**said, **span.attributes}


# -- labels


def _labels(result: Read) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    refused: list[str] = []
    found = result.found
    for name in result.names[Sort.LABEL]:
        value = found[name][2]
        text = value[:LABEL_CHARS] if type(value) is str else _label(value)
        clean = _CLEAN.get(name)
        label = text if clean is None else clean(text)
        if label:
            fields[name] = label
        else:
            refused.append(name)
    for name in refused:
        _next_label(result, name, fields)
    return fields


def _next_label(result: Read, name: str, fields: dict[str, Any]) -> None:
    """The first value of a field that can be read; those before it say something, if not this."""
    clean = _CLEAN[name]
    for found in result.values(name):
        if label := clean(_label(found.value)):
            fields[name] = label
            result.prefer(name, found)
            return
        result.rest[found.name] = found.value


@lru_cache(1_024)
def _provider(text: str) -> str | None:
    """The provider that bills, by its canonical name."""
    name = text.strip().lower()
    if name in dialect.CANONICAL:
        return name
    if name in dialect.FRAMEWORKS:
        return None
    # `openai.responses`, `google.vertex.chat`: the Vercel AI SDK appends the sort of call.
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        begin = ".".join(parts[:length])
        if begin in dialect.PROVIDERS:
            return dialect.PROVIDERS[begin]
        if begin in dialect.CANONICAL:
            return begin
    return name


def _lasting(text: str) -> str | None:
    return None if RUN_ID.search(text) else text


def _known(text: str) -> str | None:
    return None if text in ("unknown", "Unknown") else text


def _operation(text: str) -> str | None:
    """An operation; the Vercel AI SDK appends the name of a function to its own."""
    return text.split(" ", 1)[0] if text.startswith("ai.") else _known(text)


@lru_cache(1_024)
def _host(text: str) -> str | None:
    """The host of an address, which some emitters give as that of an API."""
    if "://" not in text:
        return _known(text)
    try:
        return urlsplit(text).hostname
    except ValueError:
        return None


def _verdict(text: str) -> str | None:
    name = text.lower()
    verdict = dialect.VERDICTS.get(name, name)
    return verdict if verdict in ("allow", "deny", "modify", "warn", "escalate") else None


_CLEAN: dict[str, Callable[[str], str | None]] = {
    "provider_name": _provider,
    "agent_name": _lasting,
    "agent_id": _lasting,
    "agent_hint": _lasting,
    "operation_name": _operation,
    "server_address": _host,
    "guardrail_verdict": _verdict,
}


def _name_parts(span: Span, result: Read, fields: dict[str, Any]) -> Kind:
    """What stands inside of other names: that of the span, and OpenLLMetry's name of an entity."""
    if result.hints:
        _hinted(result.hints, fields)
    name, found, by_name = _in_name(span.name)
    if found:
        fields.setdefault(name, found)
    crew = result.rest.get("crew_agents")
    if crew is not None and "agent_hint" not in fields and (role := _only_role(crew)):
        fields["agent_hint"] = role
    if "agent_name" in fields:
        fields.pop("agent_hint", None)
    return by_name


def _hinted(hints: Attributes, fields: dict[str, Any]) -> None:
    named = hints.get("operation.name")
    if isinstance(named, str) and named.startswith("ai."):
        fields.setdefault("operation_name", _operation(named[:LABEL_CHARS]))
    entity, kind = hints.get("traceloop.entity.name"), hints.get("traceloop.span.kind")
    field = {"agent": "agent_name", "tool": "tool_name", "workflow": "task"}.get(str(kind).lower())
    if entity is not None and field is not None:
        fields.setdefault(field, _label(entity))


@lru_cache(4_096)
def _in_name(span_name: str) -> tuple[str, str | None, Kind]:
    """The field and the name that stands in the name of a span, and its kind."""
    for pattern, name, kind in _SPAN_NAMES:
        if match := pattern.fullmatch(span_name):
            return name, _label(match[1]) if name == "tool_name" else _lasting(_label(match[1])), kind
    return "", None, "other"


def _only_role(crew: Any) -> str | None:
    """The role of a crew's agent, where it has one."""
    try:
        agents = msgspec.json.decode(crew) if isinstance(crew, str) else crew
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(agents, list) or len(agents) != 1 or not isinstance(agents[0], dict):
        return None
    role = agents[0].get("role")
    return _lasting(_label(role.strip())) if isinstance(role, str) else None


class _Answer(msgspec.Struct):
    """What the JSON of an answer or of a call's parameters tells beside its text."""

    id: str | None = None
    model: str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def _out_of_json(result: Read, fields: dict[str, Any]) -> None:
    """What OpenInference has no names for: the id of the answer, and the model that was asked for."""
    if "response_id" not in fields and (answer := _answer(result.found.get("output"))) and answer.id:
        fields["response_id"] = _label(answer.id)
    asked = result.found.get("request_model")
    if asked is not None and asked.name == "llm.model_name" and "response_model" not in fields:
        parameters = Found(0, "", result.rest.get("llm.invocation_parameters"))
        if (call := _answer(parameters)) and call.model and call.model != fields["request_model"]:
            # The name is that of the model that answered, once that is known.
            fields["response_model"], fields["request_model"] = fields["request_model"], _label(call.model)


def _answer(found: Found | None) -> _Answer | None:
    if found is None or not isinstance(found.value, str) or not found.value.lstrip().startswith("{"):
        return None
    try:
        return _ANSWER.decode(found.value)
    except (msgspec.DecodeError, RecursionError):
        return None


def read_resource(attributes: Attributes) -> Resource:
    """Labels of a resource, and what is none of them."""
    rest, labels = dict(attributes), {}
    for field, names in dialect.RESOURCE_LABELS.items():
        for name in names:
            value = rest.pop(name, None)
            if value in (None, "", []) or str(value).startswith(_UNKNOWN_SERVICE):
                continue
            labels[field] = _label(value)
            break
    return Resource(labels, _texts(rest))


def _sources(result: Read, fields: dict[str, Any]) -> dict[str, str]:
    """Fields that another than the current name of OpenTelemetry said."""
    found = result.found
    return {
        name: found[name].name
        for name in result.aliased
        if found[name].rank and name not in dialect.CONTENTS and fields.get(name) is not None
    }


# -- numbers


def _tokens(result: Read, name: str) -> int | None:
    """The first value that is a number of tokens.

    Raises:
        InvalidSpan: there are values, and none is.
    """
    first = result.found[name]
    if type(first.value) is int and 0 <= first.value <= MAX_TOKENS:
        return first.value
    for found in result.values(name):
        number = _as_number(found.value)
        if number is not None and 0 <= number <= MAX_TOKENS and number == int(number):
            if found is not first:
                result.prefer(name, found)
            return int(number)
        result.rest[found.name] = found.value
    said = _text(first.value)[:64]
    raise InvalidSpan(f"{first.name} is {said!r}, not a number of tokens (0 to {MAX_TOKENS})")


# Least and greatest value.
_LIMITS = {
    "reported_cost_usd": (0.0, float(MAX_USD)),
    "time_to_first_chunk_s": (0.0, 1e9),
    "evaluation_score_value": (-1e18, 1e18),
}


def _numbers(span: Span, result: Read, fields: dict[str, Any]) -> None:
    for name in result.names[Sort.OTHER]:
        if name in _LIMITS:
            if (number := _number(result, name, *_LIMITS[name])) is not None:
                fields[name] = number
        elif name in dialect.FLAGS:
            fields[name] = str(result.found[name].value).lower() in ("true", "1")
    if "reported_cost_usd" not in fields and (cost := _cost(result)) is not None:
        fields["reported_cost_usd"] = cost
    if "time_to_first_chunk_s" not in fields and result.hints:
        fields["time_to_first_chunk_s"] = _first_chunk_s(span, result)
    if result.hints.get("gen_ai.request.batch") in (True, "true", "True"):
        fields["service_tier"] = "batch"


def _number(result: Read, name: str, low: float, high: float) -> float | None:
    """The first value within the limits; a call without it is still a call, so that none refuses no span."""
    for found in result.values(name):
        number = _as_number(found.value)
        if number is not None and low <= (scaled := number * dialect.SCALES.get(found.name, 1)) <= high:
            if found is not result.found[name]:
                result.prefer(name, found)
            return scaled
        result.rest[found.name] = found.value
    return None


def _as_number(value: Any) -> float | None:
    if isinstance(value, (list, dict, bool)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _cost(result: Read) -> float | None:
    """A cost that is told in parts."""
    if not result.hints and "langfuse.observation.cost_details" not in result.rest:
        return None
    parts = [result.hints.get(f"gen_ai.usage.{side}_cost") for side in ("input", "output")]
    details = result.rest.get("langfuse.observation.cost_details")
    if isinstance(details, str):
        try:
            details = msgspec.json.decode(details)
        except (msgspec.DecodeError, RecursionError):
            details = None
    if isinstance(details, dict):
        parts = [details["total"]] if "total" in details else list(details.values())
    numbers = [number for part in parts if part is not None and (number := _as_number(part)) is not None]
    total = sum(numbers)
    return total if numbers and 0 <= total <= MAX_USD else None


def _first_chunk_s(span: Span, result: Read) -> float | None:
    told = result.hints.get("langfuse.observation.completion_start_time")
    if not isinstance(told, str):
        return None
    try:
        first = datetime.fromisoformat(told.strip('"'))
    except ValueError:
        return None
    if first.tzinfo is None:
        return None
    seconds = first.timestamp() - min(span.start_time_unix_nano, _INT64_MAX) / 1e9
    return seconds if 0 <= seconds <= 1e9 else None


# -- contents


def _contents(result: Read, kind: Kind, fields: dict[str, Any]) -> None:
    generic: dict[str, msgspec.Raw] = {}
    for name in result.names[Sort.CONTENT]:
        into = generic if name in _GENERIC else fields
        into[name] = _content(_joined(result, name))
    places = _TOOL_PLACES if kind == "tool" else _MESSAGE_PLACES
    for name, content in generic.items():
        fields.setdefault(places[name], content)


_TOOL_PLACES = {"input": "tool_call_arguments", "output": "tool_call_result"}
_MESSAGE_PLACES = {"input": "input_messages", "output": "output_messages"}


def _joined(result: Read, name: str) -> Any:
    """The first value; where a text and calls of tools are told apart, both."""
    first = result.found[name]
    if name not in result.others:
        return first.value
    root, _, _ = first.name.rpartition(".")
    if root not in ("ai.response", "ai.result"):
        return first.value
    return {
        found.name.rpartition(".")[2]: _parsed(found.value)
        for found in result.values(name)
        if found.name.startswith(root + ".")
    }


def _parsed(value: Any) -> Any:
    try:
        return msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, RecursionError):
        return value


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


# -- values


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return msgspec.json.encode(value).decode()


def _texts(attributes: Attributes) -> dict[str, str] | None:
    return {
        key: value if type(value) is str else _text(value)
        for key, value in attributes.items()
        if value is not None
    } or None


def _label(value: Any) -> str:
    return value[:LABEL_CHARS] if isinstance(value, str) else _text(value)[:LABEL_CHARS]


def _reasons(value: Any) -> list[str] | None:
    """Finish reasons, by their names in OpenTelemetry."""
    if isinstance(value, str) and value.startswith("["):
        value = _parsed(value)
    reasons = [_label(item) for item in (value if isinstance(value, list) else [value])][:64]
    return [dialect.FINISH_REASONS.get(reason.lower(), reason) for reason in reasons]


def _fingerprint(value: Any) -> str:
    return hashlib.blake2b(_text(value).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _failure(span: Span, result: Read, error_type: str | None) -> dict[str, str]:
    """`error_type` and `error_message` of a span that failed; nothing of one that did not."""
    failed = span.status_code == _STATUS_ERROR or result.hints.get("langfuse.observation.level") == "ERROR"
    if not failed and not error_type:
        return {}
    exceptions = [event.attributes for event in span.events if event.name == "exception"]
    last = exceptions[-1] if exceptions else {}
    told = result.hints.get("langfuse.observation.status_message")
    message = span.status_message or _text(last.get("exception.message") or told or "")
    kind = error_type or _label(last.get("exception.type") or "error")
    return {"error_type": kind, **({"error_message": message[:MESSAGE_CHARS]} if message else {})}


def _step_name(span_name: str, kind: Kind, tool_name: str | None) -> str | None:
    if kind == "tool" and tool_name:
        return tool_name
    return span_name[:LABEL_CHARS] or None
