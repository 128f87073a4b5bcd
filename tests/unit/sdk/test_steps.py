"""What an agent's steps become: identity, inheritance, errors, contents, bad arguments."""

import asyncio
import contextvars
import logging
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

import wakeline
from wakeline.testing import CollectingEmitter, collecting_emitter


@pytest.fixture
def emitter() -> Iterator[CollectingEmitter]:
    emitter = collecting_emitter(agent_name="support", agent_version="3", environment="test")
    yield emitter
    emitter.close()


def named(emitter: CollectingEmitter, name: str) -> dict[str, Any]:
    """The one event with this step name."""
    (event,) = [event for event in emitter.events if event.get("step_name") == name]
    return event


def test_steps_within_a_run_name_the_run_and_their_parent(emitter: CollectingEmitter) -> None:
    with emitter.run() as run, emitter.step("outer") as outer, emitter.step("inner"):
        pass
    inner, outer_event, run_event = emitter.events
    assert inner["parent_event_id"] == outer.event_id
    assert outer_event["parent_event_id"] == run.event_id
    assert "parent_event_id" not in run_event
    assert inner["run_id"] == outer_event["run_id"] == run_event["run_id"] == run.event_id == run.run_id


def test_two_runs_have_different_ids(emitter: CollectingEmitter) -> None:
    for _ in range(2):
        with emitter.run():
            pass
    first, second = emitter.events
    assert first["run_id"] != second["run_id"]


def test_a_step_outside_of_a_run_is_a_run_of_its_own(emitter: CollectingEmitter) -> None:
    with emitter.llm_call("m", "p") as call:
        pass
    (event,) = emitter.events
    assert event["run_id"] == call.event_id


def test_a_step_outside_of_a_run_belongs_to_its_conversation(emitter: CollectingEmitter) -> None:
    with emitter.llm_call("m", "p", conversation_id="c"), emitter.tool_call("t"):
        pass
    assert [(e["conversation_id"], "run_id" in e) for e in emitter.events] == [("c", False)] * 2


def test_labels_of_a_run_are_inherited(emitter: CollectingEmitter) -> None:
    with emitter.run(conversation_id="c", user_id="u") as run:
        run.set(business_key="ticket-1")
        with emitter.tool_call("t"):
            pass
    tool, _ = emitter.events
    labels = ("agent_name", "agent_version", "environment", "conversation_id", "user_id", "business_key")
    assert [tool[label] for label in labels] == ["support", "3", "test", "c", "u", "ticket-1"]


def test_another_agent_does_not_inherit_the_version_of_the_first(emitter: CollectingEmitter) -> None:
    with emitter.run(), emitter.agent("billing"), emitter.step("within"):
        pass
    within = named(emitter, "within")
    assert within["agent_name"] == "billing"
    assert "agent_version" not in within


def test_an_exception_is_recorded_and_goes_on_unchanged(emitter: CollectingEmitter) -> None:
    error = KeyError("order")
    with pytest.raises(KeyError) as caught, emitter.run(), emitter.tool_call("lookup"):
        raise error
    assert caught.value is error
    tool, run = emitter.events
    assert (tool["error_type"], tool["error_message"]) == ("KeyError", "'order'")
    assert run["error_type"] == "KeyError"


def test_an_error_handled_within_a_run_fails_only_its_step(emitter: CollectingEmitter) -> None:
    with emitter.run():
        try:
            with emitter.tool_call("lookup"):
                raise TimeoutError
        except TimeoutError:
            pass
    tool, run = emitter.events
    assert tool["error_type"] == "TimeoutError"
    assert "error_type" not in run


def test_a_step_can_fail_without_an_exception(emitter: CollectingEmitter) -> None:
    with emitter.tool_call("t") as call:
        call.fail("http_429", "Too many requests")
    assert emitter.events[0]["error_type"] == "http_429"


def test_given_times_are_kept_to_the_nanosecond(emitter: CollectingEmitter) -> None:
    step = emitter.step("replayed", start_time_unix_nano=1_700_000_000_000_000_001)
    step.end(end_time_unix_nano=1_700_000_000_000_000_003)
    event = named(emitter, "replayed")
    assert event["start_time_unix_nano"] == 1_700_000_000_000_000_001
    assert event["end_time_unix_nano"] == 1_700_000_000_000_000_003


