"""What is read of now? The partitions of this INGEST but those of which enough waits; for the event clock."""

from collections.abc import Set

from confluent_kafka import Consumer, TopicPartition

from streams.ingest.ends import SourcePlace


class Intake:
    """Pauses and resumes partitions of a consumer."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._shut: set[SourcePlace] = set()

    def assigned(self) -> list[SourcePlace]:
        """Partitions that are this consumer's, in order."""
        return sorted((part.topic, part.partition) for part in self._consumer.assignment())

    def shut(self, places: Set[SourcePlace]) -> None:
        """Read no more of these. Said again of what came nonetheless: the loop resumes all after a wait."""
        if places:
            self._consumer.pause([TopicPartition(*place) for place in sorted(places)])
            self._shut |= places

    def open_but(self, places: Set[SourcePlace]) -> None:
        """Read again of all but these."""
        if over := self._shut - places:
            self._consumer.resume([TopicPartition(*place) for place in sorted(over)])
            self._shut -= over

    def forget(self) -> None:
        """The partitions were taken away; the loop has resumed them."""
        self._shut.clear()
