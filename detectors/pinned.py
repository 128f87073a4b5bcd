"""Has a stream left the level at which its reference was pinned?

CSR's reference grows with every observation. Here it is n observations, counted once and then frozen: the
first W set the bins (and are dropped), the next n are the reference, and from then on everything is held
against these. For promises such as "as in the week of the release"; ``restart`` pins anew. It is for the
meaning of what it says, not for speed: a steady drift of one sd in 20,000 observations opens an incident at
.31 sd here and at .13 with CSR, in 100,000 at .25 and .09; but what CSR then tells of is held against a
reference that has drifted along.

Proved, for independent observations of one law (more than CSR's exchangeable): with a chance of 1 - delta the
reference is within a band of the law, and given such a reference the mean number of observations to a false
alarm is at least A; over all references it is at least (1 - delta) A. See ``pinned_bets.py``. The bets pay
for the worst reference in the band, so that false alarms are far rarer still: on 12 laws 39 of 2,400 streams
alarmed within 4,000 observations at A = 1e3.

The price: what is smaller than the band cannot be seen. With n = 1,000 half an sd is found in 170
observations, one in 42, twice the sd in 90, .25 sd in half of the streams only; with n = 4,000 they take 108,
35, 55, and .25 sd 490 (medians of 200 at A = 1e4). A thin tail (5 % of values) needs CSR.

After a confirmed change the reference is pinned anew: W + n observations without watching.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors import pinned_kernel
from detectors.bins import find_bins, find_edges, to_float32
from detectors.contract import NO_CODE, Phase
from detectors.csr import CsrParameters
from detectors.incidents import Change, IncidentLog
from detectors.intervals import Level
from detectors.levels import number_level
from detectors.pinned_bets import make_bets, make_pinned_tables
from detectors.pinned_kernel import EDGES_DUE
from detectors.ranks import uniforms
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.shiryaev_roberts import mean
from detectors.slots import Engine, SlotDetector
from detectors.state import BLOCK, FIRST_EDGE, Layout, edges_of, floats

VERSION = 1


@dataclass(frozen=True, slots=True)
class PinnedParameters(CsrParameters):
    """The settings of a pinned reference."""

    observations: int = 1000
    """n: behind the reference, 100 to 1,000,000. Fewer: only large changes can be told from its chance."""
    delta: float = 0.01
    """The chance that the reference is so odd that nothing is promised. Smaller: slower."""

    def __post_init__(self) -> None:
        CsrParameters.__post_init__(self)
        if not 100 <= self.observations <= 1_000_000:
            raise ValueError(f"observations must be 100 to 1,000,000, not {self.observations}")
        if not 0.0 < self.delta < 1.0:
            raise ValueError(f"delta must be above 0 and below 1, not {self.delta}")


class Pinned(SlotDetector):
    """A pinned reference for each of many numeric streams; implements ``Detector``.

    >>> detector = Pinned(PinnedParameters(observations=500), engine="numpy")
    >>> slots = detector.add(np.array([7], np.uint64))
    >>> values = np.random.default_rng(1).normal(size=3000)
    >>> creeping = values + np.maximum(np.arange(3000) - 600, 0) / 1000
    >>> detector.update(slots.repeat(3000), creeping).incidents.row[0].item()
    1136
    """

    layout = Layout(block=BLOCK, evidence=20, codes=0)

    def __init__(self, parameters: PinnedParameters | None = None, engine: Engine = "numba") -> None:
        own = parameters or PinnedParameters()
        super().__init__(own, engine)
        self._edges_after = own.warm_up
        # The layer of incidents goes on learning until the whole reference is there.
        self.warm_up = own.warm_up + own.observations
        self._observations = own.observations
        self._tables = make_pinned_tables(own.observations, own.delta)
        self._directions = [bet.direction for bet in make_bets()]

    def settle(self, block: NDArray[np.int32]) -> None:
        """See ``incidents.Reference``; a block that has its n observations needs nothing done."""

    def stake(self, block: NDArray[np.int32], evidence: NDArray[np.float32], amount: float) -> None:  # noqa: ARG002
        """See ``incidents.Reference``; the statistic is the mean of what the bets hold."""
        evidence[:] = amount

    def suspect(
        self,
        block: NDArray[np.int32],  # noqa: ARG002 - of the protocol
        evidence: NDArray[np.float32],
        value: float,  # noqa: ARG002 - of the protocol
    ) -> Change:
        """See ``incidents.Reference``; the bet that holds most names the direction."""
        return Change(self._directions[int(np.argmax(evidence))], NO_CODE)

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:
        """See ``incidents.Reference``."""
        return number_level(block, taken, self._edges_after, change.direction)

    def _act(
        self, rows: Rows, row: int, alarm: NDArray[np.bool_], direction: NDArray[np.int8], log: IncidentLog
    ) -> None:
        """Set edges where they are due; else, or besides, what all detectors do."""
        streams, slot = self._streams, int(rows.slot[row])
        if rows.flag[row] & EDGES_DUE:
            opened = streams.phase[slot] == Phase.OPEN
            block = (
                self._incidents.engines.arrays.block[streams.side[slot]] if opened else streams.block[slot]
            )
            edges = find_edges(floats(block)[None, : self._edges_after])[0]
            block[:] = 0
            floats(block)[FIRST_EDGE : FIRST_EDGE + len(edges)] = edges
        if rows.flag[row] & (FULL | REACHED | EXPIRED):
            super()._act(rows, row, alarm, direction, log)

    def _take_compiled(self, rows: Rows, start: int) -> int:
        streams, side = self._streams, self._incidents.engines.arrays
        row: int = pinned_kernel.take_rows(
            rows,
            start,
            streams,
            floats(streams.block),
            side,
            floats(side.block),
            self._tables,
            self._edges_after,
            self._observations,
            self.parameters.confirm_threshold,
            self.parameters.confirm_within,
        )
        return row

    def _take_round(self, rows: Rows, group: NDArray[np.int64]) -> NDArray[np.int64]:
        streams, side = self._streams, self._incidents.engines.arrays
        slots, phases, accepted = self._begin_round(rows, group)
        rows.statistic[group] = mean(streams.evidence[slots])

        learning = accepted & ((phases == Phase.WARM_UP) | (phases == Phase.RELEARNING))
        opened = accepted & (phases == Phase.OPEN)
        self._learn(rows, group[learning], slots[learning], streams.block, streams.taken)
        rows.flag[group[learning & (streams.taken[slots] == self.warm_up)]] |= FULL
        self._watch(rows, group[accepted & ~learning])
        self._learn(rows, group[opened], streams.side[slots[opened]], side.block, side.taken)
        streams.since[slots[opened]] += 1
        rows.flag[group[opened & (streams.since[slots] == self.parameters.confirm_within)]] |= EXPIRED
        flagged: NDArray[np.int64] = group[rows.flag[group] != 0]
        return flagged

    def _watch(self, rows: Rows, group: NDArray[np.int64]) -> None:
        streams, slots = self._streams, rows.slot[group]
        blocks = streams.block[slots]
        bins = find_bins(edges_of(blocks), to_float32(rows.value[group]))
        lower = np.arange(BLOCK) < bins[:, None]
        below: NDArray[np.int64] = np.sum(np.where(lower, blocks, 0), axis=1, dtype=np.int64)
        inside = blocks[np.arange(len(group)), bins]
        u = uniforms(streams.stream_id[slots], streams.seen[slots])
        p = (below.astype(np.float64) + u * inside.astype(np.float64)) / self._observations
        cells = np.minimum((p * len(self._tables)).astype(np.int64), len(self._tables) - 1)
        streams.evidence[slots] = (streams.evidence[slots] + np.float32(1.0)) * self._tables[cells]
        rows.statistic[group] = mean(streams.evidence[slots])
        rows.flag[group[rows.statistic[group] >= rows.threshold[group]]] |= REACHED

    def _learn(
        self,
        rows: Rows,
        group: NDArray[np.int64],
        places: NDArray[np.int32],
        block: NDArray[np.int32],
        taken: NDArray[np.int32],
    ) -> None:
        """Let the engines in these places learn a value each, until they have n."""
        room = taken[places] < self.warm_up
        group, places = group[room], places[room]
        values = to_float32(rows.value[group])
        raw = taken[places] < self._edges_after
        floats(block)[places[raw], taken[places[raw]]] = values[raw]
        mine = places[~raw]
        block[mine, find_bins(edges_of(block[mine]), values[~raw])] += 1
        taken[places] += 1
        rows.flag[group[raw & (taken[places] == self._edges_after)]] |= EDGES_DUE

    def _version(self) -> tuple[int, int]:
        return VERSION, crc32(self._tables.tobytes())
