"""How fast, and how large? By a second of one core; ratios carry over to other machines, rates do not."""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time

import numpy as np

from detectors.state import STREAM_BYTES
from tests.bench.detectors_speed import make_armed, measure_adwin, measure_csr, skewed

_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Speed:
    """Rates are updates a second."""

    updates_10k: float
    updates_10k_skewed: float
    updates_100k: float
    adwin: float
    """One ADWIN a stream, 10,000 streams, in a Python loop."""
    snapshot_ms: float
    """Of 100,000 streams: taken and restored."""
    snapshot_identical: bool
    stream_bytes: int


def measure_speed() -> Speed:
    """About 15 s."""
    rng = np.random.default_rng(1)
    uniform = rng.integers(0, 10_000, _ROWS).astype(np.int32)
    many = rng.integers(0, 100_000, _ROWS).astype(np.int32)
    snapshot_ms, identical = _measure_snapshot(rng)
    return Speed(
        updates_10k=measure_csr(10_000, uniform, "numba", rng),
        updates_10k_skewed=measure_csr(10_000, skewed(10_000, _ROWS, rng), "numba", rng),
        updates_100k=measure_csr(100_000, many, "numba", rng),
        adwin=measure_adwin(10_000, rng),
        snapshot_ms=snapshot_ms,
        snapshot_identical=identical,
        stream_bytes=STREAM_BYTES,
    )


def _measure_snapshot(rng: np.random.Generator) -> tuple[float, bool]:
    detector = make_armed(100_000, "numba", rng)
    best, identical = float("inf"), True
    for _ in range(3):
        start = process_time()
        taken = detector.snapshot()
        detector.restore(taken)
        best = min(best, process_time() - start)
        again = detector.snapshot()
        identical &= all(again[name].tobytes() == array.tobytes() for name, array in taken.items())
    return 1e3 * best, identical
