"""How far apart are two histograms, in the measures that people know?

For display only: none of these has a false-alarm rate that holds for a stream that is looked at again and
again. Alarms come from CSR. All take the counts of the same bins, before and after, shape (..., bins), and
give shape (...); from the counts of an engine (``state.counts_of``) nothing has to be kept beside them. They
equal scipy's on the same bins.

Undefined is nan: where one side has counted nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr, xlogy
from scipy.stats import chi2

Counts = NDArray[np.integer[Any]]
Values = NDArray[np.float64]


class Likelihood(NamedTuple):
    """The G test; all of one shape."""

    statistic: Values
    """At least 0; nan where undefined."""
    degrees_of_freedom: NDArray[np.int64]
    """Bins that hold anything, less one."""
    p_value: Values
    """Of one look at a fixed number of observations, not of many looks; 1 without degrees of freedom."""


def psi(reference: Counts, current: Counts) -> Values:
    """Population stability index, sum (p - q) ln(p / q), at least 0; under .1 is called stable, over .25 not.

    Half a count is added to every bin of both sides, without which one empty bin makes it infinite. Its value
    depends on the numbers of bins and observations: two samples of one law over 40 of 64 bins have a median
    of .54 with 100 observations each, of .07 with 1,000.

    >>> psi(np.array([[50, 50], [90, 9]]), np.array([[50, 50], [49, 50]])).round(3).tolist()
    [0.0, 0.932]
    """
    p, q = _shares(reference + 0.5), _shares(current + 0.5)
    index: Values = np.sum((p - q) * np.log(p / q), axis=-1)
    return np.where(_both_counted(reference, current), index, np.nan)


def jensen_shannon(reference: Counts, current: Counts) -> Values:
    """Jensen-Shannon distance to base 2: 0 for equal shares, 1 for histograms that share no bin.

    The square root of the divergence, a metric (``scipy.spatial.distance.jensenshannon`` with ``base=2``).

    >>> jensen_shannon(np.array([[4, 0], [1, 1]]), np.array([[0, 9], [2, 2]])).tolist()
    [1.0, 0.0]
    """
    p, q = _shares(reference), _shares(current)
    middle = (p + q) / 2
    divergence = np.sum(rel_entr(p, middle) + rel_entr(q, middle), axis=-1) / (2 * np.log(2.0))
    distance: Values = np.sqrt(np.maximum(divergence, 0.0))
    return distance


def kolmogorov_smirnov(reference: Counts, current: Counts) -> Values:
    """Greatest difference of the two distribution functions at a bin's upper edge, 0 to 1.

    >>> kolmogorov_smirnov(np.array([1, 1, 0]), np.array([0, 1, 1])).item()
    0.5
    """
    difference = np.cumsum(_shares(reference), axis=-1) - np.cumsum(_shares(current), axis=-1)
    greatest: Values = np.max(np.abs(difference), axis=-1)
    return greatest


def wasserstein(reference: Counts, current: Counts, positions: Values) -> Values:
    """Earth mover's distance in the signal's unit, each count standing at its bin's position.

    Args:
        positions: one a bin, ascending, shape (..., bins) (``bin_positions``).

    >>> wasserstein(np.array([2, 0]), np.array([1, 1]), np.array([10.0, 30.0])).item()
    10.0
    """
    difference = np.cumsum(_shares(reference), axis=-1) - np.cumsum(_shares(current), axis=-1)
    moved: Values = np.sum(np.abs(difference[..., :-1]) * np.diff(positions, axis=-1), axis=-1)
    return moved


def g_test(reference: Counts, current: Counts) -> Likelihood:
    """G = 2 sum observed ln(observed / expected) of the table of two rows, without Yates' correction.

    The likelihood-ratio test of equal shares (``scipy.stats.chi2_contingency(correction=False,
    lambda_="log-likelihood")`` without the empty bins). Its p-value is an approximation for large counts.

    >>> g = g_test(np.array([10, 20, 0]), np.array([20, 20, 0]))
    >>> round(g.statistic.item(), 4), g.degrees_of_freedom.item(), round(g.p_value.item(), 4)
    (1.9645, 1, 0.161)
    """
    table = np.stack([reference, current], axis=-2).astype(np.float64)
    rows, columns = table.sum(axis=-1), table.sum(axis=-2)
    total = rows.sum(axis=-1)
    expected = rows[..., :, None] * columns[..., None, :]
    ratio = np.divide(table * total[..., None, None], expected, out=np.ones_like(table), where=expected > 0)
    defined = _both_counted(reference, current)
    statistic = np.where(defined, np.maximum(2.0 * xlogy(table, ratio).sum(axis=(-2, -1)), 0.0), np.nan)
    freedom = np.where(defined, np.count_nonzero(columns, axis=-1) - 1, 0)
    p_value = np.where(
        freedom > 0, chi2.sf(statistic, np.maximum(freedom, 1)), np.where(defined, 1.0, np.nan)
    )
    return Likelihood(statistic, freedom.astype(np.int64), p_value)


def bin_positions(edges: NDArray[np.float32]) -> Values:
    """Where a bin's counts stand for ``wasserstein``: midway between its edges, an open bin at its one edge.

    >>> bin_positions(np.array([1, 3, 7], np.float32)).tolist()
    [1.0, 2.0, 5.0, 7.0]
    """
    wide = edges.astype(np.float64)
    middles = (wide[..., 1:] + wide[..., :-1]) / 2
    return np.concatenate([wide[..., :1], middles, wide[..., -1:]], axis=-1)


def _shares(counts: NDArray[Any]) -> Values:
    totals = counts.sum(axis=-1, keepdims=True).astype(np.float64)
    shares: Values = counts / np.where(totals > 0, totals, np.nan)
    return shares


def _both_counted(reference: Counts, current: Counts) -> NDArray[np.bool_]:
    counted: NDArray[np.bool_] = (reference.sum(axis=-1) > 0) & (current.sum(axis=-1) > 0)
    return counted
