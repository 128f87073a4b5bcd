"""The same as the compiled kernels in plain numpy: slower, readable, and equal to the last bit.

A batch is cut into rounds in which no stream occurs twice; a round is computed column by column. It is quick
when observations are spread over many streams and slow when one has most of them. ``take_round`` is the
same for all kinds of values; ``Numbers`` is the arithmetic of ``kernel.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.bins import find_bins, to_float32
from detectors.contract import Phase
from detectors.ranks import p_values, uniforms
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.shiryaev_roberts import bet, statistic
from detectors.state import MOST_TAKEN, Side, Streams, edges_of, floats

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


class Arithmetic(Protocol):
    """What is done with values of one kind; rows are those of different streams."""

    def accepts(self, values: Floats) -> NDArray[np.bool_]:
        """Which values are of this kind."""

    def learn(self, blocks: Ints, at: NDArray[np.integer], taken: Ints, values: Floats) -> None:
        """Let the references in rows ``at`` of ``blocks``, which have taken so many, learn a value each."""

    def watch(self, streams: Streams, slots: Ints, values: Floats) -> None:
        """Bet on a value of each of these streams."""

    def statistic(self, streams: Streams, slots: Ints) -> Floats:
        """What the evidence of these streams amounts to."""

    def speaks_for(self, streams: Streams, slots: Ints, values: Floats) -> NDArray[np.bool_]:
        """Where enough evidence may raise an alarm at this value."""


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
    arithmetic: Arithmetic,
    warm_up: int,
    confirm_threshold: float,
    confirm_within: int,
) -> NDArray[np.int64]:
    """Take one round and return its rows that need the caller (their ``flag`` is set)."""
    slots = rows.slot[group]
    phases = streams.phase[slots]
    rows.phase[group] = phases
    rows.threshold[group] = np.where(phases == Phase.OPEN, confirm_threshold, streams.threshold[slots])

    accepted = arithmetic.accepts(rows.value[group])
    streams.refused[slots[~accepted]] += 1
    streams.seen[slots[accepted]] += 1
    rows.n[group] = streams.seen[slots]

    armed = accepted & (phases == Phase.ARMED)
    opened = accepted & (phases == Phase.OPEN)
    learning = accepted & ~armed & ~opened
    watched = armed | opened
    arithmetic.watch(streams, slots[watched], rows.value[group[watched]])
    rows.statistic[group] = arithmetic.statistic(streams, slots)
    reached = watched & (rows.statistic[group] >= rows.threshold[group])
    reached[reached] = arithmetic.speaks_for(streams, slots[reached], rows.value[group[reached]])
    rows.flag[group[reached]] |= REACHED

    mine = (learning | armed) & (streams.taken[slots] < MOST_TAKEN)
    arithmetic.learn(streams.block, slots[mine], streams.taken[slots[mine]], rows.value[group[mine]])
    streams.taken[slots[mine]] += 1
    rows.flag[group[learning & (streams.taken[slots] == warm_up)]] |= FULL
    _teach_side(rows, group[opened], streams, side, arithmetic, warm_up, confirm_within)
    flagged: NDArray[np.int64] = group[rows.flag[group] != 0]
    return flagged


def _teach_side(
    rows: Rows,
    group: NDArray[np.int64],
    streams: Streams,
    side: Side,
    arithmetic: Arithmetic,
    warm_up: int,
    confirm_within: int,
) -> None:
    slots = rows.slot[group]
    engines = streams.side[slots]
    arithmetic.learn(side.block, engines, side.taken[engines], rows.value[group])
    side.taken[engines] += 1
    streams.since[slots] += 1
    rows.flag[group[side.taken[engines] == warm_up]] |= FULL
    rows.flag[group[streams.since[slots] == confirm_within]] |= EXPIRED


class Numbers:
    """CSR's arithmetic of numbers."""

    def __init__(self, tables: NDArray[np.float32], warm_up: int) -> None:
        self._tables = tables
        self._warm_up = warm_up

    def accepts(self, values: Floats) -> NDArray[np.bool_]:
        """See ``Arithmetic``."""
        return np.isfinite(values)

    def learn(self, blocks: Ints, at: NDArray[np.integer], taken: Ints, values: Floats) -> None:
        """See ``Arithmetic``."""
        raw = taken < self._warm_up
        singles = to_float32(values)
        floats(blocks)[at[raw], taken[raw]] = singles[raw]
        binned = at[~raw]
        blocks[binned, find_bins(edges_of(blocks[binned]), singles[~raw])] += 1

    def watch(self, streams: Streams, slots: Ints, values: Floats) -> None:
        """See ``Arithmetic``."""
        blocks = streams.block[slots]
        bins = find_bins(edges_of(blocks), to_float32(values))
        lower = np.arange(blocks.shape[1]) < bins[:, None]
        below: NDArray[np.int64] = np.sum(np.where(lower, blocks, 0), axis=1, dtype=np.int64)
        inside = blocks[np.arange(len(slots)), bins].astype(np.int64)
        n = streams.taken[slots].astype(np.int64) - self._warm_up + 1
        u = uniforms(streams.stream_id[slots], streams.seen[slots])
        streams.evidence[slots] = bet(streams.evidence[slots], p_values(below, inside, n, u), self._tables)

    def statistic(self, streams: Streams, slots: Ints) -> Floats:
        """See ``Arithmetic``."""
        return statistic(streams.evidence[slots])

    def speaks_for(
        self,
        streams: Streams,  # noqa: ARG002 - of the protocol
        slots: Ints,
        values: Floats,  # noqa: ARG002 - likewise
    ) -> NDArray[np.bool_]:
        """See ``Arithmetic``; at any."""
        return np.ones(len(slots), np.bool_)
