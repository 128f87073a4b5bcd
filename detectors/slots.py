"""What do all detectors of many streams have in common? Everything but their arithmetic.

Slots are given out, used again and grown; a batch goes through the compiled kernel or the numpy reference,
which stop or point at the rows at which something rare happens; the incident layer acts on those. A detector
(``csr.py``, ``binary.py``, ``categorical.py``) says what a reference is, how it is watched, and how a change
is told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import astuple, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.contract import IncidentKind, Phase, Readings, Snapshot, SnapshotMismatch
from detectors.incidents import Change, IncidentLayer, IncidentLog
from detectors.intervals import Level
from detectors.parameters import Parameters, check_thresholds
from detectors.reference import Arithmetic, rounds, take_round
from detectors.rows import EXPIRED, FULL, REACHED, Rows, make_rows
from detectors.snapshots import load_array, pack, unpack
from detectors.state import NO_SIDE, Layout, clear_streams, enlarge_streams, make_streams

Engine = Literal["numba", "numpy"]


class SlotDetector(ABC):
    """Many streams in slots; implements ``Detector`` and ``incidents.Reference`` but for what is abstract."""

    layout: Layout
    first_phase = Phase.WARM_UP
    _arithmetic: Arithmetic

    def __init__(self, parameters: Parameters, engine: Engine) -> None:
        self.parameters = parameters
        self.warm_up = parameters.warm_up
        self.head_start = float(parameters.confirm_within)
        self.settle_within = 2 * parameters.confirm_within
        self._engine = engine
        self._streams = make_streams(0, self.layout)
        self._used = 0
        self._free: list[int] = []
        self._incidents = IncidentLayer(self)

    @abstractmethod
    def settle(self, block: NDArray[np.int32]) -> None:
        """See ``incidents.Reference``."""

    @abstractmethod
    def stake(self, block: NDArray[np.int32], evidence: NDArray[np.float32], amount: float) -> None:
        """See ``incidents.Reference``."""

    @abstractmethod
    def suspect(self, block: NDArray[np.int32], evidence: NDArray[np.float32], value: float) -> Change:
        """See ``incidents.Reference``."""

    def contrast(
        self,
        old: NDArray[np.int32],
        new: NDArray[np.int32],  # noqa: ARG002 - for those who ask both references
        evidence: NDArray[np.float32],
        taken: tuple[int, int],  # noqa: ARG002 - likewise
    ) -> Change:
        """See ``incidents.Reference``; as ``suspect`` where the evidence alone names what moved."""
        return self.suspect(old, evidence, float("nan"))

    @abstractmethod
    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:
        """See ``incidents.Reference``."""

    @abstractmethod
    def _take_compiled(self, rows: Rows, start: int) -> int:
        """Take rows from ``start`` on until one that needs the caller: its index, its ``flag`` set."""

    @abstractmethod
    def _version(self) -> tuple[int, int]:
        """Of the logic and of the tables of bets: a snapshot under others is refused."""

    def __len__(self) -> int:
        """Streams that are watched."""
        return self._used - len(self._free)

    def add(
        self, stream_ids: NDArray[np.uint64], thresholds: NDArray[np.float64] | None = None
    ) -> NDArray[np.int32]:
        """Give each stream a slot; see ``Detector.add``.

        Raises:
            ValueError: a threshold is not in 1 .. 1e9.
        """
        count = len(stream_ids)
        if thresholds is None:
            thresholds = np.full(count, self.parameters.threshold)
        check_thresholds(thresholds)
        reused = [self._free.pop() for _ in range(min(count, len(self._free)))]
        fresh = range(self._used, self._used + count - len(reused))
        self._used = fresh.stop
        if self._used > len(self._streams.phase):
            self._streams = enlarge_streams(self._streams, self._used, self.layout)
        slots = np.array([*reused, *fresh], np.int32)
        self._streams.stream_id[slots] = stream_ids
        self._streams.threshold[slots] = thresholds
        self._streams.phase[slots] = self.first_phase
        return slots

    def retire(self, slots: NDArray[np.int32]) -> None:
        """Forget these streams; see ``Detector.retire``."""
        slots = np.unique(slots)
        self._check_slots(slots)
        for slot in slots.tolist():
            if self._streams.side[slot] != NO_SIDE:
                self._incidents.engines.give_back(int(self._streams.side[slot]))
        clear_streams(self._streams, slots, self.layout)
        self._free.extend(slots[::-1].tolist())

    def restart(self, slots: NDArray[np.int32], thresholds: NDArray[np.float64] | None = None) -> None:
        """Let streams begin anew in the slots that they have, under `thresholds` or the default one.

        Raises:
            ValueError: a slot holds no stream, or a threshold is not in 1 .. 1e9.
        """
        if thresholds is None:
            thresholds = np.full(len(slots), self.parameters.threshold)
        check_thresholds(thresholds)
        ids = self._streams.stream_id[slots]
        used, free = self._used, list(self._free)
        self.retire(slots)
        self._used, self._free = used, free
        self._streams.stream_id[slots] = ids
        self._streams.threshold[slots] = thresholds
        self._streams.phase[slots] = self.first_phase

    def thresholds(self, slots: NDArray[np.int32]) -> NDArray[np.float64]:
        """The threshold of each stream."""
        self._check_slots(slots)
        return self._streams.threshold[slots].astype(np.float64)

    def watched(self) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        """The slots in use, ascending, and their streams' ids."""
        slots = np.flatnonzero(self._streams.phase[: self._used]).astype(np.int32)
        return slots, self._streams.stream_id[slots]

    def settling(self, slots: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether the incident that each stream had before its open one, if any, may still be continued."""
        self._check_slots(slots)
        return self._incidents.settling(self._streams, slots)

    def refused(self, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        """How many values of each stream were not taken: nan, infinite, or not of the detector's kind."""
        self._check_slots(slots)
        return self._streams.refused[slots]

    def update(self, slots: NDArray[np.int32], values: NDArray[np.float64]) -> Readings:
        """Take observations in arrival order; see ``Detector.update``.

        Raises:
            ValueError: lengths differ, or a slot holds no stream; then nothing was taken.
        """
        slots, values = self._check_batch(slots, values)
        rows, n = make_rows(slots, values), len(slots)
        alarm, direction, log = np.zeros(n, np.bool_), np.zeros(n, np.int8), IncidentLog()
        for row in self._rare_rows(rows):
            self._act(rows, row, alarm, direction, log)
        return Readings(rows.statistic, rows.threshold, rows.n, alarm, direction, rows.phase, log.build())

    def _rare_rows(self, rows: Rows) -> Iterator[int]:
        """Take all rows, stopping at those that need something done before their stream goes on."""
        if self._engine == "numpy":
            for group in rounds(rows.slot):
                yield from self._take_round(rows, group).tolist()
            return
        row = self._take_compiled(rows, 0)
        while row < len(rows.slot):
            yield row
            row = self._take_compiled(rows, row + 1)

    def _take_round(self, rows: Rows, group: NDArray[np.int64]) -> NDArray[np.int64]:
        return take_round(
            rows,
            group,
            self._streams,
            self._incidents.engines.arrays,
            self._arithmetic,
            self.warm_up,
            self.parameters.confirm_threshold,
            self.parameters.confirm_within,
        )

    def _begin_round(
        self, rows: Rows, group: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.bool_]]:
        """What a detector with rounds of its own begins each with: rows counted, phases and thresholds told.

        Returns:
            Of each row its slot, its phase before, and whether its value is finite.
        """
        streams, slots = self._streams, rows.slot[group]
        phases = streams.phase[slots]
        rows.phase[group] = phases
        rows.threshold[group] = np.where(
            phases == Phase.OPEN, self.parameters.confirm_threshold, streams.threshold[slots]
        )
        accepted = np.isfinite(rows.value[group])
        streams.refused[slots[~accepted]] += 1
        streams.seen[slots[accepted]] += 1
        rows.n[group] = streams.seen[slots]
        return slots, phases, accepted

    def _act(
        self,
        rows: Rows,
        row: int,
        alarm: NDArray[np.bool_],
        direction: NDArray[np.int8],
        log: IncidentLog,
    ) -> None:
        """Do what the rare thing that happened at this row asks for."""
        slot, flag = int(rows.slot[row]), int(rows.flag[row])
        streams, side = self._streams, self._incidents.engines.arrays
        phase = Phase(int(streams.phase[slot]))
        if flag & FULL:
            self.settle(streams.block[slot] if phase != Phase.OPEN else side.block[streams.side[slot]])

        if phase == Phase.WARM_UP:
            streams.phase[slot] = Phase.ARMED
        elif phase != Phase.OPEN or flag & (REACHED | EXPIRED):
            event = self._incidents.move_on(streams, slot, flag, float(rows.value[row]))
            log.append(row, slot, float(rows.statistic[row]), float(rows.threshold[row]), event)
            alarm[row] = event.kind in (IncidentKind.OPENED, IncidentKind.CONTINUED)
        rows.phase[row] = streams.phase[slot]
        if flag & REACHED:
            direction[row] = streams.direction[slot]

    def _check_batch(
        self, slots: NDArray[np.int32], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The batch as columns that the engines take. Raises ``ValueError``; see ``update``."""
        slots = np.ascontiguousarray(slots, np.int32)
        values = np.ascontiguousarray(values, np.float64)
        if slots.shape != values.shape or slots.ndim != 1:
            raise ValueError(
                f"slots and values must be columns of one length, not {slots.shape} and {values.shape}"
            )
        self._check_slots(slots)
        return slots, values

    def _check_slots(self, slots: NDArray[np.int32]) -> None:
        if len(slots) == 0:
            return
        if (
            int(slots.min()) < 0
            or int(slots.max()) >= self._used
            or not bool(np.all(self._streams.phase[slots]))
        ):
            raise ValueError("a slot holds no stream: it was never given out, or its stream was retired")

    def snapshot(self) -> Snapshot:
        """The whole state as copies of arrays."""
        arrays = pack(self._streams, self._used, self._incidents.engines.arrays)
        return {**arrays, "free": np.array(self._free, np.int32), "made_under": self._made_under()}

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state by a snapshot's; the arrays are copied.

        Raises:
            SnapshotMismatch: it was taken under other parameters, bets or logic, or is not whole.
        """
        if not _goes_on(load_array(snapshot, "made_under", self._made_under()), self._made_under()):
            raise SnapshotMismatch(
                f"the snapshot was taken under other parameters or another version of {type(self).__name__}"
            )
        streams, side = unpack(snapshot, self.layout)
        free = load_array(snapshot, "free", np.empty(0, np.int32))
        self._streams = streams
        self._used = len(streams.phase)
        self._free = free.tolist()
        self._incidents = IncidentLayer(self, side)

    def _made_under(self) -> NDArray[np.float64]:
        """What all streams share. The threshold is not of it: each stream has its own, and may be restarted
        alone when the default changes."""
        shared = astuple(replace(self.parameters, threshold=1.0))
        return np.array([*self._version(), *shared], np.float64)


_CONFIRM_THRESHOLD, _CONFIRM_WITHIN = 4, 5


def _goes_on(kept: NDArray[np.generic], own: NDArray[np.float64]) -> bool:
    """Whether a state made under the one goes on under the other.

    What confirms an incident may differ, for references and evidence mean the same, if no incident can be
    open longer than it now may be.
    """
    if kept.shape != own.shape or kept[_CONFIRM_WITHIN] > own[_CONFIRM_WITHIN]:
        return False
    confirms = np.isin(np.arange(len(own)), (_CONFIRM_THRESHOLD, _CONFIRM_WITHIN))
    return bool(np.all((kept == own) | confirms))
