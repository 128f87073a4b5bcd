"""What did a role write last? Reads its own outputs back from Kafka, from their ends.

Asked when a state cannot go on exactly where the outputs ended: after a gap, or under changed logic. Then
what was sent must be known, so that nothing is sent twice.
"""

from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.columns import Kind
from schemas.frame import Header, InvalidFrame, Label, Writer, decode_header
from streams.loop import quiet
from streams.settings import Settings

_FIRST_LOOK = 500
_TIMEOUT_S = 30.0


class OutputTail:
    """The last label of a writer in each partition that it writes to, and its last frame of one kind.

    Attributes:
        last: by topic and partition; absent where nothing of the writer is left.
        last_of_kind: the last label of a frame of `kind` anywhere; None where there is none.
    """

    def __init__(
        self,
        settings: Settings,
        places: Iterable[tuple[str, int]],
        writer: Writer,
        partition: int,
        kind: Kind | None = None,
    ) -> None:
        """Read the ends.

        Args:
            settings: of the namespace.
            places: topics and partitions that the writer may have written to.
            writer: whose frames.
            partition: of its input.
            kind: of `last_of_kind`; None: not asked for.

        Raises:
            KafkaException: Kafka does not answer.
        """
        self.last: dict[tuple[str, int], Label] = {}
        self.last_of_kind: Label | None = None
        self._of = (writer, partition)
        self._kind = kind
        consumer = Consumer(
            quiet()
            | {
                "bootstrap.servers": settings.kafka,
                "group.id": settings.group("tail"),
                "client.id": "wakeline-tail",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
            }
        )
        try:
            for topic, place in places:
                self._look(consumer, topic, place)
        finally:
            consumer.close()

    @property
    def offset(self) -> int:
        """The greatest input offset that an output was made from; -1 when there is none."""
        return max((label.offset for label in self.last.values()), default=-1)

    def _look(self, consumer: Consumer, topic: str, place: int) -> None:
        """Read ever more of the end until what is looked for is there."""
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, place), timeout=_TIMEOUT_S)
        count = _FIRST_LOOK
        while high > low:
            first = max(low, high - count)
            last, of_kind = self._read(consumer, topic, place, first)
            if (last is not None and (self._kind is None or of_kind is not None)) or first == low:
                if last is not None:
                    self.last[topic, place] = last
                if of_kind is not None:
                    self.last_of_kind = max(of_kind, self.last_of_kind or of_kind)
                return
            count *= 10

    def _read(
        self, consumer: Consumer, topic: str, place: int, first: int
    ) -> tuple[Label | None, Label | None]:
        last: Label | None = None
        of_kind: Label | None = None
        consumer.assign([TopicPartition(topic, place, first)])
        while True:
            messages = consumer.consume(500, _TIMEOUT_S)
            if not messages:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"The end of {topic} cannot be read"))
            for message in messages:
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        return last, of_kind
                    if error.fatal():
                        raise KafkaException(error)
                    continue
                header = self._mine(message.value() or b"")
                if header is not None:
                    last = max(header.label, last or header.label)
                    if header.kind is self._kind:
                        of_kind = max(header.label, of_kind or header.label)

    def _mine(self, value: bytes) -> Header | None:
        try:
            header = decode_header(value)
        except InvalidFrame:
            return None  # somebody else's; WRITE keeps it as a dead letter
        return header if (header.writer, header.partition) == self._of else None
