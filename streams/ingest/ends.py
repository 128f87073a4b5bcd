"""Has the input ended in every source partition, whoever reads it? Asks Kafka; for the event clock alone.

One worker sees all ends by itself. Of several each sees its own, and one that was killed leaves ends behind
that are committed and are not read again. So the group's commits and the last record of each partition
decide.
"""

from collections.abc import Collection

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from schemas.topics import CONTROL_END, CONTROL_HEADER
from streams.loop import offset_of, quiet
from streams.settings import Settings

log = structlog.get_logger()

ASK_S = 5.0

SourcePlace = tuple[str, int]


class Ends:
    """Looks at the ends of source partitions."""

    def __init__(self, settings: Settings, places: Collection[SourcePlace]) -> None:
        """Nothing is asked yet.

        Args:
            settings: Kafka and group.
            places: topic and partition of every source partition.
        """
        self._settings = settings
        self._places = sorted(places)

    def reached_but_for(self, known: Collection[SourcePlace]) -> bool:
        """Is all that is not in `known` framed, committed, and ended?

        False too when Kafka does not answer now: the caller asks again.
        """
        left = [place for place in self._places if place not in known]
        consumer = Consumer(
            quiet()
            | {
                "bootstrap.servers": self._settings.kafka,
                # Its group is named to ask for its commits; it is never joined.
                "group.id": self._settings.group("ingest"),
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            ends = {place: _end(consumer, place) for place in left}
            return _all_committed(consumer, ends) and _all_end(consumer, ends)
        except KafkaException as error:
            log.warning("Kafka does not say whether the input has ended", reason=str(error))
            return False
        finally:
            consumer.close()


def is_end(message: Message) -> bool:
    """Is it the record that says that nothing follows?"""
    found = message.headers()
    return found is not None and (CONTROL_HEADER, CONTROL_END) in found


def _end(consumer: Consumer, place: SourcePlace) -> int:
    return consumer.get_watermark_offsets(TopicPartition(*place), timeout=ASK_S)[1]


def _all_committed(consumer: Consumer, ends: dict[SourcePlace, int]) -> bool:
    asked = [TopicPartition(*place) for place in ends]
    if not asked:
        return True
    committed = consumer.committed(asked, timeout=ASK_S)
    return all(found.offset >= ends[found.topic, found.partition] > 0 for found in committed)


def _all_end(consumer: Consumer, ends: dict[SourcePlace, int]) -> bool:
    """Is the last record of each partition an end?"""
    waiting = dict(ends)
    consumer.assign([TopicPartition(*place, end - 1) for place, end in ends.items()])
    while waiting:
        messages = consumer.consume(len(waiting), ASK_S)
        if not messages:
            return False
        for message in messages:
            if message.error() is not None:
                continue  # the end of a partition, or a passing fault
            place = (message.topic() or "", message.partition() or 0)
            if not is_end(message):
                return False
            if offset_of(message) == waiting.get(place, 0) - 1:
                del waiting[place]
    return True
