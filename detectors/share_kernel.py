"""How is one zero, one or category after another taken in, fast?

The same arithmetic as ``binary.Bits`` and ``cells.Codes`` (numpy), compiled as ``kernel.py`` is, with the
same care: sums in a fixed order, no function of the C library, no fast-math. One loop serves both kinds.

numba's cache is keyed by the file a function stands in: when what is imported changes (the constants of
``mixes.py`` and ``odds.py``, code of ``kernel.py``), change this file too. ``startup.warm_up`` tells if not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.cells import CODES, COUNTS, LAST_UNSEEN, MAX_CODE, WARM
from detectors.contract import Phase
from detectors.kernel import jit, prefetch, uniform
from detectors.mixes import (
    CELLS,
    DEVIATIONS,
    LEARNT,
    MEMORY,
    ODDS,
    OWN,
    SHRINK,
    SPARE,
    TAIL_SHARES,
    TAILS,
    WEIGHTS,
    MixTables,
)
from detectors.odds import BETS, RATES, OddsTables
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.state import MOST_TAKEN, Side, Streams

_AHEAD = 4
"""Rows between asking for a stream's state and using it."""
_ARMED, _OPEN = int(Phase.ARMED), int(Phase.OPEN)
_LEARNT_BETS, _ODDS, _TAIL_BETS = len(MEMORY), len(ODDS), len(TAIL_SHARES)
_WARM_ONES, _ONES = 0, 1


@jit
def _accepts_bit(value: float) -> bool:
    return value in (0.0, 1.0)


@jit
def _learn_bit(block: NDArray[np.int32], row: int, taken: int, value: float, warm_up: int) -> None:
    if value == 1.0:
        block[row, _WARM_ONES if taken < warm_up else _ONES] += 1


@jit
def _watch_bit(streams: Streams, slot: int, value: float, tables: OddsTables, warm_up: int) -> None:
    ones = streams.block[slot, _ONES]
    before = streams.taken[slot] - warm_up
    below, inside = (before - ones, ones) if value == 1.0 else (0, before - ones)
    u = uniform(streams.stream_id[slot], streams.seen[slot])
    p = (np.float64(below) + u * np.float64(inside + 1)) / np.float64(before + 1)
    first = tables.first[streams.block[slot, _WARM_ONES]]
    # Columns of one length, so that the loop vectorises.
    cut = tables.cut[first : first + RATES].reshape(-1)
    above = tables.above[first : first + RATES].reshape(-1)
    below_cut = tables.below[first : first + RATES].reshape(-1)
    evidence = streams.evidence[slot]
    for j in range(BETS):
        up, down = above[j], below_cut[j]
        evidence[j] = (evidence[j] + np.float32(1.0)) * (up if p >= cut[j] else down)


@jit
def _bit_statistic(streams: Streams, slot: int, tables: OddsTables) -> float:
    weight, evidence = tables.weight[streams.block[slot, _WARM_ONES]], streams.evidence[slot]
    a, b, c, d = (
        weight[0] * evidence[0],
        weight[1] * evidence[1],
        weight[2] * evidence[2],
        weight[3] * evidence[3],
    )
    for j in range(4, BETS, 4):
        a += weight[j] * evidence[j]
        b += weight[j + 1] * evidence[j + 1]
        c += weight[j + 2] * evidence[j + 2]
        d += weight[j + 3] * evidence[j + 3]
    return np.float64((a + b) + (c + d))


@jit
def _speaks_for(streams: Streams, slot: int, value: float, tables: OddsTables) -> bool:
    """Whether the value is of the kind that the evidence says there are more of, and the other was there."""
    weight, evidence = tables.weight[streams.block[slot, _WARM_ONES]], streams.evidence[slot]
    most = 0
    for j in range(BETS):
        if weight[j] * evidence[j] > weight[most] * evidence[most]:
            most = j
    ones = streams.block[slot, _WARM_ONES] + streams.block[slot, _ONES]
    rising = most % 4 != 0
    others = streams.taken[slot] - ones if rising else ones
    return bool(rising == (value == 1.0) and others > 0)


