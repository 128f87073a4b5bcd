"""What do the detectors cost that stand beside CSR: AR stage, Mondrian, known bound, pinned, semantic?

Called by the bench harness, or alone: ``python -m tests.bench.stages_speed``. Each takes the same arrivals as
CSR in the same run; the ratio to CSR carries over to other machines, the rate does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.ar import ArCsr
from detectors.bound import Bound
from detectors.compare import BoundedComparison, NumberComparison
from detectors.csr import Csr
from detectors.mondrian import Mondrian
from detectors.pinned import Pinned, PinnedParameters
from detectors.river_adapter import make_adwin
from detectors.semantic import Semantic
from detectors.text_vectors import text_vector
from tests.bench.detectors_speed import best_rate

STREAMS = 10_000
ROWS = 500_000
Values = NDArray[np.float64]
Columns = Callable[[int, np.random.Generator], tuple[NDArray[Any], ...]]


@dataclass(frozen=True)
class Kind:
    """A detector and what it is fed with."""

    name: str
    make: Callable[[], Any]
    columns: Columns
    """Takes a number of rows."""
    warm_up: int
    """Observations after which each stream is armed."""
    streams: int = STREAMS
    rows: int = ROWS


def _latencies(rows: int, rng: np.random.Generator) -> tuple[Values]:
    return (rng.lognormal(7.0, 0.6, rows),)


def _with_hours(rows: int, rng: np.random.Generator) -> tuple[Values, NDArray[np.int64]]:
    return rng.lognormal(7.0, 0.6, rows), rng.integers(0, 24, rows)


def _vectors(rows: int, rng: np.random.Generator) -> tuple[Values]:
    return (rng.normal(size=(rows, 256)) + 1.0,)


KINDS = (
    Kind("CSR", Csr, _latencies, 60),
    Kind("AR stage, off", ArCsr, _latencies, 190),
    Kind("Mondrian, 24 hours", Mondrian, _with_hours, 60),
    Kind("known bound", lambda: Bound(2000.0, 0.5), _latencies, 1),
    Kind("pinned", lambda: Pinned(PinnedParameters(observations=100)), _latencies, 160),
    Kind("semantic, 256 components", Semantic, _vectors, 160, streams=100, rows=10_000),
    Kind("river's ADWIN, adapted", make_adwin, _latencies, 110, streams=100, rows=20_000),
)


def measure(kind: Kind, rng: np.random.Generator) -> tuple[float, float]:
    """Observations a second, and bytes of a snapshot a stream."""
    detector = kind.make()
    slots = detector.add(np.arange(kind.streams, dtype=np.uint64))
    for _ in range(kind.warm_up):
        detector.update(slots, *kind.columns(kind.streams, rng))
    arrivals = rng.integers(0, kind.streams, kind.rows).astype(np.int32)
    columns = kind.columns(kind.rows, rng)
    rate = best_rate(kind.rows, lambda: detector.update(arrivals, *columns))
    return rate, sum(array.nbytes for array in detector.snapshot().values()) / kind.streams


def measure_remembering(rng: np.random.Generator) -> float:
    """Observations a second of the AR stage where it is on: each stream is AR(1) with phi = .5."""
    detector = ArCsr()
    slots = detector.add(np.arange(STREAMS, dtype=np.uint64))
    level = rng.normal(size=STREAMS)
    for _ in range(190):
        level = 0.5 * level + 0.75**0.5 * rng.normal(size=STREAMS)
        detector.update(slots, level)
    arrivals = rng.integers(0, STREAMS, ROWS).astype(np.int32)
    values = rng.normal(size=ROWS)
    return best_rate(ROWS, lambda: detector.update(arrivals, values))


def measure_microseconds(action: Callable[[], object], times: int) -> float:
    """Of one of so many things that the action does."""
    start = perf_counter()
    action()
    return (perf_counter() - start) / times * 1e6


def run() -> list[tuple[str, float, str]]:
    """Measure everything, about 40 s: (what, value, unit)."""
    rng = np.random.default_rng(1)
    results: list[tuple[str, float, str]] = []
    beside = 0.0
    for kind in KINDS:
        rate, size = measure(kind, rng)
        beside = beside or rate
        results.append((f"{kind.name}, {kind.streams:,} streams", rate / 1e6, "M updates/s"))
        if rate != beside:
            results.append((f"{kind.name} / CSR", rate / beside, "x"))
        results.append((f"{kind.name}: state of a stream", size, "bytes"))
    remembering = measure_remembering(rng)
    results.append((f"AR stage, on, {STREAMS:,} streams", remembering / 1e6, "M updates/s"))
    results.append(("AR stage, on / CSR", remembering / beside, "x"))

    is_b, values = np.arange(4000) % 2 == 1, rng.random(4000)
    for name, comparison in (("numbers", NumberComparison()), ("bounded", BoundedComparison())):
        cost_us = measure_microseconds(partial(comparison.update, is_b, values), 2000)
        results.append((f"A against B, {name}: a score", cost_us, "us"))
    text = " ".join(f"word{i}" for i in range(700))
    results.append(
        ("vector of a text of 700 words", measure_microseconds(lambda: text_vector(text), 1), "us")
    )
    return results


if __name__ == "__main__":
    for what, value, unit in run():
        print(f"{what:60s} {value:12.3f} {unit}")
