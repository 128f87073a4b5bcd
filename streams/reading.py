"""How is a partition read to its end, once? For snapshots and for outputs written last; without a group."""

import time
from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from streams.loop import quiet
from streams.settings import Settings

TIMEOUT_S = 30.0
# The client waits so long for a batch to fill, also when the partition has ended.
_BATCH_S = 0.02


def marks(settings: Settings, topic: str, partition: int) -> tuple[int, int]:
    """The first offset that Kafka holds, and the one behind the last.

    Raises:
        KafkaException: Kafka does not answer for 30 s.
    """
    consumer = _consumer(settings)
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
        return low, high
    finally:
        consumer.close()


def read_to_end(settings: Settings, topic: str, partition: int, first: int) -> Iterator[tuple[int, bytes]]:
    """Offset and value of a partition's records, from `first` (or the earliest after it) to its end now.

    What belongs to a transaction that was not committed is left out.

    Raises:
        KafkaException: Kafka does not answer for 30 s.
    """
    consumer = _consumer(settings)
    try:
        # Without it the client learns of the topic half a second later (0.55 s to the first record, not 0.1).
        consumer.list_topics(topic, timeout=TIMEOUT_S)
        # 0 may be deleted: the beginning is asked for by name, else the client warns of it.
        start = first or OFFSET_BEGINNING
        consumer.assign([TopicPartition(topic, partition, start)])
        heard_s = time.monotonic()
        while True:
            for message in consumer.consume(500, _BATCH_S):
                heard_s = time.monotonic()
                error = message.error()
                if error is None:
                    offset = message.offset()
                    assert offset is not None
                    yield offset, message.value() or b""
                elif error.code() == KafkaError._PARTITION_EOF:
                    return
                elif error.fatal() or error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise KafkaException(error)
            if time.monotonic() - heard_s > TIMEOUT_S:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"Nothing of {topic} can be read"))
    finally:
        consumer.close()


def _consumer(settings: Settings) -> Consumer:
    return Consumer(
        quiet()
        | {
            "bootstrap.servers": settings.kafka,
            "group.id": settings.group("reading"),
            "client.id": "wakeline-reading",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "queued.max.messages.kbytes": 65_536,
            "fetch.message.max.bytes": 8_388_608,
        }
    )
