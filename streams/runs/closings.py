"""What does DRIFT learn of a run that has closed? How many steps, what it cost, whether it failed. Pure.

A run is told once, when it closes for the first time, as a detector sees each step once: what a late step
adds corrects rows and windows alone. Its row travels among the settled steps, with weight 0, so that
windows and readers of version 1 pass over it.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import Kind
from schemas.frame import make_batch
from streams.runs.store import RowStore
from streams.runs.table import NO_ROW, Ints, RunTable, State

# Columns that a run and a signal have alike.
_SAME = ("run_id", "agent_name", "agent_version", "environment", "append_time")


def build_closings(
    table: RunTable, store: RowStore, slots: Ints, runs: pa.RecordBatch
) -> pa.RecordBatch | None:
    """Rows of kind SIGNALS for the runs that closed and were not told yet; None if there are none.

    Args:
        table: marks them as told.
        store: of the rows of steps.
        slots: of `runs`.
        runs: rows of kind RUNS. One without an agent is left out: nobody watches it.
    """
    named = np.asarray(pc.is_valid(runs.column("agent_name")).to_numpy(zero_copy_only=False))
    closed = named & (table.state[slots] == State.CLOSED)
    places = [place for place in np.flatnonzero(closed).tolist() if not table.run(int(slots[place])).told]
    if not places:
        return None
    for place in places:
        table.run(int(slots[place])).told = True
    told = runs.take(pa.array(places))
    count = len(places)
    priced = pc.equal(told.column("unpriced_steps"), 0)
    columns = {name: told.column(name) for name in _SAME} | {
        "event_id": pc.coalesce(told.column("root_event_id"), told.column("run_id")),
        "weight": pa.array(np.zeros(count, np.int8)),
        "first": pa.array(np.zeros(count, np.bool_)),
        "kind": pa.repeat("run", count),
        "step_name": pa.repeat("run", count),
        "time": pc.coalesce(told.column("end_time"), told.column("start_time")),
        "run_steps": told.column("steps"),
        "run_cost_pico_usd": pc.if_else(priced, told.column("cost_pico_usd"), None),
        "run_failed": pa.array([_failed(table, store, int(slots[place])) for place in places], pa.bool_()),
    }
    return make_batch(Kind.SIGNALS, columns)


def _failed(table: RunTable, store: RowStore, slot: int) -> bool | None:
    """Whether the run's root ended in an error; None without a root."""
    root = int(table.root_row[slot])
    if root == NO_ROW:
        return None
    winner = table.run(slot).events[store.value(root, "event_id")] >> 1
    return store.value(winner, "error_type") is not None
