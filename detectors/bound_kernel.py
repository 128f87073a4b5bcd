"""The same as ``Bound._take_round``, one row after another, compiled; equal to it to the last bit.

It stops after a row at which something rare happens, as ``kernel.take_rows`` does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.contract import Phase
from detectors.kernel import jit, mean_of
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.state import MOST_TAKEN, Side, Streams

_OPEN, _RELEARNING = int(Phase.OPEN), int(Phase.RELEARNING)


@jit
def take_rows(
    rows: Rows,
    start: int,
    streams: Streams,
    side: Side,
    limits: NDArray[np.float64],
    bets: NDArray[np.float32],
    confirm_threshold: float,
    confirm_within: int,
    recover_threshold: float,
) -> int:
    """Take rows from ``start`` on until one that needs the caller.

    Returns:
        That row's index, its ``flag`` set; the number of rows if there was none.
    """
    for i in range(start, len(rows.slot)):
        slot = rows.slot[i]
        phase = streams.phase[slot]
        held_against = streams.threshold[slot]
        if phase == _OPEN:
            held_against = confirm_threshold
        elif phase == _RELEARNING:
            held_against = recover_threshold
        rows.threshold[i] = held_against
        rows.phase[i] = phase
        if not np.isfinite(rows.value[i]):
            streams.refused[slot] += 1
            rows.n[i] = streams.seen[slot]
            rows.statistic[i] = mean_of(streams.evidence, slot)
            continue
        streams.seen[slot] += 1
        rows.n[i] = streams.seen[slot]
        over = 1 if rows.value[i] > limits[slot] else 0
        recovering = 1 if phase == _RELEARNING else 0
        for j in range(streams.evidence.shape[1]):
            streams.evidence[slot, j] = (streams.evidence[slot, j] + np.float32(1.0)) * bets[
                slot, recovering, over, j
            ]
        statistic = mean_of(streams.evidence, slot)
        rows.statistic[i] = statistic
        reached = statistic >= held_against
        flag = 0
        if phase == _RELEARNING:
            if streams.taken[slot] < MOST_TAKEN:
                streams.block[slot, 0] += over
                streams.taken[slot] += 1
            if reached:
                flag = FULL
                streams.evidence[slot, :] = 0
        else:
            if reached:
                flag = REACHED
            if phase == _OPEN:
                row = streams.side[slot]
                side.block[row, 0] += over
                side.taken[row] += 1
                streams.since[slot] += 1
                if streams.since[slot] == confirm_within:
                    flag |= EXPIRED
        if flag != 0:
            rows.flag[i] = flag
            return i
    return len(rows.slot)
