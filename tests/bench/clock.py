"""How long does a piece of work take? The best of a few runs: what disturbs a shared machine only adds."""

import time
from collections.abc import Callable

Row = tuple[str, float, str]  # what, value, unit


def best_s(work: Callable[[], object], runs: int = 4) -> float:
    """Seconds of the fastest of `runs` runs; the first one warms up."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best
