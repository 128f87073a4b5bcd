"""What is left of an observation when what the one before it foretold is taken away?

A stage in front of CSR (``ar.py``) for streams in which an observation resembles the one before it: queues,
warm caches, one busy model. On such a stream CSR's promise does not hold: AR(1) of phi = .5 raises 22 false
alarms per 10,000 observations. Steps: value -> normal score by the edges of a warm-up -> residual

    r_n = z_n - phi z_(n-1),

with phi estimated online from all scores before: sum (z_i - mean)(z_(i-1) - mean) / sum (z_(i-1) - mean)^2.
Scores instead of values, so that neither the law nor its tails decide about phi: a score is interpolated
between the edges, whose scores are those of their ranks, and .3 a bin in the tails.

Whether the stage is needed is decided on the warm-up: off where phi is below ``SWITCH_AT`` (standard error of
an estimate of 0: .09; 1 in 100 independent streams is switched on), and then values pass untouched. The
warm-up is dropped, so that a stream that is off stands under CSR's theorem; of one that is on nothing is
proved. 128 values set edges and phi; where phi is at least ``FAR_AT`` they say little of the law, and every
fourth value of 512 sets the edges instead (with phi = .9: .9 false alarms per 10,000 instead of 1.5).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.bins import EDGES, QUANTILE_BINS, TAIL_BINS, find_bins, find_edges, to_float32
from detectors.normal import quantiles
from detectors.rows import FULL

CELLS = 128
"""Values that set edges."""
STRIDE = 4
"""Of a strongly autocorrelated stream every fourth value of the warm-up is kept."""
SWITCH_AT = 0.2
FAR_AT = 0.7
PHI_MAX = 0.99
SQUARE_MIN = 1e-9
"""Under it scores have not varied but for rounding."""
_TAIL_STEP = 0.3


def _edge_scores() -> tuple[float, ...]:
    """The normal score of each edge: that of its rank; beyond the ends a fixed step a bin."""
    half_bins = quantiles(2 * QUANTILE_BINS)
    inner = [half_bins[min(max(2 * i, 1), 2 * QUANTILE_BINS - 1) - 1] for i in range(QUANTILE_BINS + 1)]
    tail = [_TAIL_STEP * k for k in range(1, TAIL_BINS)]
    return (*(inner[0] - step for step in reversed(tail)), *inner, *(inner[-1] + step for step in tail))


EDGE_SCORES: tuple[float, ...] = _edge_scores()
_SCORES = np.array(EDGE_SCORES)


PASSED = 8
"""A flag beside those of ``rows``: the value has passed the stage."""


class StageRows(NamedTuple):
    """A batch: what comes in, and what the stage makes of it."""

    slot: NDArray[np.int32]
    value: NDArray[np.float64]
    residual: NDArray[np.float64]
    """Where a value passes: its residual; the value itself where the stage is off or it is not finite."""
    phi: NDArray[np.float64]
    """The coefficient that the residual was made with; 0 where it was not made."""
    mean: NDArray[np.float64]
    """Of the scores, likewise."""
    n: NDArray[np.int64]
    """Values that the stream's warm-up has taken."""
    flag: NDArray[np.int8]
    """FULL where a warm-up has all its values, PASSED where a value passes."""


def make_stage_rows(slots: NDArray[np.int32], values: NDArray[np.float64]) -> StageRows:
    """A batch that nothing has been done to."""
    n = len(slots)
    return StageRows(
        slot=slots,
        value=values,
        residual=np.zeros(n),
        phi=np.zeros(n),
        mean=np.zeros(n),
        n=np.zeros(n, np.int64),
        flag=np.zeros(n, np.int8),
    )


class Whitening(NamedTuple):
    """What the stage knows, one row a slot. 565 bytes a stream."""

    taken: NDArray[np.int32]
    """Values taken while warming up."""
    goal: NDArray[np.int32]
    """Values after which the warm-up ends: CELLS, or STRIDE times as many."""
    block: NDArray[np.float32]
    """Shape (slots, CELLS): the warm-up's values, after it 63 edges."""
    on: NDArray[np.bool_]
    last: NDArray[np.float64]
    """The score before."""
    pairs: NDArray[np.int64]
    """Pairs of scores behind the sums."""
    mean: NDArray[np.float64]
    cross: NDArray[np.float64]
    """Sum of products of neighbouring scores, each less the mean."""
    square: NDArray[np.float64]
    """Sum of squares of scores, less the mean."""
    refused: NDArray[np.int32]
    """Values of the warm-up that were nan or infinite."""


def make_whitening(slots: int) -> Whitening:
    """Arrays for streams that have taken nothing."""
    return Whitening(
        taken=np.zeros(slots, np.int32),
        goal=np.full(slots, CELLS, np.int32),
        block=np.zeros((slots, CELLS), np.float32),
        on=np.zeros(slots, np.bool_),
        last=np.zeros(slots),
        pairs=np.zeros(slots, np.int64),
        mean=np.zeros(slots),
        cross=np.zeros(slots),
        square=np.zeros(slots),
        refused=np.zeros(slots, np.int32),
    )


