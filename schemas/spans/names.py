"""What stands inside of other names? Of that of the span, of an entity's, of a crew's only role."""

import re
from functools import lru_cache
from typing import Any

from schemas import dialect
from schemas.event import Kind
from schemas.spans.labels import lasting, operation_of
from schemas.spans.values import LABEL_CHARS, Attributes, label_of, parsed

# What OpenLLMetry's name of an entity is, by its kind.
_ENTITIES = {"agent": "agent_name", "tool": "tool_name", "workflow": "task"}
_SPAN_NAMES = [(re.compile(pattern, re.DOTALL), field, kind) for pattern, field, kind in dialect.SPAN_NAMES]


def add_named(span_name: str, hints: Attributes, rest: Attributes, fields: dict[str, Any]) -> Kind:
    """Add the fields that names say, where nothing else does; the kind that the span's name says.

    Args:
        span_name: of the span.
        hints: attributes that decide something.
        rest: attributes that are no field.
        fields: labels; changed in place.
    """
    if hints:
        _add_hinted(hints, fields)
    field, found, by_name = _in_name(span_name) if len(span_name) <= LABEL_CHARS else _look_in(span_name)
    if found:
        fields.setdefault(field, found)
    crew = rest.get("crew_agents")
    if crew is not None and "agent_hint" not in fields and (role := _only_role(crew)):
        fields["agent_hint"] = role
    if "agent_name" in fields:
        fields.pop("agent_hint", None)
    return by_name


def _add_hinted(hints: Attributes, fields: dict[str, Any]) -> None:
    named = hints.get("operation.name")
    if isinstance(named, str) and named.startswith("ai."):
        fields.setdefault("operation_name", operation_of(named[:LABEL_CHARS]))
    entity = hints.get("traceloop.entity.name")
    if entity is not None and (field := _ENTITIES.get(str(hints.get("traceloop.span.kind")).lower())):
        fields.setdefault(field, label_of(entity))


def _look_in(span_name: str) -> tuple[str, str | None, Kind]:
    """The field and the name that stands in the name of a span, and its kind."""
    for pattern, name, kind in _SPAN_NAMES:
        if match := pattern.fullmatch(span_name):
            return name, label_of(match[1]) if name == "tool_name" else lasting(label_of(match[1])), kind
    return "", None, "other"


# Of names that labels hold: nobody can fill the memory with longer ones.
_in_name = lru_cache(4_096)(_look_in)


def _only_role(crew: Any) -> str | None:
    """The role of a crew's agent, where it has one."""
    agents = parsed(crew)
    if not isinstance(agents, list) or len(agents) != 1 or not isinstance(agents[0], dict):
        return None
    role = agents[0].get("role")
    return lasting(label_of(role.strip())) if isinstance(role, str) else None
