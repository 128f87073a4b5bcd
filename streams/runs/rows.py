"""What does a run look like in ClickHouse? A whole row for each run that changed. Pure."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import TIME, Kind
from schemas.frame import make_batch
from streams.runs.store import RowStore
from streams.runs.table import NO_ROW, SUM_OF, SUMS, Ints, Run, RunTable, State
from streams.runs.totals import build_totals

_LABELS = (
    "agent_name",
    "agent_version",
    "environment",
    "team",
    "task",
    "conversation_id",
    "user_id",
    "business_key",
)


def build_runs(table: RunTable, store: RowStore, slots: Ints) -> pa.RecordBatch:
    """A batch of kind RUNS, a row for each slot.

    Labels are the root's, where it has them, else those of the earliest step: a function of the set of steps.
    """
    runs = [table.run(slot) for slot in slots.tolist()]
    columns: dict[str, pa.Array] = {
        "run_id": pa.array([run.run_id for run in runs], pa.string()),
        "part": pa.array(table.part[slots]),
        "opened_time": _time(table.opened_ns[slots]),
        "state": pa.array(np.where(table.state[slots] == State.OPEN, "open", "closed").tolist(), pa.string()),
        "start_time": _time(table.start_ns[slots]),
        "end_time": _time(table.end_ns[slots], table.end_ns[slots] == 0),
        "root_event_id": pa.array([_root_id(table, store, slot) for slot in slots.tolist()], pa.string()),
        "agents": pa.array([_agents(run) for run in runs], pa.list_(pa.string())),
        "append_time": _time(table.append_ns[slots]),
    }
    columns |= _labels(table, store, slots, runs)
    for name in SUMS:
        columns[name] = pa.array(table.sums[slots, SUM_OF[name]])
    return make_batch(Kind.RUNS, columns | build_totals(runs, store))


def _agents(run: Run) -> list[str]:
    """All agents that took part, those that a step inherits its owner from included."""
    return sorted({*run.agents, *(agent[0] for agent in run.inherited.values() if agent)})


def _labels(table: RunTable, store: RowStore, slots: Ints, runs: list[Run]) -> dict[str, pa.Array]:
    first = _labels_of(store, table.first_row[slots], runs)
    rooted = table.root_row[slots] != NO_ROW
    if rooted.any():
        rows = np.where(rooted, table.root_row[slots], table.first_row[slots])
        first = {
            name: pc.coalesce(label, first[name]) for name, label in _labels_of(store, rows, runs).items()
        }
    if first["agent_name"].null_count:
        names = first["agent_name"].to_pylist()
        agents = [
            name if name is not None else next(iter(_agents(run)), None)
            for name, run in zip(names, runs, strict=True)
        ]
        first["agent_name"] = pa.array(agents, pa.string())
    return first


def _labels_of(store: RowStore, rows: Ints, runs: list[Run]) -> dict[str, pa.Array]:
    """Labels of a step of each run, from the content that counts under its id."""
    ids = zip(runs, rows.tolist(), strict=True)
    winners = [run.events[store.value(row, "event_id")] >> 1 for run, row in ids]
    taken = store.take(np.array(winners, np.int64), _LABELS)
    return dict(zip(_LABELS, taken.columns, strict=True))


def _root_id(table: RunTable, store: RowStore, slot: int) -> str | None:
    root = int(table.root_row[slot])
    return None if root == NO_ROW else str(store.value(root, "event_id"))


def _time(values: Ints, mask: Any = None) -> pa.Array:
    return pa.array(values, mask=mask).cast(TIME)
