"""From what to what: quantiles of references, and intervals that hold however the moment was chosen."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from detectors import bins
from detectors.contract import Direction
from detectors.intervals import rank_interval, rate_level
from detectors.levels import binned_quantile, number_level, sample_quantile
from detectors.state import FIRST_EDGE, NUMBERS, floats

SHARES = (0.05, 0.5, 0.95)


def make_reference(values: NDArray[np.float32], warm_up: int = 100) -> NDArray[np.int32]:
    """The block of a reference that has taken these values."""
    block = np.zeros(NUMBERS.block, np.int32)
    if len(values) < warm_up:
        floats(block)[: len(values)] = values
        return block
    edges = bins.find_edges(values[None, :warm_up])[0]
    floats(block)[FIRST_EDGE : FIRST_EDGE + len(edges)] = edges
    rest = values[warm_up:]
    found = bins.find_bins(edges[None, :].repeat(len(rest), axis=0), rest)
    block[: bins.BINS] = np.bincount(found, minlength=bins.BINS)
    return block


def test_binned_quantiles_are_near_the_exact_ones() -> None:
    values = np.random.default_rng(3).lognormal(7.0, 0.6, 5000).astype(np.float32)
    block = make_reference(values)
    for share in SHARES:
        edges = floats(block)[FIRST_EDGE : FIRST_EDGE + bins.EDGES]
        found = binned_quantile(edges, block[: bins.BINS], share)
        assert found.level == pytest.approx(float(np.quantile(values, share)), rel=0.03)
        assert found.low <= found.level <= found.high
        assert found.n == 4900


def test_quantiles_of_nothing_are_undefined() -> None:
    nothing = binned_quantile(np.arange(63, dtype=np.float32), np.zeros(64, np.int32), 0.5)
    assert np.isnan(nothing[:3]).all()
    assert np.isnan(sample_quantile(np.empty(0, np.float32), 0.5)[:3]).all()


@pytest.mark.parametrize("n", [1, 7, 50, 99, 100, 150, 199, 200, 300, 4000])
@pytest.mark.parametrize("direction", [d for d in Direction if d is not Direction.NONE])
def test_a_level_lies_in_its_interval_whatever_a_reference_has_taken(n: int, direction: Direction) -> None:
    values = np.random.default_rng(n).lognormal(7.0, 0.6, n).astype(np.float32)
    found = number_level(make_reference(values), n, 100, direction)
    assert found.low <= found.level <= found.high
    assert found.n == (n if n < 100 else 100 if n < 200 else n - 100)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("n", [50, 100, 150, 1100])
def test_the_interval_of_a_quantile_covers_it_more_often_than_promised(share: float, n: int) -> None:
    rng = np.random.default_rng(17)
    direction = {0.05: Direction.LOWER_TAIL, 0.5: Direction.UP, 0.95: Direction.UPPER_TAIL}[share]
    true, covered, tries = float(stats.lognorm(0.6).ppf(share)), 0, 600
    for _ in range(tries):
        values = rng.lognormal(0.0, 0.6, n).astype(np.float32)
        found = number_level(make_reference(values), n, 100, direction)
        covered += found.low <= true <= found.high
    # 95 % at all moments at once is more at one of them; a lower 99.9 % bound of the measured share.
    assert stats.binom(tries, 0.95).sf(covered - 1) < 1e-3 or covered / tries > 0.97


def test_the_interval_of_a_rate_holds_at_all_moments_at_once() -> None:
    rng = np.random.default_rng(18)
    horizon, tries = 2000, 400
    for rate in (0.005, 0.1, 0.5):
        missed = 0
        ones = np.cumsum(rng.random((tries, horizon)) < rate, axis=1)
        n = np.arange(1, horizon + 1)
        # The martingale itself, for all moments: the interval excludes the rate where it reaches 1/alpha.
        log_mixture = special.betaln(ones + 0.5, n - ones + 0.5) - special.betaln(0.5, 0.5)
        log_e = log_mixture - ones * np.log(rate) - (n - ones) * np.log1p(-rate)
        excluded = log_e >= np.log(20.0)
        missed = int(excluded.any(axis=1).sum())
        assert stats.binom(tries, 0.05).sf(missed - 1) > 1e-3
        # And the function says the same, where it is not a matter of the last digits.
        for i, j in zip(rng.integers(0, tries, 200), rng.integers(0, horizon, 200), strict=True):
            if abs(log_e[i, j] - np.log(20.0)) > 1e-6:
                found = rate_level(int(ones[i, j]), int(n[j]))
                assert (found.low <= rate <= found.high) == (not excluded[i, j])


def test_intervals_at_the_ends_stay_in_range() -> None:
    assert rate_level(0, 1).low == 0.0
    assert rate_level(1, 1).high == 1.0
    nothing = rate_level(0, 0)
    assert (nothing.low, nothing.high, nothing.n) == (0.0, 1.0, 0)
    assert np.isnan(nothing.level)
    assert rank_interval(0.95, 3) == (2, 3)
    assert rank_interval(0.5, 1) == (0, 1)
    assert sample_quantile(np.array([1.0, 2.0], np.float32), 0.5)[:3] == (-inf, 2.0, inf)
    narrow = rate_level(10**6, 10**7)
    assert narrow.low < 0.1 < narrow.high
    assert narrow.high - narrow.low < 1e-3
