"""Events for benchmarks: made once, with the fields that a real LLM step carries."""

import json
from typing import Any

from schemas.columns import Kind
from schemas.frame import Writer, encode, make_header
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.pricing.book import PriceBook

START_NS = 1_750_000_000 * 1_000_000_000
RUN_STEPS = 20
AGENTS = 50
STEPS = 5


def make_events(count: int) -> list[bytes]:
    """So many events as JSON, in runs of 20 steps by 50 agents; 430 bytes each."""
    return [_event(number) for number in range(count)]


def _event(number: int) -> bytes:
    run = number // RUN_STEPS
    step = number % RUN_STEPS
    start_ns = START_NS + number * 1_000_000
    event: dict[str, Any] = {
        "event_id": f"{run:012x}-{step:04x}",
        "run_id": f"run-{run:012x}",
        "parent_event_id": f"{run:012x}-0000" if step else None,
        "kind": "llm" if step % 2 else "tool",
        "start_time_unix_nano": start_ns,
        "end_time_unix_nano": str(start_ns + 800_000_000 + (number * 7919) % 500_000_000),
        "agent_name": f"agent-{run % AGENTS}",
        "agent_version": "1.4.2",
        "environment": "production",
        "step_name": f"step-{step % STEPS}",
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "finish_reasons": ["stop"],
    }
    if step % 2:
        event |= {"input_tokens": 1200 + number % 100, "output_tokens": 300, "cache_read_input_tokens": 600}
    else:
        event |= {"tool_name": "search", "tool_call_arguments": {"query": number}}
    return json.dumps({key: value for key, value in event.items() if value is not None}).encode()


def in_messages(events: list[bytes], size: int) -> list[bytes]:
    """Messages of `size` events, as JSON lines."""
    return [b"\n".join(events[start : start + size]) for start in range(0, len(events), size)]


def make_frames(count: int, rows: int = 5_000) -> list[bytes]:
    """Step-frames of so many rows, as INGEST writes them."""
    from schemas import native

    book = PriceBook()
    frames = []
    for offset, message in enumerate(in_messages(make_events(count), rows)):
        block = Block()
        decoded = native.decode(message)
        block.add(decoded.events, decoded.numbers, 0, 0, offset, START_NS + 10**12)
        batch = build_steps(block, book, keep_attributes=True)
        frames.append(encode(make_header(Kind.STEPS, Writer.INGEST, rows=batch.num_rows), batch))
    return frames
