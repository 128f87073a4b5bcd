"""Which steps of a run does a detector see? One of each kind, and another after a while. Pure.

Steps of one run share its task, its customer, its growing prompt. They are not exchangeable with those of
other runs, and a detector that takes all of them finds a change in each long run: 2,433 recorded calls in 62
runs made 15 false incidents where the promise was a tenth of one. Runs are much closer to exchangeable, so of
each run, agent and step one value is taken. A run that goes on for longer gives another one after a pause, so
that agents whose runs never end are watched, too.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.windows.sums import Flags, Ints

# A run's hash and a segment's number share 64 bits.
_SEGMENT_FACTOR = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


class Thinning:
    """State: for each run and segment when a value was last taken; the oldest first."""

    def __init__(self, spacing_ns: int, limit: int) -> None:
        """
        Args:
            spacing_ns: between two values of one run and segment; 0: all are taken.
            limit: pairs of run and segment that are remembered.
        """
        self._spacing_ns = spacing_ns
        self._limit = limit
        self._taken_ns: dict[int, int] = {}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """For a snapshot."""
        return {
            "thinning.key": np.fromiter(self._taken_ns, np.uint64, len(self._taken_ns)),
            "thinning.taken_ns": np.fromiter(self._taken_ns.values(), np.int64, len(self._taken_ns)),
        }

    def load(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from `state`; a snapshot from before there was one has none."""
        keys, times = arrays.get("thinning.key"), arrays.get("thinning.taken_ns")
        if keys is not None and times is not None:
            self._taken_ns = dict(zip(keys.tolist(), times.tolist(), strict=True))

    def look(self, runs: pa.Array, segments: Ints, some: Flags, now_ns: Ints) -> Flags:
        """Which rows are taken?

        Args:
            runs: ids; null: a run of its own.
            segments: numbers of the rows' agents and steps.
            some: rows that have a value at all.
            now_ns: of each row; never goes back.
        """
        taken = some.copy()
        if not self._spacing_ns:
            return taken
        rows = np.flatnonzero(some & ~runs.is_null().to_numpy(zero_copy_only=False))
        keys = _keys(runs, segments, rows)
        for row, key, row_ns in zip(rows.tolist(), keys, now_ns[rows].tolist(), strict=True):
            before_ns = self._taken_ns.get(key)
            if before_ns is not None and row_ns - before_ns < self._spacing_ns:
                taken[row] = False
                continue
            self._taken_ns.pop(key, None)
            self._taken_ns[key] = row_ns
            if len(self._taken_ns) > self._limit:
                del self._taken_ns[next(iter(self._taken_ns))]
        self._forget(int(now_ns[-1]))
        return taken

    def _forget(self, now_ns: int) -> None:
        while self._taken_ns:
            oldest = next(iter(self._taken_ns))
            if now_ns - self._taken_ns[oldest] < self._spacing_ns:
                return
            del self._taken_ns[oldest]


def _keys(runs: pa.Array, segments: Ints, rows: Ints) -> Sequence[int]:
    coded = runs.take(pa.array(rows)).dictionary_encode()
    hashes = [
        int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "little")
        for run in coded.dictionary.to_pylist()
    ]
    return [
        hashes[code] ^ (segment * _SEGMENT_FACTOR & _MASK)
        for code, segment in zip(coded.indices.to_pylist(), segments[rows].tolist(), strict=True)
    ]
