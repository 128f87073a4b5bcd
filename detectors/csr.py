"""Which of many numeric streams has changed, at a false-alarm rate that is promised beforehand?

CSR: conformal rank, fixed bets, Shiryaev-Roberts. The detector of the main path for durations, tokens, cost
and counts. Steps, each in its own file: ``bins`` -> ``ranks`` -> ``bets`` -> ``shiryaev_roberts``, then
``incidents``.

Promise: for every exchangeable stream, whatever its law or unit, the mean number of observations (after the W
that set the bins) to the first false alarm is at least the threshold A. Delay grows slowly with A: 1e4, 1e5,
1e6 find one standard deviation in 21, 26, 32 observations (medians of 300). Not promised: seasonal or
autocorrelated streams (they are not exchangeable), how often incidents confirm, and changes that the growing
reference absorbs before they are seen: slow ones, and those in the first few hundred observations (latency
x1.25 after 150 to 300 is found in 70 %). Delays are in observations, not seconds.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors import kernel, reference
from detectors.bets import make_tables
from detectors.bins import BINS, QUANTILE_BINS
from detectors.contract import IncidentKind, Phase, Readings, Snapshot, SnapshotMismatch
from detectors.incidents import (
    UNKNOWN,
    IncidentLog,
    Levels,
    SideEngines,
    close_incident,
    confirm_incident,
    levels_of,
    open_incident,
    set_edges,
)
from detectors.rows import EXPIRED, FULL, REACHED, Rows, make_rows
from detectors.snapshots import load_array, pack, unpack
from detectors.state import NO_SIDE, clear_streams, enlarge_streams, floats, make_side, make_streams

Engine = Literal["numba", "numpy"]
VERSION = 1
"""Of the logic. A change of arithmetic, hash, bins or bets raises it, so that an old snapshot is refused."""


@dataclass(frozen=True, slots=True)
class CsrParameters:
    """The settings of a detector. Only ``threshold`` is meant to be chosen."""

    threshold: float = 1e4
    """A: the promised mean number of observations to a false alarm. Lower finds sooner, errs more often."""
    warm_up: int = 100
    """W: observations that set a reference's bins and are then dropped, 40 to 128. Fewer: coarser tails."""
    confirm_threshold: float = 1e3
    """What the frozen reference must gather to confirm an incident. Lower confirms more false ones."""
    confirm_within: int = 200
    """Observations after which an unconfirmed incident closes. Fewer: slow changes close unconfirmed."""

    def __post_init__(self) -> None:
        if not QUANTILE_BINS <= self.warm_up <= 2 * BINS:
            raise ValueError(f"warm_up must be {QUANTILE_BINS} to {2 * BINS}, not {self.warm_up}")
        for name in ("threshold", "confirm_threshold"):
            check_thresholds(np.array([getattr(self, name)], np.float64))
        if self.confirm_within < 1:
            raise ValueError(f"confirm_within must be at least 1, not {self.confirm_within}")


def check_thresholds(thresholds: NDArray[np.float64]) -> None:
    """Raises ``ValueError`` unless all lie in 1 .. 1e9 (beyond, float32 evidence loses the stake it adds)."""
    if not bool(np.all((thresholds >= 1.0) & (thresholds <= 1e9))):
        raise ValueError("a threshold must be between 1 and 1e9")


