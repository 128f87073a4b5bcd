"""Test data: the laws and changes of numbers, by name. Not a test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors import synthetic
from detectors.synthetic import LAWS, Family, Nature

__all__ = ["CHANGES", "LAWS", "make_changed"]

CHANGES: dict[str, Family] = {
    family.name: family for family in synthetic.FAMILIES if family.nature is Nature.NUMBER
}


def make_changed(name: str, streams: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values of shape (5000, streams), each stream changing at its own time, uniform on 1,000 to 3,000."""
    rng = np.random.default_rng(seed)
    at = rng.integers(1000, 3001, streams)
    return synthetic.make_changed(CHANGES[name], at, 5000, rng), at
