"""How does the state of RUNS become a snapshot, and state again? Pure.

Rows are not copied: the frames that brought them never change. Slots keep their numbers and the free
ones their order, because outputs are made slot by slot: what follows a restore must be what followed the
snapshot, byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from schemas.columns import Kind
from schemas.frame import make_batch
from streams.runs.attribution import enter_below
from streams.runs.loops import Loop
from streams.runs.outbox import Outbox
from streams.runs.store import RowStore
from streams.runs.table import Run, RunTable
from streams.runs.watch import Watch
from streams.state.snapshots import (
    Parts,
    SnapshotDamaged,
    SnapshotRefused,
    read_arrays,
    read_batches,
    read_values,
    values,
)

# Of what `take` gives. A change of it comes with a migration in `put_back`, and a golden snapshot.
# 2: runs know what lies below each step; what is counted. 3: whose usage is billed.
STATE_VERSION = 3
BILLING_VERSION = 3


@dataclass
class Kept:
    """All that a processor of RUNS keeps."""

    table: RunTable
    store: RowStore
    outbox: Outbox
    watch: Watch
    seen: dict[int, int]
    ticked_ns: list[int]
    now_ns: int
    event_clock: bool


class Rest(msgspec.Struct, array_like=True):
    """What is neither a number of a run nor a row.

    Attributes:
        now_ns, event_clock: the clock, and which.
        ticked_ns: last tick to each output partition.
        seen: greatest place seen of each source partition.
        runs: what is kept of the run in each slot.
        free: slots that are free, in the order in which they will be taken from the end.
        next_row, bases, frame_runs: of the store.
        loops: that wait to be sent, with the time at which their run closed.
        counts: of the table.
    """

    now_ns: int
    event_clock: bool
    ticked_ns: list[int]
    seen: dict[int, int]
    runs: list[Run | None]
    free: list[int]
    next_row: int
    bases: list[int]
    frame_runs: list[int]
    loops: list[tuple[Loop, int]]
    counts: dict[str, int] = {}


def take(kept: Kept) -> Parts:
    """The parts of the state; they do not change with it."""
    following, bases, frame_runs, batches = kept.store.state()
    runs, free = kept.table.lists()
    rest = Rest(
        kept.now_ns,
        kept.event_clock,
        kept.ticked_ns,
        kept.seen,
        runs,
        free,
        following,
        bases,
        frame_runs,
        kept.watch.loops,
        kept.table.counts,
    )
    signals, corrections = kept.outbox.fold()
    return {
        "rest": values(rest),
        "table": kept.table.arrays(),
        "rows": batches,
        "signals": signals,
        "corrections": corrections,
    }


def put_back(version: int, parts: Parts, kept: Kept) -> Rest:
    """Fill a new processor's parts; the clock is the caller's to take from what is returned.

    Raises:
        SnapshotRefused: a version that is not read.
        SnapshotDamaged: the parts do not fit together.
    """
    if not 1 <= version <= STATE_VERSION:
        raise SnapshotRefused(
            f"The state of RUNS has version {version}, this version of wakeline reads {STATE_VERSION}: go on "
            "with the version that wrote it"
        )
    rest = read_values(parts, "rest", Rest)
    arrays = read_arrays(parts, "table")
    if version < BILLING_VERSION:
        nothing = np.zeros(len(rest.runs), np.int64)
        arrays = {**arrays, "suspect": nothing, "unbilled": nothing.copy()}
    if missing := set(kept.table.arrays()) - set(arrays):
        raise SnapshotDamaged(f"The table of runs has no {sorted(missing)}")
    if {len(array) for array in arrays.values()} != {len(rest.runs)}:
        raise SnapshotDamaged("The table of runs and their list differ in length")
    batches = read_batches(parts, "rows")
    if len(batches) != len(rest.bases):
        raise SnapshotDamaged(f"{len(batches)} frames of rows, {len(rest.bases)} are listed")
    kept.table.load({name: array.astype(np.int64) for name, array in arrays.items()}, rest.runs, rest.free)
    kept.store.load(rest.next_row, rest.bases, rest.frame_runs, _newest(Kind.STEPS, batches))
    kept.outbox.unfold(
        _newest(Kind.SIGNALS, read_batches(parts, "signals")),
        _newest(Kind.CORRECTED_STEPS, read_batches(parts, "corrections")),
    )
    kept.table.counts.update(rest.counts)
    if version == 1:
        for run in rest.runs:
            if run is not None:
                enter_below(run, kept.store)
    kept.watch.loops += rest.loops
    kept.seen.update(rest.seen)
    kept.ticked_ns[:] = rest.ticked_ns
    return rest


def _newest(kind: Kind, batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Batches under the newest schema of their kind; columns that they do not have are null."""
    return [make_batch(kind, dict(zip(batch.schema.names, batch.columns, strict=True))) for batch in batches]
