"""Display distances equal scipy's on the same bins, and are nan where they are undefined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from detectors import distances
from detectors.bins import BINS, find_bins
from detectors.csr import Csr
from detectors.state import counts_of, edges_of
from tests.unit.detectors.laws import LAWS

Counts = NDArray[np.int64]


@st.composite
def histograms(draw: st.DrawFn) -> tuple[Counts, Counts]:
    """Two histograms over the same bins, empty bins likely, neither of them empty."""
    bins = draw(st.integers(2, 12))
    count = st.one_of(st.just(0), st.integers(0, 60))
    pair = [draw(st.lists(count, min_size=bins, max_size=bins)) for _ in range(2)]
    for side in pair:
        side[draw(st.integers(0, bins - 1))] += 1
    return np.array(pair[0]), np.array(pair[1])


@settings(max_examples=200, deadline=None)
@given(histograms())
def test_every_distance_equals_scipy_s_on_the_same_bins(pair: tuple[Counts, Counts]) -> None:
    a, b = pair
    positions = np.cumsum(np.arange(1.0, len(a) + 1.0))
    assert distances.jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2), abs=1e-7)
    # Every counted value stands at its bin's position.
    x, y = positions.repeat(a), positions.repeat(b)
    assert distances.kolmogorov_smirnov(a, b) == pytest.approx(
        stats.ks_2samp(x, y, method="asymp").statistic, abs=1e-12
    )
    assert distances.wasserstein(a, b, positions) == pytest.approx(stats.wasserstein_distance(x, y), rel=1e-9)
    p, q = a + 0.5, b + 0.5
    both_ways = stats.entropy(p, q) + stats.entropy(q, p)
    assert distances.psi(a, b) == pytest.approx(both_ways, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(histograms())
def test_g_equals_scipy_s_log_likelihood_ratio(pair: tuple[Counts, Counts]) -> None:
    a, b = pair
    g = distances.g_test(a, b)
    used = (a + b) > 0
    table = np.stack([a, b])[:, used]
    if used.sum() == 1:
        assert [x.item() for x in g] == [0.0, 0, 1.0]
        return
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert g.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert g.degrees_of_freedom == expected.dof
    assert g.p_value == pytest.approx(expected.pvalue, abs=1e-7)


def test_many_streams_are_compared_at_once() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 9, (3, 5, 7)), rng.integers(1, 9, (3, 5, 7))
    positions = np.arange(7.0)
    measures: list[Callable[[Any, Any], Any]] = [
        distances.psi,
        distances.jensen_shannon,
        distances.kolmogorov_smirnov,
        lambda x, y: distances.wasserstein(x, y, positions),
        lambda x, y: distances.g_test(x, y).p_value,
    ]
    for measure in measures:
        together = measure(a, b)
        assert together.shape == (3, 5)
        for place in np.ndindex(3, 5):
            assert together[place] == pytest.approx(measure(a[place], b[place]), rel=1e-12)


def test_without_counts_every_distance_is_undefined() -> None:
    nothing, some = np.zeros(4, np.int64), np.array([1, 2, 0, 4])
    for a, b in ((nothing, some), (some, nothing), (nothing, nothing)):
        g = distances.g_test(a, b)
        for value in (
            distances.psi(a, b),
            distances.jensen_shannon(a, b),
            distances.kolmogorov_smirnov(a, b),
            distances.wasserstein(a, b, np.arange(4.0)),
            g.statistic,
            g.p_value,
        ):
            assert np.isnan(value)
        assert g.degrees_of_freedom == 0


def test_the_counts_of_an_engine_tell_a_change_from_none() -> None:
    rng = np.random.default_rng(2)
    latency = LAWS["latency in ms"]
    detector = Csr(engine="numpy")
    slots = detector.add(np.array([1], np.uint64))
    detector.update(slots.repeat(5000), latency(rng, (5000,)))
    block = np.asarray(detector.snapshot()["block"][0], np.int32)
    edges, counts = edges_of(block), counts_of(block)
    assert counts.sum() == 4950

    def histogram(values: NDArray[np.float64]) -> Counts:
        found = find_bins(edges[None, :].repeat(len(values), axis=0), values.astype(np.float32))
        return np.bincount(found, minlength=BINS)

    positions = distances.bin_positions(edges)
    same, moved = histogram(latency(rng, (5000,))), histogram(1.25 * latency(rng, (5000,)))
    assert distances.wasserstein(counts, same, positions) < 40
    assert distances.wasserstein(counts, moved, positions) == pytest.approx(360, rel=0.15)
    assert distances.psi(counts, same) < 0.05 < 0.1 < distances.psi(counts, moved)
