"""How is one observation after another taken in, fast?

The same arithmetic as ``reference.py`` (numpy), compiled by numba without fast-math and without the
interpreter's lock: sums in a fixed order, no function of the C library, so that both agree to the last bit on
every processor. All compiled code stands in this one file, because numba's cache is keyed by the file a
function stands in and would not notice a change elsewhere.

The kernel stops after a row at which something rare happens (an engine is full, a threshold is reached, an
incident has lasted long enough); ``csr.py`` acts on it and calls again from the next row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # ships no types
from numba.core import types
from numba.core.cgutils import get_item_pointer
from numba.extending import intrinsic
from numpy.typing import NDArray

from detectors import ranks
from detectors.bets import BETS, CELLS, STAKES
from detectors.bins import BINS, EDGES, FLOAT32_MAX
from detectors.contract import Phase
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.state import FIRST_EDGE, MOST_TAKEN, Side, Streams

_AHEAD = 6
"""Rows between asking for a stream's state and using it; 4 to 10 measured alike."""
_ARMED, _OPEN = int(Phase.ARMED), int(Phase.OPEN)
_STAKES = np.array(STAKES, np.float32)
_GOLDEN, _MIX_1, _MIX_2 = np.uint64(ranks.GOLDEN), np.uint64(ranks.MIX_1), np.uint64(ranks.MIX_2)


def jit(function: Callable[..., Any]) -> Any:
    """Compile on first use; keep the machine code in numba's cache if there is a folder for it.

    The package's folder, else the user's cache folder. With neither (a read-only container without a home)
    numba raises RuntimeError when asked to cache; then the process compiles for itself, some seconds at its
    start.
    """
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return numba.njit(nogil=True, error_model="numpy")(function)


def _prefetch_generator(_typing_context: Any, array: Any, row: Any, column: Any) -> Any:
    """Ask the processor for the cache line of ``array[row]`` or ``array[row, column]``; changes no value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type = signature.args[0]
        view = context.make_array(array_type)(context, builder, arguments[0])
        indices = [
            context.cast(builder, argument, kind, types.intp)
            for argument, kind in zip(arguments[1:], signature.args[1:], strict=True)
        ][: array_type.ndim]
        address = get_item_pointer(context, builder, array_type, view, indices)  # type: ignore[no-untyped-call]  # numba's
        pointer = builder.bitcast(address, ir.IntType(8).as_pointer())
        flag = ir.IntType(32)
        prefetch = builder.module.declare_intrinsic(
            "llvm.prefetch", (pointer.type,), ir.FunctionType(ir.VoidType(), [pointer.type, flag, flag, flag])
        )
        for_writing, keep, data = flag(1), flag(3), flag(1)
        builder.call(prefetch, [pointer, for_writing, keep, data])
        return context.get_dummy_value()

    return types.none(array, row, column), generate


# numba hands over the first argument itself, which the type of an intrinsic does not say.
prefetch: Any = intrinsic(_prefetch_generator)


@jit
def fetch_head(streams: Streams, slot: int) -> None:
    """All of a stream's state but its block."""
    prefetch(streams.evidence, slot, 0)
    prefetch(streams.evidence, slot, BETS - 1)
    prefetch(streams.stream_id, slot, 0)
    prefetch(streams.seen, slot, 0)
    prefetch(streams.threshold, slot, 0)
    prefetch(streams.taken, slot, 0)
    prefetch(streams.phase, slot, 0)


@jit
def fetch_ahead(streams: Streams, slot: int) -> None:
    """The state of 10,000 streams is larger than the second cache; waiting costs twice the arithmetic."""
    for column in range(0, 2 * BINS, 16):
        prefetch(streams.block, slot, column)
    fetch_head(streams, slot)


@jit
def _mix(x: np.uint64) -> np.uint64:
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@jit
def uniform(stream_id: np.uint64, number: np.int64) -> float:
    key = _mix(_mix(stream_id + _GOLDEN) + np.uint64(number) * _GOLDEN)
    return np.float64(key >> np.uint64(11)) * 2.0**-53


