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


def ranks(batch: pa.RecordBatch) -> list[Rank]:
    """The rank of each step of a batch; equal ranks mean equal contents. About 50 us a step."""
    names = [name for name in batch.schema.names if name not in _DELIVERY]
    columns = [_values(batch.column(name)) for name in names]
    return [_rank(dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]


def _rank(fields: dict[str, Any]) -> Rank:
    content = {name: value for name, value in fields.items() if value is not None}
    usage = "input_tokens" in content or "output_tokens" in content
    digest = hashlib.blake2b(repr(sorted(content.items())).encode("utf-8", "surrogatepass"), digest_size=16)
    return content["state"] == "ended", usage, len(content), digest.digest()


def _values(column: pa.Array) -> list[Any]:
    """Python values; times as integers (Arrow would need pandas for nanoseconds)."""
    values: list[Any] = (
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    ).to_pylist()
    return values
