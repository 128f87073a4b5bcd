"""Which of many autocorrelated streams has changed?

CSR (``csr.py``) on what ``whitener.py`` leaves of each value: the AR stage and CSR behind it as one detector.
For signals of which one value foretells the next, as the durations of one service.

Proved: of a stream on which the stage stays off, all that CSR promises, since the warm-up that decided it is
dropped. Empirical: of a stream on which it is on the false alarms, per 10,000 observations at A = 1e4: .7 for
AR(.5), .5 for AR(.7), .7 for AR(.9), 2.7 for AR(.95) (CSR alone: 22, 55, 101, 110), and 2.5 for AR(.2), where
the stage is on in one stream of three. Its price: nothing is found in the first 178 observations, 562 where
phi is at least .7, and an autocorrelated stream says less: one standard deviation takes 20 observations at
phi = 0, 48 at .5, 230 at .9 (medians of 300; at .9 found within 2,000 in 93 %). Longer memories (AR(2),
trends, days) are not whitened.

After a confirmed change a stage that is on is learnt again, and the reference behind it: of edges that the
values have left it would make a phi near 1, which hides the next change. Without that, x1.5 after x4 was
found in 5 of 40 streams of AR(.5), with it in 40 of 40. So 178 or 562 observations follow it in which nothing
is found.

The levels that incidents tell are translated back: of AR(1) scores with mean m the median is that of the
residuals over (1 - phi), the distance of a quantile from m that of the residual's over sqrt(1 - phi^2). So
their intervals are empirical where the stage is on.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.bins import EDGES
from detectors.contract import Direction, Phase, Readings, Snapshot
from detectors.csr import Csr, CsrParameters
from detectors.incidents import Change, IncidentLog
from detectors.intervals import Level
from detectors.reference import rounds
from detectors.rows import REACHED, Rows
from detectors.slots import Engine
from detectors.snapshots import load_array
from detectors.whitener import (
    CELLS,
    EDGE_SCORES,
    FAR_AT,
    PASSED,
    SWITCH_AT,
    StageRows,
    Whitening,
    clear_whitening,
    end_warm_up,
    enlarge_whitening,
    find_values,
    make_stage_rows,
    make_whitening,
    phi_of,
    whiten_round,
)
from detectors.whitener_kernel import whiten_rows

VERSION = 2
"""Of the stage's logic; see ``csr.VERSION``."""
_PREFIX = "stage_"
_T = TypeVar("_T", bound=np.generic)


