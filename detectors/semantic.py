"""Do an agent's answers still look like its answers? Drift of vectors: texts or embeddings.

Of the first C = 100 vectors of a stream the centroid is kept. Each later one gives nine numbers: its cosine
distance from the centroid and eight projections on fixed random signs, of the vector at length 1. Each of the
nine goes the way of CSR (bins -> rank -> bets -> statistic) with a reference of its own; one incident layer
stands behind all. The statistic is the greatest of the nine, over nine.

Proved, for exchangeable vectors: since the C and the W after them are dropped, each of the nine is
exchangeable given the centroid, so that it reaches 9 A within n observations with a chance of at most
n / (9 A), and any of them with at most n / A, however they depend on each other: the mean number of
observations to a false alarm is at least A / 2. (The nine are martingales of different histories, so that
their mean would prove nothing.)

What is seen: another topic, other words, with ``text_vectors`` also another length; not whether an answer is
right. A stream takes 6.5 kB. Sums run in a fixed order, no BLAS, so that a replay gives the same alarms.

Levels that incidents tell are the median distance of a reference's vectors from their own centroid, 0 (all
alike) to 2: how alike answers are among themselves before and after. Direction is that of the strongest bet.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors import semantic_kernel
from detectors.bets import BETS, CELLS, make_tables
from detectors.bins import EDGES, find_bins, find_edges
from detectors.contract import NO_CODE, Phase, Readings
from detectors.csr import VERSION as CSR_VERSION
from detectors.csr import CsrParameters
from detectors.incidents import Change
from detectors.intervals import UNKNOWN, Level
from detectors.levels import number_level
from detectors.ranks import mix, p_values, uniforms
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.shiryaev_roberts import bet, direction, staked, statistic
from detectors.slots import Engine, SlotDetector
from detectors.state import BLOCK, FIRST_EDGE, MOST_TAKEN, Layout, edges_of, floats

VERSION = 1
PROJECTIONS = 8
VIEWS = 1 + PROJECTIONS
"""Numbers that are made of a vector."""
_GREATEST = 1e18


@dataclass(frozen=True, slots=True)
class SemanticParameters(CsrParameters):
    """The settings of a detector of vectors."""

    dimensions: int = 256
    """Of a vector, 2 to 4096. A stream takes 4 bytes of each."""
    centroid_of: int = 100
    """C: vectors that make the centroid, at least 10. Fewer: a centroid that chance has moved."""

    def __post_init__(self) -> None:
        CsrParameters.__post_init__(self)
        if not 2 <= self.dimensions <= 4096:
            raise ValueError(f"dimensions must be 2 to 4096, not {self.dimensions}")
        if self.centroid_of < 10:
            raise ValueError(f"centroid_of must be at least 10, not {self.centroid_of}")


def make_signs(dimensions: int) -> NDArray[np.float64]:
    """The directions of projection, shape (PROJECTIONS, dimensions): +-1 from a hash, always the same.

    >>> make_signs(4)[0].tolist()
    [-1.0, 1.0, -1.0, 1.0]
    """
    bits = mix(np.arange(1, PROJECTIONS * dimensions + 1, dtype=np.uint64)) >> np.uint64(63)
    return np.where(bits == 1, 1.0, -1.0).reshape(PROJECTIONS, dimensions)


class Semantic(SlotDetector):
    """Vectors of many streams; implements ``Detector``, ``update`` taking one vector a row.

    >>> from detectors.text_vectors import text_vector
    >>> detector = Semantic(engine="numpy")
    >>> slots = detector.add(np.array([7], np.uint64))
    >>> texts = [f"ticket {i * i % 97} is closed, thank you" for i in range(600)]
    >>> texts += [f"sorry, ticket {i * i % 97} cannot be found" for i in range(60)]
    >>> vectors = np.stack([text_vector(text) for text in texts]).astype(np.float64)
    >>> detector.update(slots.repeat(660), vectors).incidents.row.tolist()
    [603, 606]
    """

    def __init__(self, parameters: SemanticParameters | None = None, engine: Engine = "numba") -> None:
        own = parameters or SemanticParameters()
        self._dimensions = own.dimensions
        # Whole rows of a plain reference's width, so that one array of rows holds centroid and references.
        self._first_view = -(-own.dimensions // BLOCK)
        self.layout = Layout(block=(self._first_view + VIEWS) * BLOCK, evidence=VIEWS * BETS, codes=0)
        super().__init__(own, engine)
        self._centroid_of, self._edges_of = own.centroid_of, own.warm_up
        self.warm_up = own.centroid_of + own.warm_up
        self._tables = make_tables()
        self._signs = make_signs(own.dimensions)
        self._vectors: NDArray[np.float64] = np.empty((0, own.dimensions))

    def update(self, slots: NDArray[np.int32], values: NDArray[np.float64]) -> Readings:
        """Take observations in arrival order; see ``Detector.update``.

        Args:
            slots: of each observation.
            values: its vector, shape (observations, dimensions); one with a component that is nan or infinite
                is refused whole. A vector of zeros, which has no direction, stands at distance 1.

        Raises:
            ValueError: shapes do not go together, or a slot holds no stream; then nothing was taken.
        """
        if values.ndim != 2 or values.shape != (len(slots), self._dimensions):
            raise ValueError(
                f"slots and vectors must be columns of one length, of {self._dimensions} components, "
                f"not {slots.shape} and {values.shape}"
            )
        finite = np.isfinite(values).all(axis=1)
        # So that no square and no sum of a hundred leaves the range of its type.
        self._vectors = np.ascontiguousarray(np.clip(values, -_GREATEST, _GREATEST), np.float64)
        return super().update(slots, np.where(finite, 0.0, np.nan))

    def settle(self, block: NDArray[np.int32]) -> None:
        """Turn W values of each view into edges and counts of zero; the centroid stays."""
        for view in self._views(block[None, :])[0]:
            edges = find_edges(floats(view)[None, : self._edges_of])[0]
            view[:] = 0
            floats(view)[FIRST_EDGE : FIRST_EDGE + len(edges)] = edges

    def stake(self, block: NDArray[np.int32], evidence: NDArray[np.float32], amount: float) -> None:  # noqa: ARG002
        """See ``incidents.Reference``; on each view, of which any may confirm at its number times as much."""
        evidence.reshape(VIEWS, BETS)[:] = staked(amount)

    def suspect(
        self,
        block: NDArray[np.int32],  # noqa: ARG002 - of the protocol
        evidence: NDArray[np.float32],
        value: float,  # noqa: ARG002 - of the protocol
    ) -> Change:
        """See ``incidents.Reference``; the strongest bet of the strongest view names the direction."""
        of_views = evidence.reshape(VIEWS, BETS)
        return Change(direction(of_views[int(np.argmax(statistic(of_views)))]), NO_CODE)

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:
        """See ``incidents.Reference``; of the distance from the block's own centroid."""
        if taken <= self._centroid_of:
            return UNKNOWN
        distance = self._views(block[None, :])[0, 0]
        return number_level(distance, taken - self._centroid_of, self._edges_of, change.direction)

    def _views(self, blocks: NDArray[np.int32]) -> NDArray[np.int32]:
        """The references of the nine numbers, shape (blocks, VIEWS, BLOCK); a view."""
        return blocks.reshape(len(blocks), self._first_view + VIEWS, BLOCK)[:, self._first_view :]

    def _take_compiled(self, rows: Rows, start: int) -> int:
        streams, side = self._streams, self._incidents.engines.arrays
        row: int = semantic_kernel.take_rows(
            rows,
            self._vectors,
            start,
            streams,
            streams.block.reshape(-1, BLOCK),
            floats(streams.block).reshape(-1, BLOCK),
            streams.evidence.reshape(-1, BETS),
            side,
            side.block.reshape(-1, BLOCK),
            floats(side.block).reshape(-1, BLOCK),
            self._tables,
            self._signs,
            self._first_view,
            self._centroid_of,
            self._edges_of,
            self.parameters.confirm_threshold,
            self.parameters.confirm_within,
        )
        return row

    def _take_round(self, rows: Rows, group: NDArray[np.int64]) -> NDArray[np.int64]:
        streams, side = self._streams, self._incidents.engines.arrays
        slots, phases, accepted = self._begin_round(rows, group)
        rows.statistic[group] = _greatest(streams.evidence[slots])

        learning = accepted & ((phases == Phase.WARM_UP) | (phases == Phase.RELEARNING))
        armed, opened = accepted & (phases == Phase.ARMED), accepted & (phases == Phase.OPEN)
        self._learn(rows, group[learning], slots[learning], streams.block, streams.taken)
        self._watch(rows, group[armed | opened])
        self._learn(rows, group[armed], slots[armed], streams.block, streams.taken)
        self._learn(rows, group[opened], streams.side[slots[opened]], side.block, side.taken)
        streams.since[slots[opened]] += 1
        rows.flag[group[opened & (streams.since[slots] == self.parameters.confirm_within)]] |= EXPIRED
        flagged: NDArray[np.int64] = group[rows.flag[group] != 0]
        return flagged

    def _watch(self, rows: Rows, group: NDArray[np.int64]) -> None:
        streams, slots = self._streams, rows.slot[group]
        views = self._views(streams.block[slots])
        numbers = self._numbers(self._vectors[group], streams.block[slots])
        # All views of all rows at once: what is a row's is repeated for each of its views.
        flat = views.reshape(-1, BLOCK)
        bins = find_bins(edges_of(flat), numbers.ravel())
        lower = np.arange(BLOCK) < bins[:, None]
        below: NDArray[np.int64] = np.sum(np.where(lower, flat, 0), axis=1, dtype=np.int64)
        inside = flat[np.arange(len(flat)), bins].astype(np.int64)
        n = (streams.taken[slots].astype(np.int64) - self.warm_up + 1).repeat(VIEWS)
        ids = streams.stream_id[slots].repeat(VIEWS) + np.tile(np.arange(VIEWS, dtype=np.uint64), len(group))
        u = uniforms(ids, streams.seen[slots].repeat(VIEWS))
        evidence = streams.evidence[slots].reshape(-1, BETS)
        bets = bet(evidence, p_values(below, inside, n, u), self._tables)
        streams.evidence[slots] = bets.reshape(len(group), VIEWS * BETS)
        rows.statistic[group] = _greatest(streams.evidence[slots])
        rows.flag[group[rows.statistic[group] >= rows.threshold[group]]] |= REACHED

    def _learn(
        self,
        rows: Rows,
        group: NDArray[np.int64],
        places: NDArray[np.int32],
        block: NDArray[np.int32],
        taken: NDArray[np.int32],
    ) -> None:
        """Let the engines in these places learn a vector each; those that take their last before edges."""
        room = taken[places] < MOST_TAKEN
        group, places = group[room], places[room]
        vectors, had = self._vectors[group], taken[places]
        first = had < self._centroid_of
        floats(block)[places[first], : self._dimensions] += vectors[first].astype(np.float32)
        numbers = self._numbers(vectors[~first], block[places[~first]])
        raw = had[~first] < self.warm_up
        later, place = places[~first], had[~first] - self._centroid_of
        views = self._views(block)
        floats(views)[later[raw], :, place[raw]] = numbers[raw]
        mine = later[~raw]
        bins = find_bins(edges_of(views[mine]).reshape(-1, EDGES), numbers[~raw].ravel())
        views[mine[:, None], np.arange(VIEWS), bins.reshape(-1, VIEWS)] += 1
        taken[places] += 1
        rows.flag[group[taken[places] == self.warm_up]] |= FULL

    def _numbers(self, vectors: NDArray[np.float64], blocks: NDArray[np.int32]) -> NDArray[np.float32]:
        """What is watched of each vector, shape (rows, VIEWS), added component by component."""
        sums = np.zeros((VIEWS, len(vectors)))
        square, of_centroid = np.zeros(len(vectors)), np.zeros(len(vectors))
        centroids = floats(blocks)
        for i in range(self._dimensions):
            x, c = vectors[:, i], centroids[:, i].astype(np.float64)
            square += x * x
            of_centroid += c * c
            sums[0] += x * c
            sums[1:] += self._signs[:, i, None] * x
        return _at_length_one(sums, square, of_centroid)

    def _version(self) -> tuple[int, int]:
        return 1000 * VERSION + CSR_VERSION, crc32(self._tables.tobytes(), CELLS)


def _at_length_one(
    sums: NDArray[np.float64], square: NDArray[np.float64], of_centroid: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Distance and projections from sums of products; 1 and 0 where there is no direction."""
    both = np.sqrt(square) * np.sqrt(of_centroid)
    numbers = np.empty((len(square), VIEWS), np.float32)
    numbers[:, 0] = 1.0 - np.where(both > 0.0, sums[0] / np.where(both > 0.0, both, 1.0), 0.0)
    length = np.where(square > 0.0, np.sqrt(square), 1.0)
    numbers[:, 1:] = (sums[1:] / length).T
    return numbers


def _greatest(evidence: NDArray[np.float32]) -> NDArray[np.float64]:
    """The greatest statistic of the views, over their number."""
    of_views = statistic(evidence.reshape(-1, BETS)).reshape(-1, VIEWS)
    greatest: NDArray[np.float64] = of_views.max(axis=1) / VIEWS
    return greatest
