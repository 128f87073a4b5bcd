"""The same as ``Pinned._take_round``, one row after another, compiled; equal to it to the last bit.

It stops after a row at which something rare happens, as ``kernel.take_rows`` does. numba's cache is keyed by
the file a function stands in: a change of what is imported from ``kernel.py`` is not noticed here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.bins import EDGES
from detectors.contract import Phase
from detectors.kernel import fetch_ahead, find_bin, jit, mean_of, to_float32, uniform
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.state import FIRST_EDGE, Side, Streams

EDGES_DUE = 16
"""A flag beside those of ``rows``: an engine has just taken the W-th value and needs its edges."""
_AHEAD = 6
_WARM_UP, _OPEN, _RELEARNING = int(Phase.WARM_UP), int(Phase.OPEN), int(Phase.RELEARNING)


@jit
def _learn(
    block: NDArray[np.int32],
    as_floats: NDArray[np.float32],
    row: int,
    taken: int,
    value: np.float32,
    edges_after: int,
) -> int:
    """Let an engine learn one value; the flag it asks for. The arrays are the same memory."""
    if taken >= edges_after:
        block[row, find_bin(as_floats, row, value)] += 1
        return 0
    as_floats[row, taken] = value
    return EDGES_DUE if taken + 1 == edges_after else 0


@jit
def _rank(
    streams: Streams, as_floats: NDArray[np.float32], slot: int, value: np.float32, observations: int
) -> float:
    inside, below = np.int32(0), np.int32(0)
    for b in range(EDGES):
        if as_floats[slot, FIRST_EDGE + b] <= value:
            inside = np.int32(inside + 1)
            below = np.int32(below + streams.block[slot, b])
    u = uniform(streams.stream_id[slot], streams.seen[slot])
    p: float = (np.float64(below) + u * np.float64(streams.block[slot, inside])) / observations
    return p


@jit
def take_rows(
    rows: Rows,
    start: int,
    streams: Streams,
    stream_floats: NDArray[np.float32],
    side: Side,
    side_floats: NDArray[np.float32],
    tables: NDArray[np.float32],
    edges_after: int,
    observations: int,
    confirm_threshold: float,
    confirm_within: int,
) -> int:
    """Take rows from ``start`` on until one that needs the caller.

    Returns:
        That row's index, its ``flag`` set; the number of rows if there was none.
    """
    for i in range(start, len(rows.slot)):
        if i + _AHEAD < len(rows.slot):
            fetch_ahead(streams, rows.slot[i + _AHEAD])
        slot = rows.slot[i]
        phase = streams.phase[slot]
        held_against = confirm_threshold if phase == _OPEN else streams.threshold[slot]
        rows.threshold[i] = held_against
        rows.phase[i] = phase
        if not np.isfinite(rows.value[i]):
            streams.refused[slot] += 1
            rows.n[i] = streams.seen[slot]
            rows.statistic[i] = mean_of(streams.evidence, slot)
            continue
        value = to_float32(rows.value[i])
        streams.seen[slot] += 1
        rows.n[i] = streams.seen[slot]
        flag = 0
        if phase in (_WARM_UP, _RELEARNING):
            taken = streams.taken[slot]
            flag = _learn(streams.block, stream_floats, slot, taken, value, edges_after)
            streams.taken[slot] += 1
            if taken + 1 == edges_after + observations:
                flag |= FULL
        else:
            p = _rank(streams, stream_floats, slot, value, observations)
            cell = min(int(p * len(tables)), len(tables) - 1)
            for j in range(streams.evidence.shape[1]):
                streams.evidence[slot, j] = (streams.evidence[slot, j] + np.float32(1.0)) * tables[cell, j]
            statistic = mean_of(streams.evidence, slot)
            rows.statistic[i] = statistic
            if statistic >= held_against:
                flag |= REACHED
            if phase == _OPEN:
                row = streams.side[slot]
                if side.taken[row] < edges_after + observations:
                    flag |= _learn(side.block, side_floats, row, side.taken[row], value, edges_after)
                    side.taken[row] += 1
                streams.since[slot] += 1
                if streams.since[slot] == confirm_within:
                    flag |= EXPIRED
        if flag != 0:
            rows.flag[i] = flag
            return i
    return len(rows.slot)
