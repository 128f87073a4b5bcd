"""How do pieces reach the source topics? In order within a run, many lines a message, at a chosen speed."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, Message, Producer

from schemas.topics import AGENT_EVENTS, CONTROL_END, CONTROL_HEADER, SOURCES, Topic, topic_name
from streams.loop import make_producer
from streams.partitions import partition_of
from streams.replay.files import Piece
from streams.settings import Settings

LINES = 100
# Under the topics' limit of 1 MiB, batch headers included.
MESSAGE_BYTES = 1_000_000
_NAP_S = 0.05


class CannotSend(Exception):
    """A record that Kafka does not take. The message says which, and why."""


@dataclass
class Sent:
    """What was sent.

    Attributes:
        event_ids: of all events, each once.
        events: number of events.
        rejected: number of records that are no events.
        messages: number of Kafka messages.
    """

    event_ids: set[str] = field(default_factory=set)
    events: int = 0
    rejected: int = 0
    messages: int = 0

    @property
    def received(self) -> int:
        """Records that INGEST will find."""
        return self.events + self.rejected


class Sender:
    """Sends pieces, then the end."""

    def __init__(
        self,
        settings: Settings,
        partitions: Mapping[str, int],
        speed: float | None,
        check: Callable[[], None],
    ) -> None:
        """Nothing is sent yet.

        Args:
            settings: Kafka and namespace.
            partitions: of the source topics, by name.
            speed: seconds of event time a second; None: as fast as possible.
            check: called now and then; may raise.
        """
        self._producer: Producer = make_producer(settings, "replay", **{"linger.ms": 20, "log_level": 2})
        self._names = {topic.name: topic_name(topic, settings.namespace) for topic in SOURCES}
        self._partitions = partitions
        # A message over the settings' limit would be one dead letter, whatever it holds.
        self._limit = min(MESSAGE_BYTES, settings.max_message_bytes)
        self._speed = speed
        self._check = check
        self._began: tuple[float, int] | None = None
        self._open: dict[int, list[bytes]] = {}
        self._open_bytes: dict[int, int] = {}
        self._failed: KafkaError | None = None
        self.sent = Sent()

    def send(self, pieces: Iterable[Piece], told: Callable[[Sent], None]) -> None:
        """Send pieces in order; `told` hears of each hundredth.

        Raises:
            CannotSend: one is over the topics' limit, or Kafka refuses it.
        """
        for number, piece in enumerate(pieces):
            self._pace(piece)
            self._take(piece)
            if number % LINES == 0:
                self._check()
                told(self.sent)
        self._flush_lines()
        self._settle()
        told(self.sent)

    def end(self) -> None:
        """Tell INGEST that nothing follows: one empty message with a header in each partition."""
        for name, count in self._partitions.items():
            for partition in range(count):
                self._produce(name, b"", partition, [(CONTROL_HEADER, CONTROL_END)])
        self._settle()

    def _take(self, piece: Piece) -> None:
        if len(piece.value) > self._limit:
            raise CannotSend(
                f"A record of run {piece.key} has {len(piece.value)} bytes, a message takes {self._limit}."
                " Split the file: one request for each trace"
            )
        self.sent.event_ids.update(piece.event_ids)
        self.sent.events += len(piece.event_ids)
        self.sent.rejected += piece.rejected
        if piece.topic is AGENT_EVENTS:
            self._add_line(piece)
        else:
            self._produce(self._names[piece.topic.name], piece.value, self._place(piece.topic, piece.key))

    def _add_line(self, piece: Piece) -> None:
        partition = self._place(piece.topic, piece.key)
        lines = self._open.setdefault(partition, [])
        if self._open_bytes.get(partition, 0) + len(piece.value) + 1 > self._limit:
            self._flush_partition(partition)
        lines.append(piece.value)
        self._open_bytes[partition] = self._open_bytes.get(partition, 0) + len(piece.value) + 1
        if len(lines) >= LINES:
            self._flush_partition(partition)

    def _flush_partition(self, partition: int) -> None:
        lines = self._open[partition]
        if lines:
            self._produce(self._names[AGENT_EVENTS.name], b"\n".join(lines), partition)
            lines.clear()
            self._open_bytes[partition] = 0

    def _flush_lines(self) -> None:
        for partition in self._open:
            self._flush_partition(partition)

    def _pace(self, piece: Piece) -> None:
        if self._speed is None or piece.time_ns is None:
            return
        if self._began is None:
            self._began = (time.monotonic(), piece.time_ns)
        wall_s, first_ns = self._began
        due_s = wall_s + (piece.time_ns - first_ns) / 1e9 / self._speed
        if due_s > time.monotonic():
            self._flush_lines()
        while (left_s := due_s - time.monotonic()) > 0:
            self._check()
            self._producer.poll(min(left_s, _NAP_S))

    def _place(self, topic: Topic, key: str) -> int:
        return partition_of(key, self._partitions[self._names[topic.name]])

    def _produce(
        self,
        name: str,
        value: bytes,
        partition: int,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        while True:
            try:
                self._producer.produce(
                    name, value, partition=partition, headers=headers, on_delivery=self._delivered
                )
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        self.sent.messages += headers is None
        self._raise_failure()

    def _settle(self) -> None:
        while self._producer.flush(0.2):
            self._check()
        self._raise_failure()

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed = error

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise CannotSend(f"Kafka refused a record: {self._failed.str()}")
