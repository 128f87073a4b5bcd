"""What the behaviour suite runs over: every detector, the traffic it is given, and how readings are compared.

Not a test. A new detector is one entry of ``CASES``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river.drift import PageHinkley
from river.drift.binary import DDM

from detectors.ar import ArCsr
from detectors.binary import BinaryParameters, CsrBinary
from detectors.bound import Bound, BoundParameters
from detectors.categorical import CategoricalParameters, CsrCategorical
from detectors.contract import Readings
from detectors.csr import Csr, CsrParameters
from detectors.mondrian import Mondrian, MondrianParameters
from detectors.pinned import Pinned, PinnedParameters
from detectors.river_adapter import RiverDetector, make_adwin
from detectors.semantic import Semantic, SemanticParameters
from detectors.slots import Engine
from tests.unit.detectors.laws import LAWS

ENGINES: tuple[Engine, ...] = ("numba", "numpy")
STREAMS = 12
# Low, so that incidents of every kind happen often.
EAGER = CsrParameters(threshold=60.0)

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Traffic:
    """A batch: slots, and what ``update`` takes beside them; the first column holds the values."""

    slots: NDArray[np.int32]
    columns: tuple[NDArray[Any], ...]

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, rows: slice | NDArray[Any]) -> Traffic:
        return Traffic(self.slots[rows], tuple(column[rows] for column in self.columns))


@dataclass(frozen=True)
class Case:
    """A detector in the suite."""

    name: str
    make: Callable[[Engine], Any]
    """Takes the engine; the detector watches nothing yet."""
    traffic: Callable[[int, int], Traffic]
    """Takes the number of rows and a seed; STREAMS streams with changes in them."""
    thresholds: bool = True
    """Whether its streams have thresholds that can be set."""

    def watching(self, engine: Engine = "numba", streams: int = STREAMS) -> Any:
        """The detector with its streams."""
        detector = self.make(engine)
        detector.add(np.arange(1000, 1000 + streams, dtype=np.uint64))
        return detector


def make_numbers(rows: int, seed: int) -> Traffic:
    """Skewed arrivals of streams of every law, each shifting every 400, and some that are no numbers."""
    rng = np.random.default_rng(seed)
    slots = np.minimum(rng.zipf(1.4, rows) - 1, STREAMS - 1).astype(np.int32)
    values = np.empty(rows)
    for slot in range(STREAMS):
        mine = np.flatnonzero(slots == slot)
        law = list(LAWS.values())[slot % len(LAWS)]
        drawn = law(rng, (len(mine),))
        values[mine] = drawn * np.where(np.arange(len(mine)) // 400 % 2 == 1, 1.6, 1.0)
    values[(values == 0.0) & (rng.random(rows) < 0.5)] = -0.0
    values[rng.random(rows) < 0.01] = rng.choice([np.nan, np.inf, -np.inf])
    return Traffic(slots, (values,))


def make_autocorrelated(rows: int, seed: int) -> Traffic:
    """The same, of which the first, busiest streams remember: AR(1) with phi = .5, and .9 in the second."""
    traffic = make_numbers(rows, seed)
    (values,) = traffic.columns
    rng = np.random.default_rng(seed + 1)
    for slot, phi in ((0, 0.5), (1, 0.9), (4, 0.7)):
        mine = np.flatnonzero((traffic.slots == slot) & np.isfinite(values))
        level = 0.0
        for i, row in enumerate(mine.tolist()):
            level = phi * level + np.sqrt(1 - phi * phi) * rng.normal()
            values[row] = np.exp(0.5 * level) * (1.6 if i // 700 % 2 else 1.0)
    return traffic


def make_bits(rows: int, seed: int) -> Traffic:
    """The same arrivals; values are 0 or 1 and the rate of ones goes from 3 % to 20 % and back."""
    traffic = make_numbers(rows, seed)
    (values,) = traffic.columns
    rng = np.random.default_rng(seed + 1)
    for slot in range(STREAMS):
        mine = np.flatnonzero((traffic.slots == slot) & np.isfinite(values))
        rate = np.where(np.arange(len(mine)) // 300 % 2 == 1, 0.2, 0.03)
        values[mine] = rng.random(len(mine)) < rate
    return traffic


def make_rates(rows: int, seed: int) -> Traffic:
    """Zeros and ones of many rates, each rising and falling every 600, and some that are neither."""
    rng = np.random.default_rng(seed)
    slots = np.minimum(rng.zipf(1.3, rows) - 1, STREAMS - 1).astype(np.int32)
    values = np.empty(rows)
    for slot in range(STREAMS):
        mine = np.flatnonzero(slots == slot)
        rate = (0.1, 0.3, 0.02, 0.9, 0.5, 0.0)[slot % 6]
        values[mine] = rng.random(len(mine)) < np.where(np.arange(len(mine)) // 600 % 2, 0.4, 1.0) * rate
    odd = rng.random(rows) < 0.01
    values[odd] = rng.choice([np.nan, np.inf, -1.0, 2.0, 0.5], rows)[odd]
    return Traffic(slots, (values,))


def make_codes(rows: int, seed: int) -> Traffic:
    """Codes of few and of many categories, their mix changing every 600, and some that are no codes."""
    rng = np.random.default_rng(seed)
    slots = np.minimum(rng.zipf(1.3, rows) - 1, STREAMS - 1).astype(np.int32)
    values = np.empty(rows)
    for slot in range(STREAMS):
        mine = np.flatnonzero(slots == slot)
        skew = np.where(np.arange(len(mine)) // 600 % 2, 0.8, 2.0)
        categories = (2, 5, 12, 40)[slot % 4]
        values[mine] = np.floor(categories * rng.random(len(mine)) ** skew) * 7.0 + 2.0**50 * (slot % 3)
    odd = rng.random(rows) < 0.01
    values[odd] = rng.choice([np.nan, np.inf, -1.0, 0.5, 2.0**53], rows)[odd]
    return Traffic(slots, (values,))


EAGER_BITS = BinaryParameters(threshold=60.0, confirm_threshold=800.0, confirm_within=200)
EAGER_CODES = CategoricalParameters(threshold=60.0, confirm_threshold=600.0, confirm_within=150)


def make_seasonal(rows: int, seed: int) -> Traffic:
    """The same values on a cycle of five buckets, each ten times the one before it."""
    traffic = make_numbers(rows, seed)
    (values,) = traffic.columns
    buckets = np.arange(rows) // 500 % 5
    return Traffic(traffic.slots, (values * 10.0**buckets, buckets))


def make_vectors(rows: int, seed: int) -> Traffic:
    """Vectors of six components about a direction that turns every 300, some of which are no numbers."""
    traffic = make_numbers(rows, seed)
    rng = np.random.default_rng(seed + 1)
    vectors = rng.normal(size=(rows, 6))
    for slot in range(STREAMS):
        mine = np.flatnonzero(traffic.slots == slot)
        vectors[mine, slot % 6] += 2.0
        vectors[mine, (slot + 1) % 6] += 2.0 * (np.arange(len(mine)) // 300 % 2)
    vectors[rng.random(rows) < 0.01, 3] = rng.choice([np.nan, np.inf, -np.inf])
    vectors[rng.random(rows) < 0.01] = 0.0
    return Traffic(traffic.slots, (vectors,))


CASES: tuple[Case, ...] = (
    Case("CSR", lambda engine: Csr(EAGER, engine), make_numbers),
    Case("AR stage", lambda engine: ArCsr(EAGER, engine), make_autocorrelated),
    Case(
        "known bound",
        lambda engine: Bound(0.5, 0.05, BoundParameters(threshold=60.0, recover_threshold=60.0), engine),
        make_bits,
    ),
    Case(
        "Mondrian",
        lambda engine: Mondrian(MondrianParameters(threshold=60.0, buckets=5), engine),
        make_seasonal,
    ),
    Case(
        "pinned",
        lambda engine: Pinned(
            PinnedParameters(threshold=60.0, observations=150, delta=0.5, confirm_threshold=700.0), engine
        ),
        make_numbers,
    ),
    Case(
        "semantic",
        lambda engine: Semantic(
            SemanticParameters(threshold=60.0, dimensions=6, centroid_of=30, confirm_threshold=700.0), engine
        ),
        make_vectors,
    ),
    Case("river's ADWIN", lambda _: make_adwin(), make_numbers, thresholds=False),
    Case(
        "river's Page-Hinkley",
        lambda _: RiverDetector(PageHinkley, warm_up=40),
        make_numbers,
        thresholds=False,
    ),
    Case("river's DDM", lambda _: RiverDetector(DDM, scaled=False, warm_up=40), make_bits, thresholds=False),
    Case("0/1", lambda engine: CsrBinary(EAGER_BITS, engine), make_rates),
    Case("categories", lambda engine: CsrCategorical(EAGER_CODES, engine), make_codes),
)


def as_columns(readings: Readings) -> Columns:
    """Readings and their incidents as named columns."""
    columns = {f.name: getattr(readings, f.name) for f in fields(readings) if f.name != "incidents"}
    for f in fields(readings.incidents):
        columns[f"incidents.{f.name}"] = getattr(readings.incidents, f.name)
    return columns


def in_batches(detector: Any, traffic: Traffic, cuts: list[int]) -> Columns:
    """Columns of all batches joined, rows of incidents counted from the first batch."""
    parts: list[Columns] = []
    start = 0
    for end in [*sorted(cuts), len(traffic)]:
        batch = traffic.take(slice(start, end))
        part = as_columns(detector.update(batch.slots, *batch.columns))
        part["incidents.row"] = part["incidents.row"] + start
        parts.append(part)
        start = end
    return joined(parts)


def joined(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def assert_identical(a: Columns, b: Columns) -> None:
    """Equal to the last bit, types included."""
    assert a.keys() == b.keys()
    for name, column in a.items():
        assert column.dtype == b[name].dtype, name
        assert column.tobytes() == b[name].tobytes(), name
