"""Which table rows is a frame? Adds namespace, version and exact money to the frame's own columns. Pure."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import CostStatus, Kind
from schemas.frame import Header, Writer

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

_MONEY = "_pico_usd"
# One step fits 18 digits (up to 999,999 USD); sums need more.
_DIGITS = {"steps": 18}
STARTED, EMITTED, CORRECTED = 0, 1, 2
CLASS_BIT, OFFSET_BIT, OFFSET_BITS = 60, 24, 36
ROWS_A_FRAME_BIT = 13  # a frame has at most 5,000 rows; an input offset makes at most 2,048 frames


def to_table(header: Header, batch: pa.RecordBatch, offset: int, namespace: str) -> pa.Table:
    """Rows for ClickHouse.

    Args:
        header: of the frame.
        batch: its rows.
        offset: of the frame in its topic.
        namespace: constant column.

    Returns:
        The frame's columns, money as exact decimals, with `namespace`, `row_version` and `is_deleted`.
    """
    digits = _DIGITS.get(TABLES[header.kind], 38)
    columns: dict[str, pa.Array] = {}
    billed = _billed(batch) if TABLES[header.kind] == "steps" else None
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if billed is not None and name.startswith("cost_") and name.endswith(_MONEY):
            column = pc.if_else(billed, column, pa.scalar(None, column.type))
        if name.endswith(_MONEY):
            columns[name.removesuffix(_MONEY) + "_usd"] = to_decimal(column, digits)
        elif column.null_count < len(column):
            columns[name] = column  # what is null throughout is left to the table's default
    columns["namespace"] = pa.repeat(namespace, batch.num_rows)
    columns["row_version"] = pa.array(row_versions(header, batch, offset))
    return pa.table(columns)


def _billed(batch: pa.RecordBatch) -> pa.Array:
    """False for steps whose cost is that of others: the table keeps it as `usage_cost_usd` alone."""
    status = batch.column("cost_status")
    others = pa.array([CostStatus.ROLLUP, CostStatus.DUPLICATE], status.type)
    return pc.invert(pc.is_in(status, others))


def row_versions(header: Header, batch: pa.RecordBatch, offset: int) -> npt.NDArray[np.uint64]:
    """Versions made from data: class, input offset, number; a repeat of a frame has the same ones.

    The 64 bits are 4 of class, 36 of offset, 11 of output number, 13 of row.
    """
    rows = np.arange(batch.num_rows, dtype=np.uint64)
    if header.writer is Writer.INGEST:
        place = offset << OFFSET_BIT
    else:
        place = header.label.offset << OFFSET_BIT | header.label.number << ROWS_A_FRAME_BIT
    kinds = np.full(batch.num_rows, EMITTED, np.uint64)
    if header.kind is Kind.CORRECTED_STEPS:
        kinds[:] = CORRECTED
    elif header.kind is Kind.STEPS:
        kinds[np.asarray(pc.equal(batch.column("state"), "started").to_numpy(zero_copy_only=False))] = STARTED
    return (kinds << np.uint64(CLASS_BIT)) | np.uint64(place) | rows


def to_decimal(column: pa.Array, digits: int) -> pa.Array:
    """Whole pico-USD as decimals with 12 places: the same digits, sign-extended to 128 bits.

    Of a map, its values are.
    """
    if pa.types.is_map(column.type):
        return pa.MapArray.from_arrays(
            column.offsets, column.keys, to_decimal(column.items, digits), mask=column.is_null()
        )
    values = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    wide = np.empty((len(values), 2), np.int64)
    wide[:, 0] = values
    wide[:, 1] = values >> 63
    valid = None if column.null_count == 0 else pc.is_valid(column)
    bitmap = None if valid is None else valid.buffers()[1]
    if valid is not None and valid.offset:
        bitmap = pa.array(valid.to_numpy(zero_copy_only=False)).buffers()[1]
    kind = pa.decimal128(digits, 12)
    return pa.Array.from_buffers(kind, len(values), [bitmap, pa.py_buffer(wide)])
