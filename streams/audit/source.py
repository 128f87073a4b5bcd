"""What was sent? Records of the source topics, read anew from Kafka up to a cut."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from schemas.topics import CONTROL_HEADER, DEAD_LETTERS, SOURCE_IDS, SOURCES, STEP_FRAMES, topic_name
from streams.admin import connect, partition_counts
from streams.loop import offset_of, quiet
from streams.reading import marks
from streams.settings import ConfigError, Settings

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Place:
    """One partition of a source topic, and how far it is read.

    Attributes:
        topic: at the broker.
        source_topic: its number in `steps`.
        partition: of it.
        first: offset of the first record that Kafka still holds.
        end: offset behind the last record of the cut.
    """

    topic: str
    source_topic: int
    partition: int
    first: int
    end: int


@dataclass(frozen=True)
class Record:
    """One message.

    Attributes:
        offset: of it.
        append_ns: when the broker appended it, Unix nanoseconds.
        value: its bytes; None for a control record.
    """

    offset: int
    append_ns: int
    value: bytes | None


def count_partitions(settings: Settings) -> int:
    """Partitions of the internal topics, as the broker has them.

    Raises:
        KafkaUnavailable: no broker answers.
        ConfigError: the namespace has no topics.
    """
    counts = partition_counts(settings, connect(settings))
    name = topic_name(STEP_FRAMES, settings.namespace)
    if name not in counts:
        raise ConfigError(f"The namespace {settings.namespace} has no topic {name} at {settings.kafka}")
    return counts[name]


def cut(settings: Settings) -> list[Place]:
    """All partitions of the source topics, as they are now.

    Raises:
        KafkaException: Kafka does not answer.
    """
    consumer = _consumer(settings)
    try:
        known = consumer.list_topics(timeout=TIMEOUT_S).topics
        places = []
        for topic in SOURCES:
            name = topic_name(topic, settings.namespace)
            for part in sorted(known[name].partitions) if name in known else ():
                first, end = consumer.get_watermark_offsets(TopicPartition(name, part), timeout=TIMEOUT_S)
                places.append(Place(name, SOURCE_IDS[topic.name], part, first, end))
        return places
    finally:
        consumer.close()


def read(settings: Settings, place: Place) -> Iterator[Record]:
    """The records of a partition, in order; raises KafkaException when Kafka does not answer for 30 s."""
    return map(_record, _messages(settings, place))


def read_letters(settings: Settings) -> Iterator[tuple[dict[str, str], bytes, int]]:
    """All dead letters on their topic: headers, original bytes, offset."""
    topic = topic_name(DEAD_LETTERS, settings.namespace)
    for part in range(settings.partitions):
        first, end = marks(settings, topic, part)
        for message in _messages(settings, Place(topic, -1, part, first, end)):
            headers = {name: (text or b"").decode("utf-8", "replace") for name, text in _headers(message)}
            yield headers, message.value() or b"", offset_of(message)


def _messages(settings: Settings, place: Place) -> Iterator[Message]:
    if place.end <= place.first:
        return
    consumer = _consumer(settings)
    try:
        consumer.list_topics(place.topic, timeout=TIMEOUT_S)  # as in `streams.reading`: saves half a second
        start = place.first or OFFSET_BEGINNING
        consumer.assign([TopicPartition(place.topic, place.partition, start)])
        heard_s = time.monotonic()
        while True:
            for message in consumer.consume(1_000, 0.05):
                heard_s = time.monotonic()
                error = message.error()
                if error is None and offset_of(message) < place.end:
                    yield message
                elif error is None or error.code() == KafkaError._PARTITION_EOF:
                    return
                elif error.fatal():
                    raise KafkaException(error)
            if time.monotonic() - heard_s > TIMEOUT_S:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{place.topic} cannot be read"))
    finally:
        consumer.close()


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    found: list[tuple[str, bytes | None]] = message.headers() or []  # type: ignore[assignment]
    return found


def _record(message: Message) -> Record:
    control = any(name == CONTROL_HEADER for name, _ in _headers(message))
    value = None if control else message.value() or b""
    return Record(offset_of(message), message.timestamp()[1] * 1_000_000, value)


def _consumer(settings: Settings) -> Consumer:
    return Consumer(
        quiet()
        | {
            "bootstrap.servers": settings.kafka,
            "group.id": settings.group("audit"),
            "client.id": "wakeline-audit",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": 32_768,
        }
    )
