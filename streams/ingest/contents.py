"""Which contents (prompts, answers, arguments) go to `step-contents`, and how much of each? Pure."""

import hashlib
from operator import attrgetter

import msgspec
import pyarrow as pa

from schemas.columns import Kind
from schemas.event import CONTENT_FIELDS, NO_CONTENT, content_of
from schemas.frame import make_batch
from streams.ingest.block import Block


def build_contents(block: Block, steps: pa.RecordBatch, max_bytes: int) -> pa.RecordBatch | None:
    """A batch of kind CONTENTS, a row for each content of each event; None when there is none.

    Args:
        block: the events.
        steps: the batch made from them, whose ids and times the contents share.
        max_bytes: of a content, more is cut at a character; length and hash stay those of the whole.
    """
    rows: list[int] = []
    names: list[str] = []
    texts: list[str] = []
    lengths: list[int] = []
    hashes: list[str] = []
    for name in CONTENT_FIELDS:
        raw_of = attrgetter(name)
        # Almost all events have none; the default is one object, so this costs 30 ns for each of them.
        given = [row for row, event in enumerate(block.events) if raw_of(event) is not NO_CONTENT]
        for row in given:
            content = content_of(raw_of(block.events[row]))
            if content is not None:
                whole = _text(content)
                rows.append(row)
                names.append(name)
                texts.append(whole[:max_bytes].decode("utf-8", "ignore"))
                lengths.append(len(whole))
                hashes.append(hashlib.blake2b(whole, digest_size=16).hexdigest())
    if not rows:
        return None
    taken = steps.select(["event_id", "run_id", "time", "append_time"]).take(pa.array(rows))
    return make_batch(
        Kind.CONTENTS,
        {
            **{name: taken.column(name) for name in taken.schema.names},
            "name": pa.array(names, pa.string()),
            "content": pa.array(texts, pa.string()),
            "length_bytes": pa.array(lengths, pa.int64()),
            "hash": pa.array(hashes, pa.string()),
        },
    )


def _text(content: bytes) -> bytes:
    """A JSON string is stored as its text, any other JSON as itself; both as valid UTF-8.

    Decoding events skips contents without looking at their characters, so they are mended here.
    """
    text = content.decode("utf-8", "replace")
    if text.startswith('"'):
        text = msgspec.json.decode(text, type=str)
    return text.encode()
