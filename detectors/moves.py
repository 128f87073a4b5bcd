"""Which category moved, between two references that need not give cells to the same codes?

Told by confirmed incidents of categories (``categorical.py``); no alarm depends on it. A code with a cell in
both references has a share in both. Of one with a cell in only one of them the other knows just that its
share is at most the spare cell's: it surely moved if its own share is greater than that, by at least the
difference. All that have no cell in both are, together, the rest, whose shares are known again.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.cells import CODES, codes_of, count_of
from detectors.contract import NO_CODE
from detectors.mixes import SPARE


class Move(NamedTuple):
    """How far one code's share has moved."""

    code: int
    difference: float
    """New share less old; of a code with one cell, the least that it can be."""
    distance: float
    """The same in standard errors of two equal shares, squared."""


def find_move(old: NDArray[np.int32], new: NDArray[np.int32], taken: tuple[int, int]) -> Move:
    """What moved most, in standard errors: a code, or NO_CODE for the rest.

    Args:
        old: block of a reference, shape (BLOCK,).
        new: of the one that follows it.
        taken: values that each has taken, at least 1.
    """
    before, after = (_counts(block) for block in (old, new))
    shared = [code for code in before if code in after]
    spares = count_of(old, SPARE), count_of(new, SPARE)
    known = [_move(code, (before[code], after[code]), taken) for code in shared]
    fallen = [_move(code, (n, spares[1]), taken) for code, n in before.items() if code not in after]
    risen = [_move(code, (spares[0], n), taken) for code, n in after.items() if code not in before]
    sure = [move for move in fallen if move.difference < 0] + [move for move in risen if move.difference > 0]
    others = taken[0] - sum(before[code] for code in shared), taken[1] - sum(after[code] for code in shared)
    rest = _move(NO_CODE, others, taken)
    most = max([*known, *sure], key=lambda move: move.distance, default=rest)
    # Of k codes that have not moved one lies far by chance: so much that its likelihood is k times as great.
    if rest.difference and rest.distance >= most.distance - 2.0 * log(len(known) + len(sure) or 1):
        most = rest
    # A code that surely makes up half of the rest's difference tells more than the rest does.
    half = [move for move in sure if 2.0 * move.difference / rest.difference >= 1.0] if most is rest else []
    return max(half, key=lambda move: move.distance, default=most)


def _counts(block: NDArray[np.int32]) -> dict[int, int]:
    """Values of each code that has a cell, in order of the cells."""
    return {code: count_of(block, cell) for cell, code in enumerate(codes_of(block)[: block[CODES]].tolist())}


def _move(code: int, counts: tuple[int, int], taken: tuple[int, int]) -> Move:
    pooled = sum(counts) / sum(taken)
    difference = counts[1] / taken[1] - counts[0] / taken[0]
    variance = pooled * (1.0 - pooled) * (1.0 / taken[0] + 1.0 / taken[1])
    return Move(code, difference, difference * difference / (variance + 1e-9))
