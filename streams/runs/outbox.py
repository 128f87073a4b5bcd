"""What has RUNS to send at the next tick? Settled steps for DRIFT and corrected rows for ClickHouse. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import SCHEMAS, Kind
from schemas.frame import make_batch
from streams.partitions import partition_of, split_by
from streams.runs.steps import USAGE, is_rollup
from streams.runs.table import Agent

_SAME = [
    name
    for name in SCHEMAS[Kind.SIGNALS, 1].names
    if name in SCHEMAS[Kind.STEPS, 1].names and name not in ("agent_name", "agent_version")
]


@dataclass
class _Part:
    """Rows of one frame; `agents` and `versions` replace the frame's own where given."""

    batch: pa.RecordBatch
    rows: npt.NDArray[np.int64]
    weight: int
    first: bool
    agents: list[str] | None = None
    versions: list[str | None] | None = None


class Outbox:
    """Collects in order, and gives everything at once."""

    def __init__(self) -> None:
        self._signals: list[_Part] = []
        self._corrections: list[tuple[_Part, bool]] = []
        # What a snapshot has made of the parts before it.
        self._folded_signals: list[pa.RecordBatch] = []
        self._folded_corrections: list[pa.RecordBatch] = []

    def fold(self) -> tuple[list[pa.RecordBatch], list[pa.RecordBatch]]:
        """Signals and corrections that wait, as rows; they go on waiting."""
        self._folded_signals += [_signals(part) for part in _join(self._signals)]
        self._folded_corrections += [_corrected(part, deleted) for part, deleted in self._corrections]
        self._signals, self._corrections = [], []
        return list(self._folded_signals), list(self._folded_corrections)

    def unfold(self, signals: list[pa.RecordBatch], corrections: list[pa.RecordBatch]) -> None:
        """Let what `fold` gave wait here."""
        self._folded_signals, self._folded_corrections = signals, corrections

    def settle(self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> None:
        """Steps that name their agent."""
        if len(rows):
            self._signals.append(_Part(batch, rows, 1, True))

    def settle_one(
        self, batch: pa.RecordBatch, row: int, agent: Agent, *, weight: int = 1, first: bool = False
    ) -> None:
        """A step under an agent that it may not name itself; weight -1 takes back what was sent.

        `first` says that nothing was sent of it before: then detectors see it.
        """
        self._signals.append(_Part(batch, np.array([row]), weight, first, [agent[0]], [agent[1]]))

    def correct(
        self, batch: pa.RecordBatch, row: int, agent: str | None = None, version: str | None = None
    ) -> None:
        """A whole row for the table of steps, of higher version than the one emitted."""
        agents = None if agent is None else [agent]
        self._corrections.append((_Part(batch, np.array([row]), 1, False, agents, [version]), False))

    def delete(self, batch: pa.RecordBatch, row: int) -> None:
        """A row that hides the one emitted under the same key."""
        self._corrections.append((_Part(batch, np.array([row]), 1, False), True))

    def take_signals(self, partitions: int) -> list[tuple[int, pa.RecordBatch]]:
        """Settled steps by partition of their agent, in the order in which they were settled."""
        parts, self._signals = self._signals, []
        folded, self._folded_signals = self._folded_signals, []
        if not parts and not folded:
            return []
        rows = pa.concat_batches([*folded, *(_signals(part) for part in _join(parts))])
        return list(split_by(rows, _agent_partitions(rows.column("agent_name"), partitions)))

    def take_corrections(self) -> pa.RecordBatch | None:
        """Corrected rows of steps."""
        parts, self._corrections = self._corrections, []
        folded, self._folded_corrections = self._folded_corrections, []
        if not parts and not folded:
            return None
        return pa.concat_batches([*folded, *(_corrected(part, deleted) for part, deleted in parts)])


def _join(parts: list[_Part]) -> list[_Part]:
    """Neighbours of one frame and weight become one part: one call to Arrow instead of one a row."""
    joined: list[_Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.batch is part.batch
            and (last.weight, last.first) == (part.weight, part.first)
            and last.agents is not None
            and part.agents is not None
        ):
            last.rows = np.concatenate([last.rows, part.rows])
            last.agents += part.agents
            last.versions = (last.versions or []) + (part.versions or [])
        else:
            joined.append(part)
    return joined


def _signals(part: _Part) -> pa.RecordBatch:
    taken = _take(part.batch, part.rows)
    columns = {name: taken.column(name) for name in _SAME}
    rollup = pa.array(is_rollup(taken))
    for name in USAGE:
        columns[name] = pc.if_else(rollup, None, columns[name])
    columns["weight"] = pa.array(np.full(taken.num_rows, part.weight, np.int8))
    columns["first"] = pa.array(np.full(taken.num_rows, part.first))
    columns["agent_name"] = _replaced(taken, "agent_name", part.agents)
    columns["agent_version"] = _replaced(taken, "agent_version", part.versions)
    columns["model"] = pc.coalesce(taken.column("response_model"), taken.column("request_model"))
    columns["error"] = pc.is_valid(taken.column("error_type"))
    return make_batch(Kind.SIGNALS, columns)


def _corrected(part: _Part, deleted: bool) -> pa.RecordBatch:
    taken = _take(part.batch, part.rows)
    columns = {name: taken.column(name) for name in taken.schema.names}
    if part.agents is not None:
        columns["agent_name"] = _replaced(taken, "agent_name", part.agents)
        columns["agent_version"] = _replaced(taken, "agent_version", part.versions)
    columns["is_deleted"] = pa.array([deleted] * taken.num_rows)
    return make_batch(Kind.CORRECTED_STEPS, columns)


def _take(batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.RecordBatch:
    whole = len(rows) == batch.num_rows and np.array_equal(rows, np.arange(len(rows)))
    return batch if whole else batch.take(pa.array(rows))


def _replaced(taken: pa.RecordBatch, name: str, values: list[str] | list[str | None] | None) -> pa.Array:
    own = taken.column(name)
    return own if values is None else pc.coalesce(own, pa.array(values, pa.string()))


def _agent_partitions(agents: pa.Array, count: int) -> npt.NDArray[np.int64]:
    coded = agents.dictionary_encode()
    where = np.array([partition_of(name, count) for name in coded.dictionary.to_pylist()], np.int64)
    partitions: npt.NDArray[np.int64] = where[coded.indices.to_numpy()]
    return partitions
