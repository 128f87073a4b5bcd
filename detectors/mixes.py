"""What is bet on a stream of categories against "the mix is what it was"?

Third step of CSR for categories: cells -> rank -> **bets** -> statistic. The first W values set the cells:
one for each of the first 14 codes that occur, in order of their shares, and a spare one, last, for all
others and for what was never seen. From then on a value's rank p among those before it is uniform whatever
the mix. Bets may not ask the running counts (DRIFT.md, trap 1), so they see p through the shares of the
warm-up: into which of these cells does p fall? The shares that running counts give differ a little, which
costs power (a seventh of the delay at .1 moved), not validity. With pi_c the share of cell c:

- **single cells**: the odds of one cell are theta = 1.5, .6 or 2.5 times as high, for each cell;
- **learnt**: 1 + s d_c, where d_c is by how much cell c was too frequent among past ranks, an exponentially
  weighted mean with memory lambda (.02 and .007 a value) less what it should be, and s (.6 and .8) shrinks it
  towards nothing, since what is learnt from noise is lost; divided by its average, so that it averages to 1;
- **tails**: p in the last .002, .01, .05 or .2, where what was never seen ranks: 12, 4, 4 and 2.5 times.

Each bet averages to 1 within the rounding of float64: under no change the statistic's expectation is exact.
Why not pairs of cells (one up, one down)? They were tried: no faster on .1 moved, deaf to new codes.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

OWN = 14
"""Codes with a cell of their own; the spare cell is the next one."""
SPARE = OWN
CELLS = OWN + 1

ODDS = (1.5, 0.6, 2.5)
MEMORY = (0.02, 0.007)
SHRINK = (0.6, 0.8)
TAIL_SHARES = (0.002, 0.01, 0.05, 0.2)
TAIL_HEIGHTS = (12.0, 4.0, 4.0, 2.5)

STAKED = 0.85
"""Sum of the weights; the rest is never bet (see ``odds.py``)."""
_WEIGHTS = (1.0, 1.0, 0.5, 0.4, 0.4, 0.15, 0.15, 0.15, 0.15)
WEIGHTS = tuple(STAKED * weight / sum(_WEIGHTS) for weight in _WEIGHTS)
"""Of the odds (shared by the cells), of what is learnt, of the tails."""

# Columns of the evidence: what each bet holds, then what the learnt ones have learnt (d).
LEARNT = CELLS * len(ODDS)
TAILS = LEARNT + len(MEMORY)
DEVIATIONS = TAILS + len(TAIL_SHARES)
COLUMNS = DEVIATIONS + CELLS * len(MEMORY)


class MixTables(NamedTuple):
    """The bets of all streams. A NamedTuple because numba takes it apart without cost.

    A cell's share is that of a whole number of halves: twice its values among the first W, one more for the
    spare cell, of 2 W + 1.
    """

    outside: NDArray[np.float64]
    """Shape (2 W + 2, 3): by a cell's halves and the odds, the height where p falls into another cell."""
    inside: NDArray[np.float64]
    """The same where it falls into this one."""
    tail_cut: NDArray[np.float64]
    tail_outside: NDArray[np.float64]
    tail_inside: NDArray[np.float64]


@cache
def make_mix_tables(warm_up: int) -> MixTables:
    """The bets, read-only, for a warm-up of this many values.

    >>> tables = make_mix_tables(200)
    >>> share = np.arange(402)[:, None] / 401
    >>> bool(abs(share * tables.inside + (1 - share) * tables.outside - 1).max() < 1e-12)
    True
    """
    share = np.arange(2 * warm_up + 2)[:, None] / (2 * warm_up + 1)
    odds = np.array(ODDS)
    outside = 1.0 / (1.0 + share * (odds - 1.0))
    tail, height = np.array(TAIL_SHARES), np.array(TAIL_HEIGHTS)
    tables = MixTables(
        outside=outside,
        inside=odds * outside,
        tail_cut=1.0 - tail,
        tail_outside=(1.0 - tail * height) / (1.0 - tail),
        tail_inside=height,
    )
    for table in tables:
        table.setflags(write=False)
    return tables
