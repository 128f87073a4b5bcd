"""Test data: laws an agent's signals follow, in natural units, and changes of them. Not a test."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]


def _bimodal(slow_share: float) -> Draw:
    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        middle = np.where(rng.random(shape) < slow_share, 3000.0, 500.0)
        return middle * rng.lognormal(0.0, 0.3, shape)

    return draw


def _slow_tail(share: float) -> Draw:
    return lambda rng, shape: (
        1200.0 * rng.lognormal(0.0, 0.5, shape) * np.where(rng.random(shape) < share, 5.0, 1.0)
    )


LAWS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(0.0, 1.0, shape),
    "latency in ms": lambda rng, shape: 1200.0 * rng.lognormal(0.0, 0.6, shape),
    "cost in USD": lambda rng, shape: 1e-3 * rng.lognormal(0.0, 1.0, shape),
    "Pareto tokens": lambda rng, shape: np.floor(200.0 * (1.0 + rng.pareto(2.0, shape))),
    "bimodal latency": _bimodal(0.3),
    "Poisson steps": lambda rng, shape: rng.poisson(4.0, shape).astype(np.float64),
    "uniform": lambda rng, shape: rng.random(shape),
    "Cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "mostly zero": lambda rng, shape: np.where(rng.random(shape) < 0.8, 0.0, rng.lognormal(0.0, 1.0, shape)),
    "constant": lambda rng, shape: np.full(shape, 3.0),  # noqa: ARG005
}

CHANGES: dict[str, tuple[Draw, Draw]] = {
    "mean +.25 sd": (LAWS["normal"], lambda rng, shape: rng.normal(0.25, 1.0, shape)),
    "mean +.5 sd": (LAWS["normal"], lambda rng, shape: rng.normal(0.5, 1.0, shape)),
    "mean +1 sd": (LAWS["normal"], lambda rng, shape: rng.normal(1.0, 1.0, shape)),
    "mean +2 sd": (LAWS["normal"], lambda rng, shape: rng.normal(2.0, 1.0, shape)),
    "sd x2": (LAWS["normal"], lambda rng, shape: rng.normal(0.0, 2.0, shape)),
    "sd x.5": (LAWS["normal"], lambda rng, shape: rng.normal(0.0, 0.5, shape)),
    "latency x1.25": (LAWS["latency in ms"], lambda rng, shape: 1.25 * LAWS["latency in ms"](rng, shape)),
    "5 % of latencies x5": (_slow_tail(0.0), _slow_tail(0.05)),
    "cost x1.5": (LAWS["cost in USD"], lambda rng, shape: 1.5 * LAWS["cost in USD"](rng, shape)),
    "Pareto tokens x1.3": (
        LAWS["Pareto tokens"],
        lambda rng, shape: np.floor(260.0 * (1.0 + rng.pareto(2.0, shape))),
    ),
    "bimodal .3 -> .4": (_bimodal(0.3), _bimodal(0.4)),
    "Poisson 4 -> 5": (LAWS["Poisson steps"], lambda rng, shape: rng.poisson(5.0, shape).astype(np.float64)),
}


def make_changed(name: str, streams: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values of shape (5000, streams), each stream changing at its own time, uniform on 1,000 to 3,000."""
    rng = np.random.default_rng(seed)
    before, after = CHANGES[name]
    at = rng.integers(1000, 3001, streams)
    time = np.arange(5000)[:, None]
    return np.where(time < at, before(rng, (5000, streams)), after(rng, (5000, streams))), at
