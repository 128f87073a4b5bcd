"""The same as ``whitener.whiten_round``, one row after another, compiled; equal to it to the last bit.

It stops after a row at which a warm-up is full, as ``kernel.take_rows`` does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.bins import EDGES, FLOAT32_MAX
from detectors.kernel import jit
from detectors.rows import FULL
from detectors.whitener import CELLS, EDGE_SCORES, PASSED, PHI_MAX, SQUARE_MIN, STRIDE, StageRows, Whitening

_SCORES = np.array(EDGE_SCORES)


@jit
def _find_score(block: NDArray[np.float32], slot: int, value: np.float32) -> float:
    b = 0
    for i in range(EDGES):
        b += block[slot, i] <= value
    low, high = max(b - 1, 0), min(b, EDGES - 1)
    start, end = np.float64(block[slot, low]), np.float64(block[slot, high])
    share = (np.float64(value) - start) / (end - start) if end > start else 0.0
    score: float = _SCORES[low] + share * (_SCORES[high] - _SCORES[low])
    return score


@jit
def _whiten(rows: StageRows, i: int, value: np.float32, state: Whitening) -> None:
    slot = rows.slot[i]
    score, last = _find_score(state.block, slot, value), state.last[slot]
    square = state.square[slot]
    phi = min(max(state.cross[slot] / square, 0.0), PHI_MAX) if square > SQUARE_MIN else 0.0
    rows.phi[i] = phi
    rows.mean[i] = state.mean[slot]
    rows.residual[i] = score - phi * last
    now, before = score - state.mean[slot], last - state.mean[slot]
    state.pairs[slot] += 1
    state.mean[slot] += now / np.float64(state.pairs[slot])
    state.cross[slot] += now * before
    state.square[slot] += before * before
    state.last[slot] = score


@jit
def whiten_rows(rows: StageRows, start: int, state: Whitening) -> int:
    """Take rows from ``start`` on until one at which ``end_warm_up`` is due.

    Returns:
        That row's index; the number of rows if there was none.
    """
    for i in range(start, len(rows.slot)):
        slot = rows.slot[i]
        finite = np.isfinite(rows.value[i])
        value = np.float32(min(max(rows.value[i], -FLOAT32_MAX), FLOAT32_MAX)) + np.float32(0.0)
        taken = state.taken[slot]
        if taken >= state.goal[slot]:
            rows.n[i] = taken
            rows.flag[i] = PASSED
            rows.residual[i] = rows.value[i]
            if finite and state.on[slot]:
                _whiten(rows, i, value, state)
            continue
        if not finite:
            state.refused[slot] += 1
            rows.n[i] = taken
            continue
        if state.goal[slot] == CELLS:
            state.block[slot, taken] = value
        elif taken % STRIDE == 0:
            state.block[slot, taken // STRIDE] = value
        state.taken[slot] += 1
        rows.n[i] = taken + 1
        if taken + 1 == state.goal[slot]:
            rows.flag[i] = FULL
            return i
    return len(rows.slot)
