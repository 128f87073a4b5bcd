"""How do RUNS and DRIFT read Kafka? Faust, at our own offsets: state decides, Kafka's position is a hint.

Faust joins the group, fetches and hands over; it never commits and never decides where to read. Each
assigned partition gets a processor and the offset that it expects next. What is behind that offset is a
repeat and dropped; what is ahead makes us seek back. No exception may leave the agent's body (Faust would
acknowledge the message and go on), so a failure ends the process and the supervisor starts it again.

Without snapshots a processor starts at offset 0 of its partition, and refuses when that is gone.
"""

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import faust
import msgspec
import structlog
import uvloop
from confluent_kafka import KafkaError, Message, Producer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import CrashingSupervisor

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.frame import Writer, decode_batch, decode_header, encode, make_header
from schemas.topics import ALERTS, Topic, topic_name
from streams.health import Health
from streams.loop import make_producer
from streams.partitions import cut, partition_of
from streams.settings import Settings
from streams.state.processor import Clock, LabelWriter, Output, Place, Processor

log = structlog.get_logger()

EXIT_CRASH = 70
AHEAD_LIMIT_S = 20.0
# One seek is enough; a second would throw away what the first has fetched since.
SEEK_EVERY_S = 1.0


@dataclass
class Held:
    """One assigned partition: its processor and the next offset it takes."""

    processor: Processor
    next: int = 0
    clock: Clock = field(default_factory=Clock)
    labels: LabelWriter = field(default_factory=LabelWriter)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ahead_since_s: float | None = None
    sought_s: float = 0.0


class Consumer(driver.Consumer):
    """Faust's consumer without its offsets."""

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        return False

    force_commit = commit

    def ack(self, message: Any) -> bool:
        """Mark a message as done, and nothing else: Faust's own list of what was acked would only grow."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        waiter = self._waiting_for_ack
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps are the guard's business."""

    async def perform_seek(self) -> None:
        """Go to the offsets that the processors expect; restoring was done before, so this is quick."""
        held: dict[TP, Held] = self.app.wakeline_held  # type: ignore[attr-defined]  # our App, see below
        wanted = {tp: held[tp].next for tp in self.assignment() if tp in held}
        if wanted:
            await self.seek_wait(wanted)


class Transport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = Consumer


class App(faust.App):
    """A Faust app whose consumer is ours; `wakeline_held` is what it stands on."""

    wakeline_held: dict[TP, Held]

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)


