"""What is one event? The native format, and the form that every dialect is decoded to.

One event is one JSON object whose keys are the fields of `Event`. Names follow OpenTelemetry GenAI
(`gen_ai.request.model` is `request_model`, `gen_ai.usage.input_tokens` is `input_tokens`); units are in
names. `docs/events.md` explains the fields to emitters in any language; `schemas/json/event.json` is
generated from this module. Decoding bytes is `schemas.native` and `schemas.otlp`.
"""

from operator import attrgetter
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

EVENT_VERSION = 1

Kind = Literal[
    "llm",
    "embedding",
    "tool",
    "retrieval",
    "guardrail",
    "handoff",
    "agent",
    "run",
    "outcome",
    "feedback",
    "report",
    "other",
]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]  # typing has no public way to list a Literal

State = Literal["started", "ended"]
Verdict = Literal["allow", "deny", "modify", "warn", "escalate"]

# Ids are keys of state and tables: bounded, so that one emitter cannot fill the memory of a processor.
Id = Annotated[str, Meta(min_length=1, max_length=256)]
# Labels become segments of windows and LowCardinality columns.
Label = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=4096)]
# 1e9 tokens at 9,000 USD a million stay below 2**63 pico-USD, the unit in which costs are added.
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000)]
# Any 64-bit integer is a time that can be stored; those outside of 2020 .. append time + 1 day are flagged.
UnixNano = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Number = Annotated[float, Meta(ge=-1e18, le=1e18)]
# What a column of 18 digits holds, with 12 behind the point.
Usd = Annotated[float, Meta(ge=0, le=999_999)]


# Absent content has no bytes (msgspec has no `Raw | None`); JSON's null means the same.
NO_CONTENT = msgspec.Raw(b"")


class Event(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One thing an agent did. `event_id`, `kind` and `start_time_unix_nano` are required.

    Times are nanoseconds since 1970-01-01 UTC, as a JSON number or, for languages whose numbers are
    doubles, a string of digits. Tokens follow OpenTelemetry: `input_tokens` includes what was read from and
    written to the cache, `output_tokens` includes reasoning. Keys that this version does not know are
    ignored, so that an emitter may be newer than the pipeline; own data belongs into `attributes`.
    """

    # -- identity and place
    event_id: Id  # stable over retries; with OpenTelemetry `<trace id>-<span id>`
    kind: Kind
    start_time_unix_nano: UnixNano
    end_time_unix_nano: UnixNano | None = None
    state: State = "ended"  # `started`: sent when the step begins, under the id of the step
    parent_event_id: Id | None = None
    trace_id: Id | None = None
    run_id: Id | None = None  # the run is the trace id, else this, else the conversation, else the event id
    operation_name: Label | None = None
    step_name: Label | None = None  # what is watched; default: tool, else operation and model, else kind
    span_name: Label | None = None  # of OpenTelemetry
    # -- who
    agent_name: Label | None = None
    agent_id: Label | None = None
    agent_version: Label | None = None
    agent_hint: Label | None = None  # an agent's name that stands inside of another (`invoke_agent planner`)
    service_name: Label | None = None
    environment: Label | None = None
    team: Label | None = None
    task: Label | None = None
    # -- for whom
    conversation_id: Id | None = None
    user_id: Id | None = None
    business_key: Id | None = None  # the ticket, order or case that the run works on
    # -- model
    provider_name: Label | None = None
    request_model: Label | None = None
    response_model: Label | None = None
    response_id: Id | None = None
    time_to_first_chunk_s: Seconds | None = None
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None
    cache_write_1h_input_tokens: Tokens | None = None  # of those written: kept for an hour, which costs more
    input_audio_tokens: Tokens | None = None  # of the input
    output_audio_tokens: Tokens | None = None  # of the output
    reasoning_output_tokens: Tokens | None = None
    service_tier: Label | None = None  # as billed: `batch`, `flex`, `priority`, ...; absent: the default one
    response_cached: bool | None = None  # answered by a cache of whole responses: no provider was called
    reported_cost_usd: Usd | None = None  # what the emitter says that it cost; counts where no price is known
    server_address: Label | None = None  # that was called
    finish_reasons: Annotated[list[Label], Meta(max_length=64)] | None = None
    prompt_name: Label | None = None
    prompt_version: Label | None = None
    prompt_fingerprint: Label | None = None
    tools_fingerprint: Label | None = None
    # -- tool, guardrail, handoff
    tool_name: Label | None = None
    tool_call_id: Id | None = None
    mcp_method_name: Label | None = None
    guardrail_name: Label | None = None
    guardrail_verdict: Verdict | None = None
    guardrail_reason: Text | None = None
    handoff_to_agent: Label | None = None
    # -- result
    error_type: Label | None = None  # present exactly when the step failed
    error_message: Text | None = None
    outcome_name: Label | None = None
    outcome_success: bool | None = None
    outcome_value: Number | None = None
    evaluation_name: Label | None = None
    evaluation_score_value: Number | None = None
    evaluation_score_label: Label | None = None
    evaluation_explanation: Text | None = None
    # -- the emitter itself
    dropped_events: Tokens | None = None  # kind `report`: events that the emitter had to drop
    scope_name: Label | None = None
    scope_version: Label | None = None
    dialect: Label | None = None  # names of attributes that were understood: otel, openinference, ...
    token_convention: Label | None = None  # is what was cached counted within the input? See docs/dialects.md
    sources: dict[str, str] | None = None  # field -> attribute that it was read from
    attributes: dict[str, str] | None = None
    resource_attributes: dict[str, str] | None = None
    # -- content: any JSON; kept apart from the step, subject to policy
    system_instructions: msgspec.Raw = NO_CONTENT
    input_messages: msgspec.Raw = NO_CONTENT
    output_messages: msgspec.Raw = NO_CONTENT
    reasoning: msgspec.Raw = NO_CONTENT
    tool_call_arguments: msgspec.Raw = NO_CONTENT
    tool_call_result: msgspec.Raw = NO_CONTENT


CONTENT_FIELDS: tuple[str, ...] = (
    "system_instructions",
    "input_messages",
    "output_messages",
    "reasoning",
    "tool_call_arguments",
    "tool_call_result",
)
FIELDS: tuple[str, ...] = Event.__struct_fields__


def content_of(raw: msgspec.Raw) -> bytes | None:
    """The JSON of a content; None for absent and for null."""
    if raw is NO_CONTENT:
        return None
    text = bytes(raw)
    return None if text in (b"", b"null") else text


# The run that an event belongs to is the first of these that it has.
RUN_ID_FIELDS: tuple[str, ...] = ("trace_id", "run_id", "conversation_id", "event_id")
_run_ids = attrgetter(*RUN_ID_FIELDS)


def resolve_run_id(event: Event) -> str:
    """The run that an event belongs to; never empty."""
    run_id: str = next(filter(None, _run_ids(event)))
    return run_id


def resolve_step_name(event: Event) -> str:
    """The name under which a step is watched; never empty."""
    if event.step_name:
        return event.step_name
    if event.tool_name:
        return event.tool_name
    model = event.request_model or event.response_model
    if event.operation_name:
        return f"{event.operation_name} {model}" if model else event.operation_name
    return f"{event.kind} {model}" if model else event.kind