@jit
def _accepts_code(value: float) -> bool:
    return value >= 0.0 and value < MAX_CODE and np.floor(value) == value


@jit
def _find_cell(block: NDArray[np.int32], row: int, value: float) -> int:
    codes, code = block[row].view(np.int64), np.int64(value)
    for c in range(block[row, CODES]):
        if codes[c] == code:
            return int(c)
    return SPARE


@jit
def _learn_code(block: NDArray[np.int32], row: int, taken: int, value: float, warm_up: int) -> None:
    cell = _find_cell(block, row, value)
    own = block[row, CODES]
    if cell == SPARE and taken < warm_up and own < OWN:
        cell = own
        block[row, CODES] = own + 1
    codes = block[row].view(np.int64)
    codes[LAST_UNSEEN if cell == SPARE else cell] = np.int64(value)
    block[row, (WARM if taken < warm_up else COUNTS) + cell] += 1


@jit
def _halves(block: NDArray[np.int32], row: int, cell: int) -> Any:
    return 2 * block[row, WARM + cell] + (1 if cell == SPARE else 0)


@jit
def _watch_code(streams: Streams, slot: int, value: float, tables: MixTables, warm_up: int) -> None:
    block, evidence = streams.block, streams.evidence[slot]
    own = block[slot, CODES]
    mine = _find_cell(block, slot, value)
    below = 0
    for c in range(own if mine == SPARE else mine):
        below += block[slot, COUNTS + c]
    u = uniform(streams.stream_id[slot], streams.seen[slot])
    n = streams.taken[slot] - warm_up + 1
    p = (np.float64(below) + u * np.float64(block[slot, COUNTS + mine] + 1)) / np.float64(n)
    cell, end, x = SPARE, 0, p * np.float64(2 * warm_up + 1)
    for c in range(own):
        end += 2 * block[slot, WARM + c]
        if x < end:
            cell = c
            break
    for i in range(own + 1):
        c = i if i < own else SPARE
        halves = _halves(block, slot, c)
        for k in range(_ODDS):
            height = tables.inside[halves, k] if c == cell else tables.outside[halves, k]
            j = k * CELLS + c
            evidence[j] = (np.float64(evidence[j]) + 1.0) * height
    for e in range(_LEARNT_BETS):
        _bet_learnt(block, evidence, slot, e, cell, own, warm_up)
    for k in range(_TAIL_BETS):
        height = tables.tail_inside[k] if p >= tables.tail_cut[k] else tables.tail_outside[k]
        evidence[TAILS + k] = (np.float64(evidence[TAILS + k]) + 1.0) * height


@jit
def _bet_learnt(
    block: NDArray[np.int32],
    evidence: NDArray[np.float32],
    slot: int,
    e: int,
    cell: int,
    own: int,
    warm_up: int,
) -> None:
    start, whole = DEVIATIONS + e * CELLS, 2.0 * warm_up + 1.0
    average = 0.0
    for i in range(own + 1):
        c = i if i < own else SPARE
        average += (_halves(block, slot, c) / whole) * np.float64(evidence[start + c])
    height = (1.0 + SHRINK[e] * np.float64(evidence[start + cell])) / (1.0 + SHRINK[e] * average)
    evidence[LEARNT + e] = (np.float64(evidence[LEARNT + e]) + 1.0) * height
    for i in range(own + 1):
        c = i if i < own else SPARE
        deviation = (1.0 - MEMORY[e]) * np.float64(evidence[start + c]) - MEMORY[e]
        if c == cell:
            deviation += MEMORY[e] / (_halves(block, slot, c) / whole)
        evidence[start + c] = deviation


