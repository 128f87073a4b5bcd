"""What does a run look like in ClickHouse? A whole row for each run that changed. Pure."""

from typing import Any

import numpy as np
import pyarrow as pa

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
    labels = [_labels(table, store, slot) for slot in slots.tolist()]
    outcomes = [run.outcome or (0, "", None, None, None) for run in runs]
    columns: dict[str, pa.Array] = {
        "run_id": pa.array([run.run_id for run in runs], pa.string()),
        "part": pa.array(table.part[slots]),
        "opened_time": _time(table.opened_ns[slots]),
        "state": pa.array(np.where(table.state[slots] == State.OPEN, "open", "closed").tolist(), pa.string()),
        "start_time": _time(table.start_ns[slots]),
        "end_time": _time(table.end_ns[slots], table.end_ns[slots] == 0),
        "root_event_id": pa.array([_root_id(table, store, slot) for slot in slots.tolist()], pa.string()),
        "agents": pa.array([_agents(run) for run in runs], pa.list_(pa.string())),
        "repeated_tool_calls": pa.array([max(run.calls.values(), default=0) for run in runs], pa.int64()),
        "outcome_name": pa.array([outcome[2] for outcome in outcomes], pa.string()),
        "outcome_success": pa.array([outcome[3] for outcome in outcomes], pa.bool_()),
        "outcome_value": pa.array([outcome[4] for outcome in outcomes], pa.float64()),
        "append_time": _time(table.append_ns[slots]),
    }
    for name in _LABELS:
        columns[name] = pa.array([label[name] for label in labels], pa.string())
    for name in SUMS:
        columns[name] = pa.array(table.sums[slots, SUM_OF[name]])
    return make_batch(Kind.RUNS, columns | build_totals(runs, store))


def _agents(run: Run) -> list[str]:
    """All agents that took part, those that a step inherits its owner from included."""
    return sorted({*run.agents, *(agent[0] for agent in run.inherited.values() if agent)})


def _labels(table: RunTable, store: RowStore, slot: int) -> dict[str, Any]:
    first, root = int(table.first_row[slot]), int(table.root_row[slot])
    labels = _labels_of(table, store, slot, first)
    if root != NO_ROW:
        labels |= {k: v for k, v in _labels_of(table, store, slot, root).items() if v is not None}
    if labels["agent_name"] is None:
        labels["agent_name"] = next(iter(_agents(table.run(slot))), None)
    return labels


def _labels_of(table: RunTable, store: RowStore, slot: int, row: int) -> dict[str, Any]:
    """Labels of a step, from the content that counts under its id."""
    winner = table.run(slot).events[store.value(row, "event_id")] >> 1
    return {name: store.value(winner, name) for name in _LABELS}


def _root_id(table: RunTable, store: RowStore, slot: int) -> str | None:
    root = int(table.root_row[slot])
    return None if root == NO_ROW else str(store.value(root, "event_id"))


def _time(values: Ints, mask: Any = None) -> pa.Array:
    return pa.array(values, mask=mask).cast(TIME)
