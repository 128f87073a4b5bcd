"""How many observations a second do the detectors take on one core, and how is that beside river's ADWIN?

Called by the bench harness, or alone: ``python -m tests.bench.detectors_speed``. The best of a few short
runs, so that a busy machine disturbs little; ratios carry over to other machines, rates do not.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

from detectors.binary import CsrBinary
from detectors.categorical import CsrCategorical
from detectors.csr import Csr, CsrParameters
from detectors.slots import Engine
from detectors.startup import warm_up
from detectors.state import SIDE_BYTES, STREAM_BYTES, side_bytes, stream_bytes

RUNS = 3
Slots = NDArray[np.int32]


def best_rate(rows: int, action: Callable[[], object]) -> float:
    """Rows a second of one core in the fastest of a few runs; waiting for a busy machine does not count."""
    times = []
    for _ in range(RUNS):
        start = process_time()
        action()
        times.append(process_time() - start)
    return rows / min(times)


def make_armed(streams: int, engine: Engine, rng: np.random.Generator) -> Csr:
    """A detector whose streams have all learnt a reference."""
    detector = Csr(CsrParameters(), engine)
    slots = detector.add(np.arange(streams, dtype=np.uint64))
    for _ in range(13):
        detector.update(np.tile(slots, 10), rng.lognormal(7.0, 0.6, 10 * streams))
    return detector


def skewed(streams: int, rows: int, rng: np.random.Generator) -> Slots:
    """Arrivals of which a few streams have most: Zipf(1.2)."""
    return ((rng.zipf(1.2, rows) - 1) % streams).astype(np.int32)


def measure_csr(streams: int, slots: Slots, engine: Engine, rng: np.random.Generator) -> float:
    """Observations a second."""
    detector = make_armed(streams, engine, rng)
    values = rng.lognormal(7.0, 0.6, len(slots))
    return best_rate(len(slots), lambda: detector.update(slots, values))


def measure_shares(kind: type[CsrBinary | CsrCategorical], slots: Slots, rng: np.random.Generator) -> float:
    """Observations a second of 0/1 at a rate of 5 %, or of codes of eight categories, 10,000 streams."""
    detector = kind()
    every = detector.add(np.arange(10_000, dtype=np.uint64))
    learnt = 21 * 10_000 * 10
    if kind is CsrBinary:
        values = (rng.random(learnt + len(slots)) < 0.05).astype(np.float64)
    else:
        values = np.floor(8 * rng.random(learnt + len(slots)) ** 2)
    for part in values[:learnt].reshape(21, -1):
        detector.update(np.tile(every, 10), part)
    return best_rate(len(slots), lambda: detector.update(slots, values[learnt:]))


def measure_adwin(streams: int, rng: np.random.Generator) -> float:
    """Observations a second of river's ADWIN, one object a stream, in the least loop a caller could write."""
    detectors = [ADWIN() for _ in range(streams)]  # type: ignore[no-untyped-call]  # river ships no types
    values = rng.lognormal(7.0, 0.6, 100_000).tolist()
    order = rng.integers(0, streams, len(values)).tolist()

    def loop() -> None:
        for stream, value in zip(order, values, strict=True):
            detectors[stream].update(value)

    return best_rate(len(values), loop)


def measure_snapshot(streams: int, rng: np.random.Generator) -> float:
    """Milliseconds to take a snapshot and restore it."""
    detector = make_armed(streams, "numba", rng)
    return 1e3 / best_rate(1, lambda: detector.restore(detector.snapshot()))


def run() -> list[tuple[str, float, str]]:
    """Measure everything, about 10 s: (what, value, unit)."""
    rng = np.random.default_rng(1)
    start = perf_counter()
    warm_up()
    compiled_s = perf_counter() - start
    rows = 1_000_000
    adwin = measure_adwin(10_000, rng)
    single = measure_adwin(1, rng)
    results = [
        ("CSR: compile or load the kernel and check it", compiled_s, "s"),
        ("river ADWIN in a loop, one stream", single / 1e6, "M updates/s"),
        ("river ADWIN in a loop, 10,000 streams", adwin / 1e6, "M updates/s"),
    ]
    for streams, name, slots in (
        (10_000, "uniform arrivals", rng.integers(0, 10_000, rows).astype(np.int32)),
        (10_000, "Zipf(1.2) arrivals", skewed(10_000, rows, rng)),
        (100_000, "uniform arrivals", rng.integers(0, 100_000, rows).astype(np.int32)),
    ):
        rate = measure_csr(streams, slots, "numba", rng)
        results.append((f"CSR, {streams:,} streams, {name}", rate / 1e6, "M updates/s"))
        results.append((f"CSR, {streams:,} streams, {name} / ADWIN, 10,000", rate / adwin, "x"))
        results.append((f"CSR, {streams:,} streams, {name} / ADWIN, one", rate / single, "x"))
    for kind, name in ((CsrBinary, "0/1"), (CsrCategorical, "categories")):
        for arrivals, slots in (
            ("uniform arrivals", rng.integers(0, 10_000, rows).astype(np.int32)),
            ("Zipf(1.2) arrivals", skewed(10_000, rows, rng)),
        ):
            rate = measure_shares(kind, slots, rng)
            results.append((f"{name}, 10,000 streams, {arrivals}", rate / 1e6, "M updates/s"))
            results.append((f"{name}, 10,000 streams, {arrivals} / ADWIN, 10,000", rate / adwin, "x"))
        results.append((f"{name}: state of a stream", float(stream_bytes(kind.layout)), "bytes"))
        results.append((f"{name}: more while an incident is open", float(side_bytes(kind.layout)), "bytes"))
    plain = measure_csr(10_000, rng.permutation(10_000).astype(np.int32), "numpy", rng)
    results.append(("CSR in numpy, 10,000 streams, one observation each", plain / 1e6, "M updates/s"))
    results.append(("CSR: snapshot and restore of 10,000 streams", measure_snapshot(10_000, rng), "ms"))
    results.append(("CSR: state of a stream", float(STREAM_BYTES), "bytes"))
    results.append(("CSR: more while an incident is open", float(SIDE_BYTES), "bytes"))
    return results


if __name__ == "__main__":
    for what, value, unit in run():
        print(f"{what:60s} {value:12.3f} {unit}")