def test_an_end_never_lies_before_its_start(emitter: CollectingEmitter) -> None:
    with emitter.step("s"):
        pass
    event = emitter.events[0]
    assert event["end_time_unix_nano"] >= event["start_time_unix_nano"] > 1_600_000_000_000_000_000


def test_the_first_chunk_is_timed_once(emitter: CollectingEmitter) -> None:
    with emitter.llm_call("m", "p") as call:
        call.first_chunk()
        first = call.snapshot()["time_to_first_chunk_s"]
        call.first_chunk()
    assert emitter.events[0]["time_to_first_chunk_s"] == first >= 0


def test_outcomes_and_feedback_are_moments(emitter: CollectingEmitter) -> None:
    with emitter.run() as run:
        emitter.outcome("resolved", success=True, value=12.5)
        emitter.feedback("stars", score=4, label="good")
    outcome, feedback, _ = emitter.events
    assert (outcome["outcome_name"], outcome["outcome_success"], outcome["outcome_value"]) == (
        "resolved",
        True,
        12.5,
    )
    assert outcome["end_time_unix_nano"] == outcome["start_time_unix_nano"]
    assert outcome["run_id"] == feedback["run_id"] == run.run_id
    assert (feedback["evaluation_score_value"], feedback["evaluation_score_label"]) == (4, "good")


def test_an_outcome_may_come_later_for_a_run_by_its_id(emitter: CollectingEmitter) -> None:
    with emitter.run() as today:
        emitter.outcome("kept", success=False, run_id="yesterday")
    outcome = emitter.events[0]
    assert outcome["run_id"] == "yesterday" != today.run_id
    assert "parent_event_id" not in outcome


# -- propagation


def test_a_thread_with_a_copied_context_is_within_the_run(emitter: CollectingEmitter) -> None:
    def work() -> None:
        with emitter.step("threaded"):
            pass

    with emitter.run() as run:
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
        thread.join()
    assert named(emitter, "threaded")["parent_event_id"] == run.event_id


def test_a_bare_thread_takes_its_parent_by_name(emitter: CollectingEmitter) -> None:
    def work(parent: wakeline.Step) -> None:
        with emitter.step("threaded", parent=parent), emitter.step("deeper"):
            pass

    with emitter.run() as run:
        thread = threading.Thread(target=work, args=(run,))
        thread.start()
        thread.join()
    assert named(emitter, "threaded")["parent_event_id"] == run.event_id
    assert named(emitter, "deeper")["run_id"] == run.run_id


def test_asyncio_tasks_keep_their_own_parents(emitter: CollectingEmitter) -> None:
    async def work(name: str) -> None:
        with emitter.run(), emitter.step(name):
            await asyncio.sleep(0)
            with emitter.step(f"{name}/inner"):
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(work(f"w{i}") for i in range(5)))

    asyncio.run(main())
    for i in range(5):
        outer, inner = named(emitter, f"w{i}"), named(emitter, f"w{i}/inner")
        assert inner["parent_event_id"] == outer["event_id"]
        assert inner["run_id"] == outer["run_id"]
    assert len({event["run_id"] for event in emitter.events}) == 5


def test_a_task_that_outlives_its_run_still_belongs_to_it(emitter: CollectingEmitter) -> None:
    async def late(go: asyncio.Event) -> None:
        await go.wait()
        with emitter.step("late"):
            pass

    async def main() -> str:
        go = asyncio.Event()
        with emitter.run() as run:
            task = asyncio.create_task(late(go))
        go.set()
        await task
        return run.run_id

    assert asyncio.run(main()) == named(emitter, "late")["run_id"]


def test_a_run_after_a_run_in_one_task_is_a_new_one_although_the_first_was_left_elsewhere(
    emitter: CollectingEmitter,
) -> None:
    def work() -> tuple[str, str]:
        first = emitter.run().__enter__()
        contextvars.copy_context().run(first.__exit__, None, None, None)
        with emitter.run() as second:
            return first.run_id, second.run_id

    first_id, second_id = contextvars.copy_context().run(work)
    assert first_id != second_id


