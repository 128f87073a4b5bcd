"""How does a dead letter become a row, and a rejected row a dead letter? Pure."""

from collections.abc import Mapping, Sequence

import msgspec
import pyarrow as pa

from schemas.columns import TIME

TABLE = "dead_letters"
_NUMBERS = frozenset({"partition", "offset", "number"})


def to_table(letters: Sequence[tuple[Mapping[str, str], bytes, int]], namespace: str) -> pa.Table:
    """Rows of `dead_letters`.

    Args:
        letters: headers, original bytes, and the letter's own offset, for each.
        namespace: constant column.
    """
    columns: dict[str, pa.Array] = {
        "namespace": pa.repeat(namespace, len(letters)),
        "payload": pa.array([payload for _, payload, _ in letters], pa.binary()),
        "row_version": pa.array([1 << 60 | offset << 24 for _, _, offset in letters], pa.uint64()),
        "append_time": pa.array(
            [int(headers.get("append_time_unix_nano", "0")) for headers, _, _ in letters], pa.int64()
        ).cast(TIME),
    }
    for name in ("topic", "reason", "detail"):
        columns[name] = pa.array([headers.get(name, "") for headers, _, _ in letters], pa.string())
    for name in sorted(_NUMBERS):
        columns[name] = pa.array([int(headers.get(name, "-1")) for headers, _, _ in letters], pa.int64())
    return pa.table(columns)


def row_as_json(rows: pa.Table) -> bytes:
    """One row as JSON, for a person to read: times as integers, decimals as text."""
    plain = {
        name: (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column)[0].as_py()
        for name, column in zip(rows.schema.names, rows.columns, strict=True)
    }
    return msgspec.json.encode(plain, enc_hook=str)
