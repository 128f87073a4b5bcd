"""How does INGEST turn messages into frames? Collect for a moment, build columns, split by partition, send.

A block is framed after 200 ms, or at 20,000 events. Its frames, contents and dead letters are acknowledged by
the broker before the loop commits the offsets they came from. Ticks keep the clock of every step partition
moving while nothing arrives. Under the event clock `streams.ingest.order` makes blocks; a tick follows each.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import structlog
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, Message, Producer

from schemas.columns import Kind, version_to_write
from schemas.decoded import Decoded, Reason, Rejected
from schemas.frame import (
    MAX_AGE_S,
    Flag,
    Writer,
    encode,
    make_header,
)
from schemas.sources import DECODERS
from schemas.topics import (
    DEAD_LETTERS,
    SOURCE_IDS,
    SOURCES,
    STEP_CONTENTS,
    STEP_FRAMES,
    Topic,
    topic_name,
)
from streams.dead_letters import headers
from streams.event_time import moments_of
from streams.fault_points import FaultPoint, reach
from streams.health import Health
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.ingest.contents import build_contents
from streams.ingest.ends import SourcePlace, is_end
from streams.ingest.intake import Intake
from streams.ingest.metrics import Metrics
from streams.ingest.order import Opened, SourceOrder
from streams.loop import offset_of, place_of, settle
from streams.partitions import cut, partition_of, split_by
from streams.pricing.shelf import Shelf
from streams.settings import Settings

log = structlog.get_logger()

BLOCK_ROWS = 20_000
TICK_S = 0.25
ASK_ENDS_S = 0.5  # who ended waits for the others, and asks Kafka about them
IDLE_TICK_S = 5.0
IDLE_AFTER_S = 1.0
# Garbage makes no rows; this bounds what of it is held.
LETTER_BYTES = 16_000_000


class Letter(NamedTuple):
    """A record that becomes a dead letter, and the message that it stood in."""

    rejected: Rejected
    topic: str
    partition: int
    offset: int
    append_ns: int


class IngestStage:
    """The stage of INGEST (see `streams.loop.Stage`)."""

    def __init__(
        self,
        settings: Settings,
        producer: Producer,
        sources: int,
        health: Health,
        ended_but_for: Callable[[Collection[SourcePlace]], bool] = lambda _known: False,
        intake: Intake | None = None,
    ) -> None:
        """Nothing is framed yet.

        Args:
            settings: of the namespace.
            producer: of frames.
            sources: number of partitions of all source topics: the end is when each has ended.
            health: of the process.
            ended_but_for: have all but these ended and been framed, by whomever (`Ends.reached_but_for`)?
            intake: of the event clock; None: the clock is the broker's.
        """
        self._settings = settings
        self._producer = producer
        self._sources = sources
        self._health = health
        self.metrics = Metrics(health.metrics)
        self._shelf = Shelf(Path(settings.prices) if settings.prices else None, time.monotonic())
        self._intake = intake
        self._event_clock = intake is not None
        self._order = self._new_order()
        self._ids = {topic_name(topic, settings.namespace): SOURCE_IDS[topic.name] for topic in SOURCES}
        self._names = {number: name for name, number in self._ids.items()}
        self._attached = Block()
        self._partition_of: dict[str, int] = {}
        self._clock_ns = 0
        self._failed: KafkaError | None = None
        self._last_tick = self._last_framed = time.monotonic()
        self._ended_but_for = ended_but_for
        # Partitions that end in the open block; and did some end before it, while others had not?
        self._ended: set[SourcePlace] = set()
        self._ends_wait = False
        self._asked_s = 0.0
        self._blocks: list[Block] = [Block()]
        self.letters: list[Letter] = []
        self._letter_bytes = 0
        # The block was handed to the client; a flush after a wait only waits again.
        self._sent = False
        self._opened_s: float | None = None

    # -- the loop's calls

    def feed(self, messages: Sequence[Message]) -> None:
        if self._sent:
            self._open()  # what was handed over is waited for with the next block
        now_s = time.monotonic()
        if self._order is not None and self._intake is not None:
            self._order.feed(messages)
            self._take_in_order(self._order, self._intake, now_s)
            self._intake.shut(self._order.above(1.0) & {place_of(message) for message in messages})
            return
        if self._opened_s is None:
            self._opened_s = now_s
        for message in messages:
            self._take(message)

    def due(self, now_s: float) -> bool:
        if self._order is not None and self._intake is not None and not self._sent:
            self._take_in_order(self._order, self._intake, now_s)
        if self._opened_s is None:
            return self._tick_due(now_s) or (self._ends_wait and now_s - self._asked_s >= ASK_ENDS_S)
        return (
            now_s - self._opened_s >= MAX_AGE_S
            or len(self._blocks) > 1
            or len(self._blocks[0]) >= BLOCK_ROWS
            or self._letter_bytes >= LETTER_BYTES
        )

    def flush(self, now_s: float) -> None:
        if not self._sent:
            self._send_all(now_s)
            self._sent = True
        settle(self._producer, "frames")
        if self._failed is not None:
            # Retriable errors are retried for ever by the client; what comes here will not get better.
            raise RuntimeError(f"Kafka refused a frame: {self._failed.str()}")
        if self._opened_s is not None:
            reach(FaultPoint.INGEST_ACKNOWLEDGED)
        self._open()

    def drop(self) -> None:
        self._open()
        self._order = self._new_order()
        if self._intake is not None:
            self._intake.forget()

    def held(self) -> Mapping[SourcePlace, int]:
        """First offsets of what a flush leaves here, for the loop."""
        return {} if self._order is None else self._order.held()

    # -- parts

    def _new_order(self) -> SourceOrder | None:
        return SourceOrder(self._open_record, time.monotonic()) if self._event_clock else None

    def _take_in_order(self, order: SourceOrder, intake: Intake, now_s: float) -> None:
        ended = len(self._ended)
        self._blocks += order.turn(now_s, intake.assigned())
        intake.open_but(order.above(0.5))
        came = len(self._blocks) > 1 or len(self._attached) or self.letters or len(self._ended) > ended
        if came and self._opened_s is None:
            self._opened_s = now_s

    def _is_over(self, now_s: float) -> bool:
        """Has the input ended everywhere? Two workers may both say so: a second end changes nothing."""
        self._ends_wait |= bool(self._ended)
        if not self._ends_wait:
            return False
        whole = not self.held()
        if whole and len(self._ended) >= self._sources:
            return True
        if now_s - self._asked_s < ASK_ENDS_S:
            return False
        self._asked_s = now_s
        return whole and self._ended_but_for(self._ended)

    def _open(self) -> None:
        self._ended = set()
        self._blocks = [Block()]
        self._attached = Block()
        self.letters = []
        self._letter_bytes = 0
        self._sent = False
        self._opened_s = None

    def _turn_prices(self, now_s: float) -> None:
        """Take new prices; those that cannot be used change nothing, and are told until they are mended."""
        if not self._shelf.turn(now_s):
            return
        self.metrics.prices_refused(refused=self._shelf.refused is not None)
        if self._shelf.refused is None:
            log.info("New prices are in force", book=self._shelf.book.version)
        else:
            log.error("New prices are refused", why=self._shelf.refused, book=self._shelf.book.version)

    def _send_all(self, now_s: float) -> None:
        tick = self._tick_due(now_s)
        self._turn_prices(now_s)
        if self._opened_s is not None:
            reach(FaultPoint.INGEST_FED)
        for block in self._blocks:
            if len(block):
                self.frame(block)
                self._last_framed = now_s
                if self._event_clock:
                    self._tick(Flag.EVENT_CLOCK)
        if len(self._attached):
            self.frame(self._attached, contents_alone=True)
        for letter in self.letters:
            self._send_letter(letter)
        if self._is_over(now_s):
            self._tick(Flag.EVENT_CLOCK | Flag.END)
            log.info("The input has ended", steps=self.metrics.steps_total)
            self._ends_wait = False
        elif tick:
            self._tick(Flag.NONE)
            self._last_tick = now_s

    def _take(self, message: Message) -> None:
        opened = self._open_record(message)
        if opened is not None and opened.events:
            place = place_of(message)[1], offset_of(message)
            self._blocks[-1].add(opened.events, opened.numbers, opened.source, *place, opened.append_ns)

    def _open_record(self, message: Message) -> Opened | None:
        """Decode a record and keep what in it is no event; None: it says that nothing follows."""
        topic, partition = place_of(message)
        if is_end(message):
            if self._event_clock:
                self._ended.add((topic, partition))
            return None
        value = message.value() or b""
        offset = offset_of(message)
        append_ns = _append_ns(message)
        source = self._ids[topic]
        if len(value) > self._settings.max_message_bytes:
            limit = self._settings.max_message_bytes
            detail = f"The message has {len(value)} bytes, the limit is {limit}"
            decoded = Decoded([], (), [Rejected(0, Reason.TOO_LARGE, detail, value)])
        else:
            decoded = self._decode(source, value)
        if decoded.attachments and self._settings.content == "keep":
            attached = list(decoded.attachments)
            self._attached.add(attached, range(len(attached)), source, partition, offset, append_ns)
        self.metrics.ignored(decoded.ignored)
        for rejected in decoded.rejected:
            self._letter_bytes += len(rejected.original)
            self.letters.append(Letter(rejected, topic, partition, offset, append_ns))
        return Opened(decoded.events, decoded.numbers, source, append_ns)

    def _decode(self, source: int, value: bytes) -> Decoded:
        try:
            return DECODERS[source](value)
        except Exception as error:
            log.exception("Decoding failed: this is a bug", source=source)
            return Decoded([], (), [Rejected(0, Reason.INTERNAL, repr(error), value)])

    def frame(self, block: Block, *, contents_alone: bool = False) -> None:
        """Send a block; when a row breaks it, send the others and keep that row as a dead letter.

        Args:
            block: events.
            contents_alone: their steps come on another way.
        """
        keep = self._settings.content == "keep"
        try:
            steps = build_steps(block, self._shelf.book, keep_attributes=keep)
            contents = build_contents(block, steps, self._settings.max_content_bytes) if keep else None
        except Exception as error:  # noqa: BLE001 - a bug must not stop everybody: kept, logged, counted
            if len(block) > 1:
                for half in block.halves():
                    self.frame(half, contents_alone=contents_alone)
            else:
                self._keep_broken(block, error)
            return
        if not contents_alone:
            self._send_steps(steps)
        if contents is not None:
            self._send(STEP_CONTENTS, Kind.CONTENTS, contents)

    def _send_steps(self, steps: pa.RecordBatch) -> None:
        if self._event_clock:
            self._clock_ns = max(self._clock_ns, int(moments_of(steps).max()))
        self._send(STEP_FRAMES, Kind.STEPS, steps)
        self.metrics.steps(steps)
        reach(FaultPoint.INGEST_STEPS_SENT)

    def _keep_broken(self, block: Block, error: Exception) -> None:
        log.error("A step cannot be framed: this is a bug", event_id=block.events[0].event_id, exc_info=error)
        original = msgspec.json.encode(block.events[0])
        self.letters.append(
            Letter(
                Rejected(block.numbers[0], Reason.INTERNAL, repr(error), original),
                self._names[block.topics[0]],
                block.partitions[0],
                block.offsets[0],
                block.append_ns[0],
            )
        )

    def _partitions(self, run_ids: pa.Array) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Partition of each row; ours to compute, so that no client's partitioner can part a run."""
        known = self._partition_of
        if len(known) > 100_000:
            known.clear()
        count = self._settings.partitions
        found = []
        for run_id in run_ids.to_pylist():
            partition = known.get(run_id)
            if partition is None:
                partition = known[run_id] = partition_of(run_id, count)
            found.append(partition)
        return np.array(found, np.int64)

    def _send(self, topic: Topic, kind: Kind, batch: pa.RecordBatch) -> None:
        flags = Flag.EVENT_CLOCK if self._event_clock else Flag.NONE
        for partition, rows in split_by(batch, self._partitions(batch.column("run_id"))):
            for part in cut(rows):
                header = make_header(
                    kind,
                    Writer.INGEST,
                    rows=part.num_rows,
                    flags=flags,
                    clock_ns=self._clock_ns,
                    version=version_to_write(kind, self._settings.write_frames),
                )
                self._produce(topic, encode(header, part), partition)
                self.metrics.frame(kind, part.num_rows)

    def _send_letter(self, letter: Letter) -> None:
        rejected = letter.rejected
        place = f"{letter.topic}/{letter.partition}"
        about = headers(
            rejected.reason,
            rejected.detail,
            letter.topic,
            letter.partition,
            letter.offset,
            rejected.number,
            letter.append_ns,
        )
        where = partition_of(place, self._settings.partitions)
        self._produce(DEAD_LETTERS, rejected.original, where, about)
        self.metrics.dead_letter(rejected.reason)

    def _tick_due(self, now_s: float) -> bool:
        if self._event_clock:
            return False  # the clock moves with steps alone
        every = IDLE_TICK_S if now_s - self._last_framed > IDLE_AFTER_S else TICK_S
        return now_s - self._last_tick >= every

    def _tick(self, flags: Flag) -> None:
        value = encode(make_header(Kind.TICK, Writer.INGEST, flags=flags, clock_ns=self._clock_ns))
        for partition in range(self._settings.partitions):
            self._produce(STEP_FRAMES, value, partition)
            self.metrics.frame(Kind.TICK)

    def _produce(
        self,
        topic: Topic,
        value: bytes,
        partition: int,
        message_headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        name = topic_name(topic, self._settings.namespace)
        while True:
            try:
                self._producer.produce(
                    name, value, partition=partition, headers=message_headers, on_delivery=self._delivered
                )
                return
            except BufferError:
                # The client's queue is full (many small dead letters): nothing is read until there is room.
                self._health.waiting("Kafka to take frames")
                self._health.beat()
                self._producer.poll(0.1)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed = error


def _append_ns(message: Message) -> int:
    kind, milliseconds = message.timestamp()
    if kind == TIMESTAMP_LOG_APPEND_TIME:
        return milliseconds * 1_000_000
    # The producer's clock is not to be trusted with the order of things: our time of receipt stands in.
    return time.time_ns()
