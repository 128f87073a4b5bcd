"""Is an alarm a change, or the false alarm that was bound to come?

Empirical, not covered by CSR's theorem. When a statistic reaches A an incident opens: the reference is frozen
and goes on as a judge with its evidence at zero, while a second engine learns from the observations that
follow. If the frozen reference is contradicted again (statistic >= ``confirm_threshold`` within
``confirm_within`` observations) the change is confirmed and the second engine becomes the reference; else the
incident closes, the second engine is dropped and the old reference goes on. So a false alarm costs neither
the reference nor a page.

What is wrong with it: a true change that fades within ``confirm_within`` observations closes like a false
alarm, and after a confirmed one the stream is blind until the new reference has W values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.bins import LEVEL_EDGES, binned_levels, find_edges, sample_levels
from detectors.contract import LEVELS, IncidentKind, Incidents, Phase
from detectors.shiryaev_roberts import direction
from detectors.state import (
    BLOCK,
    FIRST_EDGE,
    NO_SIDE,
    Side,
    Streams,
    counts_of,
    edges_of,
    enlarge_side,
    floats,
)

Levels = tuple[list[float], int]
UNKNOWN: Levels = ([float("nan")] * len(LEVELS), 0)


def set_edges(block: NDArray[np.int32], warm_up: int) -> None:
    """Turn one engine's block from W values into edges and counts of zero."""
    edges = find_edges(floats(block)[None, :warm_up])[0]
    block[:] = 0
    floats(block)[FIRST_EDGE : FIRST_EDGE + len(edges)] = edges


def levels_of(block: NDArray[np.int32], taken: int, warm_up: int) -> Levels:
    """The quantiles ``LEVELS`` of what an engine has taken, and the number of observations behind them.

    Its values while it is warming up; the edges that they set until as many again were counted; then the
    counts.
    """
    if taken < warm_up:
        return sample_levels(floats(block)[:taken]), taken
    if taken < 2 * warm_up:
        return [float(edges_of(block)[i]) for i in LEVEL_EDGES], warm_up
    return binned_levels(edges_of(block), counts_of(block)), taken - warm_up


class IncidentLog:
    """The incident events of one batch, in any order until ``build``."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, IncidentKind, int, float, float]] = []
        self._levels: list[tuple[Levels, Levels]] = []

    def append(
        self,
        row: int,
        slot: int,
        kind: IncidentKind,
        change: int,
        statistic: float,
        threshold: float,
        reference: Levels,
        current: Levels,
    ) -> None:
        """Note one event."""
        self._rows.append((row, slot, kind, change, statistic, threshold))
        self._levels.append((reference, current))

    def build(self) -> Incidents:
        """The events as columns, ordered by row."""
        order = sorted(range(len(self._rows)), key=lambda i: self._rows[i][0])
        rows = [self._rows[i] for i in order]
        levels = [self._levels[i] for i in order]
        shape = (len(rows), len(LEVELS))
        return Incidents(
            row=np.array([r[0] for r in rows], np.int64),
            slot=np.array([r[1] for r in rows], np.int32),
            kind=np.array([r[2] for r in rows], np.int8),
            direction=np.array([r[3] for r in rows], np.int8),
            statistic=np.array([r[4] for r in rows], np.float64),
            threshold=np.array([r[5] for r in rows], np.float64),
            reference=np.array([old[0] for old, _ in levels], np.float64).reshape(shape),
            reference_n=np.array([old[1] for old, _ in levels], np.int64),
            current=np.array([new[0] for _, new in levels], np.float64).reshape(shape),
            current_n=np.array([new[1] for _, new in levels], np.int64),
        )


class SideEngines:
    """The second engines of the incidents that are open, and the rows that are free for more."""

    def __init__(self, side: Side, in_use: int = 0) -> None:
        """``in_use``: the first rows, that are not free."""
        self.arrays = side
        self._free = list(range(len(side.taken) - 1, in_use - 1, -1))

    def take(self) -> int:
        """A row for an engine that has taken nothing, growing if there is none."""
        if not self._free:
            old = len(self.arrays.taken)
            self.arrays = enlarge_side(self.arrays)
            self._free = list(range(len(self.arrays.taken) - 1, old - 1, -1))
        return self._free.pop()

    def give_back(self, row: int) -> None:
        """Empty a row."""
        self.arrays.block[row] = 0
        self.arrays.taken[row] = 0
        self._free.append(row)


def open_incident(streams: Streams, slot: int, engines: SideEngines) -> None:
    """Freeze the reference and start the second engine."""
    streams.direction[slot] = direction(streams.evidence[slot])
    streams.evidence[slot] = 0
    streams.phase[slot] = Phase.OPEN
    streams.since[slot] = 0
    streams.side[slot] = engines.take()


def confirm_incident(streams: Streams, slot: int, engines: SideEngines, warm_up: int) -> None:
    """Put the second engine in the reference's place; it goes on learning if it has not all its W values."""
    row = int(streams.side[slot])
    streams.direction[slot] = direction(streams.evidence[slot])
    streams.block[slot, :BLOCK] = engines.arrays.block[row]
    streams.taken[slot] = engines.arrays.taken[row]
    streams.phase[slot] = Phase.ARMED if streams.taken[slot] >= warm_up else Phase.RELEARNING
    _leave(streams, slot, engines)


def close_incident(streams: Streams, slot: int, engines: SideEngines) -> None:
    """Drop the second engine and go on with the old reference."""
    streams.phase[slot] = Phase.ARMED
    _leave(streams, slot, engines)


def _leave(streams: Streams, slot: int, engines: SideEngines) -> None:
    engines.give_back(int(streams.side[slot]))
    streams.side[slot] = NO_SIDE
    streams.since[slot] = 0
    streams.evidence[slot] = 0
