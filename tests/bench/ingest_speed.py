"""How fast does INGEST decode, price and frame, without Kafka? Against msgspec's decoding alone."""

from functools import partial

import msgspec

from schemas import native
from schemas.columns import Kind
from schemas.event import Event
from schemas.frame import Writer, encode, make_header
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.partitions import cut
from streams.pricing.book import PriceBook
from tests.bench.clock import Row, best_s
from tests.bench.load import START_NS, in_messages, make_events

EVENTS = 40_000


def run() -> list[Row]:
    """Rows of the table."""
    events = make_events(EVENTS)
    book = PriceBook()
    rows: list[Row] = []
    for size in (1, 100):
        messages = in_messages(events, size)
        bare_s = best_s(partial(_decode, messages))
        ours_s = best_s(partial(_frame, messages, book))
        rows += [
            (f"ingest, {size} a message: msgspec alone", EVENTS / bare_s, "events/s"),
            (f"ingest, {size} a message: decode, price, frame", EVENTS / ours_s, "events/s"),
            (f"ingest, {size} a message: share of msgspec alone", bare_s / ours_s, "ratio"),
        ]
    return rows


def _decode(messages: list[bytes]) -> None:
    decoder = msgspec.json.Decoder(Event, strict=False)
    for message in messages:
        decoder.decode_lines(message)


def _frame(messages: list[bytes], book: PriceBook) -> None:
    block = Block()
    for offset, message in enumerate(messages):
        decoded = native.decode(message)
        block.add(decoded.events, decoded.numbers, 0, 0, offset, START_NS + 10**12)
        if len(block) >= 20_000:
            _encode(block, book)
            block = Block()
    if len(block):
        _encode(block, book)


def _encode(block: Block, book: PriceBook) -> None:
    for part in cut(build_steps(block, book, keep_attributes=True)):
        encode(make_header(Kind.STEPS, Writer.INGEST, rows=part.num_rows), part)
