"""What the SDK writes is what the pipeline reads: fields, kinds and limits of `schemas.event`."""

from typing import Any, cast, get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

import wakeline
from schemas import event as contract
from schemas.native import decode
from wakeline import fields
from wakeline.testing import CollectingEmitter, collecting_emitter

DECODER = msgspec.json.Decoder(contract.Event, strict=False)


def decoded(emitter: CollectingEmitter) -> list[contract.Event]:
    """All events of an emitter as the pipeline reads them; nothing is rejected."""
    result = decode(b"\n".join(emitter.lines))
    assert not result.rejected
    assert result.events == [DECODER.decode(line) for line in emitter.lines]
    return result.events


def test_fields_of_the_sdk_are_fields_of_the_contract() -> None:
    assert set(fields.TYPES) <= set(contract.FIELDS)
    assert set(contract.CONTENT_FIELDS) == fields.CONTENT_FIELDS


def test_every_field_of_the_contract_but_those_of_a_resource_can_be_said() -> None:
    read_off_spans = {"span_name", "agent_hint", "dialect", "token_convention", "sources"}
    assert set(contract.FIELDS) - set(fields.TYPES) == {"resource_attributes"} | read_off_spans


def test_kinds_states_and_verdicts_are_the_same() -> None:
    assert get_args(fields.Kind) == contract.KINDS
    assert get_args(fields.State) == get_args(contract.State)
    assert get_args(fields.Verdict) == get_args(contract.Verdict)


def test_limits_are_the_same() -> None:
    for name in ("Id", "Label", "Text", "Tokens", "UnixNano", "Seconds", "Number", "Usd"):
        assert getattr(fields, name) == getattr(contract, name), name


def test_every_method_writes_events_that_decode() -> None:
    emitter = collecting_emitter(agent_name="a", started_after_s=0, max_queue_events=100)
    with emitter.run(user_id="u"):
        for step in (
            emitter.llm_call("m", "p", input_messages=[{"role": "user"}]),
            emitter.embedding("m", "p"),
            emitter.tool_call("t", {"a": 1}),
            emitter.retrieval("docs"),
            emitter.guardrail("pii", guardrail_verdict="deny"),
            emitter.handoff("b"),
            emitter.agent("b", "2"),
            emitter.step("s"),
        ):
            with step:
                emitter.announce()
        emitter.outcome("o", success=True, value=1)
        emitter.feedback("f", score=1, label="x")
    for _ in range(200):
        emitter.step("more").end()
    emitter.close()
    events = decoded(emitter)
    assert {event.kind for event in events} == set(contract.KINDS)
    assert {event.state for event in events} == {"started", "ended"}
    assert {"queue_full": events[-1].dropped_events} == emitter.stats().dropped
    assert events[-1].attributes == {"reason": "queue_full"}


def test_every_field_arrives_as_it_was_given() -> None:
    emitter = collecting_emitter()
    said: dict[str, Any] = {}
    for name, kind in fields.TYPES.items():
        if name in ("kind", "state", "dropped_events", "scope_name", "scope_version"):
            continue
        wanted = get_args(kind)[0] if get_args(kind) else kind
        said[name] = _example(name, wanted)
    emitter.step("x", **cast(Any, said)).end()
    (event,) = decoded(emitter)
    for name, value in said.items():
        got = getattr(event, name)
        assert (msgspec.json.decode(got) if isinstance(got, msgspec.Raw) else got) == value, name
    emitter.close()


def _example(name: str, wanted: Any) -> Any:
    if name in fields.CONTENT_FIELDS:
        return [{"of": name}]
    special = {"guardrail_verdict": "warn", "finish_reasons": ["stop"], "attributes": {"k": "v"}}
    if name in special:
        return special[name]
    base = get_args(wanted)[0] if get_args(wanted) else wanted
    return {str: f"a {name}", int: 17, float: 0.5, bool: True}[base]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(wakeline.Fields.__annotations__)), ANYTHING, max_size=6))
def test_whatever_is_handed_over_what_is_written_decodes(said: dict[str, Any]) -> None:
    emitter = collecting_emitter(agent_name="a")
    with emitter.run(**cast(Any, said)), emitter.llm_call("m", "p") as call:
        call.set(**cast(Any, said))
    assert len(decoded(emitter)) == 2
    emitter.close()
