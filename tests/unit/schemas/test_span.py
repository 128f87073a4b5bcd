"""What a span's attributes become, where they are wrong, odd, or say it in an unusual place."""

from typing import Any

import pytest

from schemas.event import Event
from schemas.span import InvalidSpan, Span, read_resource, to_event

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 5,
}


def event_of(attributes: dict[str, Any], *, name: str = "s", resource: dict[str, Any] | None = None) -> Event:
    return to_event(
        Span(
            trace_id="0af7651916cd43dd8448eb211c80319c",
            span_id="b7ad6b7169203331",
            parent_span_id="",
            name=name,
            start_time_unix_nano=1_750_000_000_000_000_000,
            end_time_unix_nano=1_750_000_001_000_000_000,
            attributes=attributes,
            resource=read_resource(resource or {}),
            scope_name="s",
            scope_version="",
            status_code=0,
            status_message="",
            events=[],
        )
    )


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("gen_ai.usage.cost", "n/a", "reported_cost_usd"),
        ("gen_ai.usage.cost", -1, "reported_cost_usd"),
        ("gen_ai.response.time_to_first_chunk", "fast", "time_to_first_chunk_s"),
        ("gen_ai.response.time_to_first_chunk", float("nan"), "time_to_first_chunk_s"),
        ("gen_ai.evaluation.score.value", "good", "evaluation_score_value"),
    ],
)
def test_a_number_that_cannot_be_read_stays_an_attribute_and_loses_no_call(
    name: str, value: Any, field: str
) -> None:
    event = event_of({**CALL, name: value})
    assert event.input_tokens == 5
    assert getattr(event, field) is None
    assert (event.attributes or {})[name] == str(value)


def test_the_next_name_gives_the_number_in_its_own_unit() -> None:
    event = event_of(
        {**CALL, "gen_ai.response.time_to_first_chunk": "fast", "ai.response.msToFirstChunk": 250}
    )
    assert event.time_to_first_chunk_s == 0.25
    assert event.sources == {"time_to_first_chunk_s": "ai.response.msToFirstChunk"}


def test_usage_that_gave_way_to_the_next_name_stays_an_attribute() -> None:
    event = event_of({**CALL, "gen_ai.usage.input_tokens": "many", "llm.token_count.prompt": 7})
    assert event.input_tokens == 7
    assert event.attributes == {"gen_ai.usage.input_tokens": "many"}


def test_usage_that_nobody_can_read_is_refused() -> None:
    with pytest.raises(InvalidSpan, match=r"gen_ai\.usage\.input_tokens"):
        event_of({**CALL, "gen_ai.usage.input_tokens": "many"})


@pytest.mark.parametrize("name", ["ai.operationId", "operation.name"])
def test_a_function_behind_an_operation_of_vercel_changes_no_kind(name: str) -> None:
    inner, outer = (
        event_of({name: f"{operation} my-function", "ai.model.id": "gpt-4o", "ai.usage.inputTokens": 3})
        for operation in ("ai.generateText.doGenerate", "ai.generateText")
    )
    assert (inner.kind, inner.operation_name) == ("llm", "ai.generateText.doGenerate")
    assert (outer.kind, outer.operation_name) == ("other", "ai.generateText")


def test_the_operation_of_anybody_else_under_that_name_decides_nothing() -> None:
    event = event_of({"operation.name": "GET /chat", "gen_ai.request.model": "gpt-4o"})
    assert (event.kind, event.operation_name) == ("llm", None)


@pytest.mark.parametrize("said", ["span", "event"])
def test_a_wrapper_of_langfuse_is_no_call_even_with_a_model(said: str) -> None:
    event = event_of({**CALL, "langfuse.observation.type": said})
    assert (event.kind, event.input_tokens) == ("other", 5)


@pytest.mark.parametrize("said", [["STOP", "MAX_TOKENS"], '["STOP", "MAX_TOKENS"]'])
def test_finish_reasons_have_the_names_of_opentelemetry(said: Any) -> None:
    assert event_of({**CALL, "gen_ai.response.finish_reasons": said}).finish_reasons == ["stop", "length"]


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("https://x.openai.azure.com/openai/v1", "x.openai.azure.com"),
        ("api.openai.com", "api.openai.com"),
        ("http://[broken", None),
    ],
)
def test_the_address_of_a_server_is_its_host(said: str, host: str | None) -> None:
    assert event_of({**CALL, "gen_ai.openai.api_base": said}).server_address == host


def test_queries_and_documents_of_a_retrieval_are_contents_and_no_attributes() -> None:
    event = event_of(
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.query.text": "where is it",
            "gen_ai.retrieval.documents": '[{"id": "d1", "score": 0.5}]',
        }
    )
    assert (bytes(event.input_messages), bytes(event.output_messages)) == (
        b'"where is it"',
        b'[{"id": "d1", "score": 0.5}]',
    )
    assert event.attributes is None
