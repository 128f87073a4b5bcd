"""Which epoch is it, and which window rows are due? Sums of steps by minute and hour, never closed.

Nothing is late for a window: a row is the sum over one epoch (5 min of the partition's clock) keyed by
window, segment and epoch, sent again each 5 s of clock while it changes; queries add epochs up. When its
epoch ends it is sent a last time and forgotten, so memory holds one epoch.

An epoch that has gathered too many windows (history replayed under the broker's clock) ends early; the next
one starts a second later than it did, so that keys stay apart.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy.typing as npt
import pyarrow as pa

from streams.windows.epoch import EpochSums
from streams.windows.labels import Labels
from streams.windows.segments import Segment, Segments

SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class WindowParams:
    """Parameters of windows.

    Attributes:
        epoch_ns: length of an epoch. Longer: more memory, fewer rows.
        send_every_ns: how often a changing row is sent.
        segments: kept apart in an epoch; more are folded into `other`.
        windows: held in an epoch, 0.2 kB each and 20 bytes for each bucket of theirs; more end the epoch.
    """

    epoch_ns: int = 300 * SECOND_NS
    send_every_ns: int = 5 * SECOND_NS
    segments: int = 10_000
    windows: int = 100_000


class WindowsState(msgspec.Struct, array_like=True):
    """What a snapshot keeps of windows beside arrays: see `Windows`, `EpochSums` and `Segments`."""

    sent: int
    epoch_start_ns: int | None
    segments: list[Segment]
    folded_rows: int
    after_gap: bool


class Windows:
    """Windows of one partition. State: the epoch's sums and which 5 s were last sent."""

    def __init__(self, params: WindowParams, partition: int) -> None:
        self._params = params
        self._partition = partition
        self._epoch: EpochSums | None = None
        self._sent = -1
        self._after_gap = False

    def state(self) -> tuple[WindowsState, dict[str, npt.NDArray[Any]]]:
        """For a snapshot: what is not an array, and the arrays of the epoch."""
        if self._epoch is None:
            return WindowsState(self._sent, None, [], 0, self._after_gap), {}
        names, folded_rows = self._epoch.segments.state()
        about = WindowsState(self._sent, self._epoch.epoch_start_ns, names, folded_rows, False)
        return about, self._epoch.state()

    def load(self, about: WindowsState, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from `state`."""
        self._sent, self._epoch, self._after_gap = about.sent, None, about.after_gap
        if about.epoch_start_ns is not None:
            segments = Segments(self._params.segments, self._partition)
            segments.load(about.segments, about.folded_rows)
            self._epoch = EpochSums(about.epoch_start_ns, segments)
            self._epoch.load(arrays)

    def after_gap(self) -> None:
        """Forget what the epoch holds: its rows stand as they were sent.

        What was sent after the snapshot is not known, so the next epoch starts at a time at which no other
        can have started: 1 ns after its first frame, where regular ones start at whole seconds.
        """
        self._epoch = None
        self._after_gap = True

    @property
    def epoch_start_ns(self) -> int:
        """Start of the epoch, the second half of every key; -1 before the first."""
        return -1 if self._epoch is None else self._epoch.epoch_start_ns

    @property
    def segments(self) -> int:
        """Segments of the epoch."""
        return 0 if self._epoch is None else len(self._epoch.segments.names)

    @property
    def folded_rows(self) -> int:
        """Rows of the epoch whose segment was one too many."""
        return 0 if self._epoch is None else self._epoch.segments.folded_rows

    def ends(self, clock_ns: int) -> bool:
        """Whether the epoch is over at this clock; then `advance` starts another."""
        full = self._epoch is not None and len(self._epoch) >= self._params.windows
        return full or clock_ns - clock_ns % self._params.epoch_ns > self.epoch_start_ns

    def advance(self, clock_ns: int) -> pa.RecordBatch | None:
        """Move the clock, before the rows that came at it are added.

        Returns:
            The rows of kind WINDOWS that are due, or None.
        """
        slot = clock_ns // self._params.send_every_ns
        over = self.ends(clock_ns)
        due = self.flush() if over or slot != self._sent else None
        self._sent = slot
        if over:
            start_ns = self._next_start_ns(clock_ns)
            self._epoch = EpochSums(start_ns, Segments(self._params.segments, self._partition))
        return due

    def _next_start_ns(self, clock_ns: int) -> int:
        if self._after_gap:
            self._after_gap = False
            return clock_ns + 1
        regular = clock_ns - clock_ns % self._params.epoch_ns
        return regular if self._epoch is None else max(regular, self.epoch_start_ns + SECOND_NS)

    def add(self, batch: pa.RecordBatch, labels: dict[str, Labels]) -> None:
        """Add settled steps and corrections at the clock of the last `advance`; see `EpochSums.add`."""
        if self._epoch is None:
            raise RuntimeError("`advance` comes before `add`: without a clock there is no epoch")
        self._epoch.add(batch, labels)

    def flush(self) -> pa.RecordBatch | None:
        """All rows that changed since they were sent; the epoch goes on."""
        return None if self._epoch is None else self._epoch.take_changed()