def test_a_generator_that_is_left_early_has_not_failed_and_gives_its_parent_back(
    emitter: CollectingEmitter,
) -> None:
    def stream() -> Iterator[int]:
        with emitter.llm_call("m", "p", step_name="streamed"):
            yield 1
            yield 2

    with emitter.run() as run:
        chunks = stream()
        next(chunks)
        cast(Any, chunks).close()
        with emitter.step("after"):
            pass
    assert "error_type" not in named(emitter, "streamed")
    assert named(emitter, "after")["parent_event_id"] == run.event_id


def test_a_generator_closed_in_another_context_leaves_no_ended_parent_behind(
    emitter: CollectingEmitter,
) -> None:
    def stream() -> Iterator[int]:
        with emitter.llm_call("m", "p", step_name="streamed"):
            yield 1

    with emitter.run() as run:
        chunks = stream()
        next(chunks)
        contextvars.copy_context().run(cast(Any, chunks).close)
        with emitter.step("after"):
            pass
    assert named(emitter, "after")["parent_event_id"] == run.event_id


def test_another_service_goes_on_with_the_run_under_its_own_name(emitter: CollectingEmitter) -> None:
    billing = collecting_emitter(agent_name="billing")
    headers: dict[str, str] = {}

    def serve() -> None:
        with wakeline.continue_run({k.title(): v for k, v in headers.items()}), billing.agent("billing"):
            pass
        assert wakeline.current_context() == {}

    with emitter.run(conversation_id="c é/1", user_id="u"), emitter.handoff("billing") as handoff:
        headers |= wakeline.current_context()
        assert all(value.isascii() for value in headers.values())
        contextvars.Context().run(serve)
    (there,) = billing.events
    assert there["run_id"] == handoff.run_id
    assert there["parent_event_id"] == handoff.event_id
    assert (there["conversation_id"], there["user_id"]) == ("c é/1", "u")
    assert there["agent_name"] == "billing"
    assert "agent_version" not in there
    billing.close()


def test_headers_may_be_bytes_and_strange_ones_change_nothing(emitter: CollectingEmitter) -> None:
    with wakeline.continue_run({"wakeline-run-id": b"r%201"}), emitter.step("there"):
        pass
    assert named(emitter, "there")["run_id"] == "r 1"
    for headers in ({}, None, {"wakeline-run-id": ""}, {3: "x"}, "text"):
        with wakeline.continue_run(cast(Any, headers)):
            assert wakeline.current_context() == {}


def test_there_is_no_context_outside_of_a_run() -> None:
    assert wakeline.current_context() == {}


# -- started events


def test_a_step_that_stays_open_is_announced_under_its_id_without_contents() -> None:
    emitter = collecting_emitter(started_after_s=0)
    with emitter.run(), emitter.tool_call("slow", {"order": 1}) as call:
        emitter.announce()
    started = [event for event in emitter.events if event.get("state") == "started"]
    assert [event["kind"] for event in started] == ["run", "tool"]
    assert started[1]["event_id"] == call.event_id
    assert "end_time_unix_nano" not in started[1]
    assert "tool_call_arguments" not in started[1]
    assert len(emitter.events) == 4
    emitter.close()


@pytest.mark.parametrize("after_s", [60.0, math.inf])
def test_a_short_step_is_not_announced(after_s: float) -> None:
    emitter = collecting_emitter(started_after_s=after_s)
    with emitter.run():
        emitter.announce()
    emitter.announce()
    assert [event["kind"] for event in emitter.events] == ["run"]
    emitter.close()


def test_a_step_is_announced_once() -> None:
    emitter = collecting_emitter(started_after_s=0)
    with emitter.run():
        emitter.announce()
        emitter.announce()
    assert len(emitter.events) == 2
    emitter.close()


# -- contents


@dataclass
class Order:
    number: int


