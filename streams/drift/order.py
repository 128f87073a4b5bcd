"""In which order do the detectors see history? By event time, whoever settled it first. Pure.

Each partition of RUNS writes its steps in order, but they come to one partition of DRIFT as fast as each was
read: one may be years ahead of another. So rows wait here until nothing earlier can come: each frame carries
the event clock of its writer, and no writer is behind the slowest clock. Live frames pass by.

A row comes at the moment its step ended, or, if RUNS held it back longer than `HOLD_NS`, at the moment up to
which its writer had promised to be done. Both depend on what one writer wrote, never on which writer was
faster, so the order is the same at every reading.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from schemas.columns import Kind
from schemas.frame import Header, make_batch
from streams.event_time import moments_of
from streams.windows.sums import Ints, integers

SECOND_NS = 1_000_000_000
# A block of INGEST spans at most 10 min of event time; RUNS holds a step back for 30 s more, and a run for 10
# s after its root. What it holds back longer (a run without a root) comes late, in the order of the ticks.
HOLD_NS = 660 * SECOND_NS
# 0.3 kB each. More wait only if a writer is that far behind; then order is given up, not memory.
MOST_ROWS = 200_000
_NEVER = 2**63 - 1
_DUE, _FROM = "due_ns", "from_partition"


class Promise(NamedTuple):
    """How far a writer is.

    Attributes:
        clock_ns: of its last frame.
        ahead_ns: rows to come count from here at the earliest.
    """

    clock_ns: int
    ahead_ns: int


# Up to when rows were released; partition, clock and promise of each writer.
OrderState = tuple[int, list[tuple[int, int, int]]]


class EventOrder:
    """State: rows that wait, how far each writer is, and up to when rows were released."""

    def __init__(self) -> None:
        self._promises: dict[int, Promise] = {}
        self._waiting: list[tuple[int, pa.RecordBatch]] = []
        self._rows = 0
        self._released_ns = 0
        # Came too late for their place; whoever reports them takes them. No part of the state.
        self._unordered = 0

    def state(self) -> tuple[OrderState, list[pa.RecordBatch]]:
        """For a snapshot: partition and promise of each writer; what waits."""
        promises = [(partition, *promise) for partition, promise in self._promises.items()]
        return (self._released_ns, promises), [batch for _, batch in self._waiting]

    def load(self, state: OrderState, batches: Sequence[pa.RecordBatch]) -> None:
        """Go on from `state`."""
        self._released_ns, promises = state
        self._promises = {partition: Promise(clock_ns, ahead) for partition, clock_ns, ahead in promises}
        self._waiting, self._rows = [], 0
        for batch in batches:
            due = integers(batch.column(_DUE))
            self._keep(_with(_newest(batch), due, integers(batch.column(_FROM))), due)

    def take(self, header: Header, rows: pa.RecordBatch | None) -> pa.RecordBatch | None:
        """Take a frame or a tick of the event clock.

        Args:
            header: of the frame; names the writer, its clock (the partition's is that of the fastest writer),
                and how many writers there are.
            rows: of kind SIGNALS; None for a tick.

        Returns:
            Rows that nothing earlier can follow, in order; None if there are none.
        """
        last = self._promises.get(header.partition, Promise(-1, 0))
        clock_ns, ahead_ns = max(header.clock_ns, last.clock_ns), last.ahead_ns
        if clock_ns > last.clock_ns:
            ahead_ns = max(ahead_ns, last.clock_ns - HOLD_NS)
        self._promises[header.partition] = Promise(clock_ns, ahead_ns)
        if rows is not None and rows.num_rows:
            due = np.maximum(moments_of(rows), ahead_ns)
            self._unordered += int((due < self._released_ns).sum())
            self._keep(_with(_newest(rows), due, np.full(rows.num_rows, header.partition)), due)
        if len(self._promises) >= header.partitions:
            released = self._before(min(promise.ahead_ns for promise in self._promises.values()))
        else:
            released = None  # a writer that was never heard of may be far behind
        if released is None and self._rows > MOST_ROWS:
            dues = np.concatenate([integers(batch.column(_DUE)) for _, batch in self._waiting])
            return self._before(int(np.partition(dues, len(dues) // 2)[len(dues) // 2]) + 1)
        return released

    def take_unordered(self) -> int:
        """How many rows came too late for their place since this was asked."""
        found, self._unordered = self._unordered, 0
        return found

    def end(self) -> pa.RecordBatch | None:
        """All writers have ended: everything that waits, in order; None if nothing does."""
        return self._before(_NEVER)

    def _keep(self, batch: pa.RecordBatch, due: Ints) -> None:
        self._waiting.append((int(due.min()), batch))
        self._rows += batch.num_rows

    def _before(self, until_ns: int) -> pa.RecordBatch | None:
        """Rows that are due before `until_ns`; of equal ones those that ended first, then by writer."""
        ready, kept = [], []
        for first_ns, batch in self._waiting:
            if first_ns >= until_ns:
                kept.append((first_ns, batch))
                continue
            due = integers(batch.column(_DUE))
            now = due < until_ns
            ready.append(batch if now.all() else batch.filter(pa.array(now)))
            if not now.all():
                kept.append((int(due[~now].min()), batch.filter(pa.array(~now))))
        if not ready:
            return None
        self._waiting = kept
        # The end leaves the promises as they are: what may follow it is not late.
        self._released_ns = max(self._released_ns, until_ns if until_ns != _NEVER else 0)
        rows = pa.concat_batches(ready)
        self._rows -= rows.num_rows
        keys = (integers(rows.column(_FROM)), moments_of(rows), integers(rows.column(_DUE)))
        return rows.take(pa.array(np.lexsort(keys))).drop_columns([_DUE, _FROM])


def _newest(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Of the newest schema, so that rows of two versions can wait together."""
    columns = {name: batch.column(name) for name in batch.schema.names if name not in (_DUE, _FROM)}
    return make_batch(Kind.SIGNALS, columns)


def _with(batch: pa.RecordBatch, due: Ints, source: Ints) -> pa.RecordBatch:
    return batch.append_column(_DUE, pa.array(due, pa.int64())).append_column(
        _FROM, pa.array(source, pa.int64())
    )
