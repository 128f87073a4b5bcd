"""Which rows is INGEST about to frame? Decoded events and their origins, collected over a moment. Pure."""

from collections.abc import Sequence

from schemas.event import Event


class Block:
    """Events with their origins, in columns; `origin` lists stay parallel to `events`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.append_ns: list[int] = []
        self.topics: list[int] = []
        self.partitions: list[int] = []
        self.offsets: list[int] = []
        self.numbers: list[int] = []

    def __len__(self) -> int:
        return len(self.events)

    def add(
        self,
        events: list[Event],
        numbers: Sequence[int],
        topic: int,
        partition: int,
        offset: int,
        append_ns: int,
    ) -> None:
        """Take the events of one message.

        Args:
            events: decoded, in order.
            numbers: their places within the message.
            topic: number of the source topic (`schemas.topics.SOURCE_IDS`).
            partition: of the source.
            offset: of the message.
            append_ns: when the broker appended it, Unix nanoseconds.
        """
        count = len(events)
        self.events += events
        self.numbers += numbers
        self.append_ns += [append_ns] * count
        self.topics += [topic] * count
        self.partitions += [partition] * count
        self.offsets += [offset] * count

    def halves(self) -> "tuple[Block, Block]":
        """The block's first and second half."""
        middle = len(self) // 2
        return self._part(slice(None, middle)), self._part(slice(middle, None))

    def _part(self, rows: slice) -> "Block":
        part = Block()
        part.events = self.events[rows]
        part.append_ns = self.append_ns[rows]
        part.topics = self.topics[rows]
        part.partitions = self.partitions[rows]
        part.offsets = self.offsets[rows]
        part.numbers = self.numbers[rows]
        return part
