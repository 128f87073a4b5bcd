"""How does a dead letter become a row, and a rejected row a dead letter? Pure."""

import zlib
from collections.abc import Mapping, Sequence

import msgspec
import pyarrow as pa

from schemas.columns import TIME
from streams.write.rows import CLASS_BIT, EMITTED, OFFSET_BIT, OFFSET_BITS

TABLE = "dead_letters"
_INT32, _INT64 = 2**31 - 1, 2**63 - 1
_NUMBERS = {"partition": _INT32, "offset": _INT64, "number": _INT32}


def to_table(letters: Sequence[tuple[Mapping[str, str], bytes, int]], namespace: str) -> pa.Table:
    """Rows of `dead_letters`.

    Args:
        letters: headers, original bytes, and the letter's own offset, for each.
        namespace: constant column.
    """
    columns: dict[str, pa.Array] = {
        "namespace": pa.repeat(namespace, len(letters)),
        "payload": pa.array([payload for _, payload, _ in letters], pa.binary()),
        "row_version": pa.array(
            [EMITTED << CLASS_BIT | offset << OFFSET_BIT for _, _, offset in letters], pa.uint64()
        ),
        "append_time": pa.array(
            [_number(headers, "append_time_unix_nano", _INT64, 0) for headers, _, _ in letters], pa.int64()
        ).cast(TIME),
    }
    for name in ("topic", "reason", "detail"):
        columns[name] = pa.array([headers.get(name, "") for headers, _, _ in letters], pa.string())
    for name, greatest in _NUMBERS.items():
        numbers = [_number(headers, name, greatest, -1) for headers, _, _ in letters]
        columns[name] = pa.array(numbers, pa.int64())
    return pa.table(columns)


def _number(headers: Mapping[str, str], name: str, greatest: int, absent: int) -> int:
    """A header's number; what is none, or out of range, is absent: anybody can write to the topic."""
    text = headers.get(name, "")
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 20:
        return absent
    number = int(text)
    return number if -greatest <= number <= greatest else absent


def place_of_row(rows: pa.Table, payload: bytes) -> tuple[int, int]:
    """Offset and number for the dead letter of a rejected row, which keep it apart from others of its table.

    The offset is that of the frame or input that made the row, from its version; the number is a checksum of
    the row, so that a repeat is the same letter, and another row another one.
    """
    version = int(rows.column("row_version")[0].as_py())
    return version >> OFFSET_BIT & (1 << OFFSET_BITS) - 1, zlib.crc32(payload) >> 1


def row_as_json(rows: pa.Table) -> bytes:
    """One row as JSON, for a person to read: times as integers, decimals as text."""
    plain = {
        name: (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column)[0].as_py()
        for name, column in zip(rows.schema.names, rows.columns, strict=True)
    }
    return msgspec.json.encode(plain, enc_hook=str)
