"""Into which of 64 cells does a value fall?

First step of CSR: **bins** -> rank -> bets -> statistic. The first W values of a stream set 63 edges, once:

- 41 order statistics, the i/40 quantiles of the W values (the last one is the next float above the greatest
  value, so that the greatest value itself is no tail);
- 11 edges beyond each end, geometric in the distance from the median: median +- (end - median) r^k, r =
  2^(5/16), k = 1 .. 11, so the outermost stands at 10.8 times the end's distance. Without tail bins a step x5
  of 5 % of latencies is found much later (DRIFT.md: 378 observations instead of 164).

r is irrational so that counts and prices, which live on a lattice, do not sit on an edge. No unit enters: a
signal in USD and one in milliseconds get the same cells. Values are float32 from here on: two values that
agree in 24 bits (a part in 16 million) share a cell, and a signal whose offset is a million times its spread
loses resolution. In another unit a neighbour of an edge may fall on its other side, by one cell (measured on
lognormal values x.001: 3 in 8 million); never if the units differ by a power of two.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

QUANTILE_BINS = 40
TAIL_BINS = 12
BINS = QUANTILE_BINS + 2 * TAIL_BINS
EDGES = BINS - 1
FLOAT32_MAX = float(np.finfo(np.float32).max)

_R = sqrt(sqrt(sqrt(sqrt(2.0)))) ** 5
TAIL_FACTORS: tuple[float, ...] = tuple(_R**k for k in range(1, TAIL_BINS))

_FACTORS = np.array(TAIL_FACTORS)


def to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Finite values as float32: clipped to its range, minus zero made zero.

    >>> to_float32(np.array([-0.0, 1e300])).tolist()
    [0.0, 3.4028234663852886e+38]
    """
    clipped = np.minimum(np.maximum(values, -FLOAT32_MAX), FLOAT32_MAX)
    return clipped.astype(np.float32) + np.float32(0.0)


def find_edges(warm_up: NDArray[np.float32]) -> NDArray[np.float32]:
    """The edges that these values set, ascending (not strictly: ties repeat an edge).

    Args:
        warm_up: shape (streams, W), any order.

    Returns:
        Shape (streams, 63). A value falls into bin b if exactly b edges are <= it.

    >>> edges = find_edges(np.arange(100, dtype=np.float32)[None, :])
    >>> edges[0, [11, 31, 50]].tolist(), round(float(edges[0, 62]), 1)
    ([0.0, 50.0, 97.0], 580.9)
    """
    ordered = np.sort(warm_up, axis=1)
    size = ordered.shape[1]
    low, middle, high = (ordered[:, i].astype(np.float64) for i in (0, size // 2, size - 1))
    up, down = high - middle, middle - low
    spread = np.where(up > 0, up, np.where(down > 0, down, np.abs(middle)))
    up = np.where(up > 0, up, spread)
    down = np.where(down > 0, down, spread)

    edges = np.empty((len(ordered), EDGES), np.float32)
    first, last = TAIL_BINS - 1, TAIL_BINS - 1 + QUANTILE_BINS
    edges[:, first:last] = ordered[:, np.arange(QUANTILE_BINS) * size // QUANTILE_BINS]
    edges[:, last] = np.nextafter(ordered[:, -1], np.float32(FLOAT32_MAX))
    edges[:, last + 1 :] = to_float32(middle[:, None] + up[:, None] * _FACTORS)
    edges[:, first - 1 :: -1] = to_float32(middle[:, None] - down[:, None] * _FACTORS)
    # Rounding to float32 may bring a tail edge to the wrong side of the end it starts from.
    np.maximum(edges[:, last:], edges[:, last, None], out=edges[:, last:])
    np.minimum(edges[:, :first], edges[:, first, None], out=edges[:, :first])
    return edges


def find_bins(edges: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.int64]:
    """The bin, 0 .. 63, of one value for each row of edges.

    >>> edges = find_edges(np.arange(100, dtype=np.float32)[None, :].repeat(3, axis=0))
    >>> find_bins(edges, np.array([-1e9, 0.0, 99.0], np.float32)).tolist()
    [0, 12, 51]
    """
    found: NDArray[np.int64] = np.sum(edges <= values[:, None], axis=1, dtype=np.int64)
    return found
