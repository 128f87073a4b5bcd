"""The same as ``Semantic._take_round``, one row after another, compiled; equal to it to the last bit.

It stops after a row at which something rare happens, as ``kernel.take_rows`` does. numba's cache is keyed by
the file a function stands in: a change of what is imported from ``kernel.py`` is not noticed here.

Blocks are seen as rows of a plain reference's width: those of the centroid, then one a number watched.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.contract import Phase
from detectors.kernel import bet, count_below, find_bin, jit, statistic_of, take, uniform
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.state import BLOCK, MOST_TAKEN, Side, Streams

_OPEN, _ARMED = int(Phase.OPEN), int(Phase.ARMED)


@jit
def _fill_numbers(
    numbers: NDArray[np.float32],
    vectors: NDArray[np.float64],
    i: int,
    as_floats: NDArray[np.float32],
    first: int,
    signs: NDArray[np.float64],
) -> None:
    """Distance from the centroid that begins in row ``first``, and projections, of one vector."""
    square, of_centroid, dot = 0.0, 0.0, 0.0
    sums = np.zeros(len(signs))
    for d in range(vectors.shape[1]):
        x, c = vectors[i, d], np.float64(as_floats[first + d // BLOCK, d % BLOCK])
        square += x * x
        of_centroid += c * c
        dot += x * c
        for k in range(len(signs)):
            sums[k] += signs[k, d] * x
    both = np.sqrt(square) * np.sqrt(of_centroid)
    numbers[0] = np.float32(1.0 - (dot / both if both > 0.0 else 0.0))
    length = np.sqrt(square) if square > 0.0 else 1.0
    for k in range(len(signs)):
        numbers[k + 1] = np.float32(sums[k] / length)


@jit
def _learn(
    counts: NDArray[np.int32],
    as_floats: NDArray[np.float32],
    first: int,
    taken: int,
    numbers: NDArray[np.float32],
    vectors: NDArray[np.float64],
    i: int,
    signs: NDArray[np.float64],
    first_view: int,
    centroid_of: int,
    edges_of: int,
) -> int:
    """Let the engine that begins in row ``first`` learn one vector; FULL if edges are due."""
    if taken < centroid_of:
        for d in range(vectors.shape[1]):
            as_floats[first + d // BLOCK, d % BLOCK] += np.float32(vectors[i, d])
    else:
        _fill_numbers(numbers, vectors, i, as_floats, first, signs)
        for k in range(len(numbers)):
            take(counts, as_floats, first + first_view + k, taken - centroid_of, numbers[k], edges_of)
    return FULL if taken + 1 == centroid_of + edges_of else 0


@jit
def _watch(
    streams: Streams,
    slot: int,
    counts: NDArray[np.int32],
    as_floats: NDArray[np.float32],
    first: int,
    evidence: NDArray[np.float32],
    numbers: NDArray[np.float32],
    tables: NDArray[np.float32],
    n: int,
) -> None:
    """Bet on each number, whose reference stands in row ``first`` and after."""
    for k in range(len(numbers)):
        row = first + k
        inside = find_bin(as_floats, row, numbers[k])
        below = count_below(counts, as_floats, row, numbers[k])
        u = uniform(streams.stream_id[slot] + np.uint64(k), streams.seen[slot])
        p = (np.float64(below) + u * np.float64(counts[row, inside] + 1)) / np.float64(n)
        bet(evidence, slot * len(numbers) + k, p, tables)


@jit
def _greatest(evidence: NDArray[np.float32], slot: int, views: int) -> float:
    greatest = 0.0
    for k in range(views):
        greatest = max(greatest, statistic_of(evidence, slot * views + k))
    return greatest / views


@jit
def take_rows(
    rows: Rows,
    vectors: NDArray[np.float64],
    start: int,
    streams: Streams,
    counts: NDArray[np.int32],
    as_floats: NDArray[np.float32],
    evidence: NDArray[np.float32],
    side: Side,
    side_counts: NDArray[np.int32],
    side_floats: NDArray[np.float32],
    tables: NDArray[np.float32],
    signs: NDArray[np.float64],
    first_view: int,
    centroid_of: int,
    edges_of: int,
    confirm_threshold: float,
    confirm_within: int,
) -> int:
    """Take rows from ``start`` on until one that needs the caller.

    Returns:
        That row's index, its ``flag`` set; the number of rows if there was none.
    """
    views = len(signs) + 1
    width = first_view + views
    numbers = np.zeros(views, np.float32)
    for i in range(start, len(rows.slot)):
        slot = rows.slot[i]
        phase = streams.phase[slot]
        held_against = confirm_threshold if phase == _OPEN else streams.threshold[slot]
        rows.threshold[i] = held_against
        rows.phase[i] = phase
        if not np.isfinite(rows.value[i]):
            streams.refused[slot] += 1
            rows.n[i] = streams.seen[slot]
            rows.statistic[i] = _greatest(evidence, slot, views)
            continue
        streams.seen[slot] += 1
        rows.n[i] = streams.seen[slot]
        taken, first = streams.taken[slot], slot * width
        flag = 0
        if phase in (_ARMED, _OPEN):
            _fill_numbers(numbers, vectors, i, as_floats, first, signs)
            n = taken - centroid_of - edges_of + 1
            _watch(streams, slot, counts, as_floats, first + first_view, evidence, numbers, tables, n)
            rows.statistic[i] = _greatest(evidence, slot, views)
            if rows.statistic[i] >= held_against:
                flag |= REACHED
        if phase == _OPEN:
            row = streams.side[slot]
            flag |= _learn(
                side_counts,
                side_floats,
                row * width,
                side.taken[row],
                numbers,
                vectors,
                i,
                signs,
                first_view,
                centroid_of,
                edges_of,
            )
            side.taken[row] += 1
            streams.since[slot] += 1
            if streams.since[slot] == confirm_within:
                flag |= EXPIRED
        elif taken < MOST_TAKEN:
            flag |= _learn(
                counts,
                as_floats,
                first,
                taken,
                numbers,
                vectors,
                i,
                signs,
                first_view,
                centroid_of,
                edges_of,
            )
            streams.taken[slot] += 1
        if flag != 0:
            rows.flag[i] = flag
            return i
    return len(rows.slot)
