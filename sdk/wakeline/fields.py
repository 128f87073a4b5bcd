"""What can be said about a step? The fields that the SDK writes, declared once.

`Fields` is what `Emitter` and `Step` accept as keyword arguments; `Event`, which validates and encodes them,
is made from it. Names and limits are those of wakeline's native event, of which these are a subset; units are
in names. Turning an agent's objects into such values is `wakeline.values`.
"""

from typing import Annotated, Any, Literal, TypedDict, get_type_hints

import msgspec
from msgspec import Meta

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
State = Literal["started", "ended"]
Verdict = Literal["allow", "deny", "modify", "warn", "escalate"]

ID_LENGTH = 256
LABEL_LENGTH = 256
TEXT_LENGTH = 4096

Id = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
Label = Annotated[str, Meta(max_length=LABEL_LENGTH)]
Text = Annotated[str, Meta(max_length=TEXT_LENGTH)]
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000)]
UnixNano = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Number = Annotated[float, Meta(ge=-1e18, le=1e18)]
Usd = Annotated[float, Meta(ge=0, le=999_999)]


class Fields(TypedDict, total=False):
    """Everything that can be said about a step. None means: not said.

    Tokens follow OpenTelemetry: `input_tokens` includes what was read from and written to the cache,
    `output_tokens` includes reasoning. Contents (the last six) take any object and are sent only when given.
    """

    # -- identity and place; the SDK fills them
    event_id: Id | None
    start_time_unix_nano: UnixNano | None
    end_time_unix_nano: UnixNano | None
    parent_event_id: Id | None
    trace_id: Id | None
    run_id: Id | None
    operation_name: Label | None
    step_name: Label | None  # what is watched; default: the tool, else operation and model, else the kind
    # -- who; inherited by the steps within
    agent_name: Label | None
    agent_id: Label | None
    agent_version: Label | None
    service_name: Label | None
    environment: Label | None
    team: Label | None
    task: Label | None
    # -- for whom; inherited by the steps within, and passed on to other services
    conversation_id: Id | None
    user_id: Id | None
    business_key: Id | None  # the ticket, order or case that the run works on
    # -- model
    provider_name: Label | None
    request_model: Label | None
    response_model: Label | None
    response_id: Id | None
    time_to_first_chunk_s: Seconds | None
    input_tokens: Tokens | None
    output_tokens: Tokens | None
    cache_read_input_tokens: Tokens | None
    cache_write_input_tokens: Tokens | None
    cache_write_1h_input_tokens: Tokens | None  # of those written: kept for an hour
    input_audio_tokens: Tokens | None
    output_audio_tokens: Tokens | None
    reasoning_output_tokens: Tokens | None
    service_tier: Label | None  # as billed: `batch`, `flex`, `priority`, ...
    response_cached: bool | None  # answered by a cache of whole responses: no provider was called
    reported_cost_usd: Usd | None  # what it cost, where you know; counts where no price is known
    server_address: Label | None  # that was called
    finish_reasons: Annotated[list[Label], Meta(max_length=64)] | None
    prompt_name: Label | None
    prompt_version: Label | None
    prompt_fingerprint: Label | None
    tools_fingerprint: Label | None
    # -- tool, guardrail, handoff
    tool_name: Label | None
    tool_call_id: Id | None
    mcp_method_name: Label | None
    guardrail_name: Label | None
    guardrail_verdict: Verdict | None
    guardrail_reason: Text | None
    handoff_to_agent: Label | None
    # -- result
    error_type: Label | None  # present exactly when the step failed
    error_message: Text | None
    outcome_name: Label | None
    outcome_success: bool | None
    outcome_value: Number | None
    evaluation_name: Label | None
    evaluation_score_value: Number | None
    evaluation_score_label: Label | None
    evaluation_explanation: Text | None
    # -- own data; values become strings
    attributes: dict[str, Any] | None
    # -- contents
    system_instructions: Any
    input_messages: Any
    output_messages: Any
    reasoning: Any
    tool_call_arguments: Any
    tool_call_result: Any


CONTENT_FIELDS: frozenset[str] = frozenset(
    (
        "system_instructions",
        "input_messages",
        "output_messages",
        "reasoning",
        "tool_call_arguments",
        "tool_call_result",
    )
)
# Labels of a step that the steps within it share.
WHO: frozenset[str] = frozenset(
    ("agent_name", "agent_id", "agent_version", "service_name", "environment", "team", "task")
)
# What also another service shares: it has a name and versions of its own.
FOR_WHOM: tuple[str, ...] = ("trace_id", "run_id", "conversation_id", "user_id", "business_key")
INHERITED: frozenset[str] = WHO | frozenset(FOR_WHOM)

NO_CONTENT = msgspec.Raw(b"")


def _declared() -> dict[str, Any]:
    """Name -> type of each field as it is written."""
    types: dict[str, Any] = get_type_hints(Fields, include_extras=True)
    types |= dict.fromkeys(CONTENT_FIELDS, msgspec.Raw)
    types["attributes"] = dict[str, str] | None
    # Written by the emitter alone.
    types |= {"kind": Kind | None, "state": State | None, "dropped_events": Tokens | None}
    types |= {"scope_name": Label | None, "scope_version": Label | None}
    return types


TYPES: dict[str, Any] = _declared()
SETTABLE: frozenset[str] = frozenset(Fields.__annotations__)

# No cycles are possible: nothing in an event refers to an event.
Event = msgspec.defstruct(
    "Event",
    [(name, kind, NO_CONTENT if name in CONTENT_FIELDS else None) for name, kind in TYPES.items()],
    kw_only=True,
    omit_defaults=True,
    gc=False,
)
