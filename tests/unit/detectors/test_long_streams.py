"""What happens to a reference that has taken all that 32 bits can count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.binary import ONES, CsrBinary
from detectors.bound import Bound, BoundParameters
from detectors.categorical import CsrCategorical
from detectors.cells import CODES, COUNTS
from detectors.contract import Phase, Readings
from detectors.csr import Csr
from detectors.mondrian import Mondrian, MondrianParameters
from detectors.semantic import Semantic, SemanticParameters
from detectors.slots import Engine, SlotDetector
from detectors.state import BLOCK, MOST_TAKEN

Counts = Callable[[SlotDetector], NDArray[np.int32]]
Values = Callable[[np.random.Generator, int], NDArray[np.float64]]

# Of each kind: how it is made, its counts of one stream (a view), and values of an unchanging law.
KINDS: dict[str, tuple[Callable[[Engine], SlotDetector], Counts, Values]] = {
    "numbers": (
        lambda engine: Csr(engine=engine),
        lambda detector: detector._streams.block[0, None, : BLOCK // 2],
        lambda rng, n: rng.lognormal(size=n),
    ),
    "0/1": (
        lambda engine: CsrBinary(engine=engine),
        lambda detector: detector._streams.block[0, None, ONES : ONES + 1],
        lambda rng, n: (rng.random(n) < 0.1).astype(np.float64),
    ),
    "categories": (
        lambda engine: CsrCategorical(engine=engine),
        lambda detector: detector._streams.block[0, None, COUNTS:CODES],
        lambda rng, n: rng.integers(0, 6, n).astype(np.float64),
    ),
    "seasons": (
        lambda engine: Mondrian(MondrianParameters(buckets=2), engine=engine),
        lambda detector: detector._streams.block[0, None, :0],
        lambda rng, n: rng.lognormal(size=n),
    ),
    "vectors": (
        lambda engine: Semantic(SemanticParameters(dimensions=8), engine=engine),
        lambda detector: detector._streams.block[0].reshape(-1, BLOCK)[1:, : BLOCK // 2],
        lambda rng, n: rng.normal(size=(n, 8)),
    ),
}


def age(detector: SlotDetector, counts: NDArray[np.int32], taken: int) -> None:
    """Let one reference be as if it had taken so many of the same values, all in proportion."""
    streams, had = detector._streams, int(detector._streams.taken[0]) - detector.warm_up
    wanted, share = taken - detector.warm_up, counts.sum(axis=1, dtype=np.int64) / had
    counts[:] = (counts.astype(np.float64) / had * wanted).astype(np.int32)
    # What rounding has lost goes into the fullest cell.
    lost = np.round(share * wanted).astype(np.int64) - counts.sum(axis=1, dtype=np.int64)
    if counts.size:
        counts[np.arange(len(counts)), counts.argmax(axis=1)] += lost.astype(np.int32)
    streams.taken[0] = taken


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_that_has_taken_all_it_can_count_judges_on_and_learns_no_more(kind: str) -> None:
    make, counts_of, draw = KINDS[kind]
    read: list[Readings] = []
    engines: tuple[Engine, ...] = ("numba", "numpy")
    for engine in engines:
        rng, detector = np.random.default_rng(61), make(engine)
        slot = detector.add(np.array([7], np.uint64))
        detector.update(slot.repeat(2000), draw(rng, 2000))
        counts = counts_of(detector)
        age(detector, counts, MOST_TAKEN - 100)
        before = counts.sum(axis=1, dtype=np.int64)
        detector.update(slot.repeat(100), draw(rng, 100))
        full = detector._streams.block.copy()
        assert counts.shape[1] <= 1 or (counts.sum(axis=1, dtype=np.int64) == before + 100).all()
        read.append(detector.update(slot.repeat(300), draw(rng, 300)))
        assert detector._streams.taken[0] == MOST_TAKEN
        assert np.array_equal(detector._streams.block, full)
        assert detector.watched()[0].tolist() == [0]
    assert read[0].statistic.tolist() == read[1].statistic.tolist()
    assert np.isfinite(read[0].statistic).all()
    assert not read[0].alarm.any()
    assert read[0].n.tolist() == list(range(2101, 2401))


@pytest.mark.parametrize("kind", KINDS)
def test_such_a_reference_still_finds_a_change(kind: str) -> None:
    make, counts_of, draw = KINDS[kind]
    rng, detector = np.random.default_rng(62), make("numba")
    slot = detector.add(np.array([7], np.uint64))
    detector.update(slot.repeat(2000), draw(rng, 2000))
    age(detector, counts_of(detector), MOST_TAKEN)
    changed = 1.0 - draw(rng, 300) if kind == "0/1" else 3.0 * draw(rng, 300)
    if kind == "vectors":
        changed = np.abs(changed)
    readings = detector.update(slot.repeat(300), changed)
    assert readings.alarm.any()
    assert Phase.WARM_UP not in readings.phase


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_what_has_been_back_within_a_bound_for_ever_is_not_counted_for_ever(engine: Engine) -> None:
    detector = Bound(0.5, 0.5, BoundParameters(threshold=100.0, recover_threshold=1e9), engine)
    slot = detector.add(np.array([7], np.uint64))
    over: Any = detector.update(slot.repeat(200), np.ones(200))
    assert over.phase[-1] == Phase.RELEARNING
    detector._streams.taken[0], detector._streams.block[0, 0] = MOST_TAKEN - 5, MOST_TAKEN - 5
    detector.update(slot.repeat(20), np.ones(20))
    assert detector._streams.taken.tolist()[0] == MOST_TAKEN
    assert detector._streams.block[0, 0] == MOST_TAKEN
