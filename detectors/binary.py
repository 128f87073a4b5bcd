"""Which of many streams of zeros and ones has changed its rate?

CSR for error, refusal and timeout rates, two-sided. A one is ranked above all zeros and, with a random
number, among the ones (``ranks.py``), so that the promise is that of ``csr.py``: for every exchangeable
stream the mean number of observations to the first false alarm, after the W that are dropped, is at least
A. What is bet stands in ``odds.py``.

At A = 1e4 a change at a moment between 1,000 and 3,000 is found after 470 observations (.005 -> .02), 562
(.02 -> .04), 116 (.1 -> .2), medians of 300. What holds it back is exchangeability itself: the ones that
follow the change join the reference, and of 5 to 14 earlier ones at .005 it cannot be said for long that
they were few. A gambler who knows both rates and may use ranks alone takes 364, 439, 99; with a reference
that stops learning, 292, 355, 92. Not promised: how often incidents confirm; rates that wander with the
hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors import share_kernel
from detectors.contract import NO_CODE, Direction
from detectors.incidents import Change
from detectors.intervals import Level, rate_level
from detectors.mixes import make_mix_tables
from detectors.odds import BETS, ODDS, RATES, OddsTables, make_odds_tables
from detectors.parameters import Parameters
from detectors.ranks import p_values, uniforms
from detectors.reference import Floats, Ints
from detectors.rows import Rows
from detectors.slots import Engine, SlotDetector
from detectors.state import Layout, Streams

VERSION = 1
"""Of the logic; see ``csr.VERSION``."""

# Cells of a reference's block: ones among the first W values, and ones since.
WARM_ONES, ONES = 0, 1


@dataclass(frozen=True, slots=True)
class BinaryParameters(Parameters):
    """The settings of CSR for 0/1; ``warm_up`` is 50 to 1,000, fewer leave the rate a guess.

    An incident has 1,500 observations to be confirmed, since so many are needed to see a few errors.
    """

    warm_up: int = 200
    confirm_threshold: float = 1.9e4
    confirm_within: int = 1500

    def __post_init__(self) -> None:
        Parameters.__post_init__(self)
        self._check_confirmation()
        self._check_warm_up(50, 1000)


class CsrBinary(SlotDetector):
    """CSR over many streams of 0 and 1; implements ``Detector``. Other values are refused and counted.

    >>> from detectors.contract import IncidentKind
    >>> detector = CsrBinary(BinaryParameters(threshold=1e3), engine="numpy")
    >>> slots = detector.add(np.array([7], np.uint64))
    >>> values = (np.arange(1200) % np.repeat([10, 3], [1000, 200]) == 0).astype(float)
    >>> incidents = detector.update(slots.repeat(1200), values).incidents
    >>> incidents.row.tolist(), [IncidentKind(k).name for k in incidents.kind]
    ([1032, 1056], ['OPENED', 'CONFIRMED'])
    >>> incidents.reference[1].round(3).tolist(), incidents.current[1].round(3).tolist()
    ([0.076, 0.107, 0.146], [0.1, 0.333, 0.646])
    """

    layout = Layout(block=2, evidence=BETS, codes=0)

    def __init__(self, parameters: BinaryParameters | None = None, engine: Engine = "numba") -> None:
        super().__init__(parameters or BinaryParameters(), engine)
        self._tables = make_odds_tables(self.warm_up)
        self._arithmetic = Bits(self._tables, self.warm_up)

    def settle(self, block: NDArray[np.int32]) -> None:
        """See ``incidents.Reference``; the ones of the warm-up stay apart from those that are counted."""

    def stake(self, block: NDArray[np.int32], evidence: NDArray[np.float32], amount: float) -> None:  # noqa: ARG002
        """See ``incidents.Reference``; the statistic weighs what each bet holds."""
        evidence[:] = amount

    def suspect(
        self,
        block: NDArray[np.int32],
        evidence: NDArray[np.float32],
        value: float,  # noqa: ARG002 - of the protocol
    ) -> Change:
        """See ``incidents.Reference``; the bet that holds most names the direction."""
        held = self._tables.weight[block[WARM_ONES]] * evidence
        odds = ODDS[int(np.argmax(held)) % len(ODDS)]
        return Change(Direction.UP if odds > 1.0 else Direction.DOWN, NO_CODE)

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:  # noqa: ARG002
        """See ``incidents.Reference``; the rate of ones among all that the reference has taken."""
        return rate_level(int(block[WARM_ONES]) + int(block[ONES]), taken)

    def _take_compiled(self, rows: Rows, start: int) -> int:
        row: int = share_kernel.take_rows(
            rows,
            start,
            True,
            self._streams,
            self._incidents.engines.arrays,
            self._tables,
            make_mix_tables(self.warm_up),
            self.warm_up,
            self.parameters.confirm_threshold,
            self.parameters.confirm_within,
        )
        return row

    def _version(self) -> tuple[int, int]:
        return VERSION, crc32(b"".join(table.tobytes() for table in self._tables))


class Bits:
    """The arithmetic of 0/1 in numpy; see ``reference.Arithmetic``."""

    def __init__(self, tables: OddsTables, warm_up: int) -> None:
        self._tables = tables
        self._warm_up = warm_up

    def accepts(self, values: Floats) -> NDArray[np.bool_]:
        """Zeros and ones."""
        accepted: NDArray[np.bool_] = (values == 0.0) | (values == 1.0)
        return accepted

    def learn(self, blocks: Ints, at: NDArray[np.integer], taken: Ints, values: Floats) -> None:
        """Count the ones, those of the warm-up apart."""
        blocks[at, np.where(taken < self._warm_up, WARM_ONES, ONES)] += values.astype(np.int32)

    def watch(self, streams: Streams, slots: Ints, values: Floats) -> None:
        """Rank and bet."""
        ones = streams.block[slots, ONES].astype(np.int64)
        before = streams.taken[slots].astype(np.int64) - self._warm_up
        one = values == 1.0
        below = np.where(one, before - ones, 0)
        inside = np.where(one, ones, before - ones)
        u = uniforms(streams.stream_id[slots], streams.seen[slots])
        p = p_values(below, inside, before + 1, u)[:, None, None]
        rates = self._tables.first[streams.block[slots, WARM_ONES]][:, None] + np.arange(RATES)
        above = p >= self._tables.cut[rates]
        heights = np.where(above, self._tables.above[rates], self._tables.below[rates])
        streams.evidence[slots] = (streams.evidence[slots] + np.float32(1.0)) * heights.reshape(-1, BETS)

    def statistic(self, streams: Streams, slots: Ints) -> Floats:
        """The weighted sum: four partial sums, one for each of the odds, in a fixed order."""
        held = self._tables.weight[streams.block[slots, WARM_ONES]] * streams.evidence[slots]
        parts = held[:, : len(ODDS)]
        for j in range(len(ODDS), BETS, len(ODDS)):
            parts = parts + held[:, j : j + len(ODDS)]
        total: Floats = ((parts[:, 0] + parts[:, 1]) + (parts[:, 2] + parts[:, 3])).astype(np.float64)
        return total

    def speaks_for(self, streams: Streams, slots: Ints, values: Floats) -> NDArray[np.bool_]:
        """At a one where the evidence speaks for more ones, else at a zero; if the other was there before.

        It takes away alarms alone, so the promise stands; without it a stream that never had a one could be
        alarmed by the random part of its ranks.
        """
        held = self._tables.weight[streams.block[slots, WARM_ONES]] * streams.evidence[slots]
        rising = np.argmax(held, axis=1) % len(ODDS) != 0
        ones = streams.block[slots, WARM_ONES] + streams.block[slots, ONES]
        others = np.where(rising, streams.taken[slots] - ones, ones)
        speaks: NDArray[np.bool_] = (rising == (values == 1.0)) & (others > 0)
        return speaks
