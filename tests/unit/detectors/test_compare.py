"""A against B: the chance of a false call under optional stopping, intervals, power, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.arms import Values
from detectors.betting import ZERO, Betting
from detectors.compare import BoundedComparison, CategoryComparison, Comparison, NumberComparison, Verdict
from detectors.contract import NO_CODE, Direction, SnapshotMismatch

Scores = Callable[[np.random.Generator, int], NDArray[np.float64]]
ALPHA = 0.05


def rates(a: float, b: float, block: int = 1) -> Scores:
    """Scores of rates, each of B's against a block of A's."""
    return lambda rng, n: (rng.random(n) < b) - (rng.random((block, n)) < a).mean(axis=0)


def signs(shift: float, block: int = 1) -> Scores:
    return lambda rng, n: np.sign(rng.normal(shift, 1.0, n) - rng.normal(size=(block, n))).mean(axis=0)


def in_bursts(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Both arms' rates are the same at each moment, but wander together."""
    rate = rng.choice([0.001, 0.3])
    scores: NDArray[np.float64] = (rng.random(n) < rate).astype(np.float64) - (rng.random(n) < rate)
    return scores


NULLS: dict[str, Scores] = {
    "rare errors": rates(0.02, 0.02),
    "a canary of 5 % of the traffic": rates(0.1, 0.1, block=16),
    "numbers": signs(0.0),
    "numbers of a canary": signs(0.0, block=16),
    "rates that wander together": in_bursts,
}


@pytest.mark.parametrize("null", NULLS)
def test_looking_all_the_time_calls_equal_arms_different_at_most_as_often_as_promised(null: str) -> None:
    replicates, rng = 400, np.random.default_rng(1)
    betting = Betting(replicates, confidence=0.95)
    called = np.zeros(replicates, np.bool_)
    for _ in range(800):
        betting.update(NULLS[null](rng, replicates))
        called |= betting.wealth[..., ZERO].mean(axis=(1, 2)) >= 1 / ALPHA
    assert called.mean() <= ALPHA + 2.326 * np.sqrt(ALPHA * (1 - ALPHA) / replicates)


@pytest.mark.parametrize("null", NULLS)
def test_the_e_value_s_mean_at_a_time_that_the_data_choose_is_at_most_one(null: str) -> None:
    replicates, rng = 400, np.random.default_rng(2)
    betting = Betting(replicates, confidence=0.95)
    stopped = np.full(replicates, np.nan)
    for _ in range(300):
        betting.update(NULLS[null](rng, replicates))
        now = betting.wealth[..., ZERO].mean(axis=(1, 2))
        stopped = np.where(np.isnan(stopped) & (now >= 3.0), now, stopped)
    values = np.where(np.isnan(stopped), now, stopped)
    assert values.mean() - 2.326 * values.std(ddof=1) / np.sqrt(replicates) <= 1.0


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.05), (0.02, 0.06), (0.3, 0.1), (0.9, 0.95)])
def test_the_interval_holds_the_difference_at_all_times_and_narrows(a: float, b: float) -> None:
    replicates, missed, widths = 120, 0, []
    rng = np.random.default_rng(3)
    for _ in range(replicates):
        comparison = BoundedComparison(confidence=0.8)
        is_b = rng.random(800) < 0.5
        comparison.update(is_b, (rng.random(800) < np.where(is_b, b, a)).astype(np.float64))
        # The interval only ever shrinks, so the last one tells of all times.
        difference = comparison.read().differences[0]
        missed += not difference.low <= b - a <= difference.high
        widths.append(difference.high - difference.low)
    assert missed / replicates <= 0.2 + 2.326 * np.sqrt(0.2 * 0.8 / replicates)
    assert np.median(widths) < 0.25


@pytest.mark.parametrize(
    ("scores", "needed"),
    [
        (rates(0.02, 0.04), 1500),
        (rates(0.1, 0.2), 290),
        (rates(0.02, 0.04, block=16), 750),
        (signs(0.25), 550),
        (signs(-0.5), 160),
        (signs(0.25, block=16), 220),
    ],
)
def test_a_difference_is_found(scores: Scores, needed: int) -> None:
    replicates, rng = 100, np.random.default_rng(4)
    betting = Betting(replicates, confidence=0.95)
    first = np.full(replicates, np.inf)
    for n in range(1, 2 * needed):
        betting.update(scores(rng, replicates))
        reached = betting.wealth[..., ZERO].mean(axis=(1, 2)) >= 1 / ALPHA
        first[reached & np.isinf(first)] = n
    assert np.median(first) <= needed


