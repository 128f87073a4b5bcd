"""Synthetic streams: seeded, in natural units, changing when they say and as they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from detectors.synthetic import (
    FAMILIES,
    LAWS,
    SEASON_ROWS,
    TOOLS,
    Family,
    Nature,
    make_changed,
    make_unchanged,
    season_buckets,
)

BY_NAME = {family.name: family for family in FAMILIES}
SUDDEN = [family for family in FAMILIES if not family.name.startswith(("gradual", "ramp"))]


def before_and_after(family: Family, streams: int = 300) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of many streams just before their change and well after it."""
    values = make_changed(family, np.full(streams, 1920), 2400 + 1920, np.random.default_rng(5))
    return values[960:1920], values[-960:]


def test_there_are_twelve_laws_and_all_families_of_the_table() -> None:
    assert len(LAWS) == 12
    assert len(BY_NAME) == len(FAMILIES) == 24
    assert {family.nature for family in FAMILIES} == set(Nature)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_one_seed_gives_one_stream_and_another_seed_another(family: Family) -> None:
    first, again, other = (
        make_changed(family, np.array([10, 20]), 50, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first.shape == (50, 2)
    assert first.dtype == np.float64
    assert np.isfinite(first).all()
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_before_its_change_a_stream_is_its_null(family: Family) -> None:
    changed = make_changed(family, np.full(400, 30), 60, np.random.default_rng(3))
    unchanged = make_unchanged(family, 400, 60, np.random.default_rng(3))
    assert changed[:30].tobytes() == unchanged[:30].tobytes()
    assert (changed[30:] != unchanged[30:]).any()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_law_differs_after_the_change(family: Family) -> None:
    before, after = before_and_after(family)
    # Rows far enough apart to be nearly independent where values remember each other.
    old, new = before[::30].ravel(), after[::30].ravel()
    if family.nature in (Nature.BIT, Nature.CATEGORY):
        counts = [np.bincount(part.astype(int), minlength=len(TOOLS) + 1) for part in (old, new)]
        seen = np.sum(counts, axis=0) > 0
        pvalue = stats.chi2_contingency(np.array(counts)[:, seen]).pvalue
    else:
        pvalue = stats.ks_2samp(old, new).pvalue
    assert pvalue < 1e-3


@pytest.mark.parametrize("family", SUDDEN, ids=lambda family: family.name)
def test_a_sudden_change_is_whole_at_its_first_observation(family: Family) -> None:
    # At 480 the hour of day is that of row 0 again.
    changed = make_changed(family, np.full(20_000, 480), 481, np.random.default_rng(4))
    later = make_changed(family, np.zeros(20_000, np.int64), 1, np.random.default_rng(6))
    assert stats.ks_2samp(changed[480], later[0]).pvalue > 1e-3


def test_sizes_of_the_changes_are_what_the_names_say() -> None:
    def means(name: str) -> tuple[float, float]:
        before, after = before_and_after(BY_NAME[name])
        return float(before.mean()), float(after.mean())

    for name, shift in (
        ("mean +.25 sd", 0.25),
        ("gradual +1 sd over 500", 1.0),
        ("ramp +1 sd over 1,000", 1.0),
    ):
        assert np.subtract(*means(name)[::-1]) == pytest.approx(shift, abs=0.02)
    for name, factor in (("latency x1.25", 1.25), ("cost x1.5", 1.5), ("Poisson 4 -> 5", 1.25)):
        assert np.divide(*means(name)[::-1]) == pytest.approx(factor, rel=0.02)
    assert means("error .005 -> .02") == pytest.approx((0.005, 0.02), rel=0.05)
    assert np.divide(*(x.std() for x in before_and_after(BY_NAME["sd x2"])[::-1])) == pytest.approx(
        2, rel=0.02
    )


@pytest.mark.parametrize(("name", "distance"), [("mix, .10 moved", 0.1), ("mix, .20 moved", 0.2)])
def test_shares_of_tools_move_by_the_total_variation_in_the_name(name: str, distance: float) -> None:
    before, after = (
        np.bincount(part.ravel().astype(int), minlength=len(TOOLS)) / part.size
        for part in before_and_after(BY_NAME[name])
    )
    assert before == pytest.approx(np.array(TOOLS), abs=0.005)
    assert 0.5 * np.abs(after - before).sum() == pytest.approx(distance, abs=0.01)


def test_a_new_tool_was_never_seen_before_it_comes() -> None:
    before, after = before_and_after(BY_NAME["mix, new tool 3 %"])
    assert before.max() == len(TOOLS) - 1
    assert np.mean(after == len(TOOLS)) == pytest.approx(0.03, rel=0.05)


def test_correlated_noise_has_sd_one_from_its_first_value_and_the_correlation_in_its_name() -> None:
    for name, coefficient in (("AR(.5) +1 sd", 0.5), ("AR(.9) +1 sd", 0.9)):
        values = make_unchanged(BY_NAME[name], 4000, 300, np.random.default_rng(7))
        assert values.std(axis=1)[[0, 1, 299]] == pytest.approx(1.0, abs=0.05)
        lagged = np.mean(values[:-1] * values[1:])
        assert lagged == pytest.approx(coefficient, abs=0.02)


def test_a_season_repeats_each_day_and_its_buckets_are_the_hours() -> None:
    values = make_unchanged(BY_NAME["season +.5 sd"], 2000, 960, np.random.default_rng(8)).mean(axis=1)
    assert values[:480] == pytest.approx(values[480:], abs=0.2)
    assert np.ptp(values) == pytest.approx(4.0, abs=0.2)
    buckets = season_buckets(960)
    assert np.bincount(buckets).tolist() == [2 * SEASON_ROWS] * 24
    assert buckets[[0, SEASON_ROWS, 480]].tolist() == [0, 1, 0]
