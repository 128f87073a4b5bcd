"""How do the roles without state read Kafka? Consume, make durable, commit: INGEST, WRITE and NOTIFY.

Offsets are committed only after the stage has made what came from them durable, so a crash repeats and never
loses. While a sink is away the partitions are paused and polling goes on, so that the group keeps its member.
What is revoked is dropped uncommitted: the next owner reads it again. A broker that is away is waited for in
the same manner; nothing grows meanwhile, because nothing more is read.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams.fault_points import FaultPoint, reach
from streams.health import Health
from streams.lag import Lag
from streams.settings import Settings

log = structlog.get_logger()

# What no waiting mends. All else that a consumer reports (a leader that moves, a broker that is away) the
# client handles by itself; its own `retriable` is false for some of that.
_LASTING = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError.UNSUPPORTED_VERSION,
    }
)
CONSUME_MESSAGES = 1_000
CONSUME_TIMEOUT_S = 0.05
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
FLUSH_S = 5.0
# A commit that finds no coordinator comes back after the client's socket timeout of 60 s at the latest.
COMMIT_LIMIT_S = 120.0
COMMIT_RETRY_S = 1.0
LOG_EVERY_S = 10.0


class SinkUnavailable(Exception):
    """The sink cannot take anything now: wait and keep. The message says which, and why."""


class Stage(Protocol):
    """What a role does with messages; called from the loop's thread alone."""

    def feed(self, messages: Sequence[Message]) -> None:
        """Take messages into the open block."""

    def due(self, now_s: float) -> bool:
        """Should the open block be flushed? `now_s` is monotonic; called on every turn, also on idle ones."""

    def flush(self, now_s: float) -> None:
        """Make everything fed so far durable; raises SinkUnavailable, then it is called again."""

    def drop(self) -> None:
        """Forget the open block: its partitions are somebody else's, or will be read again."""


class _Calm(logging.Filter):
    """Lets a line of each sort through every 10 s; a client prints 20 a second while its broker is away."""

    def __init__(self) -> None:
        super().__init__()
        self._last_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        sort = record.getMessage().partition(" ")[0]
        now_s = time.monotonic()
        if now_s - self._last_s.get(sort, -LOG_EVERY_S) < LOG_EVERY_S:
            return False
        self._last_s[sort] = now_s
        return True


def quiet() -> dict[str, Any]:
    """The client's log goes through ours, and not all of it. Each client has a logger of its own for that."""
    logger = logging.Logger("kafka-client")
    logger.parent = logging.getLogger()
    logger.addFilter(_Calm())
    return {"logger": logger, "log_level": 4, "reconnect.backoff.max.ms": 2_000}


def make_consumer(settings: Settings, role: str) -> Consumer:
    """A consumer of the role's group: no auto-commit, from the earliest record where nothing is committed."""
    # A static member: its partitions wait for it over a restart, and a second one of that name fences it.
    static = {} if settings.instance is None else {"group.instance.id": settings.instance}
    return Consumer(
        quiet()
        | static
        | {
            "bootstrap.servers": settings.kafka,
            "group.id": settings.group(role),
            "client.id": f"wakeline-{role}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            # Only so is the end of a topic seen that ends with a transaction's marker, which is no record.
            "enable.partition.eof": True,
            "session.timeout.ms": 10_000,
            **({} if settings.instance is None else {"group.instance.id": settings.instance}),
            "heartbeat.interval.ms": 1_000,
            "max.poll.interval.ms": 300_000,
            # Bounds what waits in this process: 16 MB in all, 1 MB a request.
            "queued.max.messages.kbytes": 16_384,
            "fetch.message.max.bytes": 1_048_576,
            "fetch.max.bytes": 16_777_216,
        }
    )


def make_producer(settings: Settings, role: str, **extra: str | int) -> Producer:
    """An idempotent producer that keeps trying: a broker that is away delays, it never loses."""
    return Producer(
        quiet()
        | {
            "bootstrap.servers": settings.kafka,
            "client.id": f"wakeline-{role}",
            "enable.idempotence": True,
            "message.timeout.ms": 0,
            "compression.type": "lz4",
            "linger.ms": 5,
            "message.max.bytes": 8_388_608,
            "queue.buffering.max.kbytes": 131_072,
            **extra,
        }
    )


def settle(producer: Producer, what: str, timeout_s: float = FLUSH_S) -> None:
    """Wait until the broker has everything that was sent.

    Args:
        producer: that sent it.
        what: was sent, for the message.
        timeout_s: to wait; call again to wait longer, nothing is sent twice.

    Raises:
        SinkUnavailable: it has not within the time; the client keeps trying.
    """
    if left := producer.flush(timeout_s):
        raise SinkUnavailable(f"Kafka to take {left} {what}")


