"""What does a step cost in the agent's thread? Against a bare msgspec encode and `producer.produce`.

No broker is needed: both fill buffers, as in an outage, so that what is timed is the agent's side alone.
The sender's thread takes its share of the processor meanwhile, as it does in an agent that emits this much.
"""

import logging
import time
from collections.abc import Callable

import msgspec
from confluent_kafka import Producer

import wakeline
from tests.bench.clock import Row
from wakeline.fields import Event
from wakeline.outbox import Item
from wakeline.sender import pack

CALLS = 10_000
ROUNDS = 5
# Nobody listens on the discard port; the client's threads try once and then wait.
NOWHERE = "127.0.0.1:9"
QUEUE = {"max_queue_events": 1_000_000, "max_queue_bytes": 1_000_000_000}
ANSWER = [{"role": "assistant", "content": "Your parcel left our warehouse on Monday. " * 5}]


def run() -> list[Row]:
    """Rows of the table."""
    log = logging.getLogger("wakeline")
    level = log.level
    log.setLevel(logging.ERROR)  # that nobody listens is meant
    try:
        return _rows()
    finally:
        log.setLevel(level)


def _rows() -> list[Row]:
    bare_us = min(_bare_us() for _ in range(ROUNDS))
    step_us = min(_emitter_us(_llm_call) for _ in range(ROUNDS))
    contents_us = min(_emitter_us(_llm_call_with_contents) for _ in range(ROUNDS))
    nested_us = min(_emitter_us(_run_of_ten) for _ in range(ROUNDS)) / 11
    disabled_us = min(_disabled_us() for _ in range(ROUNDS))
    return [
        ("sdk: bare msgspec encode and produce", bare_us, "us/event"),
        ("sdk: LLM call with usage, in the agent's thread", step_us, "us/event"),
        ("sdk: the same with messages of 0.5 kB", contents_us, "us/event"),
        ("sdk: a run of ten tool calls", nested_us, "us/event"),
        ("sdk: LLM call while disabled", disabled_us, "us/event"),
        ("sdk: packing messages, in the sender's thread", min(_pack_us() for _ in range(ROUNDS)), "us/event"),
        ("sdk: LLM call against the bare loop", step_us / bare_us, "ratio"),
    ]


def _bare_us() -> float:
    """An event of the same fields: Struct, encode, produce."""
    settings = {"bootstrap.servers": NOWHERE, "log_level": 0, "linger.ms": 1_000}
    producer = Producer(settings | {"queue.buffering.max.messages": 2 * CALLS})
    encode = msgspec.json.Encoder().encode

    def work() -> None:
        now_ns = time.time_ns()
        event = Event(
            event_id="4ad6ec5f4d2c3d3a9fb9000000000001",
            kind="llm",
            start_time_unix_nano=now_ns,
            end_time_unix_nano=now_ns,
            run_id="4ad6ec5f4d2c3d3a9fb9000000000001",
            operation_name="chat",
            agent_name="support",
            agent_version="1.4.0",
            provider_name="openai",
            request_model="gpt-4o",
            input_tokens=812,
            output_tokens=97,
        )
        producer.produce("agent-events", encode(event), b"4ad6ec5f4d2c3d3a9fb9000000000001")

    took_us = _time_us(work)
    producer.purge()
    producer.flush(1)
    return took_us


def _emitter_us(call: Callable[[wakeline.Emitter], None]) -> float:
    emitter = wakeline.Emitter(
        NOWHERE,
        agent_name="support",
        agent_version="1.4.0",
        flush_interval_s=3_600,
        environ={},
        **QUEUE,  # type: ignore[arg-type]  # mypy does not look into the mapping
    )
    took_us = _time_us(lambda: call(emitter))
    emitter.close(0)
    return took_us


def _disabled_us() -> float:
    emitter = wakeline.Emitter(environ={})
    return _time_us(lambda: _llm_call(emitter))


def _llm_call(emitter: wakeline.Emitter) -> None:
    with emitter.llm_call("gpt-4o", "openai") as call:
        call.set(input_tokens=812, output_tokens=97)


def _llm_call_with_contents(emitter: wakeline.Emitter) -> None:
    with emitter.llm_call("gpt-4o", "openai", input_messages=ANSWER) as call:
        call.set(input_tokens=812, output_tokens=97, output_messages=ANSWER)


def _run_of_ten(emitter: wakeline.Emitter) -> None:
    with emitter.run():
        for number in range(10):
            with emitter.tool_call("lookup_order", {"order": number}):
                pass


def _pack_us() -> float:
    items = [Item(f"run-{number % 500}", b"x" * 400) for number in range(CALLS)]
    start = time.perf_counter()
    for _ in pack(items):
        pass
    return (time.perf_counter() - start) / CALLS * 1e6


def _time_us(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        work()
    return (time.perf_counter() - start) / CALLS * 1e6
