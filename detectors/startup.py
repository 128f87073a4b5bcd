"""Is the compiled kernel ready, and does it compute what it should on this machine?

Called by a process before its consumer joins a group, so that compiling delays no partition and a kernel that
is wrong processes no record.
"""

from __future__ import annotations

import numpy as np

from detectors.contract import Readings
from detectors.csr import Csr, CsrParameters
from detectors.slots import Engine


class KernelMismatch(RuntimeError):
    """The compiled kernel disagrees with the numpy reference; using it would give other alarms."""


def warm_up() -> None:
    """Compile the kernel (2 to 3 s once a machine, 0.3 s from the cache) and compare it with the reference.

    numba's cache is keyed by the time and size of ``kernel.py`` alone. An installer that sets fixed times can
    leave machine code of an older version there, with constants of other files compiled in.

    Raises:
        KernelMismatch: they differ. Empty numba's cache (``__pycache__`` beside the package, the user's cache
            folder or ``NUMBA_CACHE_DIR``), or use ``engine="numpy"``.
    """
    compiled, plain = _try("numba"), _try("numpy")
    for name in ("statistic", "threshold", "n", "alarm", "direction", "phase"):
        if getattr(compiled, name).tobytes() != getattr(plain, name).tobytes():
            raise KernelMismatch(
                f"the compiled kernel and the numpy reference disagree in {name!r}: empty numba's cache, "
                'or use engine="numpy"'
            )


def _try(engine: Engine) -> Readings:
    """A few streams through every phase: numbers under 37 in a scrambled order, then a shift."""
    streams, before, after = 16, 220, 100
    detector = Csr(CsrParameters(threshold=60.0), engine)
    slots = detector.add(np.arange(streams, dtype=np.uint64))
    number = np.arange(float(streams * (before + after)))
    values = number * 11.0 % 37.0 + np.where(number < streams * before, 0.0, 9.7)
    return detector.update(np.tile(slots, before + after), values)
