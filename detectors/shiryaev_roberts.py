"""How much evidence has gathered that something changed, at a time nobody knows?

Last step of CSR: bins -> rank -> bets -> **statistic**. Before every observation a gambler starts with a
stake of 1, the share w_j of it on bet j, and never leaves; S_j is what all of them together hold on bet j:

    S_j <- (S_j + w_j) f_j(p),    statistic M = sum of the S_j,    alarm when M >= A.

While nothing changes each stake stays what it is on average, so M_n - n is a martingale, and at the alarm
M_N >= A: therefore E[N] = E[M_N] >= A, whatever the law (A. Shiryaev 1963, S. Roberts 1966; as e-detector: J.
Shin, A. Ramdas, A. Rinaldo, NEJSDS 2024). A is the promised mean number of observations to a false alarm. The
greatest S_j / w_j, what a stake on that bet alone would have won, names the change.

S_j is float32: below an alarm it stays under A (A <= 1e9, so no overflow, however long nothing changes), and
it is never under the smallest stake times the smallest bet, 2^-23. Rounding is to nearest, a relative 6e-8 a
step; the stakes add up exactly. ``kernel.py`` states the same for one observation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.bets import BETS, CELLS, DIRECTIONS, STAKES
from detectors.contract import Direction

_STAKES = np.array(STAKES, np.float32)


def bet(
    evidence: NDArray[np.float32], p: NDArray[np.float64], tables: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The evidence, shape (streams, BETS), after one rank p for each stream."""
    cells = np.minimum((p * CELLS).astype(np.int64), CELLS - 1)
    return (evidence + _STAKES) * tables[cells]


def staked(amount: float) -> NDArray[np.float32]:
    """What the bets hold, shape (BETS,), when so much was put on them together.

    >>> bool(statistic(staked(600.0)[None, :])[0] == 600.0)
    True
    """
    return np.float32(amount) * _STAKES


def statistic(evidence: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum over the bets: four partial sums of five columns, in a fixed order, so that every engine agrees.

    >>> statistic(np.ones((1, BETS), np.float32)).tolist()
    [20.0]
    """
    parts = evidence[:, 0:4]
    for j in range(4, BETS, 4):
        parts = parts + evidence[:, j : j + 4]
    total = (parts[:, 0] + parts[:, 1]) + (parts[:, 2] + parts[:, 3])
    return total.astype(np.float64)


def mean(evidence: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean over bets of equal stakes, added in order; shape (streams,) from (streams, bets).

    >>> mean(np.array([[1, 2, 6]], np.float32)).tolist()
    [3.0]
    """
    total = evidence[:, 0]
    for j in range(1, evidence.shape[1]):
        total = total + evidence[:, j]
    means: NDArray[np.float64] = total.astype(np.float64) / evidence.shape[1]
    return means


def direction(evidence: NDArray[np.float32]) -> Direction:
    """The kind of change one stream's evidence speaks for most.

    Args:
        evidence: shape (BETS,).
    """
    return DIRECTIONS[int(np.argmax(evidence / _STAKES))]
