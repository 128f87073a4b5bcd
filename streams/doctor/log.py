"""What does the doctor ask Kafka? Offsets, groups, and when records were appended. It joins no group."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    OFFSET_END,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from streams.admin import connect, partition_counts
from streams.loop import quiet
from streams.settings import Settings

TIMEOUT_S = 10.0
Place = tuple[str, int]


@dataclass(frozen=True)
class Group:
    """A consumer group.

    Attributes:
        state: in Kafka's words, such as `STABLE`.
        members: client ids, one for each member.
        committed: offsets.
    """

    state: str
    members: tuple[str, ...]
    committed: Mapping[Place, int]


class Log:
    """Reads one broker for one namespace."""

    def __init__(self, settings: Settings) -> None:
        """Connects on first use."""
        self._settings = settings
        self._admin: AdminClient = connect(settings)

    def cluster(self) -> tuple[str, int]:
        """Id of the cluster and number of brokers; raises KafkaException."""
        found = self._admin.describe_cluster(request_timeout=TIMEOUT_S).result(TIMEOUT_S + 1)
        return str(found.cluster_id), len(found.nodes)

    def partitions(self) -> dict[str, int]:
        """Topics and their partitions; raises KafkaUnavailable."""
        return partition_counts(self._settings, self._admin)

    def starts(self, places: Iterable[Place]) -> dict[Place, int]:
        """First offset that is there."""
        return self._offsets(places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # the client's

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """Offset behind the last record."""
        return self._offsets(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # the client's

    def _offsets(self, places: Iterable[Place], spec: Any) -> dict[Place, int]:
        asked = {TopicPartition(*place): spec for place in places}
        if not asked:
            return {}
        futures = self._admin.list_offsets(asked, request_timeout=TIMEOUT_S)
        return {
            (part.topic, part.partition): future.result(TIMEOUT_S + 1).offset
            for part, future in futures.items()
        }

    def group(self, name: str) -> Group:
        """A group's members and offsets; without members when it is not there."""
        (described,) = self._admin.describe_consumer_groups([name], request_timeout=TIMEOUT_S).values()
        try:
            found = described.result(TIMEOUT_S + 1)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return Group("absent", (), {})
            raise
        (listed,) = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(name)], request_timeout=TIMEOUT_S
        ).values()
        parts = listed.result(TIMEOUT_S + 1).topic_partitions or []
        committed = {(part.topic, part.partition): part.offset for part in parts if part.offset >= 0}
        return Group(found.state.name, tuple(member.client_id for member in found.members), committed)

    def appended(self, offsets: Mapping[Place, int]) -> dict[Place, float]:
        """When records were appended.

        Args:
            offsets: of one record in each partition; where it is gone, the next one counts.

        Returns:
            Unix seconds; what did not come within 10 s is left out.
        """
        found: dict[Place, float] = {}
        if not offsets:
            return found
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(*place, offset) for place, offset in offsets.items()])
            until_s = time.monotonic() + TIMEOUT_S
            while len(found) < len(offsets) and time.monotonic() < until_s:
                for message in consumer.consume(100, 0.1):
                    kind, milliseconds = message.timestamp()
                    if message.error() is None and kind != TIMESTAMP_NOT_AVAILABLE:
                        place = str(message.topic()), int(message.partition() or 0)
                        if place not in found:
                            found[place] = milliseconds / 1_000
                            consumer.pause([TopicPartition(*place)])
        finally:
            consumer.close()
        return found

    def next_append(self, places: Iterable[Place], timeout_s: float) -> tuple[float, float] | None:
        """Wait for the next record of any of these partitions.

        Returns:
            When it was appended and when it came, Unix seconds; None when nothing came.
        """
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(*place, OFFSET_END) for place in places])
            until_s = time.monotonic() + timeout_s
            while time.monotonic() < until_s:
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    return message.timestamp()[1] / 1_000, time.time()
            return None
        finally:
            consumer.close()

    def _consumer(self) -> Consumer:
        return Consumer(
            quiet()
            | {
                "bootstrap.servers": self._settings.kafka,
                "group.id": self._settings.group("doctor"),  # named because the client asks; never joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
                "fetch.message.max.bytes": 65_536,
                "queued.max.messages.kbytes": 4_096,
            }
        )
