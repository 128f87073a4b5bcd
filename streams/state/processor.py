"""What is a processor? State of one input partition; frames and a clock go in, outputs come out.

RUNS and DRIFT implement this; `streams.faust_shell` feeds it from Kafka and sends what comes out. A processor
reads no wall clock and no environment, so the same frames give the same outputs wherever they are read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.frame import Flag, Header, Label, Writer
from schemas.topics import Topic
from streams.state.snapshots import Parts


@dataclass(frozen=True)
class Output:
    """Rows for one partition of a topic, or a tick (`kind` TICK, no rows).

    The shell cuts rows into frames and numbers them; `flags` and `clock_ns` go into the header as they are.
    """

    topic: Topic
    partition: int
    kind: Kind
    rows: pa.RecordBatch | None = None
    flags: Flag = Flag.NONE
    clock_ns: int = 0


@dataclass(frozen=True)
class Note:
    """Something that changes how numbers are to be read; it becomes a row of the ledger.

    Attributes:
        entry: what happened, `<part>.<event>`.
        count: of what the entry is about.
        detail: a sentence.
    """

    entry: str
    count: int
    detail: str


class Processor(Protocol):
    """State of one partition.

    Attributes:
        state_version: of the schema of its snapshots; older ones are migrated by `restore` or refused.
        logic: what decides how the state goes on: version of the logic and parameters. Frames that are read
            again under another logic may give other outputs, so the shell sends none of them twice.
    """

    state_version: int
    logic: str

    def process(
        self, header: Header, rows: pa.RecordBatch | None, offset: int, clock_ns: int
    ) -> Sequence[Output | Alert]:
        """Take one frame or tick.

        Args:
            header: of the frame.
            rows: None for a tick.
            offset: of the frame in its partition; rises by one.
            clock_ns: of the partition, this frame included; never goes back.

        Returns:
            What is to be sent, in order.
        """

    def snapshot(self) -> Parts:
        """The whole state between two frames; what changes later is copied."""

    def restore(self, version: int, parts: Parts) -> Sequence[Note]:
        """Replace the state of a new processor by that of a snapshot of `state_version` `version`.

        Returns:
            What could not go on as it was.

        Raises:
            SnapshotRefused: of a version that cannot be read any more.
            SnapshotDamaged: the parts are not those of this role.
        """

    def numbers(self) -> Mapping[str, int]:
        """What it holds now and has counted so far, by the names that `streams.stateful_metrics` knows."""

    def after_gap(self) -> None:
        """Input is missing between the last frame and the next: keep what is still true, forget the rest.

        Nothing that was sent under a key before may be sent again under it, with less in it.
        """


@dataclass(frozen=True)
class Place:
    """Where a processor stands: which role, which partition, of how many."""

    writer: Writer
    partition: int
    partitions: int


class Clock:
    """The clock of a partition: the greatest append time of its messages, or the event clock they carry."""

    def __init__(self) -> None:
        self.now_ns = 0

    def read(self, header: Header, append_ns: int) -> int:
        """The time at a frame; never less than at the frame before."""
        given = header.clock_ns if header.flags & Flag.EVENT_CLOCK else append_ns
        self.now_ns = max(self.now_ns, given)
        return self.now_ns


class LabelHole(RuntimeError):
    """Frames between two labels are missing: what follows would be counted without them."""


class LabelWriter:
    """Numbers the outputs of one processor, so that a reader can tell repeats and holes."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], Label] = {}
        self._offset = -1
        self._number = 0

    def next(self, topic: str, partition: int, offset: int) -> tuple[Label, Label]:
        """Label of the next frame made from input `offset`, and the label before it to that partition."""
        if offset != self._offset:
            self._offset, self._number = offset, 0
        label = Label(offset, self._number)
        self._number += 1
        previous = self._last.get((topic, partition), Label(-1, -1))
        self._last[topic, partition] = label
        return label, previous

    @property
    def places(self) -> int:
        """Output partitions that a label is kept of."""
        return len(self._last)

    def state(self) -> list[tuple[str, int, int, int]]:
        """For a snapshot: topic, partition, and the last label written there."""
        return [(topic, partition, *label) for (topic, partition), label in self._last.items()]

    def go_on_after(self, last: Iterable[tuple[str, int, int, int]]) -> None:
        """Go on after these labels, given as by `state`."""
        for topic, partition, offset, number in last:
            self._last[topic, partition] = Label(offset, number)


# Writer, partition, offset and number of the last label of each chain; chains that went on since a gap.
LabelState = tuple[list[tuple[int, int, int, int]], list[tuple[int, int]] | None]


class LabelReader:
    """Decides for each labelled frame of a partition whether it is new."""

    def __init__(self) -> None:
        self._last: dict[tuple[Writer, int], Label] = {}
        # Chains that have gone on since the last gap; None: there was none.
        self._gone_on: dict[tuple[int, int], None] | None = None

    def state(self) -> LabelState:
        """For a snapshot."""
        last = [(int(writer), part, *label) for (writer, part), label in self._last.items()]
        return last, None if self._gone_on is None else list(self._gone_on)

    def restore(self, state: LabelState) -> None:
        """Go on from `state`."""
        last, gone_on = state
        self._last = {(Writer(writer), part): Label(offset, number) for writer, part, offset, number in last}
        self._gone_on = None if gone_on is None else dict.fromkeys(gone_on)

    def after_gap(self) -> None:
        """Frames are gone, and it is known: the next of each chain is taken whatever came before it."""
        self._gone_on = {}

    def is_new(self, header: Header) -> bool:
        """False for a repeat.

        Raises:
            LabelHole: the frame before it was never seen here.
        """
        chain = (header.writer, header.partition)
        last = self._last.get(chain, Label(-1, -1))
        if header.label <= last:
            return False
        cut = self._gone_on is not None and chain not in self._gone_on
        if header.previous != last and not cut:
            raise LabelHole(
                f"From {header.writer.name} partition {header.partition} came label {tuple(header.label)} "
                f"after {tuple(header.previous)}, but the last one here is {tuple(last)}"
            )
        self._last[chain] = header.label
        if self._gone_on is not None:
            self._gone_on[chain] = None
        return True
