"""A provider's API on this machine: OpenAI's chat completions and Anthropic's messages, whole and as streams.

It counts tokens as it likes and bills them by published prices, cached ones too; what it billed is what the
test compares with.
"""

import json
import threading
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MILLION = 1_000_000
OPENAI_MODEL = "gpt-4o-mini-2024-07-18"
ANTHROPIC_MODEL = "claude-sonnet-4-5-20250929"


@dataclass(frozen=True)
class Bill:
    """One call: tokens as the provider bills them, `uncached` and cached apart, and USD."""

    response_id: str
    uncached: int
    cache_read: int
    cache_write: int
    output: int
    usd: Decimal


class Double(ThreadingHTTPServer):
    """Listens on a port of its own; `bills` has a row for each call, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bills: list[Bill] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def charge(self, prices: tuple[str, str, str, str], prefix: str) -> Bill:
        """Bill the next call: other numbers each time."""
        number = len(self.bills) + 1
        counts = (100 * number + 7, 1024 * number, 64 * number if prefix == "msg_" else 0, 11 * number)
        usd = sum(
            (count * Decimal(price) / MILLION for count, price in zip(counts, prices, strict=True)),
            Decimal(0),
        )
        self.bills.append(Bill(f"{prefix}{number}", *counts, usd))
        return self.bills[-1]


class _Handler(BaseHTTPRequestHandler):
    server: Double

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/chat/completions"):
            answer = _openai(self.server.charge(("0.15", "0.075", "0", "0.60"), "chatcmpl-"), asked)
        else:
            answer = _anthropic(self.server.charge(("3", "0.30", "3.75", "15"), "msg_"), asked)
        stream = isinstance(answer, list)
        body = "".join(answer).encode() if isinstance(answer, list) else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _openai(bill: Bill, asked: dict[str, Any]) -> dict[str, Any] | list[str]:
    usage = {
        "prompt_tokens": bill.uncached + bill.cache_read,
        "completion_tokens": bill.output,
        "total_tokens": bill.uncached + bill.cache_read + bill.output,
        "prompt_tokens_details": {"cached_tokens": bill.cache_read},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    head = {"id": bill.response_id, "created": 1_750_000_000, "model": OPENAI_MODEL}
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "Hello"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}

    def chunk(choices: list[dict[str, Any]], **more: Any) -> str:
        return (
            f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': choices, **more})}\n\n"
        )

    said = {"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": None}
    over = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [chunk([said]), chunk([over]), chunk([], usage=usage), "data: [DONE]\n\n"]


def _anthropic(bill: Bill, asked: dict[str, Any]) -> dict[str, Any] | list[str]:
    usage = {
        "input_tokens": bill.uncached,
        "cache_read_input_tokens": bill.cache_read,
        "cache_creation_input_tokens": bill.cache_write,
        "output_tokens": bill.output,
    }
    message = {
        "id": bill.response_id,
        "type": "message",
        "role": "assistant",
        "model": ANTHROPIC_MODEL,
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    if not asked.get("stream"):
        return message
    begun = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": bill.output},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