class Csr:
    """CSR over many numeric streams; implements ``Detector``.

    >>> detector = Csr(CsrParameters(threshold=1e3), engine="numpy")
    >>> slots = detector.add(np.array([7], np.uint64))
    >>> values = np.concatenate([np.arange(600.0) * 7 % 101, np.arange(60.0) * 7 % 101 + 80])
    >>> readings = detector.update(slots.repeat(660), values)
    >>> readings.incidents.row.tolist(), [IncidentKind(k).name for k in readings.incidents.kind]
    ([604, 606], ['OPENED', 'CONFIRMED'])
    """

    def __init__(self, parameters: CsrParameters | None = None, engine: Engine = "numba") -> None:
        self.parameters = parameters or CsrParameters()
        self._engine = engine
        self._tables = make_tables()
        self._streams = make_streams(0)
        self._used = 0
        self._free: list[int] = []
        self._side = SideEngines(make_side(0))

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
            self._streams = enlarge_streams(self._streams, self._used)
        slots = np.array([*reused, *fresh], np.int32)
        self._streams.stream_id[slots] = stream_ids
        self._streams.threshold[slots] = thresholds
        self._streams.phase[slots] = Phase.WARM_UP
        return slots

    def retire(self, slots: NDArray[np.int32]) -> None:
        """Forget these streams; see ``Detector.retire``."""
        slots = np.unique(slots)
        self._check_slots(slots)
        for slot in slots.tolist():
            if self._streams.side[slot] != NO_SIDE:
                self._side.give_back(int(self._streams.side[slot]))
        clear_streams(self._streams, slots)
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
        self._streams.phase[slots] = Phase.WARM_UP

    def thresholds(self, slots: NDArray[np.int32]) -> NDArray[np.float64]:
        """The threshold of each stream."""
        self._check_slots(slots)
        return self._streams.threshold[slots].astype(np.float64)

    def watched(self) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        """The slots in use, ascending, and their streams' ids."""
        slots = np.flatnonzero(self._streams.phase[: self._used]).astype(np.int32)
        return slots, self._streams.stream_id[slots]

    def refused(self, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        """How many values of each stream were nan or infinite."""
        self._check_slots(slots)
        return self._streams.refused[slots]

    def update(self, slots: NDArray[np.int32], values: NDArray[np.float64]) -> Readings:
        """Take observations in arrival order; see ``Detector.update``.

        Raises:
            ValueError: lengths differ, or a slot holds no stream; then nothing was taken.
        """
        slots = np.ascontiguousarray(slots, np.int32)
        values = np.ascontiguousarray(values, np.float64)
        if slots.shape != values.shape or slots.ndim != 1:
            raise ValueError(
                f"slots and values must be columns of one length, not {slots.shape} and {values.shape}"
            )
        self._check_slots(slots)
        rows, n = make_rows(slots, values), len(slots)
        alarm, direction, log = np.zeros(n, np.bool_), np.zeros(n, np.int8), IncidentLog()
        take = self._take_compiled if self._engine == "numba" else self._take_in_rounds
        take(rows, alarm, direction, log)
        return Readings(rows.statistic, rows.threshold, rows.n, alarm, direction, rows.phase, log.build())

    def _take_compiled(
        self, rows: Rows, alarm: NDArray[np.bool_], direction: NDArray[np.int8], log: IncidentLog
    ) -> None:
        start, n = 0, len(rows.slot)
        while start < n:
            side = self._side.arrays
            row = kernel.take_rows(
                rows,
                start,
                self._streams,
                floats(self._streams.block),
                side,
                floats(side.block),
                self._tables,
                self.parameters.warm_up,
                self.parameters.confirm_threshold,
                self.parameters.confirm_within,
            )
            if row < n:
                self._act(rows, row, alarm, direction, log)
            start = row + 1

    def _take_in_rounds(
        self, rows: Rows, alarm: NDArray[np.bool_], direction: NDArray[np.int8], log: IncidentLog
    ) -> None:
        p = self.parameters
        for group in reference.rounds(rows.slot):
            flagged = reference.take_round(
                rows,
                group,
                self._streams,
                self._side.arrays,
                self._tables,
                p.warm_up,
                p.confirm_threshold,
                p.confirm_within,
            )
            for row in flagged.tolist():
                self._act(rows, row, alarm, direction, log)

    def _act(
        self,
        rows: Rows,
        row: int,
        alarm: NDArray[np.bool_],
        direction: NDArray[np.int8],
        log: IncidentLog,
    ) -> None:
        """Do what the rare thing that happened at this row asks for."""
        slot, flag, warm_up = int(rows.slot[row]), int(rows.flag[row]), self.parameters.warm_up
        streams, side = self._streams, self._side
        phase = Phase(int(streams.phase[slot]))
        if flag & FULL:
            set_edges(
                streams.block[slot] if phase != Phase.OPEN else side.arrays.block[streams.side[slot]], warm_up
            )

        if phase == Phase.WARM_UP:
            streams.phase[slot] = Phase.ARMED
        elif phase != Phase.OPEN or flag & (REACHED | EXPIRED):
            kind, old, new = self._change_incident(slot, phase, flag)
            log.append(
                row,
                slot,
                kind,
                int(streams.direction[slot]),
                float(rows.statistic[row]),
                float(rows.threshold[row]),
                old,
                new,
            )
            alarm[row] = kind is IncidentKind.OPENED
        rows.phase[row] = streams.phase[slot]
        if flag & REACHED:
            direction[row] = streams.direction[slot]

    def _change_incident(self, slot: int, phase: Phase, flag: int) -> tuple[IncidentKind, Levels, Levels]:
        """Move the stream's incident on; what happened, and the levels before and after."""
        streams, side, warm_up = self._streams, self._side, self.parameters.warm_up
        old = levels_of(streams.block[slot], int(streams.taken[slot]), warm_up)
        if phase == Phase.ARMED:
            open_incident(streams, slot, side)
            return IncidentKind.OPENED, old, UNKNOWN
        if phase == Phase.RELEARNING:
            streams.phase[slot] = Phase.ARMED
            return IncidentKind.REBASED, UNKNOWN, old
        engine = int(streams.side[slot])
        new = levels_of(side.arrays.block[engine], int(side.arrays.taken[engine]), warm_up)
        if flag & REACHED:
            confirm_incident(streams, slot, side, warm_up)
            return IncidentKind.CONFIRMED, old, new
        close_incident(streams, slot, side)
        return IncidentKind.CLOSED, old, new

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
        """The whole state as copies of arrays: 634 bytes a stream and 516 an open incident."""
        arrays = pack(self._streams, self._used, self._side.arrays)
        return {**arrays, "free": np.array(self._free, np.int32), "made_under": self._made_under()}

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state by a snapshot's; the arrays are copied.

        Raises:
            SnapshotMismatch: it was taken under other parameters, bets or logic, or is not whole.
        """
        if not np.array_equal(snapshot.get("made_under", np.empty(0)), self._made_under()):
            raise SnapshotMismatch("the snapshot was taken under other parameters or another version of CSR")
        streams, side = unpack(snapshot)
        free = load_array(snapshot, "free", np.empty(0, np.int32))
        self._streams = streams
        self._used = len(streams.phase)
        self._free = free.tolist()
        self._side = SideEngines(side, in_use=len(side.taken))

    def _made_under(self) -> NDArray[np.float64]:
        """What all streams share. The threshold is not of it: each stream has its own, and may be restarted
        alone when the default changes."""
        shared = astuple(replace(self.parameters, threshold=1.0))
        return np.array([VERSION, crc32(self._tables.tobytes()), *shared], np.float64)
