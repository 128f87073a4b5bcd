"""Which category an incident names, between references that need not have cells for the same codes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.categorical import CategoricalParameters, CsrCategorical
from detectors.cells import BLOCK, CODES, COUNTS, WARM, codes_of
from detectors.contract import NO_CODE, Direction, IncidentKind, Incidents
from detectors.incidents import Change
from detectors.mixes import OWN, SPARE
from detectors.moves import find_move

NEW = 999


def make_block(counts: dict[int, int], spare: int = 0, warm_spare: int = 0) -> NDArray[np.int32]:
    """A reference that has counted so many of each code, and of codes without a cell."""
    block = np.zeros(BLOCK, np.int32)
    codes_of(block)[: len(counts)] = list(counts)
    block[COUNTS : COUNTS + len(counts)] = list(counts.values())
    block[COUNTS + SPARE], block[WARM + SPARE], block[CODES] = spare, warm_spare, len(counts)
    return block


def move(old: NDArray[np.int32], new: NDArray[np.int32]) -> tuple[int, float]:
    """Code and difference, of references of 1,000 and 100 values."""
    told = find_move(old, new, (1000, 100))
    return told.code, round(told.difference, 6)


def test_a_code_with_a_cell_in_both_is_compared_and_named() -> None:
    old, new = make_block({1: 500, 2: 300, 3: 200}), make_block({3: 50, 2: 30, 1: 20})
    assert move(old, new) == (3, 0.3)


def test_a_code_that_was_never_seen_is_named() -> None:
    old, new = make_block({1: 600, 2: 400}), make_block({1: 45, 2: 30, NEW: 25})
    assert move(old, new) == (NEW, 0.25)


def test_the_spare_cell_bounds_the_share_of_a_code_that_has_none() -> None:
    old, new = make_block({1: 600, 2: 340}, spare=60), make_block({1: 42, 2: 33, NEW: 25})
    assert move(old, new) == (NEW, 0.19)
    fallen = make_block({1: 600, 2: 150, NEW: 250}), make_block({1: 75, 2: 20}, spare=5)
    assert move(*fallen) == (NEW, -0.2)


def test_a_code_that_may_have_been_in_the_spare_cell_is_not_named() -> None:
    # 3 has no cell in the new reference and NEW none in the old: 3 may be all of 30 in the spare cell.
    old, new = make_block({1: 500, 2: 200, 3: 30}, spare=270), make_block({1: 38, 2: 12, NEW: 20}, spare=30)
    assert move(old, new) == (NO_CODE, 0.2)


def test_references_without_a_common_code_tell_of_a_code_or_of_nothing() -> None:
    assert move(make_block({1: 1000}), make_block({2: 100})) in [(1, -1.0), (2, 1.0)]
    assert move(make_block({1: 100}, spare=900), make_block({2: 10}, spare=90)) == (NO_CODE, 0.0)


def test_of_a_code_without_a_cell_no_more_is_told_than_is_known() -> None:
    detector = CsrCategorical(engine="numpy")
    seen_later = make_block({1: 990}, spare=10)
    low, level, high, n = detector.level(seen_later, 1000, Change(Direction.UP, NEW))
    assert (low, level, n) == (0.0, 0.01, 1000)
    assert 0.01 < high < 0.04
    many = make_block({1: 700}, spare=200, warm_spare=100)
    low, level, high, _ = detector.level(many, 1000, Change(Direction.UP, NEW))
    assert (low, np.isnan(level)) == (0.0, True)
    assert 0.3 < high < 0.4
    assert np.isnan(detector.level(many, 1000, Change(Direction.UP, NO_CODE))[:3]).all()


def watch_new_tool(shares: NDArray[np.float64], taken: float) -> Incidents:
    """60 streams of tools 1, 2, ..., of whose calls a new one takes this share from the 1,500th on."""
    rng = np.random.default_rng(51)
    codes = (rng.choice(len(shares), size=(3000, 60), p=shares) + 1).astype(np.float64)
    codes[1500:][rng.random((1500, 60)) < taken] = NEW
    detector = CsrCategorical(CategoricalParameters())
    slots = detector.add(np.arange(60, dtype=np.uint64))
    incidents = detector.update(np.tile(slots, 3000), codes.ravel()).incidents
    incidents.row[:] //= 60
    return incidents


ZIPF = np.array([1 / k for k in range(1, 21)]) / sum(1 / k for k in range(1, 21))


@pytest.mark.parametrize(
    ("shares", "taken"),
    [(np.full(5, 1 / 5), 0.25), (np.full(16, 1 / 16), 0.25), (np.full(20, 1 / 20), 0.25), (ZIPF, 0.15)],
    ids=["5", "16", "20", "20, Zipf"],
)
def test_a_new_tool_among_many_is_told_as_what_it_is(shares: NDArray[np.float64], taken: float) -> None:
    incidents = watch_new_tool(shares, taken)
    told = (incidents.kind == IncidentKind.CONFIRMED) & (incidents.row >= 1500)
    code, up = incidents.code[told], incidents.direction[told] == Direction.UP
    old = (code != NEW) & (code != NO_CODE)
    assert told.sum() >= 50
    # The new one or the rest has risen, the old ones have fallen; what is told of them is sampled.
    assert np.mean(up != old) >= 0.9
    before = np.where(code == NEW, 0.0, shares[np.where(old, code - 1, 0)])
    after = np.where(code == NEW, taken, before * (1 - taken))
    for levels, truth in ((incidents.reference[told], before), (incidents.current[told], after)):
        held = (levels[:, 0] <= truth) & (truth <= levels[:, 2])
        assert np.mean(held[code != NO_CODE]) >= 0.9
    if len(shares) <= OWN:
        assert np.mean(code == NEW) >= 0.9
