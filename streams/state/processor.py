"""What is a processor? State of one input partition; frames and a clock go in, outputs come out.

RUNS and DRIFT implement this; `streams.faust_shell` feeds it from Kafka and sends what comes out. A processor
reads no wall clock and no environment, so the same frames give the same outputs wherever they are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.frame import Flag, Header, Label, Writer
from schemas.topics import Topic


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


class Processor(Protocol):
    """State of one partition."""

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


class LabelReader:
    """Decides for each labelled frame of a partition whether it is new."""

    def __init__(self) -> None:
        self._last: dict[tuple[Writer, int], Label] = {}

    def is_new(self, header: Header) -> bool:
        """False for a repeat.

        Raises:
            LabelHole: the frame before it was never seen here.
        """
        chain = (header.writer, header.partition)
        last = self._last.get(chain, Label(-1, -1))
        if header.label <= last:
            return False
        if header.previous != last:
            raise LabelHole(
                f"From {header.writer.name} partition {header.partition} came label {tuple(header.label)} "
                f"after {tuple(header.previous)}, but the last one here is {tuple(last)}"
            )
        self._last[chain] = header.label
        return True