class Loop:
    """Runs one stage until `stop` is set."""

    def __init__(
        self,
        consumer: Consumer,
        topics: Sequence[str],
        stage: Stage,
        health: Health,
        stop: threading.Event,
        held: Callable[[], Mapping[tuple[str, int], int]] = dict,
    ) -> None:
        """Nothing is read yet.

        Args:
            consumer: of the role's group.
            topics: to read.
            stage: what is done with messages.
            health: of the process.
            stop: ends the loop.
            held: first offsets of what a flush leaves in the stage; they are committed only up to these.
        """
        self._consumer = consumer
        self._topics = list(topics)
        self._stage = stage
        self._health = health
        self._stop = stop
        self._lag = Lag(consumer, health)
        self._held = held
        # Of the open block: the next offset of each partition. Committed with it.
        self._next: dict[tuple[str, int], int] = {}
        # Durable, and not committed because the broker was away; what comes next covers it.
        self._uncommitted: dict[tuple[str, int], int] = {}
        self._commit_again_s = 0.0
        self._assigned_now = False

    def run(self) -> None:
        """Consume until stopped; the open block is flushed at the end.

        Raises:
            KafkaException: the broker refuses us for good; the process ends and is started again.
        """
        self._consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked)
        try:
            while not self._stop.is_set():
                self._turn()
            self._flush(last=True)
        finally:
            self._consumer.close()

    def _turn(self) -> None:
        self._consume(CONSUME_TIMEOUT_S)
        now_s = time.monotonic()
        if self._stage.due(now_s):
            self._flush()
        elif self._uncommitted and now_s >= self._commit_again_s:
            self._commit()
        self._lag.tell(now_s)

    def _consume(self, timeout_s: float) -> None:
        messages = self._consumer.consume(CONSUME_MESSAGES, timeout_s)
        self._health.beat()
        good = [message for message in messages if message.error() is None]
        if len(good) < len(messages):
            self._look_at_faults(messages)
        if not good:
            return
        self._stage.feed(good)
        self._next |= self._lag.read(good)

    def _look_at_faults(self, messages: Sequence[Message]) -> None:
        for message in messages:
            error = message.error()
            if error is None:
                continue
            if error.code() == KafkaError._PARTITION_EOF:
                self._lag.at_end(place_of(message), offset_of(message))
            else:
                _judge(error)

    def _flush(self, last: bool = False) -> None:
        attempt = 0
        while True:
            try:
                self._stage.flush(time.monotonic())
                break
            except SinkUnavailable as error:
                self._health.beat()
                if last or self._stop.is_set():
                    log.warning("Stopping with an unwritten block; it will be read again", reason=str(error))
                    return
                if not self._wait(error, RETRY_S[min(attempt, len(RETRY_S) - 1)]):
                    self._consumer.resume(self._consumer.assignment())
                    return
                attempt += 1
        if attempt:
            self._consumer.resume(self._consumer.assignment())
            log.info("The sink is back", attempts=attempt)
        self._health.beat()
        if self._assigned_now:
            self._health.ready()
        held = self._held()
        done = self._next | {place: held[place] for place in self._next if place in held}
        self._uncommitted |= done
        self._lag.handled(done)
        self._next = {place: offset for place, offset in self._next.items() if place in held}
        self._commit()

    def _wait(self, error: SinkUnavailable, seconds: float) -> bool:
        """Keep the group's membership while the sink is away; False when the block is no longer ours."""
        self._health.waiting(str(error))
        log.warning("Waiting for the sink", reason=str(error), retry_s=seconds)
        self._consumer.pause(self._consumer.assignment())
        pending = dict(self._next)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop.is_set() and self._next == pending:
            # Paused partitions give nothing. A record means that we were assigned anew: the old block was
            # dropped, and this is the beginning of the next one.
            self._consume(0.1)
            self._lag.tell(time.monotonic(), paused=True)
        return self._next == pending

    def _commit(self) -> None:
        if not self._uncommitted:
            return
        offsets = [TopicPartition(topic, part, offset) for (topic, part), offset in self._uncommitted.items()]
        try:
            with self._health.blocking(COMMIT_LIMIT_S, "Kafka to take offsets"):
                self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            fault: KafkaError = error.args[0]
            if fault.fatal() or fault.code() in _LASTING:
                raise
            # What is durable stays so. If the partitions are somebody else's by now, we are told in the next
            # turn; if the broker is away, these offsets or later ones are committed when it is back.
            log.warning("Offsets are not committed yet", reason=fault.str())
            self._commit_again_s = time.monotonic() + COMMIT_RETRY_S
            return
        reach(FaultPoint(f"{self._health.role}.committed"))
        self._uncommitted.clear()

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("Partitions assigned", partitions=len(partitions))
        self._lag.assigned(partitions)
        self._assigned_now = True
        self._health.ready()

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("Partitions revoked", partitions=len(partitions))
        self._stage.drop()
        self._next.clear()
        self._uncommitted.clear()
        # The client would remember it beyond the next assignment, and give nothing for ever.
        self._consumer.resume(partitions)
        self._lag.revoked(partitions)
        self._assigned_now = False
        self._health.waiting("an assignment")


def place_of(message: Message) -> tuple[str, int]:
    """Topic and partition of a consumed record (the client types them as optional)."""
    topic, partition = message.topic(), message.partition()
    assert topic is not None
    assert partition is not None
    return topic, partition


def offset_of(message: Message) -> int:
    offset = message.offset()
    assert offset is not None
    return offset


def _judge(error: KafkaError) -> None:
    """Nothing for a passing condition, which the client handles; raises for a lasting one."""
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise KafkaException(
            KafkaError(error.code(), f"The topic is not there: {error.str()}. Run `wakeline topics` first")
        )
    if error.fatal() or error.code() in _LASTING:
        raise KafkaException(error)
    log.warning("Kafka reports a passing fault", reason=error.str())
