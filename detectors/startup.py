"""Are the compiled kernels ready, and do they compute what they should on this machine?

Called by a process before its consumer joins a group, so that compiling delays no partition and a kernel that
is wrong processes no record.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.binary import BinaryParameters, CsrBinary
from detectors.categorical import CategoricalParameters, CsrCategorical
from detectors.contract import Readings
from detectors.csr import Csr, CsrParameters
from detectors.slots import Engine, SlotDetector

_STREAMS, _BEFORE, _AFTER = 16, 320, 100


class KernelMismatch(RuntimeError):
    """A compiled kernel disagrees with the numpy reference; using it would give other alarms."""


def warm_up() -> None:
    """Compile the kernels of numbers, 0/1 and categories and compare them with the reference.

    Takes 8 s once a machine, 1 s from the cache. numba's cache is keyed by the time and size of a kernel's
    file alone: an installer that sets fixed times, or a change of a file that a kernel imports, can leave
    machine code of an older version there, with constants of other files compiled in.

    Raises:
        KernelMismatch: they differ. Empty numba's cache (``__pycache__`` beside the package, the user's cache
            folder or ``NUMBA_CACHE_DIR``), or use ``engine="numpy"``.
    """
    numbers = np.arange(float(_STREAMS * (_BEFORE + _AFTER)))
    after = numbers >= _STREAMS * _BEFORE
    scrambled = numbers * 11.0 % 37.0
    _compare(Csr, scrambled + np.where(after, 9.7, 0.0))
    _compare(CsrBinary, (scrambled < np.where(after, 20.0, 7.0)).astype(np.float64))
    _compare(CsrCategorical, np.floor(scrambled / np.where(after, 15.0, 6.0)))


def _compare(kind: type[Csr | CsrBinary | CsrCategorical], values: NDArray[np.float64]) -> None:
    compiled, plain = _try(_make(kind, "numba"), values), _try(_make(kind, "numpy"), values)
    for name in ("statistic", "threshold", "n", "alarm", "direction", "phase"):
        if getattr(compiled, name).tobytes() != getattr(plain, name).tobytes():
            raise KernelMismatch(
                f"the compiled kernel of {kind.__name__} and the numpy reference disagree in {name!r}: empty "
                'numba\'s cache, or use engine="numpy"'
            )


def _make(kind: type[Csr | CsrBinary | CsrCategorical], engine: Engine) -> SlotDetector:
    if kind is Csr:
        return Csr(CsrParameters(threshold=60.0), engine)
    if kind is CsrBinary:
        return CsrBinary(BinaryParameters(threshold=60.0), engine)
    return CsrCategorical(CategoricalParameters(threshold=60.0), engine)


def _try(detector: SlotDetector, values: NDArray[np.float64]) -> Readings:
    """A few streams through every phase: an unchanged order of values, then others."""
    slots = detector.add(np.arange(_STREAMS, dtype=np.uint64))
    return detector.update(np.tile(slots, _BEFORE + _AFTER), values)