class Model:
    """As pydantic's models are."""

    def model_dump(self) -> dict[str, int]:
        return {"a": 1}


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__

    def __index__(self) -> int:
        raise RuntimeError("no")

    __float__ = __index__

    def __iter__(self) -> Iterator[object]:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"order": 1}, {"order": 1}),
        (Order(7), {"number": 7}),
        ([Model()], [{"a": 1}]),
        ("text", "text"),
        (math.nan, None),
        ({"x": Hostile()}, {"x": "<Hostile>"}),
        (10**30, 10**30),
        ({(1, 2): 3}, {"(1, 2)": 3}),
        ("\ud800", "?"),
    ],
)
def test_contents_become_json_whatever_they_are(
    emitter: CollectingEmitter, given: object, sent: object
) -> None:
    with emitter.tool_call("t", given):
        pass
    assert emitter.events[0].get("tool_call_arguments") == sent


def test_a_content_nested_beyond_reason_does_not_raise(emitter: CollectingEmitter) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with emitter.tool_call("t", deep):
        pass
    assert "tool_call_arguments" in emitter.events[0]


def test_a_content_is_what_it_was_when_it_was_given(emitter: CollectingEmitter) -> None:
    messages = [{"role": "user"}]
    with emitter.llm_call("m", "p", input_messages=messages):
        messages.append({"role": "assistant"})
    assert emitter.events[0]["input_messages"] == [{"role": "user"}]


def test_no_content_is_sent_where_contents_are_off() -> None:
    emitter = collecting_emitter(contents=False)
    with emitter.tool_call("t", {"secret": 1}) as call:
        call.set(tool_call_result="secret")
    assert b"secret" not in b"".join(emitter.lines)
    emitter.close()


def test_a_long_content_is_cut_and_named() -> None:
    emitter = collecting_emitter(max_content_bytes=100)
    with emitter.tool_call("t", "é" * 1_000):
        pass
    event = emitter.events[0]
    assert len(event["tool_call_arguments"].encode()) <= 100
    assert event["attributes"] == {"wakeline.cut_contents": "tool_call_arguments"}
    assert emitter.stats().cut == 1
    emitter.close()


def test_contents_that_fit_no_message_are_left_out_and_the_event_goes() -> None:
    emitter = collecting_emitter(max_content_bytes=200_000)
    with emitter.llm_call("m", "p", input_messages="a" * 150_000, output_messages="b" * 150_000):
        pass
    event = emitter.events[0]
    assert "input_messages" not in event
    assert event["attributes"]["wakeline.cut_contents"] == "input_messages output_messages"
    emitter.close()


def test_an_event_too_large_without_contents_is_counted(emitter: CollectingEmitter) -> None:
    with emitter.step("s", attributes={"big": "x" * 300_000}):
        pass
    assert emitter.events == []
    stats = emitter.stats()
    assert stats.dropped == {"too_large": 1}
    assert stats.events == 1


# -- bad arguments


