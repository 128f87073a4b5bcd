"""Which numbers of a step does DRIFT watch, and which steps may a detector see? Pure.

A detector sees each step once, in offset order. Corrections are for windows alone: a row of weight -1, and a
row of weight +1 that follows one of weight -1 with the same id at once, as RUNS writes them.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.windows.sums import Flags, Ints, integers, present

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


def is_late(batch: pa.RecordBatch, late_ns: int) -> Flags:
    """Steps that the broker got more than `late_ns` after their time."""
    append_ns = integers(batch.column("append_time"))
    return present(batch.column("append_time")) & (append_ns - integers(batch.column("time")) > late_ns)


class Corrections:
    """Tells corrections from first sights. State: the id that the row before took back, or None."""

    def __init__(self) -> None:
        self._taken_back: str | None = None

    def find(self, batch: pa.RecordBatch, weights: Ints) -> Flags:
        """Rows that only correct, in a frame of at least one row."""
        back = weights < 0
        if self._taken_back is None and not back.any():
            return back
        ids = batch.column("event_id")
        follows = np.zeros(len(back), np.bool_)
        follows[0] = self._taken_back is not None and ids[0].as_py() == self._taken_back
        same = pc.equal(ids.slice(1), ids.slice(0, len(back) - 1)).fill_null(False)
        follows[1:] = back[:-1] & same.to_numpy(zero_copy_only=False)
        self._taken_back = ids[len(back) - 1].as_py() if back[-1] else None
        return back | follows
