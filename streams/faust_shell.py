"""How do RUNS and DRIFT read Kafka? Faust, at our own offsets: state decides, Kafka's position is a hint.

Faust joins the group, fetches and hands over; it never commits and never decides where to read. Each
assigned partition gets a processor and the offset that it expects next. What is behind that offset is a
repeat and dropped; what is ahead makes us seek back. No exception may leave the agent's body (Faust would
acknowledge the message and go on), so a failure ends the process and the supervisor starts it again.

On assignment a partition goes on at its newest snapshot (`streams.restoring`); others are written while
frames go on (`streams.snapshotting`), at revocation, and at the end of the process. Kafka is told their
offsets for its lag tools alone.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
import uvloop
from confluent_kafka import KafkaError, Producer
from faust.types import TP

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.frame import InvalidFrame, NewerFrame, Writer, decode_batch, decode_header
from schemas.topics import RESULT_FRAMES, Topic, topic_name
from streams.fault_points import FaultPoint, reach
from streams.faust_app import App, commit, make_app
from streams.health import Health
from streams.held import Held
from streams.loop import make_producer
from streams.outputs import Outputs
from streams.restoring import Restorer
from streams.settings import Settings
from streams.snapshot_store import Fenced
from streams.snapshotting import Snapshots
from streams.state.notes import build_ledger, gap_alert
from streams.state.processor import Output, Place, Processor
from streams.state.snapshots import Manifest
from streams.stateful_metrics import StatefulMetrics

log = structlog.get_logger()

EXIT_CRASH = 70
AHEAD_LIMIT_S = 20.0
RESTORING_THREADS = 4
RESTORE_S = 300.0
TURN_S = 0.05
LOOK_TURNS = 20
# How long a snapshot may take when the partition is taken away, and when the process ends (a supervisor
# gives it 10 s and more).
REVOKE_S = 20.0
END_S = 8.0
# One seek is enough; a second would throw away what the first has fetched since.
SEEK_EVERY_S = 1.0


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
        self._producer: Producer = make_producer(settings, role)
        self._numbers = StatefulMetrics(health.metrics, role, self._topic)
        self._outputs = Outputs(settings, health, writer, self._producer, self._refused, self._numbers)
        self._restorer = Restorer(settings, role, writer, make_processor)
        self._snapshots = Snapshots(settings, role, self._producer, self._saved, self._numbers)
        self._restoring = ThreadPoolExecutor(RESTORING_THREADS, "restore")
        # One: snapshots take turns, so that only one is in memory as bytes.
        self._saving = ThreadPoolExecutor(1, "snapshot")
        self._to_commit: dict[TP, int] = {}
        self._held: dict[TP, Held] = {}
        self._handled = 0

    def run(self, stop: threading.Event) -> None:
        """Process until `stop` is set; a failure ends the process with code 70."""
        uvloop.run(self._main(stop))

    async def _main(self, stop: threading.Event) -> None:
        app = self._make_app()
        await app.start()
        try:
            turn = 0
            while not stop.is_set():
                await asyncio.sleep(TURN_S)
                self._producer.poll(0)
                self._health.beat()
                # Here too, not only behind a frame: the last frames of a quiet hour are covered as well.
                # Between two turns of the event loop no frame is half processed.
                for tp, held in list(self._held.items()):
                    self._snapshot_if_due(tp, held)
                turn += 1
                if turn % LOOK_TURNS == 0:
                    self._look(app)
                    await self._commit(app)
        finally:
            # Before the consumer leaves: SIGTERM sends no revocation, and the next owner waits for this.
            await self._let_go(END_S)
            await app.stop()
            self._producer.flush(END_S)

    def _look(self, app: App) -> None:
        """Say how far the role is."""
        total = 0
        for tp, held in self._held.items():
            lag = max((app.consumer.highwater(tp) or 0) - held.next, 0)
            self._numbers.look(tp.partition, held, lag)
            total += lag
        self._health.progress(total, self._handled)

    def _make_app(self) -> App:
        app = make_app(self._settings, self._settings.group(self._role), self._held)
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
        new = sorted(tp for tp in assigned - set(self._held) if tp.topic == self._topic)
        if new:
            self._health.waiting("the state to be restored", at_most_s=RESTORE_S)
            earliest = await app.consumer.earliest_offsets(*new)
            ends = await app.consumer.highwaters(*new)
            restored = [self._restore(tp, earliest.get(tp, 0), ends.get(tp, 0)) for tp in new]
            self._held.update(zip(new, await asyncio.gather(*restored), strict=True))
        log.info("Partitions assigned", partitions=sorted(tp.partition for tp in self._held))
        self._health.ready()

    async def _restore(self, tp: TP, earliest: int, end: int) -> Held:
        began_s = time.monotonic()
        restore = partial(self._restorer.restore, tp.partition, earliest, end)
        held = await asyncio.get_running_loop().run_in_executor(self._restoring, restore)
        self._numbers.restored(held, tp.partition, time.monotonic() - began_s)
        return held

    async def _revoked(self, *_: Any, **__: Any) -> None:
        self._health.waiting("an assignment", at_most_s=RESTORE_S)
        try:
            await self._let_go(REVOKE_S)
        except BaseException as error:  # noqa: BLE001 - as in `_rebalanced`
            self._crash(error)

    async def _let_go(self, timeout_s: float) -> None:
        """Snapshot and forget all partitions; what comes of them from now on is dropped.

        A snapshot that fails costs the next owner time, never correctness: it goes on at the one before.
        """
        held, loop = dict(self._held), asyncio.get_running_loop()
        saves = []
        # Without the partition's lock: a seek that waits for this rebalance may hold it; and between two
        # turns of the event loop no frame is half processed.
        for tp, one in held.items():
            del self._held[tp]
            self._numbers.forgot(tp.partition)
            if one.next != one.covered:
                draft = self._snapshots.draft(one, tp.partition)
                save = partial(self._snapshots.save, one, draft, timeout_s)
                saves.append(loop.run_in_executor(self._saving, save))
        for saved in await asyncio.gather(*saves, return_exceptions=True):
            if isinstance(saved, Fenced):
                log.warning("The partition was somebody else's already", reason=str(saved))
            elif isinstance(saved, BaseException):
                raise saved
        for one in held.values():
            one.store.close()

    # -- snapshots

    def _snapshot_if_due(self, tp: TP, held: Held) -> None:
        if not self._snapshots.due(held):
            return
        held.saving = True
        draft = self._snapshots.draft(held, tp.partition)
        future = self._saving.submit(self._snapshots.save, held, draft)
        future.add_done_callback(partial(self._was_saved, held))

    def _was_saved(self, held: Held, future: "Future[bool]") -> None:
        held.saving = False
        error = future.exception()
        if error is not None:
            self._crash(error)

    def _saved(self, manifest: Manifest) -> None:
        self._to_commit[TP(self._topic, manifest.partition)] = manifest.next_offset

    async def _commit(self, app: App) -> None:
        """Tell Kafka how far snapshots are. Nothing depends on it, so a refusal is only logged."""
        if self._to_commit:
            offsets, self._to_commit = self._to_commit, {}
            await commit(app, {tp: offset for tp, offset in offsets.items() if tp in self._held})

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
            held.append_s = message.timestamp
            self._handled += 1
            self._numbers.consumed(message.timestamp)
            reach(FaultPoint(f"{self._role}.processed"))
            self._snapshot_if_due(tp, held)

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
        value: bytes = message.value or b""
        append_ns = round(message.timestamp * 1_000) * 1_000_000
        try:
            header = decode_header(value)
            rows = None if header.kind is Kind.TICK else decode_batch(header, value)
        except NewerFrame:
            raise  # of a newer writer: this process ends and says what to do; nothing is skipped
        except InvalidFrame as error:
            log.error("A record is no frame", partition=partition, offset=message.offset, reason=str(error))
            where = (self._topic, partition, message.offset, append_ns)
            self._outputs.letter(held, *where, value, str(error))
            return
        clock_ns = held.clock.read(header, append_ns)
        for output in self._told(held, partition, message.offset, clock_ns):
            self._outputs.send(held, partition, message.offset, output)
        for output in held.processor.process(header, rows, message.offset, clock_ns):
            self._outputs.send(held, partition, message.offset, output)
        self._producer.poll(0)

    def _told(self, held: Held, partition: int, offset: int, clock_ns: int) -> list[Output | Alert]:
        """What the restore left to be told, with the first frame after it."""
        outputs: list[Output | Alert] = []
        if held.notes:
            rows = build_ledger(self._role, partition, offset, clock_ns, held.notes)
            outputs.append(Output(RESULT_FRAMES, partition, Kind.LEDGER, rows))
        if held.gap is not None:
            first, last = held.gap
            outputs.append(gap_alert(self._settings.namespace, self._role, partition, first, last, clock_ns))
        held.notes, held.gap = [], None
        return outputs

    # -- the end

    def _refused(self, error: KafkaError) -> None:
        log.error("Kafka refused an output", reason=error.str())
        self._exit(EXIT_CRASH)

    def _crash(self, error: BaseException) -> None:
        log.error("The processor failed; the process ends", exc_info=error)
        self._exit(EXIT_CRASH)

    def _exit(self, code: int) -> None:
        """Leave at once: anything gentler lets Faust acknowledge and commit what was not processed."""
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(code)
