"""How fast does INGEST decode and price spans of each dialect? Against parsing the same bytes alone.

The spans are the golden examples', a hundred in a message as the Collector batches them; JSON is read against
msgspec's own parsing, protobuf against google's.
"""

import gc
import json
from functools import partial
from pathlib import Path

import msgspec
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas import json_schema, native, otlp
from schemas.decoded import Decoded
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.pricing.book import PriceBook
from tests.bench.clock import Row, best_s
from tests.bench.load import START_NS, in_messages, make_events

SPANS = 6_000
A_MESSAGE = 100
EXAMPLES = Path(json_schema.__file__).parent / "examples"
DIALECTS = ("current", "deprecated", "openinference", "openllmetry", "vercel", "langfuse", "pydantic-ai")
_JSON = msgspec.json.Decoder()


def run() -> list[Row]:
    """Rows of the table."""
    gc.set_threshold(50_000, 20, 50)  # as in every role
    book = PriceBook()
    rows: list[Row] = []
    events = in_messages(make_events(SPANS), A_MESSAGE)
    rows += _rows("native JSON", [_lines(value) for value in events], events, native.decode, book)
    for dialect in DIALECTS:
        document, attributes = _message(EXAMPLES / f"otlp-{dialect}.json")
        value = _protobuf(document)
        messages = [value] * (SPANS // A_MESSAGE)
        bare = [partial(ExportTraceServiceRequest.FromString, value)] * len(messages)
        rows += _rows(f"protobuf, {dialect}, {attributes:.0f} attributes", bare, messages, otlp.decode, book)
    text = [json.dumps(document).encode()] * (SPANS // A_MESSAGE)
    rows += _rows(
        f"OTLP JSON, {DIALECTS[-1]}", [partial(_JSON.decode, one) for one in text], text, otlp.decode, book
    )
    return rows


def _rows(name: str, bare: list, messages: list[bytes], decode, book: PriceBook) -> list[Row]:  # type: ignore[type-arg, no-untyped-def]
    bare_s = best_s(lambda: [parse() for parse in bare])
    ours_s = best_s(lambda: _price(messages, decode, book))
    return [
        (f"{name}: decode and price", SPANS / ours_s, "spans/s"),
        (f"{name}: times the bare parse", ours_s / bare_s, "ratio"),
    ]


def _price(messages: list[bytes], decode, book: PriceBook) -> None:  # type: ignore[no-untyped-def]
    block = Block()
    for offset, value in enumerate(messages):
        decoded: Decoded = decode(value)
        assert not decoded.rejected
        block.add(decoded.events, decoded.numbers, 1, 0, offset, START_NS + 10**12)
    build_steps(block, book, keep_attributes=True)


def _lines(value: bytes) -> partial:  # type: ignore[type-arg]
    return partial(_JSON.decode_lines, value)


def _message(path: Path) -> tuple[dict[str, object], float]:
    """The example's spans again and again, up to a full message; and their attributes in the mean."""
    document = json.loads(path.read_text())
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    document["resourceSpans"][0]["scopeSpans"][0]["spans"] = [
        {**spans[number % len(spans)], "spanId": f"{number + 1:016x}"} for number in range(A_MESSAGE)
    ]
    return document, sum(len(span["attributes"]) for span in spans) / len(spans)


def _protobuf(document: dict[str, object]) -> bytes:
    message = ParseDict(document, ExportTraceServiceRequest(), ignore_unknown_fields=True)
    for number, span in enumerate(message.resource_spans[0].scope_spans[0].spans):
        span.trace_id, span.span_id = bytes(range(16)), (number + 1).to_bytes(8, "big")
        span.parent_span_id = b""
    return bytes(message.SerializeToString())
