"""What do the events of a span say that its attributes do not, and which failure do they tell?"""

from typing import Any

from schemas.spans.model import MAX_UNIX_NANO, Span, SpanEvent
from schemas.spans.values import Attributes, label_of, text_of

MESSAGE_CHARS = 4096
_STATUS_ERROR = 2
# The side of a message, and its role where it says none.
_MESSAGES = {
    "gen_ai.system.message": ("input", "system"),
    "gen_ai.user.message": ("input", "user"),
    "gen_ai.assistant.message": ("input", "assistant"),
    "gen_ai.tool.message": ("input", "tool"),
    "gen_ai.choice": ("output", "choice"),
}
_CHUNKS = ("llm.content.completion.chunk", "gen_ai.content.completion.chunk")
# Their attributes are those that spans have.
_DETAILS = frozenset(
    {
        "gen_ai.client.inference.operation.details",
        "gen_ai.content.prompt",
        "gen_ai.content.completion",
        "gen_ai.evaluation.result",
        "ai.stream.firstChunk",
        "gen_ai.client.operation.exception",
    }
)
_FIRST_TOKEN = "gen_ai.streaming.time_to_first_token"


def with_events(span: Span) -> Attributes:
    """Attributes of the span, and what its events say where it does not."""
    said: Attributes = {}
    messages: dict[str, list[Any]] = {}
    for event in span.events:
        if event.name in _DETAILS:
            for name, value in event.attributes.items():
                said.setdefault(name, value)
        elif event.name in _MESSAGES:
            side, role = _MESSAGES[event.name]
            messages.setdefault(side, []).append({"role": role, **event.attributes})
        elif event.name in _CHUNKS and span.start_time_unix_nano <= event.time_unix_nano:
            first_s = (min(event.time_unix_nano, MAX_UNIX_NANO) - span.start_time_unix_nano) / 1e9
            said[_FIRST_TOKEN] = min(first_s, said.get(_FIRST_TOKEN, first_s))
    for side, found in messages.items():
        said.setdefault(f"gen_ai.{side}.messages", found)
    return {**said, **span.attributes} if said else span.attributes


def add_failure(span: Span, hints: Attributes, fields: dict[str, Any]) -> None:
    """Make `error_type` and `error_message` those of a span that failed; nothing of one that did not."""
    failed = span.status_code == _STATUS_ERROR or hints.get("langfuse.observation.level") == "ERROR"
    if not failed and "error_type" not in fields:
        return
    last = _last_exception(span.events)
    told = hints.get("langfuse.observation.status_message")
    message = span.status_message or text_of(last.get("exception.message") or told or "")
    if "error_type" not in fields:
        fields["error_type"] = label_of(last.get("exception.type") or "error")
    if message:
        fields["error_message"] = message[:MESSAGE_CHARS]


def _last_exception(events: list[SpanEvent]) -> Attributes:
    exceptions = [event.attributes for event in events if event.name == "exception"]
    return exceptions[-1] if exceptions else {}