class Shell:
    """Runs the processors of one role over one topic."""

    def __init__(
        self,
        settings: Settings,
        health: Health,
        role: str,
        topic: Topic,
        writer: Writer,
        make_processor: Callable[[Place], Processor],
    ) -> None:
        self._settings = settings
        self._health = health
        self._role = role
        self._topic = topic_name(topic, settings.namespace)
        self._writer = writer
        self._make_processor = make_processor
        self._partitions = settings.partitions
        self._producer: Producer = make_producer(settings, role)
        self._held: dict[TP, Held] = {}

    def run(self, stop: threading.Event) -> None:
        """Process until `stop` is set; a failure ends the process with code 70."""
        uvloop.run(self._main(stop))

    async def _main(self, stop: threading.Event) -> None:
        app = self._make_app()
        await app.start()
        try:
            while not stop.is_set():
                await asyncio.sleep(0.05)
                self._producer.poll(0)
                self._health.beat()
        finally:
            await app.stop()
            self._producer.flush(30)

    def _make_app(self) -> App:
        app = App(
            self._settings.group(self._role),
            broker=[f"kafka://{server.strip()}" for server in self._settings.kafka.split(",")],
            store="memory://",
            cache="memory://",
            datadir=tempfile.gettempdir(),  # nothing is written there
            key_serializer="raw",
            value_serializer="raw",
            web_enabled=False,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=1_048_576,
            stream_buffer_maxsize=64,
            stream_wait_empty=False,
            broker_session_timeout=6.0,
            broker_heartbeat_interval=1.0,
            broker_max_poll_interval=864_000.0,
            topic_disable_leader=True,
            topic_allow_declare=False,
            agent_supervisor=CrashingSupervisor,
        )
        app.wakeline_held = self._held
        # weak=False: a bound method would be forgotten at once.
        app.on_rebalance_complete.connect(self._rebalanced, weak=False)
        app.on_partitions_revoked.connect(self._revoked, weak=False)
        channel = app.topic(self._topic, key_type=bytes, value_type=bytes, internal=False)

        @app.agent(channel, name=f"{self._role}-agent")
        async def agent(stream: Any) -> None:
            async for event in stream.events():
                try:
                    await self._take(app, event.message)
                except BaseException as error:
                    if isinstance(error, asyncio.CancelledError):
                        raise
                    self._crash(error)

        return app

    # -- assignment

    async def _rebalanced(self, *arguments: Any, **_: Any) -> None:
        try:
            await self._hold(arguments[0])
        except BaseException as error:  # noqa: BLE001 - Faust would log it and go on without state
            self._crash(error)

    async def _hold(self, app: App) -> None:
        assigned = set(app.consumer.assignment())
        for tp in set(self._held) - assigned:
            del self._held[tp]
        new = sorted(tp for tp in assigned - set(self._held) if tp.topic == self._topic)
        earliest = await app.consumer.earliest_offsets(*new) if new else {}
        for tp in new:
            if earliest.get(tp, 0) > 0:
                self._refuse(tp, earliest[tp])
            place = Place(self._writer, tp.partition, self._partitions)
            self._held[tp] = Held(self._make_processor(place))
        log.info("Partitions assigned", partitions=sorted(tp.partition for tp in self._held))
        self._health.ready()

    def _refuse(self, tp: TP, earliest: int) -> None:
        log.error(
            "Records are gone that the state needs: the topic's retention has deleted them, and totals would "
            "be wrong. Go on in a new namespace",
            topic=tp.topic,
            partition=tp.partition,
            needed=0,
            earliest=earliest,
        )
        self._exit(EXIT_CRASH)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        """State is a function of the log alone, so it stays good if the partition comes back to us."""
        self._health.waiting("an assignment")

    # -- messages

    async def _take(self, app: App, message: Any) -> None:
        tp = TP(message.topic, message.partition)
        held = self._held.get(tp)
        if held is None:
            return
        async with held.lock:
            if self._held.get(tp) is not held or message.offset < held.next:
                return
            if message.offset > held.next:
                await self._seek_back(app, tp, held, message.offset)
                return
            held.ahead_since_s = None
            self._process(held, tp.partition, message)
            held.next = message.offset + 1

    async def _seek_back(self, app: App, tp: TP, held: Held, offset: int) -> None:
        now_s = time.monotonic()
        if held.ahead_since_s is None:
            held.ahead_since_s = now_s
        if now_s - held.ahead_since_s > AHEAD_LIMIT_S:
            raise RuntimeError(f"{tp}: offset {held.next} does not come; Kafka is at {offset}")
        if now_s - held.sought_s > SEEK_EVERY_S:
            held.sought_s = now_s
            log.warning("Seeking back", partition=tp.partition, expected=held.next, got=offset)
            await app.consumer.seek_wait({tp: held.next})

    def _process(self, held: Held, partition: int, message: Any) -> None:
        value: bytes = message.value
        header = decode_header(value)
        rows = None if header.kind is Kind.TICK else decode_batch(header, value)
        clock_ns = held.clock.read(header, round(message.timestamp * 1_000) * 1_000_000)
        for output in held.processor.process(header, rows, message.offset, clock_ns):
            if isinstance(output, Alert):
                self._send_alert(output)
            else:
                self._send(held.labels, partition, message.offset, output)
        self._producer.poll(0)

    # -- outputs

    def _send(self, labels: LabelWriter, partition: int, offset: int, output: Output) -> None:
        name = topic_name(output.topic, self._settings.namespace)
        for rows in (None,) if output.rows is None else cut(output.rows):
            label, previous = labels.next(name, output.partition, offset)
            header = make_header(
                output.kind,
                self._writer,
                rows=0 if rows is None else rows.num_rows,
                flags=output.flags,
                partition=partition,
                partitions=self._partitions,
                label=label,
                previous=previous,
                clock_ns=output.clock_ns,
            )
            self._produce(name, encode(header, rows), output.partition)

    def _send_alert(self, alert: Alert) -> None:
        name = topic_name(ALERTS, self._settings.namespace)
        where = partition_of(alert.alert_id, self._partitions)
        self._produce(name, msgspec.json.encode(alert), where, alert.alert_id.encode())

    def _produce(self, topic: str, value: bytes, partition: int, key: bytes | None = None) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition=partition, on_delivery=self._delivered)
                return
            except BufferError:
                self._producer.poll(0.1)  # full: the broker is slower than we are, or away

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            log.error("Kafka refused an output", reason=error.str())
            self._exit(EXIT_CRASH)

    # -- the end

    def _crash(self, error: BaseException) -> None:
        log.error("The processor failed; the process ends", exc_info=error)
        self._exit(EXIT_CRASH)

    def _exit(self, code: int) -> None:
        """Leave at once: anything gentler lets Faust acknowledge and commit what was not processed."""
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(code)
