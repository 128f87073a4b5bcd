"""How much evidence has gathered that something changed, at a time nobody knows?

Last step of CSR: bins -> rank -> bets -> **statistic**. A gambler starts with a stake of 1 on each bet before
every observation and never leaves; R_j is what all of them together hold on bet j:

    R_j <- (R_j + 1) f_j(p),    statistic M = mean of the R_j,    alarm when M >= A.

While nothing changes each stake stays 1 on average, so M_n - n is a martingale, and at the alarm M_N >= A:
therefore E[N] = E[M_N] >= A, whatever the law (A. Shiryaev 1963, S. Roberts 1966; as e-detector: J. Shin, A.
Ramdas, A. Rinaldo, NEJSDS 2024). A is the promised mean number of observations to a false alarm. The greatest
R_j names the change.

R_j is float32: below an alarm it stays under 19 A (A <= 1e9, so no overflow, however long nothing changes),
and it is never under the smallest bet, 2^-16. Rounding is to nearest, a relative 6e-8 a step. ``kernel.py``
states the same for one observation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.bets import BETS, CELLS, COLUMNS, DIRECTIONS
from detectors.contract import Direction


def bet(
    evidence: NDArray[np.float32], p: NDArray[np.float64], tables: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The evidence, shape (streams, COLUMNS), after one rank p for each stream."""
    cells = np.minimum((p * CELLS).astype(np.int64), CELLS - 1)
    return (evidence + np.float32(1.0)) * tables[cells]


def statistic(evidence: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean over the bets: four partial sums of five columns, in a fixed order, so that every engine agrees.

    >>> statistic(np.ones((1, COLUMNS), np.float32)).round(6).tolist()
    [1.052632]
    """
    parts = evidence[:, 0:4]
    for j in range(4, COLUMNS, 4):
        parts = parts + evidence[:, j : j + 4]
    total = (parts[:, 0] + parts[:, 1]) + (parts[:, 2] + parts[:, 3])
    return total.astype(np.float64) / BETS


def direction(evidence: NDArray[np.float32]) -> Direction:
    """The kind of change one stream's evidence speaks for most.

    Args:
        evidence: shape (COLUMNS,).
    """
    return DIRECTIONS[int(np.argmax(evidence[:BETS]))]
