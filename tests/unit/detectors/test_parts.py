"""Each step of CSR on its own: bins, ranks, bets, statistic."""

from __future__ import annotations

import doctest
import hashlib
import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import detectors
from detectors import bets, bins, normal, ranks
from detectors.contract import Direction
from tests.unit.detectors.laws import LAWS
from tests.unit.detectors.scalar import Engine, ScalarCsr, single, uniform

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "drift.md"
MODULES = sorted(module.name for module in pkgutil.iter_modules(detectors.__path__))


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_hold(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"detectors.{module}")).failed == 0


def test_the_examples_in_the_documentation_hold() -> None:
    result = doctest.testfile(str(DOCUMENTATION), module_relative=False)
    assert result.failed == 0
    assert result.attempted > 10


def test_every_bet_averages_to_exactly_one_and_is_positive() -> None:
    tables = bets.make_tables()
    assert tables.shape == (1024, bets.BETS)
    assert tables.dtype == np.float32
    averages = tables.astype(np.float64).sum(axis=0) / bets.CELLS
    assert np.abs(averages - 1.0).max() == 0.0
    assert tables.min() >= bets.QUANTUM


def test_the_bets_are_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(bets.make_tables().astype("<f4").tobytes()).hexdigest()
    assert digest == "fa94d9f843d7a6b96c4e6df176ba7c66da6f6d77fc83544066b72c5a8035e9ab"


def test_there_are_twenty_bets_and_every_direction_has_one() -> None:
    assert len(bets.TABLE) == len({bet.name for bet in bets.TABLE}) == bets.BETS == 20
    assert set(bets.DIRECTIONS) == set(Direction) - {Direction.NONE}


def test_the_stakes_add_up_to_one_and_favour_no_side() -> None:
    assert sum(bets.STAKES) == 1.0
    assert np.array(bets.STAKES, np.float32).astype(np.float64).tolist() == list(bets.STAKES)
    staked = dict.fromkeys(Direction, 0.0)
    for bet, stake in zip(bets.TABLE, bets.STAKES, strict=True):
        staked[bet.direction] += stake
    for one, other in (("UP", "DOWN"), ("WIDER", "NARROWER"), ("UPPER_TAIL", "LOWER_TAIL")):
        assert staked[Direction[one]] == staked[Direction[other]] > 0


def test_the_normal_law_agrees_with_scipy() -> None:
    z = np.linspace(-7.9, 7.9, 401)
    assert np.abs([normal.cdf(x) for x in z] - stats.norm.cdf(z)).max() < 1e-12
    expected = stats.norm.ppf(np.arange(1, 1024) / 1024)
    assert np.abs(np.array(normal.quantiles(1024)) - expected).max() < 1e-10


def test_the_hash_equals_splitmix64_and_looks_uniform() -> None:
    ids = np.array([0, 1, 7, 2**64 - 1], np.uint64).repeat(2500)
    numbers = np.tile(np.arange(1, 2501), 4)
    u = ranks.uniforms(ids, numbers)
    assert u[::500].tolist() == [
        uniform(int(i), int(n)) for i, n in zip(ids[::500], numbers[::500], strict=True)
    ]
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.04
    # Neighbouring ids at the same number must not move together.
    assert abs(np.corrcoef(u[:2500], u[2500:5000])[0, 1]) < 0.08


@pytest.mark.parametrize("law", LAWS)
def test_ranks_are_uniform_and_independent_whatever_the_law(law: str) -> None:
    values = LAWS[law](np.random.default_rng(11), (4050,))
    stream = ScalarCsr(stream_id=42, threshold=1e9)
    p = []
    for value in values.tolist():
        stream.update(value)
        if stream.p is not None:
            p.append(stream.p)
    assert len(p) == 4000
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    assert abs(stats.spearmanr(p[:-1], p[1:]).statistic) < 3.3 / np.sqrt(len(p))


@pytest.mark.parametrize("law", LAWS)
def test_edges_ascend_and_equal_the_scalar_ones(law: str) -> None:
    warm_up = bins.to_float32(LAWS[law](np.random.default_rng(5), (6, 50)))
    edges = bins.find_edges(warm_up)
    assert (np.diff(edges, axis=1) >= 0).all()
    for row, values in zip(edges, warm_up, strict=True):
        engine = Engine()
        for value in values:
            engine.learn(value)
        assert row.tolist() == [float(edge) for edge in engine.edges]


def test_the_values_of_the_warm_up_fall_into_no_tail_bin() -> None:
    warm_up = np.random.default_rng(1).standard_cauchy((1, 100)).astype(np.float32)
    edges = bins.find_edges(warm_up).repeat(100, axis=0)
    found = bins.find_bins(edges, warm_up[0])
    assert found.min() == bins.TAIL_BINS
    assert found.max() == bins.TAIL_BINS + bins.QUANTILE_BINS - 1


def test_values_beyond_float32_are_clipped_and_stay_in_order() -> None:
    extreme = np.array([-1e308, -1.0, -0.0, 1e-300, 1e308])
    clipped = bins.to_float32(extreme)
    assert np.isfinite(clipped).all()
    assert (np.diff(clipped) >= 0).all()
    assert clipped.tolist() == [float(single(x)) for x in extreme.tolist()]
