"""Which of two contents under one event id counts? The same one whatever came first. Pure.

Ended over started, then the one with usage, then the one with more fields, then the greater hash.
"""

import hashlib
from typing import Any

import pyarrow as pa

# What differs between two deliveries of the same content.
_DELIVERY = frozenset(
    {
        "append_time",
        "source_topic",
        "source_partition",
        "source_offset",
        "source_index",
        "price_book",
        "time_flag",
    }
)

Rank = tuple[bool, bool, int, bytes]


def rank(batch: pa.RecordBatch, row: int) -> Rank:
    """The rank of a step; equal ranks mean equal contents."""
    content: dict[str, Any] = {
        name: value
        for name in batch.schema.names
        if name not in _DELIVERY and (value := _value(batch.column(name), row)) is not None
    }
    usage = "input_tokens" in content or "output_tokens" in content
    digest = hashlib.blake2b(repr(sorted(content.items())).encode("utf-8", "surrogatepass"), digest_size=16)
    return content["state"] == "ended", usage, len(content), digest.digest()


def _value(column: pa.Array, row: int) -> Any:
    """A Python value; times as integers (Arrow would need pandas for nanoseconds)."""
    cell = column.slice(row, 1)
    return (cell.cast(pa.int64()) if pa.types.is_timestamp(cell.type) else cell)[0].as_py()
