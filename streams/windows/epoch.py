"""What are the sums of one epoch? Every (window, segment) that a step of the epoch fell into.

Adds a frame at a time, in columns, and gives the rows that changed since they were last asked for. Which
epoch it is, and when rows are due, is `streams.windows.windows`' business.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columns import BUCKETS, TIME, Kind
from schemas.frame import make_batch
from streams.windows.buckets import bucket_of
from streams.windows.histograms import Histograms
from streams.windows.labels import Labels, group_rows, names_of
from streams.windows.segments import SEGMENT_COLUMNS, Segments
from streams.windows.sums import SUM_COLUMNS, group_starts, integers, present, weighted_columns

Ints = npt.NDArray[np.int64]

MINUTE_NS = 60_000_000_000
WIDTHS_S = (60, 3_600)
_MINUTES_AN_HOUR = 60
# A window's key is segment, window number and width in one integer. All of 64-bit time has 2^28 minutes.
_WINDOW_BITS = 29
_WINDOW_ZERO = 1 << 28


class EpochSums:
    """State: segments, a row of sums for each slot, what each slot is, and histograms of durations."""

    def __init__(self, epoch_start_ns: int, segments: Segments) -> None:
        self.epoch_start_ns = epoch_start_ns
        self.segments = segments
        self._slot_of: dict[int, int] = {}
        self._sums: Ints = np.zeros((16, len(SUM_COLUMNS)), np.int64)
        self._changed = np.zeros(16, np.bool_)
        # Of each slot: segment, window number, width index, and the slot of its hour.
        self._about: Ints = np.zeros((16, 4), np.int64)
        self._histograms = Histograms()

    def __len__(self) -> int:
        """Windows held."""
        return len(self._slot_of)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """For a snapshot, beside the segments: copies of the slots in use."""
        used = len(self._slot_of)
        return {
            "keys": np.fromiter(self._slot_of, np.int64, used),
            "sums": self._sums[:used].copy(),
            "changed": self._changed[:used].copy(),
            "about": self._about[:used].copy(),
            **self._histograms.state(self._about[:, 3]),
        }

    def load(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from `state`."""
        self._slot_of = {key: slot for slot, key in enumerate(arrays["keys"].tolist())}
        self._sums, self._changed, self._about = arrays["sums"], arrays["changed"], arrays["about"]
        self._histograms.load(arrays)

    def add(self, batch: pa.RecordBatch, labels: dict[str, Labels]) -> None:
        """Add the rows of a frame of kind SIGNALS.

        Args:
            batch: the frame.
            labels: its columns `SEGMENT_COLUMNS`, encoded.
        """
        minutes = integers(batch.column("time")) // MINUTE_NS
        keys = (self._segments_of(labels) << _WINDOW_BITS) + minutes + _WINDOW_ZERO
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        starts = group_starts(ordered)
        weights = integers(batch.column("weight"))
        sums = np.add.reduceat(weighted_columns(batch, weights)[:, order], starts, axis=1)
        slots = self._enter(ordered[starts], sums)
        if batch.column("duration_ns").null_count < batch.num_rows:
            of_row = np.empty(len(keys), np.int64)
            of_row[order] = np.repeat(slots, np.diff(starts, append=len(keys)))
            self._count_durations(batch.column("duration_ns"), of_row, weights)

    def take_changed(self) -> pa.RecordBatch | None:
        """Whole rows, of kind WINDOWS, of the windows that changed since the last call; None if none did."""
        slots = np.flatnonzero(self._changed)
        if not len(slots):
            return None
        self._changed[slots] = False
        self._histograms.merge(self._about[:, 3])
        return self._build(slots)

    # -- adding

    def _segments_of(self, labels: dict[str, Labels]) -> Ints:
        columns = [labels[name] for name in SEGMENT_COLUMNS]
        groups = group_rows(columns)
        rows = np.bincount(groups.of_row).tolist()
        found = map(self.segments.find, names_of(groups, columns), rows)
        return np.fromiter(found, np.int64, len(rows))[groups.of_row]

    def _enter(self, minute_keys: Ints, sums: Ints) -> Ints:
        """Add sums of minutes to their slots and to those of their hours; the minutes' slots."""
        mask = (1 << _WINDOW_BITS) - 1
        segments = minute_keys >> _WINDOW_BITS
        hours = ((minute_keys & mask) - _WINDOW_ZERO) // _MINUTES_AN_HOUR
        hour_keys = (segments << _WINDOW_BITS) + hours + _WINDOW_ZERO
        starts = group_starts(hour_keys)  # ordered, because the keys of minutes are
        hour_slots = self._find(hour_keys[starts] << 1 | 1)
        minute_slots = self._find(minute_keys << 1)
        self._sums[hour_slots] += np.add.reduceat(sums, starts, axis=1).T
        self._sums[minute_slots] += sums.T
        hour_of = np.repeat(hour_slots, np.diff(starts, append=len(hour_keys)))
        self._about[minute_slots, 3] = hour_of
        self._changed[minute_slots] = True
        self._changed[hour_slots] = True
        return minute_slots

    def _find(self, keys: Ints) -> Ints:
        """Slots of keys, new ones at the end."""
        known = len(self._slot_of)
        slots = np.fromiter(
            (self._slot_of.setdefault(key, len(self._slot_of)) for key in keys.tolist()), np.int64, len(keys)
        )
        new = slots >= known
        if new.any():
            self._grow(len(self._slot_of))
            window = ((keys[new] >> 1) & ((1 << _WINDOW_BITS) - 1)) - _WINDOW_ZERO
            self._about[slots[new], 0] = keys[new] >> (_WINDOW_BITS + 1)
            self._about[slots[new], 1] = window
            self._about[slots[new], 2] = keys[new] & 1
        return slots

    def _grow(self, slots: int) -> None:
        more = max(slots, 2 * len(self._changed)) - len(self._changed)
        if slots > len(self._changed):
            self._sums = np.pad(self._sums, ((0, more), (0, 0)))
            self._about = np.pad(self._about, ((0, more), (0, 0)))
            self._changed = np.pad(self._changed, (0, more))

    def _count_durations(self, durations: pa.Array, slots: Ints, weights: Ints) -> None:
        buckets = bucket_of(integers(durations))
        if durations.null_count:
            has = present(durations)
            slots, buckets, weights = slots[has], buckets[has], weights[has]
        self._histograms.add(slots, buckets, weights, self._about[:, 3])

    # -- giving

    def _build(self, slots: Ints) -> pa.RecordBatch:
        segment, window, width, _ = self._about[slots].T
        width_s = np.array(WIDTHS_S)[width]
        offsets, buckets, counts = self._histograms.of(slots)
        columns: dict[str, pa.Array] = {
            "width_s": pa.array(width_s, pa.int32()),
            "window_start": _times(window * width_s * 1_000_000_000),
            "epoch_start": _times(np.full(len(slots), self.epoch_start_ns)),
            "duration_buckets": pa.MapArray.from_arrays(
                pa.array(offsets, pa.int32()), pa.array(buckets, pa.int16()), pa.array(counts), type=BUCKETS
            ),
        }
        names = [self.segments.names[number] for number in segment.tolist()]
        for name, values in zip(SEGMENT_COLUMNS, zip(*names, strict=True), strict=True):
            columns[name] = pa.array(values, pa.string())
        for place, name in enumerate(SUM_COLUMNS):
            columns[name] = pa.array(self._sums[slots, place])
        return make_batch(Kind.WINDOWS, columns)


def _times(values: Ints) -> pa.Array:
    return pa.array(values, pa.int64()).cast(TIME)
