"""What are the normal distribution's values, identical on every machine?

The betting tables are drawn from the normal law. A C library's ``exp`` and ``erf`` may differ in the last bit
between machines, and a table that differs is an alarm that differs. Here are only ``+ - * /`` and
comparisons, which IEEE 754 fixes to the bit. Used while tables are made, never for an observation; not a
general library (arguments beyond +-8 lose relative precision in the tail).
"""

from __future__ import annotations

_SQRT_2PI = 2.5066282746310002


def exponential(x: float) -> float:
    """e to the power x for -745 < x <= 0, by Taylor's series on x / 1024 and ten squarings.

    >>> round(exponential(-1.0), 12)
    0.367879441171
    """
    small = x / 1024.0
    total = term = 1.0
    for k in range(1, 16):
        term = term * small / k
        total += term
    for _ in range(10):
        total *= total
    return total


def cdf(z: float) -> float:
    """P(Z <= z), absolute error under 1e-13 for finite z; 0 below -8, 1 above 8.

    Source: G. Marsaglia, Evaluating the Normal Distribution, J. Stat. Software 11(4), 2004:
    cdf(z) = 1/2 + pdf(z) (z + z^3/3 + z^5/(3 5) + ...).

    >>> round(cdf(1.959963984540054), 12)
    0.975
    """
    if z <= -8.0:
        return 0.0
    if z >= 8.0:
        return 1.0
    total, term, k = 0.0, z, 1
    while total + term != total:
        total += term
        k += 2
        term = term * z * z / k
    return 0.5 + total * exponential(-0.5 * z * z) / _SQRT_2PI


def quantiles(cells: int) -> list[float]:
    """The cells - 1 points that cut the normal law into equal probabilities, by Newton's method.

    Args:
        cells: an even number, at most 4096.

    >>> [round(z, 6) for z in quantiles(4)]
    [-0.67449, 0.0, 0.67449]
    """
    upper: list[float] = []
    z = 0.0
    for k in range(1, cells // 2):
        target = 0.5 + k / cells
        for _ in range(6):
            z -= (cdf(z) - target) * _SQRT_2PI / exponential(-0.5 * z * z)
        upper.append(z)
    return [-z for z in reversed(upper)] + [0.0] + upper
