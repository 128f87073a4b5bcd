"""Frames as bytes, one of each kind and version, and what they say: written once, read for ever.

`python -m tests.unit.schemas.golden` writes those that are missing and touches no other. A frame that has
once been on a topic may come again from a backup or a slow reader: a file here is never changed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas.columns import SCHEMAS, Kind
from schemas.frame import Flag, Header, Label, Writer, encode, make_header

FOLDER = Path(__file__).parents[2] / "golden" / "frames"
_TIME_NS = 1_750_000_000_123_456_789


def path_of(kind: Kind, version: int) -> Path:
    return FOLDER / f"{kind.name.lower()}-{version}.frame"


def header_of(kind: Kind, version: int, rows: int) -> Header:
    """A header in which every field has a value of its own."""
    return make_header(
        kind,
        Writer.RUNS,
        rows=rows,
        flags=Flag.EVENT_CLOCK,
        partition=3,
        partitions=16,
        label=Label(2**35 + 7, 1),
        previous=Label(2**35 + 6, 2),
        clock_ns=_TIME_NS,
        version=version,
    )


def plain(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows as JSON has them: times as integers, maps as lists of pairs."""
    columns = {
        name: (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    found: list[dict[str, Any]] = json.loads(json.dumps(rows))
    return found


def make_rows(schema: pa.Schema) -> pa.RecordBatch:
    """Two rows: one of values, one of nulls."""
    columns = []
    for number, field in enumerate(schema):
        value = _value(field.name, field.type, number)
        if pa.types.is_timestamp(field.type):
            columns.append(pa.array([value, None], pa.int64()).cast(field.type))
        else:
            columns.append(pa.array([value, None], field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _value(name: str, kind: pa.DataType, number: int) -> Any:
    if pa.types.is_timestamp(kind):
        return _TIME_NS + number
    if pa.types.is_map(kind):
        keys = [f"ключ {number}", ""] if pa.types.is_string(kind.key_type) else [-1, 7]
        return [(key, str(number) if pa.types.is_string(kind.item_type) else number) for key in keys]
    if pa.types.is_list(kind):
        return [name, "größe"]
    if pa.types.is_boolean(kind):
        return number % 2 == 0
    if pa.types.is_floating(kind):
        return number + 0.25
    if pa.types.is_integer(kind):
        return number if kind.bit_width < 64 else 2**62 + number
    return f"{name} 漢字"


def write_missing() -> Iterator[Path]:
    """Write the frames that are not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for (kind, version), schema in SCHEMAS.items():
        path = path_of(kind, version)
        if not path.exists():
            rows = make_rows(schema)
            path.write_bytes(encode(header_of(kind, version, rows.num_rows), rows))
            text = json.dumps(plain(rows), ensure_ascii=False, indent=1)
            path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
            yield path


if __name__ == "__main__":
    for written in write_missing():
        print(written.name)
