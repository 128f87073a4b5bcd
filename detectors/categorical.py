"""Which of many streams of categories has changed its mix?

CSR for tools, models and finish reasons: which of them an agent uses, and how often. A value is the code of
a category, a whole number from 0 to below 2^53 chosen by the caller, who keeps the names. The promise is
that of ``csr.py``: for every exchangeable stream, however many categories it has, the mean number of
observations to the first false alarm, after the W that set the cells, is at least A. What is bet stands in
``mixes.py``, how a reference counts in ``cells.py``.

Codes that are not among the first 14 of the warm-up share the spare cell: among themselves they may change
unseen. Two references need not give cells to the same codes, so an incident names a code only if it surely
moved; else it tells of NO_CODE, the rest (``moves.py``).

At A = 1e4, eight tools: a share of .10 moved from the first to the second at a moment between 1,000 and 3,000
is found after 274 observations, .20 after 101, a new tool with a share of .03 after 135 (medians of 150, 95
to 100 % found).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors import share_kernel
from detectors.cells import BLOCK, CODES, LAST_UNSEEN, WARM, Codes, codes_of, count_of, sort_cells
from detectors.contract import NO_CODE, Direction
from detectors.incidents import Change
from detectors.intervals import UNKNOWN, Level, rate_level
from detectors.mixes import CELLS, COLUMNS, DEVIATIONS, LEARNT, ODDS, SPARE, WEIGHTS, make_mix_tables
from detectors.moves import find_move
from detectors.odds import make_odds_tables
from detectors.parameters import Parameters
from detectors.rows import Rows
from detectors.slots import Engine, SlotDetector
from detectors.state import Layout

VERSION = 1
"""Of the logic; see ``csr.VERSION``."""


@dataclass(frozen=True, slots=True)
class CategoricalParameters(Parameters):
    """The settings of CSR for categories; ``warm_up`` is 50 to 1,000, fewer blur the cells."""

    warm_up: int = 200

    def __post_init__(self) -> None:
        Parameters.__post_init__(self)
        self._check_confirmation()
        self._check_warm_up(50, 1000)


class CsrCategorical(SlotDetector):
    """CSR over many streams of codes; implements ``Detector``. Other values are refused and counted.

    >>> from detectors.contract import IncidentKind
    >>> detector = CsrCategorical(CategoricalParameters(threshold=1e3), engine="numpy")
    >>> slots = detector.add(np.array([7], np.uint64))
    >>> codes = np.array([30, 30, 30, 20, 20, 10] * 150 + [30, 20, 20, 20, 10] * 60, float)
    >>> incidents = detector.update(slots.repeat(1200), codes).incidents
    >>> [(int(row), IncidentKind(kind).name) for row, kind in zip(incidents.row, incidents.kind)]
    [(938, 'OPENED'), (993, 'CONFIRMED'), (1138, 'REBASED')]
    >>> incidents.code.tolist(), incidents.reference[1].round(2).tolist()
    ([20, 30, 30], [0.43, 0.49, 0.55])
    """

    layout = Layout(block=BLOCK, evidence=COLUMNS, codes=1)

    def __init__(self, parameters: CategoricalParameters | None = None, engine: Engine = "numba") -> None:
        super().__init__(parameters or CategoricalParameters(), engine)
        self._tables = make_mix_tables(self.warm_up)
        self._arithmetic = Codes(self._tables, self.warm_up)

    def settle(self, block: NDArray[np.int32]) -> None:
        """See ``incidents.Reference``; the most frequent code gets the first cell."""
        sort_cells(block)

    def stake(self, block: NDArray[np.int32], evidence: NDArray[np.float32], amount: float) -> None:
        """See ``incidents.Reference``; on the cells that there are, and nothing is learnt yet."""
        of_cells = evidence[:LEARNT].reshape(len(ODDS), CELLS)
        of_cells[:, : block[CODES]] = amount
        of_cells[:, SPARE] = amount
        evidence[LEARNT:DEVIATIONS] = amount

    def suspect(self, block: NDArray[np.int32], evidence: NDArray[np.float32], value: float) -> Change:
        """See ``incidents.Reference``; the cell whose odds hold most, which need not be what moved most."""
        held = evidence[:LEARNT].reshape(len(ODDS), CELLS) * np.array(WEIGHTS[: len(ODDS)])[:, None]
        odds, cell = (int(place) for place in np.unravel_index(np.argmax(held), held.shape))
        codes, own = codes_of(block), int(block[CODES])
        if cell != SPARE:
            code = int(codes[cell])
        elif block[WARM + SPARE]:
            code = NO_CODE
        elif int(value) not in codes[:own].tolist():
            code = int(value)
        else:
            code = int(codes[LAST_UNSEEN]) if count_of(block, SPARE) else NO_CODE
        return Change(Direction.UP if ODDS[odds] > 1.0 else Direction.DOWN, code)

    def contrast(
        self,
        old: NDArray[np.int32],
        new: NDArray[np.int32],
        evidence: NDArray[np.float32],  # noqa: ARG002 - of the protocol
        taken: tuple[int, int],
    ) -> Change:
        """See ``incidents.Reference``; what differs most, in standard errors, of what can be compared."""
        move = find_move(old, new, taken)
        return Change(Direction.UP if move.difference > 0 else Direction.DOWN, move.code)

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:
        """See ``incidents.Reference``; of a code without a cell what all such codes have, from 0 on.

        That is not told as its level where the warm-up already had more codes than cells. What NO_CODE means
        depends on two references, so its level is not known.
        """
        codes = codes_of(block)[: block[CODES]].tolist()
        if change.code == NO_CODE:
            return UNKNOWN
        if change.code in codes:
            return rate_level(count_of(block, codes.index(change.code)), taken)
        level = rate_level(count_of(block, SPARE), taken)._replace(low=0.0)
        return level._replace(level=nan) if block[WARM + SPARE] else level

    def _take_compiled(self, rows: Rows, start: int) -> int:
        row: int = share_kernel.take_rows(
            rows,
            start,
            False,
            self._streams,
            self._incidents.engines.arrays,
            make_odds_tables(self.warm_up),
            self._tables,
            self.warm_up,
            self.parameters.confirm_threshold,
            self.parameters.confirm_within,
        )
        return row

    def _version(self) -> tuple[int, int]:
        return VERSION, crc32(b"".join(table.tobytes() for table in self._tables))