def compare(comparison: Comparison, a: NDArray[np.float64], b: NDArray[np.float64]) -> Verdict:
    """Both arms in turn."""
    is_b = np.tile([False, True], len(a))
    comparison.update(is_b, np.stack([a, b], axis=1).ravel())
    return comparison.read()


def test_numbers_tell_which_arm_is_greater_and_by_how_much() -> None:
    rng = np.random.default_rng(5)
    verdict = compare(NumberComparison(), rng.lognormal(7.0, 0.6, 3000), 1.3 * rng.lognormal(7.0, 0.6, 3000))
    assert verdict.p_value < 1e-6
    assert verdict.e_value > 1e6
    assert verdict.differences[0].direction is Direction.UP
    # P(B > A) - P(B < A) of normals a distance apart: 2 Phi(ln 1.3 / .6 / sqrt 2) - 1.
    assert verdict.differences[0].low <= 0.243 <= verdict.differences[0].high
    assert verdict.medians is not None
    assert verdict.medians.low <= 0.3 * np.exp(7.0) <= verdict.medians.high
    assert verdict.medians.low > 0
    assert verdict.medians.a.level == pytest.approx(np.exp(7.0), rel=0.05)
    assert (verdict.scores, verdict.n_a, verdict.n_b) == (3000, 3000, 3000)


def test_the_unit_of_numbers_changes_no_verdict() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=500), rng.normal(0.5, 1.0, 500)
    plain = compare(NumberComparison(), a, b)
    for factor in (1e-6, 1e6):
        scaled = compare(NumberComparison(), a * factor, b * factor)
        assert scaled.e_value == plain.e_value
        assert scaled.differences == plain.differences


def test_the_medians_are_held_by_their_intervals() -> None:
    rng, missed = np.random.default_rng(7), 0
    for _ in range(200):
        values, n = Values(), int(rng.integers(20, 2000))
        values.add(rng.normal(-3.0, 5.0, n))
        level = values.median(0.95)
        missed += not level.low <= -3.0 <= level.high
        assert level.low <= level.level <= level.high
    assert missed / 200 <= 0.05


def test_bounded_numbers_tell_the_difference_of_means_in_their_unit() -> None:
    rng = np.random.default_rng(8)
    stars_a, stars_b = rng.integers(1, 6, 4000), np.maximum(rng.integers(1, 6, 4000) - 1, 1)
    verdict = compare(BoundedComparison(1, 5), stars_a.astype(float), stars_b.astype(float))
    difference = verdict.differences[0]
    assert difference.low <= -0.8 <= difference.high < 0
    assert difference.estimate == pytest.approx(stars_b.mean() - stars_a.mean())
    assert difference.direction is Direction.DOWN
    assert verdict.medians is None


