"""Which of two contents under one event id counts? The same one whatever came first. Pure.

Ended over started, then the one with usage, then the one with more fields, then the greater hash. What it
costs is no content: a message that is read again under other prices says what it said. Then the greater hash
of the costs decides, so that it is the same one whatever came first.
"""

import hashlib
from typing import Any

import pyarrow as pa

from schemas.columns import Kind, schema_of

# What differs between two deliveries of the same content.
_DELIVERY = frozenset(
    {
        "append_time",
        "source_topic",
        "source_partition",
        "source_offset",
        "source_index",
        "time_flag",
    }
)
# What we make of the content and a price book, which is a name for the prices and none of them.
_COSTS = frozenset(
    {name for name in schema_of(Kind.STEPS).names if name.startswith(("cost_", "price_", "usage_cost_"))}
)

Rank = tuple[bool, bool, int, bytes, bytes]


def ranks(batch: pa.RecordBatch) -> list[Rank]:
    """The rank of each step of a batch; equal ranks mean equal contents. About 50 us a step."""
    names = [name for name in batch.schema.names if name not in _DELIVERY]
    columns = [_values(batch.column(name)) for name in names]
    return [_rank(dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]


def _rank(fields: dict[str, Any]) -> Rank:
    content = {name: value for name, value in fields.items() if value is not None and name not in _COSTS}
    costs = {name: value for name, value in fields.items() if name in _COSTS and name != "price_book"}
    usage = "input_tokens" in content or "output_tokens" in content
    return content["state"] == "ended", usage, len(content), _digest(content), _digest(costs)


def _digest(fields: dict[str, Any]) -> bytes:
    text = repr(sorted(fields.items())).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def _values(column: pa.Array) -> list[Any]:
    """Python values; times as integers (Arrow would need pandas for nanoseconds)."""
    values: list[Any] = (
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    ).to_pylist()
    return values
