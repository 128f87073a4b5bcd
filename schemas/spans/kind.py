"""Which kind of step is a span? The first attribute that says one, else what it carries, else its name."""

from typing import Any

from schemas import dialect
from schemas.event import Kind
from schemas.spans.values import Attributes

_BY_OPERATION = [(name, kinds) for name, kinds in dialect.KINDS if name == "operation_name"]


def kind_of(hints: Attributes, fields: dict[str, Any], by_name: Kind) -> Kind:
    """The kind of a span.

    Args:
        hints: its attributes that decide something.
        fields: its labels.
        by_name: what its name says.
    """
    operation = fields.get("operation_name")
    for name, kinds in dialect.KINDS if hints else _BY_OPERATION:
        said = operation if name == "operation_name" else hints.get(name)
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
    said = hints.get("traceloop.span.kind")
    if said is not None and (kind := dialect.KIND_OF_TRACELOOP.get(str(said).upper())):
        return kind
    return "handoff" if "handoff_to_agent" in fields else by_name
