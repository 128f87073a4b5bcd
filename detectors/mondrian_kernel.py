"""The same as ``Mondrian._take_round``, one row after another, compiled; equal to it to the last bit.

It stops after a row at which something rare happens, as ``kernel.take_rows`` does. numba's cache is keyed by
the file a function stands in: a change of what is imported from ``kernel.py`` is not noticed here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.bins import BINS, EDGES
from detectors.contract import Phase
from detectors.kernel import bet, fetch_head, jit, prefetch, statistic_of, to_float32, uniform
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.state import MOST_TAKEN, Side, Streams

_AHEAD = 6
_ARMED, _OPEN = int(Phase.ARMED), int(Phase.OPEN)
_FULL_COUNT = 65_535
_FIRST_COUNT = 2 * BINS
"""In a block seen as 16-bit numbers."""


@jit
def _fetch_ahead(streams: Streams, halves: NDArray[np.uint16], slot: int, bucket: int) -> None:
    for column in range(0, BINS, 16):
        prefetch(streams.block, slot, column)
    for column in range(0, BINS, 32):
        prefetch(halves, slot, _FIRST_COUNT + bucket * BINS + column)
    fetch_head(streams, slot)


@jit
def _find_bin(as_floats: NDArray[np.float32], row: int, value: np.float32) -> np.int32:
    found = np.int32(0)
    for b in range(EDGES):
        found = np.int32(found + (as_floats[row, b] <= value))
    return found


@jit
def _learn(
    block: NDArray[np.int32],
    as_floats: NDArray[np.float32],
    halves: NDArray[np.uint16],
    row: int,
    taken: int,
    value: np.float32,
    bucket: int,
    totals: int,
    warm_up: int,
) -> None:
    """Let an engine learn one value; the three arrays are the same memory."""
    if taken < warm_up:
        as_floats[row, taken] = value
    elif block[row, totals + bucket] < _FULL_COUNT:
        halves[row, _FIRST_COUNT + bucket * BINS + _find_bin(as_floats, row, value)] += np.uint16(1)
        block[row, totals + bucket] += 1


@jit
def _rank(
    streams: Streams,
    as_floats: NDArray[np.float32],
    halves: NDArray[np.uint16],
    slot: int,
    value: np.float32,
    bucket: int,
    totals: int,
) -> float:
    first = _FIRST_COUNT + bucket * BINS
    inside, below = np.int32(0), np.int32(0)
    for b in range(EDGES):
        if as_floats[slot, b] <= value:
            inside = np.int32(inside + 1)
            below = np.int32(below + np.int32(halves[slot, first + b]))
    u = uniform(streams.stream_id[slot], streams.seen[slot])
    same = np.int32(halves[slot, first + inside]) + 1
    n = streams.block[slot, totals + bucket] + 1
    p: float = (np.float64(below) + u * np.float64(same)) / np.float64(n)
    return p


@jit
def take_rows(
    rows: Rows,
    buckets: NDArray[np.int64],
    start: int,
    streams: Streams,
    stream_floats: NDArray[np.float32],
    stream_halves: NDArray[np.uint16],
    side: Side,
    side_floats: NDArray[np.float32],
    side_halves: NDArray[np.uint16],
    totals: int,
    tables: NDArray[np.float32],
    warm_up: int,
    confirm_threshold: float,
    confirm_within: int,
) -> int:
    """Take rows from ``start`` on until one that needs the caller.

    Returns:
        That row's index, its ``flag`` set; the number of rows if there was none.
    """
    for i in range(start, len(rows.slot)):
        if i + _AHEAD < len(rows.slot):
            _fetch_ahead(streams, stream_halves, rows.slot[i + _AHEAD], buckets[i + _AHEAD])
        slot, bucket = rows.slot[i], buckets[i]
        phase = streams.phase[slot]
        held_against = confirm_threshold if phase == _OPEN else streams.threshold[slot]
        rows.threshold[i] = held_against
        rows.phase[i] = phase
        if not np.isfinite(rows.value[i]):
            streams.refused[slot] += 1
            rows.n[i] = streams.seen[slot]
            rows.statistic[i] = statistic_of(streams.evidence, slot)
            continue
        value = to_float32(rows.value[i])
        streams.seen[slot] += 1
        rows.n[i] = streams.seen[slot]
        flag = 0
        statistic = 0.0
        if phase in (_ARMED, _OPEN):
            p = _rank(streams, stream_floats, stream_halves, slot, value, bucket, totals)
            bet(streams.evidence, slot, p, tables)
            statistic = statistic_of(streams.evidence, slot)
            if statistic >= held_against:
                flag |= REACHED
        if phase == _OPEN:
            row = streams.side[slot]
            _learn(side.block, side_floats, side_halves, row, side.taken[row], value, bucket, totals, warm_up)
            side.taken[row] += 1
            streams.since[slot] += 1
            if side.taken[row] == warm_up:
                flag |= FULL
            if streams.since[slot] == confirm_within:
                flag |= EXPIRED
        elif streams.taken[slot] < MOST_TAKEN:
            taken = streams.taken[slot]
            _learn(streams.block, stream_floats, stream_halves, slot, taken, value, bucket, totals, warm_up)
            streams.taken[slot] += 1
            if taken + 1 == warm_up:
                flag |= FULL
        rows.statistic[i] = statistic
        if flag != 0:
            rows.flag[i] = flag
            return i
    return len(rows.slot)
