"""Where does a detector of many streams keep what it knows?

One row a stream in a handful of arrays (structure of arrays), grown by doubling, so that a kernel touches
few cache lines a stream and a snapshot is a copy of arrays. A stream of numbers takes ``STREAM_BYTES`` = 639
bytes; while an incident is open, 516 more in the side arrays, where the engine that learns the new reference
lives.

An engine is one reference: a block of cells of 4 bytes, whose meaning is the detector's, and the number of
values it has taken. Of numbers the block has 128 cells: while that number is under W the values (float32);
after that 64 counts (int32) and 63 edges (float32).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.bets import BETS
from detectors.bins import BINS, EDGES

BLOCK = 2 * BINS
FIRST_EDGE = BINS
NO_SIDE = -1
MOST_TAKEN = 1 << 30
"""Values that a reference takes at most, since 32 bits count them; then it is complete and judges on. Each p
stays uniform, and neighbouring ones share that reference, a dependence of the order 1e-9."""


class Layout(NamedTuple):
    """How wide are the arrays whose width is the detector's? Arrays of width 0 cost nothing."""

    block: int
    """Cells of 4 bytes of one reference."""
    evidence: int
    """float32, zero when a reference begins to be watched: statistics, and what is learnt from ranks."""
    codes: int
    """1 for categories: an incident's code is kept with its direction; else 0."""


NUMBERS = Layout(block=BLOCK, evidence=BETS, codes=0)


class Streams(NamedTuple):
    """The arrays, one row a slot. A NamedTuple because numba takes it apart without cost."""

    stream_id: NDArray[np.uint64]
    seen: NDArray[np.int64]
    """Accepted observations."""
    threshold: NDArray[np.float64]
    block: NDArray[np.int32]
    """Shape (slots, layout.block)."""
    taken: NDArray[np.int32]
    """Values the stream's engine has taken."""
    evidence: NDArray[np.float32]
    """Shape (slots, layout.evidence)."""
    since: NDArray[np.int32]
    """Observations since the open incident was opened."""
    side: NDArray[np.int32]
    """Row of the second engine, NO_SIDE without one."""
    refused: NDArray[np.int32]
    """Values that were nan or infinite."""
    phase: NDArray[np.int8]
    direction: NDArray[np.int8]
    """Of the incident that is open, else of the one before."""
    code: NDArray[np.int64]
    """Likewise; shape (slots, layout.codes)."""
    ended: NDArray[np.int32]
    """What was seen when the incident before ended, as far as the open one continues it; 0 without one."""
    confirmed: NDArray[np.bool_]
    """Whether the incident that is open, else the one before, was confirmed."""


class Side(NamedTuple):
    """Second engines, one row an open incident."""

    block: NDArray[np.int32]
    taken: NDArray[np.int32]


def make_streams(slots: int, layout: Layout) -> Streams:
    """Arrays for this many free slots."""
    return Streams(
        stream_id=np.zeros(slots, np.uint64),
        seen=np.zeros(slots, np.int64),
        threshold=np.zeros(slots, np.float64),
        block=np.zeros((slots, layout.block), np.int32),
        taken=np.zeros(slots, np.int32),
        evidence=np.zeros((slots, layout.evidence), np.float32),
        since=np.zeros(slots, np.int32),
        side=np.full(slots, NO_SIDE, np.int32),
        refused=np.zeros(slots, np.int32),
        phase=np.zeros(slots, np.int8),
        direction=np.zeros(slots, np.int8),
        code=np.zeros((slots, layout.codes), np.int64),
        ended=np.zeros(slots, np.int32),
        confirmed=np.zeros(slots, np.bool_),
    )


def make_side(rows: int, layout: Layout) -> Side:
    """Arrays for this many second engines."""
    return Side(block=np.zeros((rows, layout.block), np.int32), taken=np.zeros(rows, np.int32))


def enlarge_streams(streams: Streams, slots: int, layout: Layout) -> Streams:
    """The same streams in arrays of at least ``slots`` rows, at least doubled."""
    old = len(streams.stream_id)
    larger = make_streams(max(slots, 2 * old, 16), layout)
    for source, target in zip(_columns(streams), _columns(larger), strict=True):
        target[:old] = source
    return larger


def clear_streams(streams: Streams, slots: NDArray[np.int32], layout: Layout) -> None:
    """Make these slots free."""
    for array, empty in zip(_columns(streams), _columns(make_streams(1, layout)), strict=True):
        array[slots] = empty[0]


def _columns(arrays: Streams | Side) -> tuple[NDArray[Any], ...]:
    return tuple(arrays)


def enlarge_side(side: Side, layout: Layout) -> Side:
    """The same engines in arrays twice as long."""
    old = len(side.taken)
    larger = make_side(max(2 * old, 4), layout)
    larger.block[:old] = side.block
    larger.taken[:old] = side.taken
    return larger


def floats(block: NDArray[np.int32]) -> NDArray[np.float32]:
    """The same memory read as float32."""
    return block.view(np.float32)


def edges_of(block: NDArray[np.int32]) -> NDArray[np.float32]:
    """The edges in a block or blocks that hold counts and edges; a view."""
    return floats(block)[..., FIRST_EDGE : FIRST_EDGE + EDGES]


def counts_of(block: NDArray[np.int32]) -> NDArray[np.int32]:
    """The counts in a block or blocks that hold counts and edges; a view."""
    return block[..., :BINS]


def stream_bytes(layout: Layout) -> int:
    """What a stream takes."""
    return _bytes_per_row(make_streams(1, layout))


def side_bytes(layout: Layout) -> int:
    """What it takes more while an incident is open."""
    return _bytes_per_row(make_side(1, layout))


def _bytes_per_row(arrays: Streams | Side) -> int:
    return sum(array.nbytes // len(array) for array in _columns(arrays))


STREAM_BYTES = stream_bytes(NUMBERS)
SIDE_BYTES = side_bytes(NUMBERS)
