"""Where are the rows of the runs that RUNS remembers? In the frames that brought them, without a copy.

A row has a number that never changes; the frame that holds it stays as long as one of its runs is remembered.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columns import Kind, schema_of


class RowStore:
    """Frames by the number of their first row."""

    def __init__(self) -> None:
        self._bases: list[int] = []
        self._batches: dict[int, pa.RecordBatch] = {}
        self._runs: dict[int, int] = {}
        self._lists: dict[tuple[int, str], list[Any]] = {}
        self._next = 0
        self.rows = 0

    def add(self, batch: pa.RecordBatch, runs: int) -> int:
        """Keep a frame of that many runs; returns the number of its first row."""
        base = self._next
        self._bases.append(base)
        self._batches[base] = batch
        self._runs[base] = runs
        self._next += batch.num_rows
        self.rows += batch.num_rows
        return base

    def release(self, base: int) -> None:
        """One run of the frame is forgotten; with the last one the frame goes."""
        self._runs[base] -= 1
        if self._runs[base]:
            return
        self.rows -= self._batches[base].num_rows
        del self._batches[base], self._runs[base]
        self._bases.pop(bisect_right(self._bases, base) - 1)
        for key in [key for key in self._lists if key[0] == base]:
            del self._lists[key]

    def state(self) -> tuple[int, list[int], list[int], list[pa.RecordBatch]]:
        """For a snapshot: the next row's number; of each frame its first row, its runs, and the frame."""
        runs = [self._runs[base] for base in self._bases]
        return self._next, list(self._bases), runs, [self._batches[base] for base in self._bases]

    def load(self, following: int, bases: list[int], runs: list[int], batches: list[pa.RecordBatch]) -> None:
        """Go on from `state`."""
        self._next, self._bases = following, bases
        self._runs = dict(zip(bases, runs, strict=True))
        self._batches = dict(zip(bases, batches, strict=True))
        self._lists = {}
        self.rows = sum(batch.num_rows for batch in batches)

    def locate(self, row: int) -> tuple[pa.RecordBatch, int]:
        """The frame of a row, and its place in it."""
        base = self._base(row)
        return self._batches[base], row - base

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.RecordBatch:
        """Some columns of many rows, in the order asked for; 10 us a frame, and 0.2 us a row."""
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        frames = np.searchsorted(np.array(self._bases, np.int64), rows, "right") - 1
        changes = np.append(True, frames[1:] != frames[:-1])[: len(rows)]
        bounds: list[int] = np.flatnonzero(changes).tolist()
        schema = schema_of(Kind.STEPS)
        parts = [pa.RecordBatch.from_pylist([], schema=schema).select(columns)]
        for start, end in pairwise([*bounds, len(rows)]):
            base = self._bases[frames[start]]
            batch, inside = self._batches[base].select(columns), rows[start:end] - base
            first, last = int(inside[0]), int(inside[-1])
            whole = last - first == len(inside) - 1
            parts.append(batch.slice(first, len(inside)) if whole else batch.take(pa.array(inside)))
        taken = pa.concat_batches(parts)
        if np.array_equal(order, np.arange(len(order))):
            return taken
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return taken.take(pa.array(back))

    def value(self, row: int, column: str) -> Any:
        """One value; a time in Unix nanoseconds. A column becomes a list once: walks ask again and again."""
        base = self._base(row)
        key = (base, column)
        values = self._lists.get(key)
        if values is None:
            found = self._batches[base].column(column)
            if pa.types.is_timestamp(found.type):
                found = found.cast(pa.int64())  # Arrow would need pandas for nanoseconds
            values = self._lists[key] = found.to_pylist()
        return values[row - base]

    def _base(self, row: int) -> int:
        return self._bases[bisect_right(self._bases, row) - 1]
