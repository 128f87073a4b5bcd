"""How do the outputs of RUNS and DRIFT reach Kafka? In labelled frames, counted until they have landed."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.frame import Writer, encode, make_header
from schemas.topics import ALERTS, topic_name
from streams.health import Health
from streams.held import Held
from streams.partitions import cut, partition_of
from streams.settings import Settings
from streams.state.processor import Output

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
    ) -> None:
        """
        Args:
            settings: namespace and partitions.
            health: is told while the broker takes nothing.
            writer: of the frames.
            producer: idempotent, and never gives up.
            on_refused: Kafka will never take an output; must end the process.
        """
        self._settings = settings
        self._health = health
        self._writer = writer
        self._producer = producer
        self._on_refused = on_refused

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
            self._produce(held, name, msgspec.json.encode(output), where, output.alert_id.encode())
        else:
            self._send_frames(held, partition, offset, output)

    def _send_frames(self, held: Held, partition: int, offset: int, output: Output) -> None:
        name = topic_name(output.topic, self._settings.namespace)
        floor = held.floors.get((name, output.partition))
        if floor is not None and offset <= floor.offset and output.kind is not Kind.LEDGER:
            return  # sent before, from the same input, by an owner whose outputs this one cannot repeat
        for rows in (None,) if output.rows is None else cut(output.rows):
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
            )
            self._produce(held, name, encode(header, rows), output.partition)

    def _produce(
        self, held: Held, topic: str, value: bytes, partition: int, key: bytes | None = None
    ) -> None:
        landed = partial(self._landed, held.flight.send())
        waited = False
        while True:
            try:
                self._producer.produce(topic, value, key, partition=partition, on_delivery=landed)
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