def find_scores(edges: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The normal score of one value for each row of edges, shape (streams, 63); beyond them that of the last.

    >>> edges = find_edges(np.arange(100, dtype=np.float32)[None, :])
    >>> find_scores(edges, np.array([50], np.float32)).round(6).tolist()
    [0.0]
    """
    bins = find_bins(edges, values)
    low, high = np.maximum(bins - 1, 0), np.minimum(bins, EDGES - 1)
    row = np.arange(len(edges))
    start, end = edges[row, low].astype(np.float64), edges[row, high].astype(np.float64)
    inside = end > start
    share = np.where(inside, (values.astype(np.float64) - start) / np.where(inside, end - start, 1.0), 0.0)
    scores: NDArray[np.float64] = _SCORES[low] + share * (_SCORES[high] - _SCORES[low])
    return scores


def find_values(edges: NDArray[np.float32], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values that have these scores by one stream's edges, shape (63,); the inverse of ``find_scores``.

    >>> edges = find_edges(np.arange(100, dtype=np.float32)[None, :])[0]
    >>> find_values(edges, np.array([0.0, 99.0])).round(1).tolist()
    [50.0, 580.9]
    """
    return np.interp(scores, _SCORES, edges.astype(np.float64))


def enlarge_whitening(state: Whitening, slots: int) -> Whitening:
    """The same streams in arrays of this many rows."""
    larger = make_whitening(slots)
    for source, target in zip(_columns(state), _columns(larger), strict=True):
        target[: len(source)] = source
    return larger


def clear_whitening(state: Whitening, slots: NDArray[np.int32]) -> None:
    """Let these streams begin anew."""
    for array, empty in zip(_columns(state), _columns(make_whitening(1)), strict=True):
        array[slots] = empty[0]


def _columns(state: Whitening) -> tuple[NDArray[Any], ...]:
    return tuple(state)


def phi_of(cross: NDArray[np.float64], square: NDArray[np.float64]) -> NDArray[np.float64]:
    """The estimated coefficient, 0 to PHI_MAX; 0 while the scores have not varied."""
    varied = square > SQUARE_MIN
    ratio = np.where(varied, cross, 0.0) / np.where(varied, square, 1.0)
    return np.minimum(np.maximum(ratio, 0.0), PHI_MAX)


def end_warm_up(state: Whitening, slot: int, value: float) -> None:
    """What is done when a stream has taken ``goal`` values, of which ``value`` is the last.

    After the first CELLS it is decided whether the stage is on and whether more values are needed; when all
    are there the edges are set.
    """
    block = state.block[slot]
    if state.taken[slot] == CELLS:
        _estimate(state, slot)
        phi = float(phi_of(state.cross[slot, None], state.square[slot, None])[0])
        state.on[slot] = phi >= SWITCH_AT
        if phi >= FAR_AT:
            block[: CELLS // STRIDE] = block[::STRIDE].copy()
            state.goal[slot] = CELLS * STRIDE
            return
    edges = find_edges(block[None, :])
    block[:] = 0
    block[:EDGES] = edges[0]
    state.last[slot] = find_scores(edges, to_float32(np.array([value])))[0]


def _estimate(state: Whitening, slot: int) -> None:
    """The sums over the first CELLS values, by edges of their own; added in order, the same everywhere."""
    values = state.block[slot].copy()
    scores = find_scores(find_edges(values[None, :]).repeat(CELLS, axis=0), values)
    mean = np.cumsum(scores)[-1] / CELLS
    off = scores - mean
    state.mean[slot] = mean
    state.cross[slot] = np.cumsum(off[1:] * off[:-1])[-1]
    state.square[slot] = np.cumsum(off[:-1] * off[:-1])[-1]
    state.pairs[slot] = CELLS


def whiten_round(rows: StageRows, group: NDArray[np.int64], state: Whitening) -> NDArray[np.int64]:
    """Take rows of streams that do not repeat, ``group``; as ``whitener_kernel.whiten_rows``, in numpy.

    Returns:
        Rows at which ``end_warm_up`` is due.
    """
    slots, values = rows.slot[group], rows.value[group]
    finite, single = np.isfinite(values), to_float32(values)
    warming = state.taken[slots] < state.goal[slots]
    state.refused[slots[warming & ~finite]] += 1
    kept = warming & finite
    _keep(slots[kept], single[kept], state)
    rows.n[group] = state.taken[slots]
    full: NDArray[np.bool_] = kept & (state.taken[slots] == state.goal[slots])
    rows.flag[group[full]] = FULL
    rows.flag[group[~warming]] = PASSED
    rows.residual[group[~warming]] = values[~warming]
    white = ~warming & finite & state.on[slots]
    _whiten(rows, group[white], single[white], state)
    return group[full]


def _keep(slots: NDArray[np.int32], values: NDArray[np.float32], state: Whitening) -> None:
    taken = state.taken[slots]
    first = state.goal[slots] == CELLS
    kept = first | (taken % STRIDE == 0)
    place = np.where(first, taken, taken // STRIDE)
    state.block[slots[kept], place[kept]] = values[kept]
    state.taken[slots] += 1


def _whiten(rows: StageRows, group: NDArray[np.int64], values: NDArray[np.float32], state: Whitening) -> None:
    slots = rows.slot[group]
    score, last = find_scores(state.block[slots, :EDGES], values), state.last[slots]
    rows.phi[group] = phi_of(state.cross[slots], state.square[slots])
    rows.mean[group] = state.mean[slots]
    rows.residual[group] = score - rows.phi[group] * last
    now, before = score - state.mean[slots], last - state.mean[slots]
    state.pairs[slots] += 1
    state.mean[slots] += now / state.pairs[slots].astype(np.float64)
    state.cross[slots] += now * before
    state.square[slots] += before * before
    state.last[slots] = score
