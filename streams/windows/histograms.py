"""How many durations of each window are in which bucket? Sparse counts, added in bulk.

A step touches one bucket of a window; so few of them are touched twice in a frame that adding frame by frame
would cost a search a step. Counts wait in a list and are merged when many have gathered or someone asks.
"""

import numpy as np
import numpy.typing as npt

from streams.windows.sums import group_starts

Ints = npt.NDArray[np.int64]

# Of a key: the rest is the window's slot. 1,600 buckets need 11.
_BUCKET_BITS = 11
_WAITING = 200_000


class Histograms:
    """Counts by (slot, bucket). State: sorted keys and their counts."""

    def __init__(self) -> None:
        self._keys: Ints = np.zeros(0, np.int64)
        self._counts: Ints = np.zeros(0, np.int64)
        self._waiting: list[tuple[Ints, Ints]] = []
        self._waiting_rows = 0

    def state(self, wider: Ints) -> dict[str, Ints]:
        """For a snapshot: all counts brought together (`wider` as in `add`), as copies."""
        self.merge(wider)
        return {"bucket_keys": self._keys.copy(), "bucket_counts": self._counts.copy()}

    def load(self, arrays: dict[str, Ints]) -> None:
        """Go on from `state`."""
        self._keys, self._counts = arrays["bucket_keys"], arrays["bucket_counts"]

    def add(self, slots: Ints, buckets: Ints, weights: Ints, wider: Ints) -> None:
        """Count durations.

        Args:
            slots: window of each.
            buckets: bucket of each.
            weights: +1, or -1 to take one back.
            wider: for each slot there is, the slot of the wider window that contains it; read before `add`
                returns or at the next merge, so it must only grow.
        """
        self._waiting.append(((slots << _BUCKET_BITS) | buckets, weights))
        self._waiting_rows += len(slots)
        if self._waiting_rows > _WAITING:
            self.merge(wider)

    def merge(self, wider: Ints) -> None:
        """Bring all counts together; `wider` as in `add`."""
        if not self._waiting:
            return
        keys, counts = _sum_equal(
            np.concatenate([keys for keys, _ in self._waiting]),
            np.concatenate([weights for _, weights in self._waiting]),
        )
        self._waiting, self._waiting_rows = [], 0
        mask = (1 << _BUCKET_BITS) - 1
        in_wider = (wider[keys >> _BUCKET_BITS] << _BUCKET_BITS) | (keys & mask)
        keys, counts = _sum_equal(
            np.concatenate([self._keys, keys, in_wider]), np.concatenate([self._counts, counts, counts])
        )
        left = counts != 0
        self._keys, self._counts = keys[left], counts[left]

    def of(self, slots: Ints) -> tuple[Ints, Ints, Ints]:
        """Buckets of some windows, merged before.

        Args:
            slots: rising.

        Returns:
            Offsets (one more than slots) into the two that follow; buckets; counts, none of them 0.
        """
        starts = np.searchsorted(self._keys, slots << _BUCKET_BITS)
        ends = np.searchsorted(self._keys, (slots + 1) << _BUCKET_BITS)
        lengths = ends - starts
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        return offsets, self._keys[places] & ((1 << _BUCKET_BITS) - 1), self._counts[places]


def _sum_equal(keys: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Distinct keys in order, with the sums of their counts."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = group_starts(ordered)
    if not len(starts):
        return keys, counts
    return ordered[starts], np.add.reduceat(counts[order], starts)
