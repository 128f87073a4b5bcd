"""What is the mean of bounded numbers, at whatever moment one asks? Betting against each candidate.

The engine of ``compare.py``. Numbers s_1, s_2, ... in [-1, 1] have, given those before, the mean d. Against a
candidate m gamblers bet that d is above it and others that it is below: with y = 1 + s, u = 1 + m, one who
always stakes the part c of what he has holds after n numbers

    above:  prod (1 - c + c y_i / u),      below:  prod (1 - c + c (2 - y_i) / (2 - u)).

If d = m all of these have mean 1 at any stopping time, and so has their mean K(m) over c = .01 .. .9, above
and below alike. Hence (J. Ville 1939), whatever the law of the numbers, independent or not,

    P(there is an n with K_n(d) >= 1 / alpha) <= alpha:

K(0) is an e-value for "d = 0", and the m that were never rejected are a confidence sequence (I. Waudby-Smith,
A. Ramdas, Estimating means of bounded random variables by betting, JRSS-B 2024).

K is convex in m, so what is left is an interval. m runs over a grid, finer towards 0, and the ends are
rounded outwards: to the neighbours of the points that are left or, if none is, of the least K. Wealth is
multiplied, never logged, and capped at 1e300, which only takes from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.contract import Snapshot, SnapshotMismatch
from detectors.snapshots import load_array

STAKES = (0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.7, 0.9)
_CAP = 1e300
_LEAST, _STEP, _POINTS = 0.0005, 1.15, 55
_POSITIVE = [_LEAST * _STEP**k for k in range(_POINTS)]
GRID = np.array([*(-m for m in reversed(_POSITIVE)), 0.0, *_POSITIVE])
"""Candidates for the mean; -1 and 1 bound them."""
ZERO = _POINTS
_ENDS = np.array([-1.0, *GRID, 1.0])


class Betting:
    """Confidence sequences for the means of several columns of numbers, and an e-value for all being 0.

    >>> betting = Betting(columns=1, confidence=0.95)
    >>> for _ in range(100):
    ...     betting.update(np.array([0.5]))
    >>> betting.e_value > 1e9, betting.low.round(2).tolist(), betting.high.round(2).tolist()
    (True, [0.41], [0.54])
    """

    def __init__(self, columns: int, confidence: float) -> None:
        """
        Args:
            columns: numbers in a row.
            confidence: that the intervals of all columns together hold the means at all times, if these stay.
        """
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence must be above 0 and below 1, not {confidence}")
        self._least = columns / (1.0 - confidence)
        self.wealth = np.ones((columns, 2, len(STAKES), len(GRID)))
        self.sums = np.zeros(columns)
        self.count = 0
        self.low = np.full(columns, -1.0)
        """Lower ends. Above the upper one: every candidate was rejected, so the mean changed meanwhile."""
        self.high = np.full(columns, 1.0)
        self.peak = 1.0
        """The greatest e-value so far."""

    @property
    def e_value(self) -> float:
        """Evidence now that some column's mean is not 0; its own mean is at most 1 if all are."""
        return float(self.wealth[..., ZERO].mean())

    def update(self, row: NDArray[np.float64]) -> None:
        """Take a row of numbers in [-1, 1], one a column."""
        up = 1.0 + row[:, None, None]
        stakes = np.array(STAKES)[:, None]
        self.wealth[:, 0] *= (1.0 - stakes) + stakes * (up / (1.0 + GRID))
        self.wealth[:, 1] *= (1.0 - stakes) + stakes * ((2.0 - up) / (1.0 - GRID))
        np.minimum(self.wealth, _CAP, out=self.wealth)
        self.sums += row
        self.count += 1
        self.peak = max(self.peak, self.e_value)
        self._narrow()

    def _narrow(self) -> None:
        gains = self.wealth.mean(axis=(1, 2))
        left = gains < self._least
        best = gains.argmin(axis=1)
        left[np.arange(len(left)), best] = True
        first, last = left.argmax(axis=1), len(GRID) - 1 - left[:, ::-1].argmax(axis=1)
        # In _ENDS a point of the grid stands one place later.
        self.low = np.maximum(self.low, _ENDS[first])
        self.high = np.minimum(self.high, _ENDS[last + 2])

    def snapshot(self) -> Snapshot:
        """The whole state as named arrays that share no memory with it."""
        return {
            "wealth": self.wealth.copy(),
            "sums": self.sums.copy(),
            "low": self.low.copy(),
            "high": self.high.copy(),
            "progress": np.array([self.count, self.peak]),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state by a snapshot's. Raises ``SnapshotMismatch`` for one of other columns."""
        loaded = {name: load_array(snapshot, name, like) for name, like in self.snapshot().items()}
        if len(loaded["wealth"]) != len(self.wealth):
            raise SnapshotMismatch(
                f"the snapshot is of {len(loaded['wealth'])} columns, not {len(self.wealth)}"
            )
        self.wealth, self.sums = loaded["wealth"], loaded["sums"]
        self.low, self.high = loaded["low"], loaded["high"]
        self.count, self.peak = int(loaded["progress"][0]), float(loaded["progress"][1])
