"""How does a reference of categories count codes, and what does the numpy reference do with them?

A reference's block: 14 codes and the last one that had no cell (int64 each), then for each cell the values
among the first W and those since, then the number of codes that have a cell. The spare cell is always the
last. ``share_kernel.py`` states the same arithmetic for one observation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
from detectors.ranks import p_values, uniforms
from detectors.reference import Floats, Ints
from detectors.state import Streams

MAX_CODE = 2.0**53
LAST_UNSEEN = OWN
"""Of the codes: the last one without a cell."""
WARM = 2 * (OWN + 1)
COUNTS = WARM + CELLS
CODES = COUNTS + CELLS
"""How many codes have a cell."""
BLOCK = CODES + 2  # one to spare: rows of codes begin at whole 8 bytes


def codes_of(blocks: Ints) -> NDArray[np.int64]:
    """The codes in a block or blocks; a view."""
    return blocks.view(np.int64)[..., : OWN + 1]


def find_cells(blocks: Ints, values: Floats) -> NDArray[np.int64]:
    """The cell of one code for each block; SPARE where it has none."""
    known = np.arange(OWN) < blocks[:, CODES, None]
    mine = known & (codes_of(blocks)[:, :OWN] == values.astype(np.int64)[:, None])
    return np.where(mine.any(axis=1), np.argmax(mine, axis=1), SPARE)


def halves_of(blocks: Ints) -> NDArray[np.int64]:
    """The share of each cell by the warm-up, in halves; 0 for cells that are not used."""
    halves = 2 * blocks[..., WARM : WARM + CELLS].astype(np.int64)
    halves[..., SPARE] += 1
    return halves


def count_of(block: NDArray[np.int32], cell: int) -> int:
    """Values in one cell, those of the warm-up included."""
    return int(block[WARM + cell]) + int(block[COUNTS + cell])


def sort_cells(block: NDArray[np.int32]) -> None:
    """Put the codes of a warm-up in order of their shares, the most frequent first."""
    own = int(block[CODES])
    warm, codes = block[WARM : WARM + own], codes_of(block)
    order = np.argsort(-warm, kind="stable")
    warm[:] = warm[order]
    codes[:own] = codes[:own][order]


class Codes:
    """The arithmetic of categories in numpy; see ``reference.Arithmetic``."""

    def __init__(self, tables: MixTables, warm_up: int) -> None:
        self._tables = tables
        self._warm_up = warm_up

    def accepts(self, values: Floats) -> NDArray[np.bool_]:
        """Whole numbers from 0 to below 2^53."""
        whole = (values >= 0.0) & (values < MAX_CODE)
        accepted: NDArray[np.bool_] = whole & (np.floor(np.where(whole, values, 0.5)) == values)
        return accepted

    def learn(self, blocks: Ints, at: NDArray[np.integer], taken: Ints, values: Floats) -> None:
        """Count the code in its cell; in the warm-up a code that has none gets one while there are any."""
        cells = find_cells(blocks[at], values)
        own = blocks[at, CODES]
        fresh = (cells == SPARE) & (taken < self._warm_up) & (own < OWN)
        cells[fresh] = own[fresh]
        blocks[at[fresh], CODES] += 1
        place = np.where(cells == SPARE, LAST_UNSEEN, cells)
        codes_of(blocks)[at, place] = values.astype(np.int64)
        blocks[at, np.where(taken < self._warm_up, WARM, COUNTS) + cells] += 1

    def watch(self, streams: Streams, slots: Ints, values: Floats) -> None:
        """Rank and bet."""
        blocks = streams.block[slots]
        every = np.arange(len(slots))
        p = self._ranks(streams, slots, blocks, find_cells(blocks, values))
        halves = halves_of(blocks)
        cell = self._cells_of_ranks(p, halves)
        used = halves > 0
        evidence = streams.evidence[slots].astype(np.float64)
        for k in range(len(ODDS)):
            heights = self._tables.outside[halves, k]
            heights[every, cell] = self._tables.inside[halves[every, cell], k]
            held = evidence[:, k * CELLS : (k + 1) * CELLS]
            evidence[:, k * CELLS : (k + 1) * CELLS] = np.where(used, (held + 1.0) * heights, 0.0)
        for e in range(len(MEMORY)):
            self._bet_learnt(evidence, e, halves, cell)
        for k in range(len(TAIL_SHARES)):
            tail = p >= self._tables.tail_cut[k]
            heights = np.where(tail, self._tables.tail_inside[k], self._tables.tail_outside[k])
            evidence[:, TAILS + k] = (evidence[:, TAILS + k] + 1.0) * heights
        streams.evidence[slots] = evidence

    def statistic(self, streams: Streams, slots: Ints) -> Floats:
        """The weighted sum, cell by cell and bet by bet in a fixed order."""
        evidence = streams.evidence[slots].astype(np.float64)
        sums = np.zeros((len(slots), len(ODDS)))
        for c in range(CELLS):
            sums += evidence[:, c:LEARNT:CELLS]
        cells = (streams.block[slots, CODES] + 1).astype(np.float64)
        total = np.zeros(len(slots))
        for k in range(len(ODDS)):
            total += WEIGHTS[k] * (sums[:, k] / cells)
        for k in range(LEARNT, DEVIATIONS):
            total += WEIGHTS[len(ODDS) + k - LEARNT] * evidence[:, k]
        return total

    def speaks_for(
        self,
        streams: Streams,  # noqa: ARG002 - of the protocol
        slots: Ints,
        values: Floats,  # noqa: ARG002 - likewise
    ) -> NDArray[np.bool_]:
        """See ``Arithmetic``; at any."""
        return np.ones(len(slots), np.bool_)

    def _ranks(self, streams: Streams, slots: Ints, blocks: Ints, cells: NDArray[np.int64]) -> Floats:
        counts = blocks[:, COUNTS : COUNTS + CELLS].astype(np.int64)
        lower = np.arange(CELLS) < cells[:, None]
        below: NDArray[np.int64] = np.sum(np.where(lower, counts, 0), axis=1, dtype=np.int64)
        inside = counts[np.arange(len(slots)), cells]
        n = streams.taken[slots].astype(np.int64) - self._warm_up + 1
        return p_values(below, inside, n, uniforms(streams.stream_id[slots], streams.seen[slots]))

    def _cells_of_ranks(self, p: Floats, halves: NDArray[np.int64]) -> NDArray[np.int64]:
        ends = np.cumsum(halves[:, :OWN], axis=1)
        beyond = (p * (2 * self._warm_up + 1))[:, None] >= ends
        # Cells that are not used end where the last used one does: past that one the spare cell is left.
        passed: NDArray[np.int64] = np.sum(beyond, axis=1, dtype=np.int64)
        return passed

    def _bet_learnt(
        self, evidence: Floats, e: int, halves: NDArray[np.int64], cell: NDArray[np.int64]
    ) -> None:
        start = DEVIATIONS + e * CELLS
        every = np.arange(len(evidence))
        shares = halves / (2.0 * self._warm_up + 1.0)
        deviations = evidence[:, start : start + CELLS]
        average = np.zeros(len(evidence))
        for c in range(CELLS):
            average += shares[:, c] * deviations[:, c]
        heights = (1.0 + SHRINK[e] * deviations[every, cell]) / (1.0 + SHRINK[e] * average)
        evidence[:, LEARNT + e] = (evidence[:, LEARNT + e] + 1.0) * heights
        deviations = (1.0 - MEMORY[e]) * deviations - MEMORY[e]
        deviations[every, cell] += MEMORY[e] / shares[every, cell]
        evidence[:, start : start + CELLS] = np.where(halves > 0, deviations, 0.0)