@jit
def _code_statistic(streams: Streams, slot: int) -> float:
    evidence = streams.evidence[slot]
    a, b, c = 0.0, 0.0, 0.0
    for cell in range(CELLS):
        a += np.float64(evidence[cell])
        b += np.float64(evidence[CELLS + cell])
        c += np.float64(evidence[2 * CELLS + cell])
    cells = np.float64(streams.block[slot, CODES] + 1)
    total = WEIGHTS[0] * (a / cells)
    total += WEIGHTS[1] * (b / cells)
    total += WEIGHTS[2] * (c / cells)
    for k in range(LEARNT, DEVIATIONS):
        total += WEIGHTS[_ODDS + k - LEARNT] * np.float64(evidence[k])
    return total


@jit
def _accepts(bits: bool, value: float) -> bool:
    return bool(_accepts_bit(value) if bits else _accepts_code(value))


@jit
def _learn(bits: bool, block: NDArray[np.int32], row: int, taken: int, value: float, warm_up: int) -> None:
    if bits:
        _learn_bit(block, row, taken, value, warm_up)
    else:
        _learn_code(block, row, taken, value, warm_up)


@jit
def _statistic(bits: bool, streams: Streams, slot: int, odds: OddsTables) -> float:
    return float(_bit_statistic(streams, slot, odds) if bits else _code_statistic(streams, slot))


@jit
def _fetch_ahead(streams: Streams, slot: int) -> None:
    for column in range(0, streams.block.shape[1], 16):
        prefetch(streams.block, slot, column)
    for column in range(0, streams.evidence.shape[1], 16):
        prefetch(streams.evidence, slot, column)
    prefetch(streams.stream_id, slot, 0)
    prefetch(streams.seen, slot, 0)
    prefetch(streams.threshold, slot, 0)
    prefetch(streams.taken, slot, 0)
    prefetch(streams.phase, slot, 0)


@jit
def take_rows(
    rows: Rows,
    start: int,
    bits: bool,
    streams: Streams,
    side: Side,
    odds: OddsTables,
    mix: MixTables,
    warm_up: int,
    confirm_threshold: float,
    confirm_within: int,
) -> int:
    """Take rows from ``start`` on until one that needs the caller; ``bits``: they are 0/1, else codes.

    Returns:
        That row's index, its ``flag`` set; the number of rows if there was none.
    """
    for i in range(start, len(rows.slot)):
        if i + _AHEAD < len(rows.slot):
            _fetch_ahead(streams, rows.slot[i + _AHEAD])
        slot, value = rows.slot[i], rows.value[i]
        phase = streams.phase[slot]
        held_against = confirm_threshold if phase == _OPEN else streams.threshold[slot]
        rows.threshold[i] = held_against
        rows.phase[i] = phase
        accepted = _accepts(bits, value)
        if accepted:
            streams.seen[slot] += 1
        else:
            streams.refused[slot] += 1
        rows.n[i] = streams.seen[slot]
        watched = accepted and phase in (_ARMED, _OPEN)
        if watched and bits:
            _watch_bit(streams, slot, value, odds, warm_up)
        elif watched:
            _watch_code(streams, slot, value, mix, warm_up)
        statistic = _statistic(bits, streams, slot, odds)
        rows.statistic[i] = statistic
        if not accepted:
            continue
        reached = watched and statistic >= held_against
        if reached and bits:
            reached = _speaks_for(streams, slot, value, odds)
        flag = REACHED if reached else 0
        if phase == _OPEN:
            row = streams.side[slot]
            _learn(bits, side.block, row, side.taken[row], value, warm_up)
            side.taken[row] += 1
            streams.since[slot] += 1
            if side.taken[row] == warm_up:
                flag |= FULL
            if streams.since[slot] == confirm_within:
                flag |= EXPIRED
        elif streams.taken[slot] < MOST_TAKEN:
            _learn(bits, streams.block, slot, streams.taken[slot], value, warm_up)
            streams.taken[slot] += 1
            if not watched and streams.taken[slot] == warm_up:
                flag |= FULL
        if flag != 0:
            rows.flag[i] = flag
            return i
    return len(rows.slot)
