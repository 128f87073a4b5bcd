"""Which steps does a run remember, and which lies below which? Of many runs in one pass. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count

import numpy as np
import pyarrow as pa

from streams.runs.path import NO_PARENT, UNSEEN, Flags, Ints
from streams.runs.steps import as_ints
from streams.runs.store import RowStore
from streams.runs.table import Run


@dataclass(frozen=True)
class Gathered:
    """Remembered steps of some runs.

    Attributes:
        rows: the columns asked for, and `parent_event_id`.
        ids: event ids.
        run: number of the run of each, rising.
        ended: false for those that have only begun.
        parent: row of the step above, NO_PARENT, or UNSEEN when it names one that is not here.
        parent_ids: what it names.
        runs: how many.
    """

    rows: pa.RecordBatch
    ids: list[str]
    run: Ints
    ended: Flags
    parent: Ints
    parent_ids: list[str | None]
    runs: int


def gather(runs: Sequence[Run], store: RowStore, columns: Sequence[str]) -> Gathered:
    """The steps of runs, a run after the other, each in the order in which it came; about 1 us a step."""
    counts = np.array([len(run.events) for run in runs], np.int64)
    places = np.fromiter(chain.from_iterable(run.events.values() for run in runs), np.int64, counts.sum())
    rows = store.take(places >> 1, ["parent_event_id", *columns])
    named: list[str | None] = rows.column("parent_event_id").to_pylist()
    parents: list[int] = []
    for run in runs:
        first = len(parents)
        row_of: dict[str | None, int] = dict(zip(run.events, count(first)))
        row_of[None] = row_of[""] = NO_PARENT
        parents += [row_of.get(parent, UNSEEN) for parent in named[first : first + len(run.events)]]
    return Gathered(
        rows,
        list(chain.from_iterable(run.events for run in runs)),
        np.repeat(np.arange(len(runs)), counts),
        (places & 1).astype(np.bool_),
        np.array(parents, np.int64),
        named,
        len(runs),
    )


def statuses(runs: Sequence[Run], steps: Gathered) -> Ints:
    """The `CostStatus` in force of each step.

    Args:
        runs: that were gathered, in order.
        steps: gathered with `cost_status`.
    """
    status = as_ints(steps.rows.column("cost_status")).copy()
    firsts = np.searchsorted(steps.run, np.arange(len(runs)))
    for run, first in zip(runs, firsts.tolist(), strict=True):
        if run.billing:
            status[first : first + len(run.events)] = [
                run.billing.get(event_id, emitted)
                for event_id, emitted in zip(
                    run.events, status[first : first + len(run.events)].tolist(), strict=True
                )
            ]
    return status
