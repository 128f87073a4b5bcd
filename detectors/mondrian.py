"""Which of many seasonal streams has changed, apart from its season?

Mondrian CSR: an observation is ranked only among the earlier ones of its own bucket, say its hour of the day,

    p_n = (below + U (inside + 1)) / n,    all counted within the bucket, n with this observation,

and then goes the way of CSR: bets -> statistic -> incidents. For signals with a daily or weekly cycle, which
CSR alone takes for change upon change (a cycle of four sd: 69 false alarms per 10,000 observations).

Proved: if any reordering of the observations inside the buckets, whatever the other buckets hold, is equally
likely, the p-values are independent and uniform (V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a
Random World, 2005, chapter 4: Mondrian predictors), so the mean number of observations to a false alarm is at
least A, whatever the buckets' laws and whenever they come. It is not enough that each bucket is exchangeable
by itself: a level that all hours of a day share breaks it (of one value an hour and days that differ by .3 of
its noise the first alarm at A = 1e4 came after 741, on average). The first observation of a bucket says
nothing (p = U), and what is found depends on how many a bucket has: half an sd is found in 74 with 40 to 125
observations of each hour known (median of 200), with .7 false alarms per 10,000. A season that drifts is not
exchangeable within its buckets.

Which bucket an observation belongs to is the caller's to say; a detector has no clock. The edges of the bins
are shared and set by the first W values: a bucket that lies beyond ten times their spread is seen coarsely.
Counts are kept in 16 bits, so a stream of 24 buckets takes 3.5 kB.
A bucket that has counted 65,535 observations learns no more: each p stays uniform, but neighbouring ones
share that reference, a dependence of the order 1 / 65,535. After a confirmed change all buckets begin anew.

The reference's level that an incident tells is that of the bucket of the observation, if it has counted at
least 20 values; else of all buckets. The level after it is that of the values since, whatever their buckets:
with few values a bucket the two are not like for like.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors import mondrian_kernel
from detectors.bins import BINS, EDGES, find_bins, find_edges, to_float32
from detectors.contract import Phase, Readings
from detectors.csr import VERSION, Csr, CsrParameters
from detectors.incidents import Change, IncidentLog
from detectors.intervals import Level
from detectors.levels import number_level
from detectors.ranks import p_values, uniforms
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.shiryaev_roberts import bet, statistic
from detectors.slots import Engine
from detectors.state import BLOCK, FIRST_EDGE, MOST_TAKEN, Layout, floats

FULL_COUNT = 65_535
"""What a bucket can count in 16 bits."""
COUNTS = BINS
"""First cell of the counts in a block: after 64 cells of edges half a cell a count, then a total a bucket."""
_ENOUGH = 20
"""Values that a bucket must have for levels of its own."""


@dataclass(frozen=True, slots=True)
class MondrianParameters(CsrParameters):
    """The settings of Mondrian CSR."""

    confirm_threshold: float = 1.5e4
    """Higher than CSR's: a bucket's reference is small and errs more; at 1e4 82 % of false ones close."""
    buckets: int = 24
    """Hours of a day. 168, hours of a week, tell Sundays apart; they take 23 kB and a week to fill."""

    def __post_init__(self) -> None:
        CsrParameters.__post_init__(self)
        if not 2 <= self.buckets <= 1000:
            raise ValueError(f"buckets must be 2 to 1000, not {self.buckets}")


class Mondrian(Csr):
    """Mondrian CSR over many numeric streams; implements ``Detector``, ``update`` taking buckets too.

    >>> detector = Mondrian(MondrianParameters(buckets=2), engine="numpy")
    >>> slots = detector.add(np.array([7], np.uint64))
    >>> day = np.arange(1200) // 20 % 2
    >>> values = np.random.default_rng(1).normal(5.0 * day) + np.where(np.arange(1200) < 1000, 0, 2)
    >>> detector.update(slots.repeat(1200), values, day).incidents.row[0].item()
    1009
    """

    def __init__(self, parameters: MondrianParameters | None = None, engine: Engine = "numba") -> None:
        own = parameters or MondrianParameters()
        self._buckets = own.buckets
        self.layout = mondrian_layout(own.buckets)
        super().__init__(own, engine)
        self._totals = COUNTS + own.buckets * BINS // 2
        # Of the rows of one update, and of the row that is acted on.
        self._bucket_of_row: NDArray[np.int64] = np.empty(0, np.int64)
        self._bucket = 0

    def update(
        self,
        slots: NDArray[np.int32],
        values: NDArray[np.float64],
        buckets: NDArray[np.integer] | None = None,
    ) -> Readings:
        """Take observations in arrival order; see ``Detector.update``.

        Args:
            slots: of each observation.
            values: of each observation.
            buckets: of each observation, 0 to the number of buckets less one; None is 0 for all.

        Raises:
            ValueError: lengths differ, a slot holds no stream, or there is no such bucket; nothing was taken.
        """
        slots, values = self._check_batch(slots, values)
        self._bucket_of_row = self._check_buckets(buckets, len(slots))
        return super().update(slots, values)

    def settle(self, block: NDArray[np.int32]) -> None:
        """Turn W values into edges and counts of zero."""
        edges = find_edges(floats(block)[None, : self.warm_up])[0]
        block[:] = 0
        floats(block)[:EDGES] = edges

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:
        """See ``incidents.Reference``; of the bucket of the observation that is acted on."""
        if taken < self.warm_up:
            return number_level(block[:BLOCK], taken, self.warm_up, change.direction)
        of_bucket = _counts(block[None, :], self._buckets)[0].astype(np.int32)
        counts = of_bucket[self._bucket]
        if counts.sum() < _ENOUGH:
            counts = of_bucket.sum(axis=0, dtype=np.int32)
        plain = np.zeros(BLOCK, np.int32)
        plain[:BINS] = counts
        floats(plain)[FIRST_EDGE : FIRST_EDGE + EDGES] = floats(block)[:EDGES]
        enough = self.warm_up + int(counts.sum()) if counts.any() else self.warm_up
        return number_level(plain, enough, self.warm_up, change.direction)

    def _check_buckets(self, buckets: NDArray[np.integer] | None, rows: int) -> NDArray[np.int64]:
        if buckets is None:
            return np.zeros(rows, np.int64)
        if buckets.shape != (rows,):
            raise ValueError(
                f"buckets must be a column of one length with values, {rows}, not {buckets.shape}"
            )
        if rows and not 0 <= int(buckets.min()) <= int(buckets.max()) < self._buckets:
            raise ValueError(f"a bucket is not in 0 .. {self._buckets - 1}")
        return np.ascontiguousarray(buckets, np.int64)

    def _act(
        self, rows: Rows, row: int, alarm: NDArray[np.bool_], direction: NDArray[np.int8], log: IncidentLog
    ) -> None:
        self._bucket = int(self._bucket_of_row[row])
        super()._act(rows, row, alarm, direction, log)

    def _take_compiled(self, rows: Rows, start: int) -> int:
        streams, side = self._streams, self._incidents.engines.arrays
        row: int = mondrian_kernel.take_rows(
            rows,
            self._bucket_of_row,
            start,
            streams,
            floats(streams.block),
            streams.block.view(np.uint16),
            side,
            floats(side.block),
            side.block.view(np.uint16),
            self._totals,
            self._tables,
            self.warm_up,
            self.parameters.confirm_threshold,
            self.parameters.confirm_within,
        )
        return row

    def _take_round(self, rows: Rows, group: NDArray[np.int64]) -> NDArray[np.int64]:
        streams, side = self._streams, self._incidents.engines.arrays
        slots, phases, accepted = self._begin_round(rows, group)
        rows.statistic[group] = statistic(streams.evidence[slots])

        learning = accepted & ((phases == Phase.WARM_UP) | (phases == Phase.RELEARNING))
        armed = accepted & (phases == Phase.ARMED)
        opened = accepted & (phases == Phase.OPEN)
        self._learn(rows, group[learning], slots[learning], streams.block, streams.taken)
        self._watch(rows, group[armed | opened])
        self._learn(rows, group[armed], slots[armed], streams.block, streams.taken)
        self._learn(rows, group[opened], streams.side[slots[opened]], side.block, side.taken)
        streams.since[slots[opened]] += 1
        rows.flag[group[opened & (streams.since[slots] == self.parameters.confirm_within)]] |= EXPIRED
        flagged: NDArray[np.int64] = group[rows.flag[group] != 0]
        return flagged

    def _watch(self, rows: Rows, group: NDArray[np.int64]) -> None:
        streams, slots, buckets = self._streams, rows.slot[group], self._bucket_of_row[group]
        blocks = streams.block[slots]
        bins = find_bins(floats(blocks)[:, :EDGES], to_float32(rows.value[group]))
        every = np.arange(len(group))
        counts = _counts(blocks, self._buckets)[every, buckets].astype(np.int64)
        lower = np.arange(BINS) < bins[:, None]
        below: NDArray[np.int64] = np.sum(np.where(lower, counts, 0), axis=1, dtype=np.int64)
        n = blocks[every, self._totals + buckets].astype(np.int64) + 1
        u = uniforms(streams.stream_id[slots], streams.seen[slots])
        p = p_values(below, counts[every, bins], n, u)
        streams.evidence[slots] = bet(streams.evidence[slots], p, self._tables)
        rows.statistic[group] = statistic(streams.evidence[slots])
        rows.flag[group[rows.statistic[group] >= rows.threshold[group]]] |= REACHED

    def _learn(
        self,
        rows: Rows,
        group: NDArray[np.int64],
        places: NDArray[np.int32],
        block: NDArray[np.int32],
        taken: NDArray[np.int32],
    ) -> None:
        """Let the engines in these places learn a value each; those that take their W-th are flagged."""
        room = taken[places] < MOST_TAKEN
        group, places = group[room], places[room]
        values, buckets = to_float32(rows.value[group]), self._bucket_of_row[group]
        raw = taken[places] < self.warm_up
        floats(block)[places[raw], taken[places[raw]]] = values[raw]
        counted = ~raw & (block[places, self._totals + buckets] < FULL_COUNT)
        mine, bucket = places[counted], buckets[counted]
        bins = find_bins(floats(block)[mine, :EDGES], values[counted])
        block.view(np.uint16)[mine, 2 * COUNTS + bucket * BINS + bins] += np.uint16(1)
        block[mine, self._totals + bucket] += 1
        taken[places] += 1
        rows.flag[group[taken[places] == self.warm_up]] |= FULL

    def _version(self) -> tuple[int, int]:
        return VERSION, crc32(self._tables.tobytes())


def mondrian_layout(buckets: int) -> Layout:
    """A block holds edges, counts of each bucket in 16 bits, and each bucket's total."""
    return Layout(
        block=COUNTS + buckets * BINS // 2 + buckets, evidence=Csr.layout.evidence, codes=Csr.layout.codes
    )


def _counts(blocks: NDArray[np.int32], buckets: int) -> NDArray[np.uint16]:
    """Shape (blocks, buckets, BINS)."""
    halves = blocks.view(np.uint16)[:, 2 * COUNTS : 2 * COUNTS + buckets * BINS]
    return halves.reshape(len(blocks), buckets, BINS)