class ArCsr(Csr):
    """CSR over many numeric streams behind an AR stage; implements ``Detector``.

    >>> detector = ArCsr(engine="numpy")
    >>> slots = detector.add(np.array([7], np.uint64))
    >>> readings = detector.update(slots.repeat(570), np.arange(570.0) % 100)
    >>> detector.phi(slots).round(2).tolist(), [Phase(p).name for p in readings.phase[[560, 561]]]
    ([0.9], ['WARM_UP', 'ARMED'])
    """

    def __init__(self, parameters: CsrParameters | None = None, engine: Engine = "numba") -> None:
        super().__init__(parameters, engine)
        self._stage = make_whitening(0)
        # Of one update: what the stage made of it and which rows passed; and the row that is acted on.
        self._batch = make_stage_rows(np.empty(0, np.int32), np.empty(0))
        self._passed: NDArray[np.int64] = np.empty(0, np.int64)
        self._slot = self._row = 0

    def add(
        self, stream_ids: NDArray[np.uint64], thresholds: NDArray[np.float64] | None = None
    ) -> NDArray[np.int32]:
        """See ``Detector.add``. Raises ``ValueError`` for a threshold that is not in 1 .. 1e9."""
        slots = super().add(stream_ids, thresholds)
        if len(self._streams.phase) > len(self._stage.taken):
            self._stage = enlarge_whitening(self._stage, len(self._streams.phase))
        return slots

    def retire(self, slots: NDArray[np.int32]) -> None:
        """See ``Detector.retire``."""
        super().retire(slots)
        clear_whitening(self._stage, slots)

    def phi(self, slots: NDArray[np.int32]) -> NDArray[np.float64]:
        """The coefficient of each stream's AR(1); nan while the stage warms up, 0 where it is off."""
        self._check_slots(slots)
        stage = self._stage
        estimate = phi_of(stage.cross[slots], stage.square[slots])
        warming = stage.taken[slots] < stage.goal[slots]
        return np.where(warming, np.nan, np.where(stage.on[slots], estimate, 0.0))

    def refused(self, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        """How many values of each stream were nan or infinite."""
        return super().refused(slots) + self._stage.refused[slots]

    def update(self, slots: NDArray[np.int32], values: NDArray[np.float64]) -> Readings:
        """See ``Detector.update``. Raises ``ValueError`` if lengths differ or a slot holds no stream."""
        slots, values = self._check_batch(slots, values)
        self._batch = make_stage_rows(slots, values)
        seen, phase = self._streams.seen[slots], self._streams.phase[slots]
        self._whiten(self._batch)
        self._passed = passed = np.flatnonzero(self._batch.flag & PASSED)
        inner = super().update(slots[passed], self._batch.residual[passed])
        return Readings(
            statistic=_placed(inner.statistic, passed, np.zeros(len(slots))),
            threshold=_placed(inner.threshold, passed, self.thresholds(slots)),
            n=self._batch.n + _placed(inner.n, passed, seen),
            alarm=_placed(inner.alarm, passed, np.zeros(len(slots), np.bool_)),
            direction=_placed(inner.direction, passed, np.zeros(len(slots), np.int8)),
            phase=_placed(inner.phase, passed, phase),
            incidents=replace(inner.incidents, row=passed[inner.incidents.row]),
        )

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:
        """See ``incidents.Reference``; in the unit of the values that the stage was given."""
        level = super().level(block, taken, change)
        if not self._stage.on[self._slot]:
            return level
        edges = self._stage.block[self._slot, :EDGES]
        phi, mean = float(self._batch.phi[self._row]), float(self._batch.mean[self._row])
        low, middle, high = _in_values(np.array(level[:3]), change.direction, edges, phi, mean).tolist()
        return Level(low, middle, high, level.n)

    def snapshot(self) -> Snapshot:
        """The whole state as copies of arrays."""
        stage = {_PREFIX + name: array[: self._used].copy() for name, array in self._stage._asdict().items()}
        return {**super().snapshot(), **stage}

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state by a snapshot's; see ``Csr.restore``. Raises ``SnapshotMismatch``."""
        columns = make_whitening(0)._asdict()
        stage = Whitening(*(load_array(snapshot, _PREFIX + name, like) for name, like in columns.items()))
        super().restore(snapshot)
        self._stage = stage

    def _whiten(self, rows: StageRows) -> None:
        if self._engine == "numpy":
            for group in rounds(rows.slot):
                for row in whiten_round(rows, group, self._stage).tolist():
                    end_warm_up(self._stage, int(rows.slot[row]), float(rows.value[row]))
            return
        row = whiten_rows(rows, 0, self._stage)
        while row < len(rows.slot):
            end_warm_up(self._stage, int(rows.slot[row]), float(rows.value[row]))
            row = whiten_rows(rows, row + 1, self._stage)

    def _act(
        self, rows: Rows, row: int, alarm: NDArray[np.bool_], direction: NDArray[np.int8], log: IncidentLog
    ) -> None:
        """What all detectors do; and after a confirmed change the stage, if it is on, begins anew."""
        self._slot, self._row = int(rows.slot[row]), int(self._passed[row])
        opened = self._streams.phase[self._slot] == Phase.OPEN
        super()._act(rows, row, alarm, direction, log)
        confirmed = opened and rows.flag[row] & REACHED
        if confirmed and self._stage.on[self._slot]:
            self._begin_anew(rows, row)

    def _begin_anew(self, rows: Rows, row: int) -> None:
        """Learn the stage of this row's stream again, and behind it the reference, from the next row on."""
        slot, streams, batch = int(rows.slot[row]), self._streams, self._batch
        streams.block[slot] = 0
        streams.taken[slot] = 0
        rows.phase[row] = streams.phase[slot] = Phase.RELEARNING
        # What was seen stays the number of all values, of which the warm-up counts its own.
        batch.n[self._row] -= self._stage.taken[slot]
        streams.seen[slot] += self._stage.taken[slot]
        rows.n[row] = streams.seen[slot]
        refused = int(self._stage.refused[slot])
        clear_whitening(self._stage, np.array([slot], np.int32))
        self._stage.refused[slot] = refused

        later = row + 1 + np.flatnonzero(rows.slot[row + 1 :] == slot)
        outer = self._passed[later]
        again = make_stage_rows(rows.slot[later], batch.value[outer])
        self._whiten(again)
        batch.residual[outer], batch.phi[outer], batch.mean[outer] = again.residual, again.phi, again.mean
        batch.n[outer] = again.n
        kept = (again.flag & PASSED) == 0
        # Rows that the stage keeps are no values to CSR, which will count them as refused.
        rows.value[later] = np.where(kept, np.nan, again.residual)
        streams.refused[slot] -= int(kept.sum())

    def _version(self) -> tuple[int, int]:
        version, tables = super()._version()
        return 1000 * VERSION + version, crc32(
            np.array([*EDGE_SCORES, CELLS, SWITCH_AT, FAR_AT]).tobytes(), tables
        )


def _placed(column: NDArray[_T], rows: NDArray[np.int64], whole: NDArray[_T]) -> NDArray[_T]:
    """The whole column with these rows' values in it."""
    whole[rows] = column
    return whole


def _in_values(
    levels: NDArray[np.float64], direction: Direction, edges: NDArray[np.float32], phi: float, mean: float
) -> NDArray[np.float64]:
    """Low, level and high of residuals as those of the values that they were made of."""
    spread = sqrt(1.0 - phi * phi)
    if direction in (Direction.WIDER, Direction.NARROWER):
        below, above = find_values(edges, np.array([mean - 1.0, mean + 1.0]))
        return levels / spread * float(above - below) / 2.0
    off = levels - mean * (1.0 - phi)
    off = off / spread if direction in (Direction.UPPER_TAIL, Direction.LOWER_TAIL) else off / (1.0 - phi)
    return find_values(edges, mean + off)
