"""What does a frame add to the sums of its groups? Columns of integers, each row times its weight. Pure."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import CostStatus

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_AS_EMITTED = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
    "cost_pico_usd",
)
# Names and order of the sums, as in `schemas.columns.WINDOW_COLUMNS`.
SUM_COLUMNS = ("steps", "errors", *_AS_EMITTED, "unpriced_steps", "durations", "duration_ns")


def integers(column: pa.Array) -> Ints:
    """Values of a column of integers or times; 0 where it is null."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values = column.fill_null(0) if column.null_count else column
    return np.asarray(values.to_numpy(zero_copy_only=False), np.int64)


def present(column: pa.Array) -> Flags:
    """Where a column is not null."""
    if not column.null_count:
        return np.ones(len(column), np.bool_)
    return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), np.bool_)


def weighted_columns(batch: pa.RecordBatch, weights: Ints) -> Ints:
    """Shape (len(SUM_COLUMNS), rows): what each row adds to each sum."""
    sums = np.empty((len(SUM_COLUMNS), batch.num_rows), np.int64)
    sums[0] = 1
    sums[1] = integers(batch.column("error").cast(pa.int8()))
    for place, name in enumerate(_AS_EMITTED, start=2):
        sums[place] = integers(batch.column(name))
    sums[8] = integers(batch.column("cost_status")) == CostStatus.UNPRICED
    sums[9] = present(batch.column("duration_ns"))
    sums[10] = integers(batch.column("duration_ns"))
    if not (weights == 1).all():
        sums *= weights
    return sums


def group_starts(ordered: Ints) -> Ints:
    """Where each run of equal values begins in an ordered column; empty for an empty one."""
    if not len(ordered):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
