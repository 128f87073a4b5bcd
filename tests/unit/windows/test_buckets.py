"""Log buckets of durations: order, error, bounds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.windows.buckets import MAX_ERROR_RATIO, bounds_us, bucket_of, middle_ns

GREATEST_NS = 2**63 - 1
durations = st.one_of(
    st.integers(0, GREATEST_NS),
    st.integers(0, 10**6),
    # Around each doubling of microseconds, where an inexact logarithm would slip.
    st.builds(
        lambda exponent, offset: max(0, min(GREATEST_NS, (1_000 << exponent) + offset)),
        st.integers(0, 53),
        st.integers(-1_001, 1_001),
    ),
)


def bucket(duration_ns: int) -> int:
    return int(bucket_of(np.array([duration_ns], np.int64))[0])


def by_definition(duration_ns: int) -> int:
    us = duration_ns // 1_000
    if us < 32:
        return us
    exponent = us.bit_length() - 1
    return (exponent - 5) * 32 + (us >> (exponent - 5))


@given(durations)
def test_a_bucket_is_that_of_the_definition(duration_ns: int) -> None:
    assert bucket(duration_ns) == by_definition(duration_ns)


@given(durations, durations)
def test_a_longer_duration_is_never_in_a_lower_bucket(one: int, other: int) -> None:
    assert bucket(min(one, other)) <= bucket(max(one, other))


@given(durations)
def test_a_duration_lies_within_its_buckets_bounds(duration_ns: int) -> None:
    low, high = bounds_us(np.array([bucket(duration_ns)]))
    assert low[0] <= duration_ns // 1_000 < high[0]


@given(durations.filter(lambda duration_ns: duration_ns >= 32_000))
def test_the_middle_of_a_bucket_is_near_each_duration_in_it(duration_ns: int) -> None:
    middle = middle_ns(np.array([bucket(duration_ns)]))[0]
    assert abs(middle - duration_ns) <= MAX_ERROR_RATIO * duration_ns * (1 + 1e-12)


def test_buckets_leave_no_gap_and_overlap_nowhere() -> None:
    low, high = bounds_us(np.arange(1_600))
    assert low[0] == 0
    assert (low[1:] == high[:-1]).all()


def test_the_longest_duration_fits_16_bits_and_eleven() -> None:
    assert 1_500 < bucket(GREATEST_NS) < 1_600 < 2**11


def test_a_negative_duration_counts_as_none() -> None:
    assert bucket(-5_000_000) == 0
