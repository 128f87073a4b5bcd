"""What was sent already? Reads and writes the compacted topic `deliveries`.

The key is alert id and target; the value says what became of it; two headers say where the alert lies, so
that a failed one can be read again from `alerts`. A record lies in the partition of its alert: who is
assigned that partition of `alerts` reads the same one here, and nobody else writes it.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from schemas.alert import Alert, Delivery
from schemas.topics import ALERTS, DELIVERIES, topic_name
from streams.loop import SinkUnavailable, offset_of
from streams.settings import Settings

log = structlog.get_logger()

TIMEOUT_S = 30.0
WRITE_THROUGH_S = 10.0
# Alerts are kept 30 days, frames that could repeat one 7: what is older can never be asked for.
FORGET_AFTER_MS = 35 * 24 * 3_600 * 1_000

_PARTITION, _OFFSET = "alert-partition", "alert-offset"


class Place(NamedTuple):
    """Where an alert lies on its topic."""

    partition: int
    offset: int


class Found(NamedTuple):
    """A delivery record and the place of its alert."""

    delivery: Delivery
    place: Place


def key_of(alert_id: str, target: str) -> bytes:
    """Key of a delivery record."""
    return f"{alert_id}\n{target}".encode()


def digest_of(alert_id: str, target: str) -> bytes:
    """16 bytes that stand for a key in memory, whatever its length."""
    return blake2b(key_of(alert_id, target), digest_size=16).digest()


class DeliveryLog:
    """Writes records, and knows whether the broker has them. Threads may write at once."""

    def __init__(self, settings: Settings, producer: Producer) -> None:
        self._topic = topic_name(DELIVERIES, settings.namespace)
        self._producer = producer
        self._failed: KafkaError | None = None

    def write(self, delivery: Delivery, place: Place) -> threading.Event:
        """Queue a record.

        Returns:
            What is set when the broker has it: a few milliseconds later, or when it is back.
        """
        key = key_of(delivery.alert_id, delivery.target)
        headers: list[tuple[str, str | bytes | None]] = [
            (_PARTITION, str(place.partition).encode()),
            (_OFFSET, str(place.offset).encode()),
        ]
        return self._produce(key, msgspec.json.encode(delivery), place.partition, headers)

    def write_through(self, delivery: Delivery, place: Place) -> None:
        """Write a record and wait until the broker has it, 10 s at most: the client keeps trying."""
        done = self.write(delivery, place)
        until_s = time.monotonic() + WRITE_THROUGH_S
        while not done.is_set() and time.monotonic() < until_s:
            self._producer.poll(0.02)

    def forget(self, delivery: Delivery, partition: int) -> None:
        """Queue a tombstone: compaction removes the record."""
        self._produce(key_of(delivery.alert_id, delivery.target), None, partition, [])

    def poll(self) -> None:
        """Serve the client's callbacks.

        Raises:
            RuntimeError: the broker refused a record for good.
        """
        self._producer.poll(0)
        if self._failed is not None:
            raise RuntimeError(f"Kafka refused a delivery record: {self._failed.str()}")

    def settle(self, timeout_s: float) -> None:
        """Wait until the broker has everything that was written.

        Raises:
            SinkUnavailable: it has not within the time; the client keeps trying.
            RuntimeError: as `poll`.
        """
        left = self._producer.flush(timeout_s)
        self.poll()
        if left:
            raise SinkUnavailable(f"Kafka has not taken {left} delivery records")

    def _produce(
        self,
        key: bytes,
        value: bytes | None,
        partition: int,
        headers: list[tuple[str, str | bytes | None]],
    ) -> threading.Event:
        done = threading.Event()

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                self._failed = error
            done.set()

        while True:
            try:
                self._producer.produce(
                    self._topic, value, key, partition, on_delivery=delivered, headers=headers
                )
                return done
            except BufferError:
                self._producer.poll(0.1)


def read_deliveries(settings: Settings, partitions: Iterable[int]) -> Iterator[Found]:
    """All records of some partitions, in order; of one key the last one counts.

    Raises:
        KafkaException: the broker does not answer or has no such topic.
    """
    name = topic_name(DELIVERIES, settings.namespace)
    for partition in partitions:
        for message in _read(settings, name, partition):
            found = _parse(message)
            if found is not None:
                yield found


def read_alerts(settings: Settings, places: Iterable[Place]) -> Iterator[tuple[Place, bytes]]:
    """The alerts at some places; those that are no longer on the topic are left out.

    Raises:
        KafkaException: the broker does not answer or has no such topic.
    """
    name = topic_name(ALERTS, settings.namespace)
    wanted: dict[int, set[int]] = {}
    for place in places:
        wanted.setdefault(place.partition, set()).add(place.offset)
    for partition, offsets in sorted(wanted.items()):
        for message in _read(settings, name, partition, min(offsets), max(offsets) + 1):
            value = message.value()
            if offset_of(message) in offsets and value is not None:
                yield Place(partition, offset_of(message)), value


def _read(
    settings: Settings, topic: str, partition: int, first: int = 0, stop: int | None = None
) -> Iterator[Message]:
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka,
            "group.id": settings.group("notify-reader"),  # named because the client asks; never joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": 4_096,
        }
    )
    try:
        where = TopicPartition(topic, partition)
        low, high = consumer.get_watermark_offsets(where, timeout=TIMEOUT_S)
        end = high if stop is None else min(stop, high)
        where.offset = max(first, low)
        if where.offset >= end:
            return
        consumer.assign([where])
        yield from _until(consumer, end)
    finally:
        consumer.close()


def _until(consumer: Consumer, end: int) -> Iterator[Message]:
    until_s = time.monotonic() + TIMEOUT_S
    while True:
        for message in consumer.consume(1_000, 0.05):
            until_s = time.monotonic() + TIMEOUT_S
            error = message.error()
            if error is None and offset_of(message) < end:
                yield message
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            # Compaction may have removed the last offsets before the end: the end of the partition tells.
            if error is not None or offset_of(message) >= end - 1:
                return
        if time.monotonic() > until_s:
            raise KafkaException(
                KafkaError(KafkaError._TIMED_OUT, "Nothing comes from a topic we read to its end")
            )


def _parse(message: Message) -> Found | None:
    value = message.value()
    if value is None:
        return None
    headers = dict(message.headers() or [])
    try:
        delivery = msgspec.json.decode(value, type=Delivery)
        place = Place(int(headers[_PARTITION] or b""), int(headers[_OFFSET] or b""))
    except (msgspec.MsgspecError, KeyError, ValueError) as error:
        log.error(
            "A delivery record cannot be read; it is left alone", offset=offset_of(message), reason=str(error)
        )
        return None
    return Found(delivery, place)


def decode_alert(value: bytes) -> Alert:
    """An alert from its topic.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return msgspec.json.decode(value, type=Alert)
