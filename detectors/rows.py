"""What do the engines and the detector hand each other for one batch?

Between ``csr.py``, which allocates a batch and acts on what is rare, and the two engines that take its rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FULL = 1
"""An engine has just taken its W-th value and needs its edges."""
REACHED = 2
"""The statistic reached what it is held against."""
EXPIRED = 4
"""The open incident has lasted its number of observations."""


class Rows(NamedTuple):
    """A batch: what comes in and the columns of ``Readings`` that are filled."""

    slot: NDArray[np.int32]
    value: NDArray[np.float64]
    statistic: NDArray[np.float64]
    threshold: NDArray[np.float64]
    n: NDArray[np.int64]
    phase: NDArray[np.int8]
    flag: NDArray[np.int8]


def make_rows(slots: NDArray[np.int32], values: NDArray[np.float64]) -> Rows:
    """A batch that nothing has been done to."""
    n = len(slots)
    return Rows(
        slot=slots,
        value=values,
        statistic=np.zeros(n),
        threshold=np.zeros(n),
        n=np.zeros(n, np.int64),
        phase=np.zeros(n, np.int8),
        flag=np.zeros(n, np.int8),
    )
