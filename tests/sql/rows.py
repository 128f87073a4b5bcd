"""Random rows of every kind, and how they get into a table: as WRITE does it, but written independently.

Money becomes decimals through Python's own, row by row.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schemas.columns import BUCKETS, COUNTS, SCHEMAS, TIME, CostStatus, Kind, TimeFlag, schema_of

TABLES: dict[Kind, str] = {
    Kind.STEPS: "steps",
    Kind.CORRECTED_STEPS: "steps",
    Kind.CONTENTS: "contents",
    Kind.RUNS: "runs",
    Kind.WINDOWS: "windows",
    Kind.READINGS: "readings",
    Kind.INCIDENTS: "incidents",
    Kind.LEDGER: "ledger",
}
STORED = [kind for kind in Kind if kind in TABLES]
assert {kind for kind, _ in SCHEMAS} == {*STORED, Kind.SIGNALS}, "a new kind needs a table here"

SETTINGS = {"async_insert": 0, "input_format_null_as_default": 1}
# 2026-03-01 in nanoseconds.
DAY0_NS = 1_772_323_200_000_000_000
HOUR_NS = 3_600_000_000_000
_TEXTS = ["", "a", "it's", 'say "so"', "líne\nbreak\ttab", "\\N", "NULL", "漢字 🎈", "x" * 256]


def table_column(name: str) -> str:
    """A frame's column in its table."""
    return name.removesuffix("_pico_usd") + "_usd" if name.endswith("_pico_usd") else name


def random_value(name: str, kind: pa.DataType, rng: np.random.Generator) -> Any:
    """A value that a frame's column may have, odd ones often."""
    if name == "cost_status":
        return int(rng.integers(len(CostStatus)))
    if name == "time_flag":
        return int(rng.integers(len(TimeFlag)))
    if name == "source_topic":
        return int(rng.integers(2))
    if kind == COUNTS:
        keys = np.unique(rng.choice(["a", "it's", "a -> b", "漢字 🎈"], 3)).tolist()
        return [(key, int(rng.integers(-3, 10**15))) for key in keys]
    if name.endswith("_pico_usd"):
        return int((0, 1, 123_456_789, 999_999_999_999_999_999, rng.integers(10**15))[rng.integers(5)])
    if pa.types.is_timestamp(kind):
        return DAY0_NS + int(rng.integers(40 * 24 * HOUR_NS))
    if pa.types.is_boolean(kind):
        return bool(rng.integers(2))
    if pa.types.is_integer(kind):
        greatest = 2 ** (kind.bit_width - 1) - 1
        return int((0, 1, greatest, rng.integers(greatest))[rng.integers(4)])
    if pa.types.is_floating(kind):
        return float((0.0, -0.0, 1e-300, 1e18, rng.normal())[rng.integers(5)])
    if kind == BUCKETS:
        return [(int(b), int(rng.integers(-3, 2**40))) for b in np.unique(rng.integers(0, 1600, 5))]
    if pa.types.is_map(kind):
        return [(f"k{i}", str(rng.choice(_TEXTS))) for i in range(int(rng.integers(4)))]
    if pa.types.is_list(kind):
        return [str(rng.choice(_TEXTS)) for _ in range(int(rng.integers(4)))]
    return str(rng.choice(_TEXTS))


def random_rows(kind: Kind, count: int, seed: int, required: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows in which a third of all values is absent; `required` names columns that have one, and which."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        row = {
            field.name: random_value(field.name, field.type, rng) if rng.random() > 1 / 3 else None
            for field in schema_of(kind)
        }
        rows.append(row | {name: make(number) for name, make in required.items()})
    return rows


def insert(
    client: Client,
    kind: Kind,
    rows: list[dict[str, Any]],
    *,
    namespace: str = "live",
    version: int | list[int] = 1,
    deleted: bool = False,
) -> None:
    """Insert rows of a frame with their version; a time is nanoseconds."""
    columns: dict[str, pa.Array] = {}
    for field in schema_of(kind):
        values = [row.get(field.name) for row in rows]
        if all(value is None for value in values):
            continue
        if field.name.endswith("_pico_usd") and field.type == COUNTS:
            exact_maps = [
                None if value is None else [(key, Decimal(one).scaleb(-12)) for key, one in value]
                for value in values
            ]
            columns[table_column(field.name)] = pa.array(
                exact_maps, pa.map_(pa.string(), pa.decimal128(38, 12))
            )
        elif field.name.endswith("_pico_usd"):
            exact = [None if value is None else Decimal(value).scaleb(-12) for value in values]
            columns[table_column(field.name)] = pa.array(exact, pa.decimal128(38, 12))
        elif field.type == TIME:
            columns[field.name] = pa.array(values, pa.int64()).cast(TIME)
        else:
            columns[field.name] = pa.array(values, field.type)
    count = len(rows)
    versions = [version] * count if isinstance(version, int) else version
    columns["namespace"] = pa.repeat(namespace, count)
    columns["row_version"] = pa.array(versions, pa.uint64())
    if deleted:
        columns["is_deleted"] = pa.repeat(1, count).cast(pa.uint8())
    client.insert_arrow(TABLES[kind], pa.table(columns), settings=SETTINGS)
