"""Which numbers of a step does DRIFT watch, and which steps may a detector see? Pure.

A detector sees each step once, in offset order: when RUNS settles it for the first time. What comes later of
it corrects windows alone.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.windows.sums import Flags, integers, present

Floats = npt.NDArray[np.float64]


class Signal(NamedTuple):
    """A number that a step may have.

    Attributes:
        name: on the wire; carries its unit.
        title: in sentences.
        unit: in sentences.
        column: of kind SIGNALS.
        per_unit: of the column's integers.
    """

    name: str
    title: str
    unit: str
    column: str
    per_unit: float


SIGNALS = (
    Signal("duration_s", "duration", "s", "duration_ns", 1e9),
    Signal("output_tokens", "output", "tokens", "output_tokens", 1.0),
    Signal("cost_usd", "cost", "USD", "cost_pico_usd", 1e12),
)


def values_of(batch: pa.RecordBatch) -> tuple[Floats, Flags]:
    """Values of each row's signals, in their units, and where there is one; both of shape (rows, signals)."""
    shape = (batch.num_rows, len(SIGNALS))
    values, has = np.empty(shape), np.empty(shape, np.bool_)
    for place, signal in enumerate(SIGNALS):
        column = batch.column(signal.column)
        values[:, place] = integers(column) / signal.per_unit
        has[:, place] = present(column)
    return values, has


def is_first(batch: pa.RecordBatch) -> Flags:
    """Steps that RUNS settles for the first time; the others take back or send again."""
    flags: Flags = batch.column("first").fill_null(False).to_numpy(zero_copy_only=False)
    return flags


def is_late(batch: pa.RecordBatch, late_ns: int) -> Flags:
    """Steps that the broker got more than `late_ns` after their time."""
    append_ns = integers(batch.column("append_time"))
    return present(batch.column("append_time")) & (append_ns - integers(batch.column("time")) > late_ns)
