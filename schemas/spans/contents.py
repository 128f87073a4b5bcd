"""What was asked, answered and handed over? Contents of a span as JSON, and what stands inside of them."""

from typing import Any

import msgspec

from schemas.attributes import Found, Read, Sort
from schemas.event import NO_CONTENT, Kind
from schemas.spans.values import label_of, parsed

_TOOL_PLACES = {"input": "tool_call_arguments", "output": "tool_call_result"}
_MESSAGE_PLACES = {"input": "input_messages", "output": "output_messages"}
_APART = ("ai.response.", "ai.result.")
# What a text begins with that may be JSON: most others are seen without an exception, which costs more.
_JSON_BEGINS = frozenset('{["-0123456789tfn')
_RAW = msgspec.json.Decoder(msgspec.Raw)


def add_contents(said: Read, kind: Kind, fields: dict[str, Any]) -> None:
    """Add contents; what any kind of span may have goes where the kind has it."""
    places = _TOOL_PLACES if kind == "tool" else _MESSAGE_PLACES
    generic: list[tuple[str, msgspec.Raw]] = []
    for field, place in said.shape.firsts[Sort.CONTENT]:
        apart = said.shape.said[field][0].name.startswith(_APART)
        content = _content(_joined(said.all(field)) if apart else said.values[place])
        if field in places:
            generic.append((places[field], content))
        else:
            fields[field] = content
    for field, content in generic:
        fields.setdefault(field, content)


def _joined(values: list[Found]) -> Any:
    """A text and calls of tools that are told apart, under the last parts of their names."""
    if len(values) == 1:
        return values[0].value
    root, _, _ = values[0].name.rpartition(".")
    return {
        found.name.rpartition(".")[2]: parsed(found.value)
        for found in values
        if found.name.startswith(root + ".")
    }


def _content(value: Any) -> msgspec.Raw:
    """Content as JSON. A string that holds JSON, as the conventions allow on spans, is kept as that JSON."""
    if value is None:
        return NO_CONTENT
    if isinstance(value, str) and value.lstrip()[:1] in _JSON_BEGINS:
        try:
            return msgspec.Raw(bytes(_RAW.decode(value)))
        except (msgspec.DecodeError, RecursionError):
            pass  # it only looks like JSON, and is kept as the text that it is
    return msgspec.Raw(msgspec.json.encode(value))


class _Answer(msgspec.Struct):
    """What the JSON of an answer or of a call's parameters tells beside its text."""

    id: str | None = None
    model: str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def add_out_of_json(said: Read, fields: dict[str, Any]) -> None:
    """Add what OpenInference has no names for: the id of the answer, and the model that was asked for."""
    if "response_id" not in fields and (output := said.first("output")) is not None:
        answer = _answer(output.value)
        if answer and answer.id:
            fields["response_id"] = label_of(answer.id)
    if "response_model" in fields:
        return
    if said.shape.sources.get("request_model") == "llm.model_name":
        call = _answer(said.rest.get("llm.invocation_parameters"))
        if call and call.model and call.model != fields["request_model"]:
            # The name is that of the model that answered, once that is known.
            fields["response_model"], fields["request_model"] = fields["request_model"], label_of(call.model)


def _answer(value: Any) -> _Answer | None:
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return None
    try:
        return _ANSWER.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return None
