"""Which streams are known to change, and when? What detectors are held against.

Twelve laws that an agent's signals follow, in natural units, and families of changes: how far observations
of each kind move. All are drawn for many streams at once from a generator that is handed in. A family tells
how its values come about from ``since``, the number of observations since the change (0 is the first that
follows the new law, negative before it), so that sudden, gradual and seasonal changes are one kind of thing;
a null is a family whose change never comes.

Shape of everything: (length, streams), time first, as streams arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Values = NDArray[np.float64]
Since = NDArray[np.int64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Values]

SEASON_ROWS = 20
"""Observations of a seasonal stream in each of its 24 hours of a day."""
TOOLS = (0.30, 0.20, 0.15, 0.12, 0.10, 0.07, 0.04, 0.02)
"""Shares of the tools of a mix before it changes; a tool's code is its place."""


class Nature(Enum):
    """What a value is, and so which kind of detector takes it."""

    NUMBER = "number"
    BIT = "0 or 1"
    CATEGORY = "a category's code"
    SEASONAL = "a number with a daily cycle"
    CORRELATED = "a number that remembers the one before it"


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of change."""

    name: str
    unit: str
    nature: Nature
    draw: Callable[[np.random.Generator, Since], Values]
    """Values, one for each element of ``since``."""


def _bimodal(slow_share: float) -> Draw:
    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Values:
        middle = np.where(rng.random(shape) < slow_share, 3000.0, 500.0)
        return middle * rng.lognormal(0.0, 0.3, shape)

    return draw


def _spiky(rng: np.random.Generator, shape: tuple[int, ...]) -> Values:
    return rng.normal(size=shape) + np.where(rng.random(shape) < 0.01, 20.0, 0.0)


def _mostly_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Values:
    return np.where(rng.random(shape) < 0.8, 0.0, rng.lognormal(0.0, 1.0, shape))


def _normal(mean: float = 0.0, sd: float = 1.0) -> Draw:
    return lambda rng, shape: rng.normal(mean, sd, shape)


def _latency(factor: float = 1.0) -> Draw:
    return lambda rng, shape: factor * 1200.0 * rng.lognormal(0.0, 0.6, shape)


def _slow_tail(share: float) -> Draw:
    return lambda rng, shape: (
        1200.0 * rng.lognormal(0.0, 0.5, shape) * np.where(rng.random(shape) < share, 5.0, 1.0)
    )


def _cost(factor: float = 1.0) -> Draw:
    return lambda rng, shape: factor * 1e-3 * rng.lognormal(0.0, 1.0, shape)


def _tokens(scale: float) -> Draw:
    return lambda rng, shape: np.floor(scale * (1.0 + rng.pareto(2.0, shape)))


def _poisson(mean: float) -> Draw:
    return lambda rng, shape: rng.poisson(mean, shape).astype(np.float64)


def _bits(rate: float) -> Draw:
    return lambda rng, shape: (rng.random(shape) < rate).astype(np.float64)


def _codes(shares: tuple[float, ...]) -> Draw:
    ends = np.cumsum(shares)[:-1]
    return lambda rng, shape: np.searchsorted(ends, rng.random(shape), side="right").astype(np.float64)


LAWS: dict[str, Draw] = {
    "normal": _normal(),
    "latency in ms": _latency(),
    "cost in USD": _cost(),
    "Pareto tokens": _tokens(200.0),
    "bimodal latency": _bimodal(0.3),
    "Poisson steps": _poisson(4.0),
    "uniform": lambda rng, shape: rng.random(shape),
    "Cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "mostly zero": _mostly_zero,
    "constant": lambda _, shape: np.full(shape, 3.0),
    "gaps in s": lambda rng, shape: rng.exponential(7.0, shape),
    "spikes": _spiky,
}
"""Laws of independent values: whatever a detector promises for exchangeable streams must hold on each."""


def _sudden(name: str, unit: str, before: Draw, after: Draw, nature: Nature = Nature.NUMBER) -> Family:
    """One law before the change, another from it on."""

    def draw(rng: np.random.Generator, since: Since) -> Values:
        return np.where(since < 0, before(rng, since.shape), after(rng, since.shape))

    return Family(name, unit, nature, draw)


def _gradual(rng: np.random.Generator, since: Since) -> Values:
    """More and more values, at last after 500, are from a law one sd higher."""
    moved = rng.random(since.shape) * 500.0 < since + 1
    return rng.normal(size=since.shape) + moved


def _ramp(rng: np.random.Generator, since: Since) -> Values:
    """The mean climbs by one sd within 1,000."""
    return rng.normal(size=since.shape) + np.clip((since + 1) / 1000.0, 0.0, 1.0)


def _season(rng: np.random.Generator, since: Since) -> Values:
    """A daily cycle, four sd from its low to its high, and a shift of half an sd."""
    time = np.arange(len(since))[:, None]
    cycle = 2.0 * np.sin(2.0 * np.pi * time / (24 * SEASON_ROWS))
    return cycle + rng.normal(size=since.shape) + 0.5 * (since >= 0)


def season_buckets(length: int) -> NDArray[np.int64]:
    """The hour of day, 0 .. 23, of each row of a seasonal stream, shape (length,)."""
    return np.arange(length) // SEASON_ROWS % 24


def _ar(coefficient: float) -> Callable[[np.random.Generator, Since], Values]:
    """AR(1) noise of sd 1 that starts in its stationary law, and a shift of one sd."""

    def draw(rng: np.random.Generator, since: Since) -> Values:
        noise = rng.normal(size=since.shape) * (1.0 - coefficient**2) ** 0.5
        noise[0] /= (1.0 - coefficient**2) ** 0.5
        return np.asarray(lfilter([1.0], [1.0, -coefficient], noise, axis=0)) + (since >= 0)

    return draw


def _moved(amount: float) -> tuple[float, ...]:
    """The tools' shares with this much of the first one's moved to the second."""
    return (TOOLS[0] - amount, TOOLS[1] + amount, *TOOLS[2:])


FAMILIES: tuple[Family, ...] = (
    *(
        _sudden(f"mean +{sd:g} sd".replace("+0.", "+."), "sd", _normal(), _normal(sd))
        for sd in (0.25, 0.5, 1.0, 2.0)
    ),
    Family("gradual +1 sd over 500", "sd", Nature.NUMBER, _gradual),
    Family("ramp +1 sd over 1,000", "sd", Nature.NUMBER, _ramp),
    _sudden("sd x2", "sd", _normal(), _normal(sd=2.0)),
    _sudden("sd x.5", "sd", _normal(), _normal(sd=0.5)),
    _sudden("latency x1.25", "ms", _latency(), _latency(1.25)),
    _sudden("5 % of latencies x5", "ms", _slow_tail(0.0), _slow_tail(0.05)),
    _sudden("cost x1.5", "USD", _cost(), _cost(1.5)),
    _sudden("Pareto tokens x1.3", "tokens", _tokens(200.0), _tokens(260.0)),
    _sudden("bimodal .3 -> .4", "ms", _bimodal(0.3), _bimodal(0.4)),
    _sudden("Poisson 4 -> 5", "steps", _poisson(4.0), _poisson(5.0)),
    Family("season +.5 sd", "sd", Nature.SEASONAL, _season),
    Family("AR(.5) +1 sd", "sd", Nature.CORRELATED, _ar(0.5)),
    Family("AR(.9) +1 sd", "sd", Nature.CORRELATED, _ar(0.9)),
    _sudden("spikes +1 sd", "sd", _spiky, lambda rng, shape: _spiky(rng, shape) + 1.0),
    *(
        _sudden(
            f"error {before:g} -> {after:g}".replace("0.", "."),
            "errors",
            _bits(before),
            _bits(after),
            Nature.BIT,
        )
        for before, after in ((0.005, 0.02), (0.02, 0.04), (0.1, 0.2))
    ),
    *(
        _sudden(name, "tool", _codes(TOOLS), _codes(after), Nature.CATEGORY)
        for name, after in (
            ("mix, .10 moved", _moved(0.1)),
            ("mix, .20 moved", _moved(0.2)),
            ("mix, new tool 3 %", (*(0.97 * share for share in TOOLS), 0.03)),
        )
    ),
)
"""The families of the benchmark; each is drawn alike for every detector."""


def make_changed(
    family: Family, changed_at: NDArray[np.int64], length: int, rng: np.random.Generator
) -> Values:
    """Streams that change, shape (length, streams).

    Args:
        changed_at: row of each stream's first value under the new law, shape (streams,).

    >>> steps = next(family for family in FAMILIES if family.name == "Poisson 4 -> 5")
    >>> make_changed(steps, np.array([2]), 4, np.random.default_rng(1)).shape
    (4, 1)
    """
    return family.draw(rng, np.arange(length)[:, None] - changed_at[None, :])


def make_unchanged(family: Family, streams: int, length: int, rng: np.random.Generator) -> Values:
    """The family's null: streams that never change, shape (length, streams)."""
    return make_changed(family, np.full(streams, length + 1), length, rng)
