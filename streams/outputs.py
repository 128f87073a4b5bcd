"""How do the outputs of RUNS and DRIFT reach Kafka? In labelled frames, counted until they have landed."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from schemas.alert import Alert
from schemas.columns import Kind, version_to_write
from schemas.decoded import Reason
from schemas.frame import Writer, encode, make_header
from schemas.topics import ALERTS, DEAD_LETTERS, topic_name
from streams.dead_letters import headers as letter_headers
from streams.health import Health
from streams.held import Held
from streams.partitions import cut, partition_of
from streams.settings import Settings
from streams.state.processor import Output
from streams.stateful_metrics import StatefulMetrics

Landed: TypeAlias = Callable[[KafkaError | None, Message], None]


class Outputs:
    """Sends what processors of one role give."""

    def __init__(
        self,
        settings: Settings,
        health: Health,
        writer: Writer,
        producer: Producer,
        on_refused: Callable[[KafkaError], None],
        numbers: StatefulMetrics,
    ) -> None:
        """
        Args:
            settings: namespace and partitions.
            health: is told while the broker takes nothing.
            writer: of the frames.
            producer: idempotent, and never gives up.
            on_refused: Kafka will never take an output; must end the process.
            numbers: of the role.
        """
        self._settings = settings
        self._health = health
        self._writer = writer
        self._producer = producer
        self._on_refused = on_refused
        self._numbers = numbers

    def send(self, held: Held, partition: int, offset: int, output: Output | Alert) -> None:
        """Send what was made from one input.

        Args:
            held: the input partition.
            partition: its number.
            offset: of the input.
            output: rows, a tick, or an alert.
        """
        if isinstance(output, Alert):
            name = topic_name(ALERTS, self._settings.namespace)
            where = partition_of(output.alert_id, self._settings.partitions)
            self._put(held, name, msgspec.json.encode(output), where, output.alert_id.encode())
            self._numbers.alerted(output.type)
        else:
            self._send_frames(held, partition, offset, output)

    def _send_frames(self, held: Held, partition: int, offset: int, output: Output) -> None:
        name = topic_name(output.topic, self._settings.namespace)
        floor = held.floors.get((name, output.partition))
        if floor is not None and offset <= floor.offset and output.kind is not Kind.LEDGER:
            return  # sent before, from the same input, by an owner whose outputs this one cannot repeat
        parts = (None,) if output.rows is None else tuple(cut(output.rows))
        self._numbers.sent(output, len(parts))
        for rows in parts:
            label, previous = held.labels.next(name, output.partition, offset)
            header = make_header(
                output.kind,
                self._writer,
                rows=0 if rows is None else rows.num_rows,
                flags=output.flags,
                partition=partition,
                partitions=self._settings.partitions,
                label=label,
                previous=previous,
                clock_ns=output.clock_ns,
                version=version_to_write(output.kind, self._settings.write_frames),
            )
            self._put(held, name, encode(header, rows), output.partition)

    def letter(
        self, held: Held, topic: str, partition: int, offset: int, append_ns: int, value: bytes, error: str
    ) -> None:
        """Keep a record that is no frame: a dead letter, acknowledged before the next snapshot."""
        about = letter_headers(Reason.INVALID_FRAME, error, topic, partition, offset, 0, append_ns)
        where = partition_of(f"{topic}/{partition}", self._settings.partitions)
        name = topic_name(DEAD_LETTERS, self._settings.namespace)
        self._put(held, name, value, where, None, about)
        self._numbers.letter(Reason.INVALID_FRAME.value)

    def _put(
        self,
        held: Held,
        topic: str,
        value: bytes,
        partition: int,
        key: bytes | None = None,
        about: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        landed = partial(self._landed, held.flight.send())
        waited = False
        while True:
            try:
                self._producer.produce(
                    topic, value, key, partition=partition, headers=about, on_delivery=landed
                )
                break
            except BufferError:
                # Full: the broker is slow, or away. Nothing is read meanwhile, so nothing grows.
                self._health.waiting("Kafka to take outputs")
                self._health.beat()
                self._producer.poll(0.1)
                waited = True
        if waited:
            self._health.ready()

    def _landed(self, tell: Landed, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._on_refused(error)
        tell(error, message)