@jit
def to_float32(value: float) -> np.float32:
    return np.float32(min(max(value, -FLOAT32_MAX), FLOAT32_MAX)) + np.float32(0.0)


@jit
def find_bin(as_floats: NDArray[np.float32], row: int, value: np.float32) -> np.int32:
    """Edges of a block not above the value. All are compared: that vectorises, bisection mispredicts."""
    found = np.int32(0)
    for b in range(EDGES):
        found = np.int32(found + (as_floats[row, FIRST_EDGE + b] <= value))
    return found


@jit
def count_below(
    counts: NDArray[np.int32], as_floats: NDArray[np.float32], row: int, value: np.float32
) -> np.int32:
    """Counted values in bins below the value's: those whose upper edge is not above it."""
    below = np.int32(0)
    for b in range(EDGES):
        if as_floats[row, FIRST_EDGE + b] <= value:
            below = np.int32(below + counts[row, b])
    return below


@jit
def take(
    counts: NDArray[np.int32],
    as_floats: NDArray[np.float32],
    row: int,
    taken: int,
    value: np.float32,
    warm_up: int,
) -> None:
    """Let an engine learn one value; ``counts`` and ``as_floats`` are the same memory."""
    if taken < warm_up:
        as_floats[row, taken] = value
    else:
        counts[row, find_bin(as_floats, row, value)] += 1


@jit
def bet(evidence: NDArray[np.float32], slot: int, p: float, tables: NDArray[np.float32]) -> None:
    cell = min(int(p * CELLS), CELLS - 1)
    for j in range(BETS):
        evidence[slot, j] = (evidence[slot, j] + _STAKES[j]) * tables[cell, j]


@jit
def statistic_of(evidence: NDArray[np.float32], slot: int) -> float:
    """Sum over the bets, taken in four columns of five."""
    a, b, c, d = evidence[slot, 0], evidence[slot, 1], evidence[slot, 2], evidence[slot, 3]
    for j in range(4, BETS, 4):
        a += evidence[slot, j]
        b += evidence[slot, j + 1]
        c += evidence[slot, j + 2]
        d += evidence[slot, j + 3]
    return np.float64((a + b) + (c + d))


@jit
def mean_of(evidence: NDArray[np.float32], slot: int) -> float:
    """Mean over equal stakes, added in order (``shiryaev_roberts.mean``)."""
    total = evidence[slot, 0]
    for j in range(1, evidence.shape[1]):
        total += evidence[slot, j]
    mean: float = np.float64(total) / evidence.shape[1]
    return mean


@jit
def take_rows(
    rows: Rows,
    start: int,
    streams: Streams,
    stream_floats: NDArray[np.float32],
    side: Side,
    side_floats: NDArray[np.float32],
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
            fetch_ahead(streams, rows.slot[i + _AHEAD])
        slot = rows.slot[i]
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
        taken = streams.taken[slot]
        flag = 0
        statistic = 0.0
        if phase in (_ARMED, _OPEN):
            inside = find_bin(stream_floats, slot, value)
            below = count_below(streams.block, stream_floats, slot, value)
            u = uniform(streams.stream_id[slot], streams.seen[slot])
            n = taken - warm_up + 1
            p = (np.float64(below) + u * np.float64(streams.block[slot, inside] + 1)) / np.float64(n)
            bet(streams.evidence, slot, p, tables)
            statistic = statistic_of(streams.evidence, slot)
            if statistic >= held_against:
                flag |= REACHED
            if phase == _ARMED:
                if taken < MOST_TAKEN:
                    streams.block[slot, inside] += 1
                    streams.taken[slot] += 1
            else:
                row = streams.side[slot]
                take(side.block, side_floats, row, side.taken[row], value, warm_up)
                side.taken[row] += 1
                streams.since[slot] += 1
                if side.taken[row] == warm_up:
                    flag |= FULL
                if streams.since[slot] == confirm_within:
                    flag |= EXPIRED
        else:
            stream_floats[slot, taken] = value
            streams.taken[slot] += 1
            if taken + 1 == warm_up:
                flag |= FULL
        rows.statistic[i] = statistic
        if flag != 0:
            rows.flag[i] = flag
            return i
    return len(rows.slot)