def test_bad_values_are_left_out_counted_and_logged_once(
    emitter: CollectingEmitter, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        with emitter.llm_call("m", "p") as call:
            call.set(input_tokens=-1, output_tokens=cast(Any, "many"), guardrail_verdict=cast(Any, "perhaps"))
            call.set(cache_read_input_tokens=7)
    assert emitter.stats().refused == {"input_tokens": 3, "output_tokens": 3, "guardrail_verdict": 3}
    assert [event["cache_read_input_tokens"] for event in emitter.events] == [7, 7, 7]
    assert len([record for record in caplog.records if record.name == "wakeline"]) == 3


def test_values_of_other_types_become_what_is_meant(emitter: CollectingEmitter) -> None:
    import numpy as np

    with emitter.llm_call("m", "p") as call:
        call.set(
            input_tokens=cast(Any, np.int64(5)),
            user_id=cast(Any, 17),
            finish_reasons=cast(Any, "stop"),
            outcome_value=cast(Any, np.float32(0.5)),
            attributes={"n": 3},
        )
    event = emitter.events[0]
    assert (event["input_tokens"], event["user_id"], event["finish_reasons"]) == (5, "17", ["stop"])
    assert event["outcome_value"] == 0.5
    assert event["attributes"] == {"n": "3"}
    assert emitter.stats().refused == {}


def test_nothing_that_an_agent_hands_over_raises(emitter: CollectingEmitter) -> None:
    hostile = cast(Any, Hostile())
    every = dict.fromkeys(wakeline.Fields.__annotations__, hostile)
    with emitter.run(hostile, **cast(Any, every)) as run:
        run.set(**cast(Any, every))
        run.set(no_such_field=1)  # type: ignore[call-arg]  # that is the question
        run.fail(hostile, hostile)
        cast(Any, run).set("positional")
    cast(Any, emitter).tool_call("a", "b", "one too many").end()
    cast(Any, emitter).llm_call("m", "p", parent="no step").end()
    emitter.outcome(hostile, success=hostile, value=hostile)
    assert emitter.stats().refused["unknown field"] == 1
    assert emitter.stats().refused["parent"] == 1
    assert len(emitter.events) == 4


def test_long_labels_are_cut_and_long_ids_stay_different(emitter: CollectingEmitter) -> None:
    for end in "ab":
        with emitter.tool_call("t" * 300, user_id="u" * 300 + end):
            pass
    first, second = emitter.events
    assert first["tool_name"] == "t" * 256
    assert len(first["user_id"]) == 256
    assert first["user_id"] != second["user_id"]


def test_a_second_end_and_a_word_after_the_end_are_counted_not_sent(emitter: CollectingEmitter) -> None:
    step = emitter.step("s")
    step.end()
    step.end()
    step.set(task="late")
    step.fail("late")
    assert len(emitter.events) == 1
    assert sum(emitter.stats().refused.values()) == 3


def test_what_is_refused_is_logged_without_its_value(
    emitter: CollectingEmitter, caplog: pytest.LogCaptureFixture
) -> None:
    with emitter.step("s", input_tokens=cast(Any, "secret")):
        pass
    assert "secret" not in caplog.text
    assert "input_tokens" in caplog.text


# -- options


def test_without_bootstrap_servers_everything_works_and_nothing_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "wakeline")
    emitter = wakeline.Emitter(environ={})
    with emitter.run() as run, emitter.tool_call("t", {"a": 1}) as call:
        assert call.run_id == run.run_id
        assert wakeline.current_context()["wakeline-run-id"] == run.run_id
    assert not emitter.enabled
    assert emitter.stats() == (0, 0, 0, {}, {}, 0)
    assert emitter.flush()
    assert emitter.close()
    assert [record.levelname for record in caplog.records if "disabled" in record.message] == ["INFO"]


def test_the_environment_gives_options_and_arguments_override_it() -> None:
    environ = {
        "WAKELINE_BOOTSTRAP_SERVERS": "kept.invalid:9092",
        "WAKELINE_AGENT_NAME": "env",
        "WAKELINE_TEAM": "env-team",
        "WAKELINE_CONTENTS": "false",
        "WAKELINE_MAX_QUEUE_EVENTS": "7",
        "WAKELINE_STARTED_AFTER_S": "never",
        "WAKELINE_KAFKA_CONFIG": '{"client.id": "x"}',
    }
    emitter = CollectingEmitter(environ=environ, agent_name="argument")
    with emitter.tool_call("t", {"a": 1}):
        emitter.announce()
    (event,) = emitter.events
    assert (event["agent_name"], event["team"]) == ("argument", "env-team")
    assert "tool_call_arguments" not in event
    emitter.close()


@pytest.mark.parametrize(
    "options",
    [
        {"max_queue_events": 0},
        {"flush_interval_s": 0},
        {"topic": "no topic"},
        {"agent_name": 5},
        {"agent_name": "x" * 300},
        {"kafka_config": {"no.such.setting": "1"}},
        {"compression": "rar"},
        {"environ": {"WAKELINE_KAFKA_CONFIG": "password=1"}},
        {"environ": {"WAKELINE_FLUSH_INTERVAL_S": "soon"}},
    ],
)
def test_an_option_that_cannot_be_used_is_an_error_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(wakeline.ConfigError):
        wakeline.Emitter("127.0.0.1:1", **({"environ": {}} | options))


def test_a_broken_kafka_config_is_not_repeated_in_its_error() -> None:
    with pytest.raises(wakeline.ConfigError) as caught:
        wakeline.Emitter("127.0.0.1:1", environ={"WAKELINE_KAFKA_CONFIG": "password=hunter2"})
    assert "hunter2" not in str(caught.value)
