"""The same as ``kernel.py`` in plain numpy: slower, readable, and equal to the last bit.

A batch is cut into rounds in which no stream occurs twice; a round is computed column by column. It is quick
when observations are spread over many streams and slow when one stream has most of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.bins import find_bins, to_float32
from detectors.contract import Phase
from detectors.ranks import p_values, uniforms
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.shiryaev_roberts import bet, statistic
from detectors.state import Side, Streams, edges_of, floats


def rounds(slots: NDArray[np.int32]) -> Iterator[NDArray[np.int64]]:
    """Rows of a batch in groups: every slot's first row, every slot's second row, ...

    >>> [group.tolist() for group in rounds(np.array([5, 5, 1, 5], np.int32))]
    [[0, 2], [1], [3]]
    """
    order = np.argsort(slots, kind="stable")
    ordered = slots[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    occurrence = np.arange(len(slots)) - np.repeat(starts, np.diff(np.append(starts, len(slots))))
    for k in range(int(occurrence.max(initial=-1)) + 1):
        yield np.sort(order[occurrence == k])


def take_round(
    rows: Rows,
    group: NDArray[np.int64],
    streams: Streams,
    side: Side,
    tables: NDArray[np.float32],
    warm_up: int,
    confirm_threshold: float,
    confirm_within: int,
) -> NDArray[np.int64]:
    """Take one round and return its rows that need the caller (their ``flag`` is set)."""
    slots = rows.slot[group]
    phases = streams.phase[slots]
    rows.phase[group] = phases
    rows.threshold[group] = np.where(phases == Phase.OPEN, confirm_threshold, streams.threshold[slots])

    accepted = np.isfinite(rows.value[group])
    streams.refused[slots[~accepted]] += 1
    streams.seen[slots[accepted]] += 1
    rows.n[group] = streams.seen[slots]
    rows.statistic[group] = statistic(streams.evidence[slots])

    learning = accepted & ((phases == Phase.WARM_UP) | (phases == Phase.RELEARNING))
    armed = accepted & (phases == Phase.ARMED)
    opened = accepted & (phases == Phase.OPEN)
    _keep(rows, group[learning], streams, warm_up)
    _watch(rows, group[armed | opened], streams, tables, warm_up)
    _count(rows, group[armed], streams)
    _teach_side(rows, group[opened], streams, side, warm_up, confirm_within)
    flagged: NDArray[np.int64] = group[rows.flag[group] != 0]
    return flagged


def _keep(rows: Rows, group: NDArray[np.int64], streams: Streams, warm_up: int) -> None:
    slots = rows.slot[group]
    floats(streams.block)[slots, streams.taken[slots]] = to_float32(rows.value[group])
    streams.taken[slots] += 1
    rows.flag[group[streams.taken[slots] == warm_up]] |= FULL


def _watch(
    rows: Rows, group: NDArray[np.int64], streams: Streams, tables: NDArray[np.float32], warm_up: int
) -> None:
    slots = rows.slot[group]
    blocks = streams.block[slots]
    bins = find_bins(edges_of(blocks), to_float32(rows.value[group]))
    lower = np.arange(blocks.shape[1]) < bins[:, None]
    below: NDArray[np.int64] = np.sum(np.where(lower, blocks, 0), axis=1, dtype=np.int64)
    inside = blocks[np.arange(len(group)), bins].astype(np.int64)
    n = streams.taken[slots].astype(np.int64) - warm_up + 1
    u = uniforms(streams.stream_id[slots], streams.seen[slots])
    streams.evidence[slots] = bet(streams.evidence[slots], p_values(below, inside, n, u), tables)
    rows.statistic[group] = statistic(streams.evidence[slots])
    rows.flag[group[rows.statistic[group] >= rows.threshold[group]]] |= REACHED


def _count(rows: Rows, group: NDArray[np.int64], streams: Streams) -> None:
    slots = rows.slot[group]
    bins = find_bins(edges_of(streams.block[slots]), to_float32(rows.value[group]))
    streams.block[slots, bins] += 1
    streams.taken[slots] += 1


def _teach_side(
    rows: Rows, group: NDArray[np.int64], streams: Streams, side: Side, warm_up: int, confirm_within: int
) -> None:
    slots = rows.slot[group]
    engines = streams.side[slots]
    values = to_float32(rows.value[group])
    raw = side.taken[engines] < warm_up
    floats(side.block)[engines[raw], side.taken[engines[raw]]] = values[raw]
    binned = engines[~raw]
    side.block[binned, find_bins(edges_of(side.block[binned]), values[~raw])] += 1
    side.taken[engines] += 1
    streams.since[slots] += 1
    rows.flag[group[side.taken[engines] == warm_up]] |= FULL
    rows.flag[group[streams.since[slots] == confirm_within]] |= EXPIRED
