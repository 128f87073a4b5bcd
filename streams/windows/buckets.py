"""In which log bucket is a duration? Integer arithmetic, so that every machine answers alike.

A bucket is 1 us wide below 32 us; from there on each doubling has 32 buckets of equal width. So the middle
of a bucket is at most 1/64 = 1.6 % from any duration of 32 us or more in it (below: at most 0.5 us). The
greatest duration of 64 bits, 292 years, is below bucket 1,600, so indices fit int16. Counts of buckets can be
added and taken back.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

PER_DOUBLING = 32
_BITS = 5
MAX_ERROR_RATIO = 1 / (2 * PER_DOUBLING)


def bucket_of(duration_ns: Ints) -> Ints:
    """Bucket of each duration; a negative one counts as 0.

    Args:
        duration_ns: nanoseconds.
    """
    us = np.maximum(duration_ns, 0) // 1_000
    # As a double, us is exact up to 2^53 and rounded to even above; 2^63 / 1000 is far enough from 2^54 that
    # none is rounded up to it. So frexp gives the exponent exactly.
    exponent = np.frexp(us.astype(np.float64))[1].astype(np.int64) - 1
    shift = np.maximum(exponent - _BITS, 0)
    return np.asarray(shift * PER_DOUBLING + (us >> shift), np.int64)


def bounds_us(bucket: Ints) -> tuple[Ints, Ints]:
    """Least microsecond of each bucket, and the least one above it."""
    shift = np.maximum(bucket // PER_DOUBLING - 1, 0)
    mantissa = bucket - shift * PER_DOUBLING
    return mantissa << shift, (mantissa + 1) << shift


def middle_ns(bucket: Ints) -> npt.NDArray[np.float64]:
    """The duration that stands for each bucket in quantiles, in nanoseconds."""
    low, high = bounds_us(bucket)
    return np.asarray((low + high) * 500.0, np.float64)