def test_of_categories_the_ones_that_differ_are_named() -> None:
    rng = np.random.default_rng(9)
    a = rng.choice(5, 4000, p=[0.4, 0.3, 0.2, 0.1, 0.0])
    b = rng.choice(5, 4000, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    verdict = compare(CategoryComparison([0, 1, 2, 3]), a.astype(float), b.astype(float))
    assert verdict.p_value < 0.01
    assert [d.code for d in verdict.differences] == [0, 1, 2, 3, NO_CODE]
    directions = [d.direction for d in verdict.differences]
    assert directions == [Direction.NONE, Direction.DOWN, Direction.NONE, Direction.NONE, Direction.UP]
    assert verdict.differences[4].low <= 0.1 <= verdict.differences[4].high


def test_equal_mixes_are_seldom_called_different() -> None:
    rng, called = np.random.default_rng(10), 0
    for _ in range(60):
        mix = rng.dirichlet(np.ones(6))
        verdict = compare(CategoryComparison([0, 1, 2, 3]), *rng.choice(6, (2, 300), p=mix).astype(float))
        called += verdict.p_value <= ALPHA
    assert called / 60 <= ALPHA + 2.326 * np.sqrt(ALPHA * (1 - ALPHA) / 60)


def test_a_busy_arm_is_scored_in_blocks_of_its_latest() -> None:
    comparison = BoundedComparison()
    is_b = np.array([False] * 20 + [True, False, True, True])
    values = np.array([1.0] * 4 + [0.0] * 16 + [1.0, 0.0, 0.0, 1.0])
    comparison.update(is_b, values)
    verdict = comparison.read()
    # The four ones of A are older than its latest sixteen; the last of B still waits for a partner.
    assert (verdict.scores, verdict.n_a, verdict.n_b) == (2, 21, 3)
    assert verdict.differences[0].estimate == pytest.approx((1.0 + 0.0) / 2)


def test_a_trend_that_both_arms_share_counts_as_what_it_moves_in_six_observations_of_a_canary() -> None:
    rng = np.random.default_rng(13)
    values = rng.normal(size=8000) + 0.05 * np.arange(8000)
    canary, even = NumberComparison(), NumberComparison()
    canary.update(rng.random(8000) < 0.05, values)
    even.update(rng.random(8000) < 0.5, values)
    # P(B > A) - P(B < A) of normals .05 times 6 apart.
    assert canary.read().differences[0].estimate == pytest.approx(0.168, abs=0.08)
    assert even.read().differences[0].estimate == pytest.approx(0.0, abs=0.05)


def make_all() -> list[Comparison]:
    return [NumberComparison(), BoundedComparison(0.0, 9.0), CategoryComparison([0, 3])]


def test_cuts_and_snapshots_change_nothing() -> None:
    rng = np.random.default_rng(11)
    is_b, values = rng.random(600) < 0.2, rng.integers(0, 9, 600).astype(np.float64)
    values[::50] = np.nan
    for whole, cut, other in zip(make_all(), make_all(), make_all(), strict=True):
        whole.update(is_b, values)
        cut.update(is_b[:123], values[:123])
        cut.update(is_b[123:400], values[123:400])
        snapshot = cut.snapshot()
        kept = {name: array.copy() for name, array in snapshot.items()}
        other.restore(snapshot)
        for comparison in (cut, other):
            comparison.update(is_b[400:], values[400:])
            assert repr(comparison.read()) == repr(whole.read())
            assert comparison.refused == 12
        assert all(np.array_equal(snapshot[name], kept[name]) for name in kept)


def test_values_that_are_no_numbers_change_nothing_and_are_counted() -> None:
    rng = np.random.default_rng(12)
    is_b, values = rng.random(400) < 0.5, rng.random(400)
    dirty = values.repeat(2)
    dirty[1::2] = np.tile([np.nan, np.inf, -np.inf, np.nan], 100)
    for clean, spoilt in zip(make_all(), make_all(), strict=True):
        clean.update(is_b, values)
        spoilt.update(is_b.repeat(2), dirty)
        assert repr(spoilt.read()) == repr(clean.read())
        assert (clean.refused, spoilt.refused) == (0, 400)


def test_before_anything_is_scored_nothing_is_known() -> None:
    for comparison in make_all():
        verdict = comparison.read()
        assert (verdict.e_value, verdict.p_value, verdict.scores) == (1.0, 1.0, 0)
        assert all(np.isnan(d.estimate) and d.direction is Direction.NONE for d in verdict.differences)
        assert all(d.low < 0 < d.high for d in verdict.differences)


def test_a_difference_that_turns_round_has_no_interval_any_more() -> None:
    comparison = BoundedComparison()
    ones, zeros = np.ones(500), np.zeros(500)
    assert compare(comparison, zeros, ones).differences[0].direction is Direction.UP
    turned = compare(comparison, ones, zeros).differences[0]
    assert np.isnan([turned.low, turned.high]).all()
    assert turned.direction is Direction.NONE


def test_endless_evidence_stays_finite() -> None:
    verdict = compare(BoundedComparison(), np.zeros(5000), np.ones(5000))
    assert 1e250 < verdict.e_value <= 1e300
    assert verdict.differences[0].high == 1.0


def test_what_cannot_be_compared_is_refused_before_anything_changes() -> None:
    comparison = BoundedComparison(0.0, 1.0)
    with pytest.raises(ValueError, match="not between"):
        comparison.update(np.array([True, False]), np.array([0.5, 1.5]))
    with pytest.raises(ValueError, match="one length"):
        comparison.update(np.array([True]), np.array([0.5, 0.5]))
    assert comparison.read().n_b == 0
    with pytest.raises(ValueError, match="low must be below"):
        BoundedComparison(1.0, 1.0)
    with pytest.raises(ValueError, match="confidence"):
        NumberComparison(confidence=1.0)
    for codes in ([1, 1], [-1], [2**53]):
        with pytest.raises(ValueError, match="codes"):
            CategoryComparison(codes)
    with pytest.raises(SnapshotMismatch, match="columns"):
        CategoryComparison([1]).restore(CategoryComparison([1, 2]).snapshot())
    with pytest.raises(SnapshotMismatch, match="wealth"):
        comparison.restore({n: a for n, a in comparison.snapshot().items() if n != "wealth"})
