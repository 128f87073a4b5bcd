"""In which order does INGEST take history? By event time over all partitions; each of them keeps its own.

A client reads partitions at different speeds, as they come: a year of one before the first day of another. So
records wait here until each partition that may still have an earlier one has given its next. The order within
a partition stays that of its offsets, because RUNS knows repeats by it. What was taken goes into blocks that
end at places which the records alone decide, so that the same topic gives the same frames and ticks.

Pure but for the times handed in; for the event clock alone.
"""

import heapq
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import Message

from schemas.event import Event
from streams.event_time import moment_of
from streams.ingest.block import Block
from streams.loop import offset_of, place_of

# The clock of everything behind INGEST moves once a block: small ones keep its steps small.
BLOCK_ROWS = 1_000
BLOCK_NS = 600 * 1_000_000_000
# A partition that has given nothing for so long is not waited for, and a block is not kept open for longer.
IDLE_S = 10.0
# Whoever was away for longer than this (a slow sink) has not seen that partitions were silent.
AWAY_S = 2.0
# Waiting in all partitions together; more is left in Kafka.
WAITING_BYTES = 32_000_000

Place = tuple[str, int]


class Opened(NamedTuple):
    """A record that was decoded: its events, with their places within it."""

    events: list[Event]
    numbers: Sequence[int]
    source: int
    append_ns: int


class _Partition:
    """What waits of one source partition.

    Attributes:
        records: in order; the first may be open.
        size_bytes: of them.
        opened: the first, decoded.
        moments: of its events.
        taken: how many of its events were taken.
        ended: the last record taken was an end.
        silent_since_s: monotonic; when it had nothing to give for the first time.
    """

    def __init__(self, now_s: float) -> None:
        self.records: deque[Message] = deque()
        self.size_bytes = 0
        self.opened: Opened | None = None
        self.moments: list[int] = []
        self.taken = 0
        self.ended = False
        self.silent_since_s = now_s


class SourceOrder:
    """Records that wait, and the block that is being filled."""

    def __init__(self, open_record: Callable[[Message], Opened | None], now_s: float) -> None:
        """Nothing waits yet.

        Args:
            open_record: decodes a record when its turn comes; None: it is an end.
            now_s: monotonic.
        """
        self._open_record = open_record
        self._now_s = now_s
        self._partitions: dict[Place, _Partition] = {}
        # Partitions whose first record is open, by the moment of its next event.
        self._next: list[tuple[int, Place]] = []
        self._clock_ns = 0
        self._block = Block()
        self._block_first_ns = 0
        self._block_since_s = now_s
        self._first_in_block: dict[Place, int] = {}

    def feed(self, messages: Sequence[Message]) -> None:
        """Records came; those of a partition in order."""
        for message in messages:
            partition = self._of(place_of(message))
            partition.records.append(message)
            partition.size_bytes += len(message.value() or b"")
            partition.ended = False

    def turn(self, now_s: float, assigned: Collection[Place]) -> list[Block]:
        """Take what can be taken.

        Args:
            now_s: monotonic.
            assigned: the partitions that are read here.

        Returns:
            Blocks that are full, or that nothing can be added to for long.
        """
        if now_s - self._now_s > AWAY_S:
            for partition in self._partitions.values():
                partition.silent_since_s = now_s
        self._now_s = now_s
        full: list[Block] = []
        while not self._awaited(assigned) and self._next:
            # Until a partition has nothing more to give.
            while self._take(full):
                pass
        if not self._next and all(self._of(place).ended for place in assigned):
            self._close(full)
        if now_s - self._block_since_s >= IDLE_S:
            self._close(full)
        return full

    def held(self) -> Mapping[Place, int]:
        """Of each partition the offset of the first record that is not wholly in a block given back."""
        first = {
            place: offset_of(partition.records[0])
            for place, partition in self._partitions.items()
            if partition.records
        }
        return first | self._first_in_block

    def above(self, share: float) -> set[Place]:
        """Partitions of which more waits than this share of what each may have."""
        limit_bytes = share * WAITING_BYTES / max(len(self._partitions), 1)
        return {place for place, one in self._partitions.items() if one.size_bytes > limit_bytes}

    def _of(self, place: Place) -> _Partition:
        found = self._partitions.get(place)
        if found is None:
            found = self._partitions[place] = _Partition(self._now_s)
        return found

    def _awaited(self, assigned: Collection[Place]) -> bool:
        """Open what can be opened; may a partition that has nothing to give still have the earliest event?"""
        waits = False
        for place in assigned:
            partition = self._of(place)
            if partition.opened is None:
                self._open_next(place, partition)
            if partition.opened is None and not partition.ended:
                waits |= self._now_s - partition.silent_since_s < IDLE_S
        return waits

    def _open_next(self, place: Place, partition: _Partition) -> None:
        """Open records until one has an event; what is no event is done with."""
        while partition.records:
            message = partition.records[0]
            opened = self._open_record(message)
            partition.ended = opened is None
            if opened is not None and opened.events:
                partition.opened, partition.taken = opened, 0
                partition.moments = [moment_of(event, opened.append_ns) for event in opened.events]
                heapq.heappush(self._next, (partition.moments[0], place))
                return
            self._leave(partition)

    def _leave(self, partition: _Partition) -> None:
        """The first record is done with."""
        partition.size_bytes -= len(partition.records.popleft().value() or b"")
        partition.opened = None
        partition.silent_since_s = self._now_s

    def _take(self, full: list[Block]) -> bool:
        """Take the earliest event; of equal ones that of the partition whose name and number are less.

        Returns:
            Whether its record has more, so that the next earliest is known.
        """
        moment_ns, place = heapq.heappop(self._next)
        partition = self._partitions[place]
        opened, at = partition.opened, partition.taken
        assert opened is not None
        self._clock_ns = max(self._clock_ns, moment_ns)
        rows = len(self._block)
        if rows >= BLOCK_ROWS or (rows and self._clock_ns - self._block_first_ns >= BLOCK_NS):
            self._close(full)
        if not len(self._block):
            self._block_first_ns, self._block_since_s = self._clock_ns, self._now_s
        offset = offset_of(partition.records[0])
        self._first_in_block.setdefault(place, offset)
        numbers = [opened.numbers[at]]
        self._block.add([opened.events[at]], numbers, opened.source, place[1], offset, opened.append_ns)
        partition.taken += 1
        if partition.taken == len(opened.events):
            self._leave(partition)
            return False
        heapq.heappush(self._next, (partition.moments[partition.taken], place))
        return True

    def _close(self, full: list[Block]) -> None:
        if len(self._block):
            full.append(self._block)
        self._block, self._first_in_block = Block(), {}
        self._block_since_s = self._now_s
