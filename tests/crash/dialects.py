"""How is one step written natively, and as OTLP with the same ids and fields?"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

OPERATIONS = {
    "llm": "chat",
    "tool": "execute_tool",
    "agent": "invoke_agent",
}
_NAMES = {
    "operation_name": "gen_ai.operation.name",
    "provider_name": "gen_ai.provider.name",
    "request_model": "gen_ai.request.model",
    "response_model": "gen_ai.response.model",
    "agent_name": "gen_ai.agent.name",
    "agent_version": "gen_ai.agent.version",
    "tool_name": "gen_ai.tool.name",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "finish_reasons": "gen_ai.response.finish_reasons",
    "error_type": "error.type",
}


class Step(NamedTuple):
    """One step, before it is written in any dialect.

    Attributes:
        end_ns: when it is sent, in event time.
        fields: of a native event.
    """

    end_ns: int
    fields: dict[str, Any]


def native(steps: Iterable[Step]) -> bytes:
    """A message of native events, a line each."""
    return b"\n".join(json.dumps(step.fields).encode() for step in steps)


def otlp(steps: Iterable[Step]) -> bytes:
    """An OTLP request in JSON with the same steps and ids; kinds that OTLP does not know are refused.

    Raises:
        KeyError: of such a step.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        groups.setdefault(step.fields["service_name"], []).append(_span(step.fields))
    resource = [
        {
            "resource": {
                "attributes": _attributes({"service.name": service, "deployment.environment.name": "prod"})
            },
            "scopeSpans": [{"scope": {"name": "crash", "version": "1"}, "spans": spans}],
        }
        for service, spans in groups.items()
    ]
    return json.dumps({"resourceSpans": resource}).encode()


def has_span(step: Step) -> bool:
    """Can it be written as OTLP? Outcomes and starts cannot."""
    return step.fields["kind"] in OPERATIONS and step.fields.get("state") != "started"


def _span(fields: dict[str, Any]) -> dict[str, Any]:
    trace, span = fields["event_id"].split("-")
    given = {name: fields[field] for field, name in _NAMES.items() if field in fields}
    if "tool_call_arguments" in fields:
        given["gen_ai.tool.call.arguments"] = json.dumps(fields["tool_call_arguments"])
    if fields["kind"] not in OPERATIONS:
        raise KeyError(f"{fields['kind']} has no span")
    return {
        "traceId": trace,
        "spanId": span,
        "parentSpanId": fields["parent_event_id"].split("-")[1] if "parent_event_id" in fields else "",
        "name": fields["step_name"],
        "startTimeUnixNano": str(fields["start_time_unix_nano"]),
        "endTimeUnixNano": str(fields["end_time_unix_nano"]),
        "attributes": _attributes(given | fields["attributes"]),
        "status": {"code": 2 if "error_type" in fields else 0},
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": value}
