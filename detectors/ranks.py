"""How unusual is an observation among those before it, as a number uniform while nothing changes?

Second step of CSR: bins -> **rank** -> bets -> statistic. The rank is a smoothed conformal p-value,

    p_n = (below + U (inside + 1)) / n,

with ``below`` and ``inside`` the earlier observations in lower bins and in the same bin, n counting this one
too and U uniform on [0, 1). For exchangeable observations p_1, p_2, ... are independent and uniform whatever
their law, ties included (V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World, 2005,
theorem 11.1).

U comes from a hash of (stream id, number of the observation): a replay draws the same. It is not meant to
withstand an adversary who chooses values knowing the hash. ``kernel.py`` states the same arithmetic for one
observation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Odd multipliers and shifts of D. Stafford's variant 13 of MurmurHash3's finaliser, the one of SplitMix64
# (G. Steele, D. Lea, C. Flood, OOPSLA 2014); the increment is 2^64 divided by the golden ratio.
GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


def mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: a bijection of 64-bit integers whose output bits look independent.

    >>> [hex(v) for v in mix(np.array([0, 1], np.uint64))]
    ['0x0', '0x5692161d100b05e5']
    """
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX_1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX_2)
    return x ^ (x >> np.uint64(31))


def uniforms(stream_ids: NDArray[np.uint64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """One number in [0, 1), a multiple of 2^-53, for each pair (stream id, number of the observation).

    >>> uniforms(np.array([7, 7, 8], np.uint64), np.array([1, 2, 1])).round(3).tolist()
    [0.722, 0.65, 0.267]
    """
    keys = mix(mix(stream_ids + np.uint64(GOLDEN)) + numbers.astype(np.uint64) * np.uint64(GOLDEN))
    return (keys >> np.uint64(11)).astype(np.float64) * 2.0**-53


def p_values(
    below: NDArray[np.int64], inside: NDArray[np.int64], n: NDArray[np.int64], u: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The smoothed rank, 0 to 1, with ``below`` and ``inside`` (itself not counted) of ``n - 1`` before it.

    >>> p_values(np.array([3]), np.array([1]), np.array([10]), np.array([0.5])).tolist()
    [0.4]
    """
    return (below.astype(np.float64) + u * (inside + 1).astype(np.float64)) / n.astype(np.float64)
