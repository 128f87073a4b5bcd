"""What is bet against "nothing has changed since the reference was pinned"?

A pinned reference is not grown, so p-values are no longer independent and uniform: given the reference of n
observations they are independent with a law G of their own, that of new observations seen through it. But G
is near the uniform law: with chance 1 - delta over the reference

    sup |G(p) - p| <= eps = sqrt(ln(2 / delta) / (2 n))

(A. Dvoretzky, J. Kiefer, J. Wolfowitz 1956; P. Massart, Annals of Probability 1990), and then a bet f, of
total variation V(f), gains at most E[f(p)] <= 1 + eps V(f). So each bet is divided by 1 + eps V(f). That
costs most where f varies much; the bets are therefore flatter than those of CSR: linear in p, quadratic,
steps, and for large changes the normal law's ratios. Tables have 1,024 cells, as CSR's, and equal stakes.
"""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import bets
from detectors.bets import CELLS
from detectors.contract import Direction


class PinnedBet(NamedTuple):
    """A bet before it is divided: its averages over the cells, mean 1, and what it is made for."""

    direction: Direction
    averages: NDArray[np.float64]


_P = (np.arange(CELLS) + 0.5) / CELLS
_TILT = 2.0 * _P - 1.0
_BEND = (3.0 * _TILT * _TILT - 1.0) / 2.0


def _step(start: float, height: float) -> NDArray[np.float64]:
    """``height`` above ``start``, and below it what is left to average 1."""
    above = start < _P
    rest = (1.0 - height * above.mean()) / (1.0 - above.mean())
    return np.where(above, height, rest)


def _csr(name: str) -> NDArray[np.float64]:
    place = [bet.name for bet in bets.TABLE].index(name)
    return bets.make_tables()[:, place].astype(np.float64)


def make_bets() -> tuple[PinnedBet, ...]:
    """Twenty bets; made when asked, because CSR's tables are."""
    up, down = Direction.UP, Direction.DOWN
    tilts = [PinnedBet(up if c > 0 else down, 1.0 + c * _TILT) for c in (0.3, -0.3, 0.6, -0.6, 0.9, -0.9)]
    wider = [PinnedBet(Direction.WIDER, 1.0 + c * _BEND) for c in (0.5, 0.9)]
    narrower = [PinnedBet(Direction.NARROWER, 1.0 - c * _BEND) for c in (0.5, 0.9)]
    steps = [_step(0.9, 2.0), _step(0.9, 4.0), _step(0.98, 12.0)]
    upper = [PinnedBet(Direction.UPPER_TAIL, step) for step in steps]
    lower = [PinnedBet(Direction.LOWER_TAIL, step[::-1]) for step in steps]
    large = [
        PinnedBet(up, _csr("shift +1")),
        PinnedBet(down, _csr("shift -1")),
        PinnedBet(Direction.NARROWER, _csr("scale 0.5")),
        PinnedBet(Direction.WIDER, _csr("scale 2.5")),
    ]
    return (*tilts, *wider, *narrower, *upper, *lower, *large)


def band(observations: int, delta: float) -> float:
    """eps: how far G may be from uniform, with chance 1 - delta.

    >>> round(band(1000, 0.01), 4)
    0.0515
    """
    return sqrt(log(2.0 / delta) / (2.0 * observations))


def make_pinned_tables(observations: int, delta: float) -> NDArray[np.float32]:
    """The divided bets, shape (CELLS, bets), float32 rounded down.

    >>> tables = make_pinned_tables(1000, 0.01)
    >>> tables.shape, bool((tables.mean(axis=0, dtype=np.float64) < 1.0).all())
    ((1024, 20), True)
    """
    averages = np.stack([bet.averages for bet in make_bets()], axis=1)
    variation = np.abs(np.diff(averages, axis=0)).sum(axis=0)
    divided = averages / (averages.mean(axis=0) * (1.0 + band(observations, delta) * variation))
    rounded: NDArray[np.float32] = np.nextafter(divided.astype(np.float32), np.float32(0.0))
    return rounded
