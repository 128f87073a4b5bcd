"""How far behind is a role of the loop? Tells health and metrics, once a second, from what the client knows.

The client learns a partition's end with every fetch, so nothing is asked for. Paused partitions are not
fetched: while a sink is away the ends are asked for, each 10 s. Offsets are never decided here.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from confluent_kafka import (
    OFFSET_INVALID,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaException,
    Message,
    TopicPartition,
)

from streams import metrics
from streams.health import Health

log = structlog.get_logger()

EVERY_S = 1.0
ASK_EVERY_S = 10.0
ASK_TIMEOUT_S = 1.0

Place = tuple[str, int]


class Lag:
    """Places and times of one consumer; called from the loop's thread alone."""

    def __init__(self, consumer: Consumer, health: Health) -> None:
        self._consumer = consumer
        self._health = health
        self._numbers = health.metrics
        # Append time of the last record that is durable.
        self._newest_ms: dict[Place, int] = {}
        # The first record of the open block, and the newest append times in it.
        self._open: dict[Place, int] = {}
        self._open_ms: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self._seen_ends: dict[Place, int] = {}
        self._count = 0
        self._due_s = self._ask_s = 0.0

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """More partitions are ours."""
        self._numbers.count(metrics.REBALANCES, len(partitions), change="assigned")

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """They are somebody else's; so is their lag. The open block is dropped."""
        self._numbers.count(metrics.REBALANCES, len(partitions), change="revoked")
        self._open.clear()
        self._open_ms.clear()
        for part in partitions:
            place = part.topic, part.partition
            for known in (self._newest_ms, self._ends, self._seen_ends):
                known.pop(place, None)
            where = {"topic": part.topic, "partition": str(part.partition)}
            self._numbers.forget(metrics.LAG_RECORDS, **where)
            self._numbers.forget(metrics.LAG_SECONDS, **where)

    def read(self, messages: Sequence[Message]) -> dict[Place, int]:
        """Records came into the open block.

        Returns:
            For each of their partitions the offset that comes next.
        """
        first: dict[Place, Message] = {}
        last: dict[Place, Message] = {}
        topics: Counter[str] = Counter()
        for message in messages:
            place = _place(message)
            first.setdefault(place, message)
            last[place] = message
            topics[place[0]] += 1
        for topic, count in topics.items():
            self._numbers.count(metrics.RECORDS, count, topic=topic)
        for place, message in first.items():
            self._open.setdefault(place, message.offset() or 0)
        for place, message in last.items():
            kind, milliseconds = message.timestamp()
            if kind != TIMESTAMP_NOT_AVAILABLE:
                self._open_ms[place] = milliseconds
        return {place: (message.offset() or 0) + 1 for place, message in last.items()}

    def at_end(self, place: Place, offset: int) -> None:
        """There is no record from `offset` on: what is there are markers of transactions."""
        self._seen_ends[place] = offset

    def handled(self, upto: Mapping[Place, int]) -> None:
        """The open block is durable.

        Args:
            upto: what follows its last record in each partition.
        """
        now_ms = time.time() * 1_000
        for place, offset in upto.items():
            self._count += offset - self._open.get(place, offset)
        newest: dict[str, int] = {}
        for (topic, _), milliseconds in self._open_ms.items():
            newest[topic] = max(milliseconds, newest.get(topic, 0))
        for topic, milliseconds in newest.items():
            delay_s = max(0.0, (now_ms - milliseconds) / 1_000)
            self._numbers.observe(metrics.END_TO_END_DELAY_SECONDS, delay_s, topic=topic)
        self._newest_ms |= self._open_ms
        self._open.clear()
        self._open_ms.clear()

    def tell(self, now_s: float, *, paused: bool = False) -> None:
        """Tell health and metrics, if it is time.

        Args:
            now_s: monotonic.
            paused: nothing is fetched, so the ends must be asked for.
        """
        if now_s < self._due_s:
            return
        self._due_s = now_s + EVERY_S
        assigned = self._consumer.assignment()
        if paused and now_s >= self._ask_s:
            self._ask_s = now_s + ASK_EVERY_S
            self._ask(assigned)
        total, now_ms = 0, time.time() * 1_000
        for part in self._consumer.position(assigned):
            place = part.topic, part.partition
            lag = self._lag_of(part, paused)
            if lag is None:
                continue
            total += lag
            where = {"topic": part.topic, "partition": str(part.partition)}
            behind_ms = now_ms - self._newest_ms[place] if lag and place in self._newest_ms else 0.0
            self._numbers.set(metrics.LAG_RECORDS, lag, **where)
            self._numbers.set(metrics.LAG_SECONDS, max(0.0, behind_ms / 1_000), **where)
        self._health.progress(total, self._count)

    def _lag_of(self, part: TopicPartition, paused: bool) -> int | None:
        """Records that are not durable; None while nothing was fetched of the partition."""
        place = part.topic, part.partition
        done = self._open.get(place, max(part.offset, self._seen_ends.get(place, OFFSET_INVALID)))
        if done < 0:
            return None
        if not paused:
            found = self._consumer.get_watermark_offsets(
                TopicPartition(part.topic, part.partition), cached=True
            )
            if found is not None and found[1] >= 0:
                self._ends[place] = found[1]
        end = self._ends.get(place)
        return None if end is None else max(0, end - done)

    def _ask(self, assigned: Sequence[TopicPartition]) -> None:
        for part in assigned:
            try:
                found = self._consumer.get_watermark_offsets(
                    TopicPartition(part.topic, part.partition), timeout=ASK_TIMEOUT_S
                )
            except KafkaException as error:
                log.info("The lag is not known", reason=error.args[0].str())
                return  # the others would not answer either; the next time is soon
            if found is not None:
                self._ends[part.topic, part.partition] = found[1]
            self._health.beat()


def _place(message: Message) -> Place:
    topic, partition = message.topic(), message.partition()
    assert topic is not None
    assert partition is not None
    return topic, partition
