"""How do waiting events reach Kafka? A background thread packs messages and minds what becomes of them.

One message is JSON lines of one run, its key the run, so that a run keeps its order in one partition. Kafka's
client retries until `delivery_timeout_s`; what it gives up is counted. Retries may repeat a message: the
pipeline drops repeats by event id.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from wakeline.errors import ConfigError
from wakeline.options import Options
from wakeline.outbox import EXIT, UNDELIVERED, Item, Outbox

MAX_MESSAGE_EVENTS = 100
MAX_MESSAGE_BYTES = 256_000
# Syslog's "critical": what the client says of a broker that is away is told once, by `_on_error`.
_CLIENT_LOG_LEVEL = 2

log = logging.getLogger("wakeline")


class Sender:
    """Sends what an `Outbox` holds."""

    def __init__(
        self, options: Options, outbox: Outbox, on_tick: Callable[[], None], make_report: Callable[..., Item]
    ) -> None:
        """Check the client's configuration; nothing runs yet.

        Args:
            options: of the emitter.
            outbox: its queue.
            on_tick: called before each round, in the sender's thread.
            make_report: (reason, count) -> an event that reports drops.

        Raises:
            ConfigError: Kafka's client refuses the configuration.
        """
        self._options = options
        self._outbox = outbox
        self._on_tick = on_tick
        self._make_report = make_report
        self._producer: Producer | None = None
        self.reset()
        try:
            self._producer = self._connect()
        except (KafkaException, ValueError, TypeError) as error:
            raise ConfigError(f"Kafka's client refuses its configuration: {error}") from error

    def reset(self) -> None:
        """In a forked child: no thread, and a client of its own once something is sent."""
        # Never destroyed: its threads exist in the parent only, and its destructor would wait for them.
        self._abandoned: Producer | None = self._producer
        self._producer = None
        self._thread: threading.Thread | None = None
        self._starting = threading.RLock()
        self._stopping = False
        self._is_away = False
        self._reported_s = -float("inf")
        self._reports = 0

    @property
    def abandoned(self) -> Producer | None:
        """The client of the process that this one was forked from."""
        return self._abandoned

    def start(self) -> None:
        """Start the thread, once."""
        if self._has_thread():
            return
        with self._starting:
            if self._has_thread():
                return
            # Set before it runs: a signal handler may come here in between, in the same thread.
            self._thread = threading.Thread(target=self._run, name="wakeline-sender", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter or the system is at its end: `close` sends what waits
                self._thread = None
                log.debug("The sender's thread cannot be started")

    def _has_thread(self) -> bool:
        return self._thread is not None

    def close(self, timeout_s: float) -> bool:
        """Send what waits, report drops, and give up what is not delivered in time.

        Returns:
            True when all that waited was delivered.
        """
        lost = sum(self._outbox.counts().dropped.values())
        until = time.monotonic() + timeout_s
        self._stopping = True
        self._outbox.wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, until - time.monotonic()))
        self._on_tick()
        producer = self._client()
        self._send(producer, self._outbox.take(), until)
        producer.flush(max(0.0, until - time.monotonic()))
        self._report(producer)
        if producer.flush(max(0.0, until - time.monotonic())):
            producer.purge()
            producer.flush(0.1)
        return sum(self._outbox.counts().dropped.values()) == lost

    # -- the thread

    def _run(self) -> None:
        interval_s = self._options.flush_interval_s
        producer = self._client()
        while not self._stopping:
            self._outbox.wake.wait(interval_s)
            self._outbox.wake.clear()
            self._on_tick()
            self._send(producer, self._outbox.take(), float("inf"))
            if time.monotonic() - self._reported_s >= self._options.report_interval_s:
                self._report(producer)
            producer.poll(0)

    def _client(self) -> Producer:
        if self._producer is None:
            self._producer = self._connect()
        return self._producer

    def _connect(self) -> Producer:
        options = self._options
        timeout_ms = max(1, int(options.delivery_timeout_s * 1_000))
        settings: dict[str, Any] = {
            "bootstrap.servers": options.bootstrap_servers,
            "compression.type": options.compression,
            # Messages are packed already; this only joins those of one round into one request.
            "linger.ms": min(20, timeout_ms),
            "message.timeout.ms": timeout_ms,
            "request.timeout.ms": min(30_000, timeout_ms),
            "log_level": _CLIENT_LOG_LEVEL,
            "reconnect.backoff.max.ms": 2_000,
            # The outbox bounds what waits; the client's own bound is only to be above it.
            "queue.buffering.max.messages": options.max_queue_events + 1_000,
            "queue.buffering.max.kbytes": options.max_queue_bytes // 1_000 + 1_000,
        }
        return Producer(settings | dict(options.kafka_config) | {"error_cb": self._on_error})

    def _send(self, producer: Producer, items: list[Item], until: float) -> None:
        for key, value, count, size in pack(items):
            delivered = functools.partial(self._delivered, count, size)
            if not self._produce(producer, key, value, delivered, until):
                self._outbox.settle(count, size, EXIT)

    def _produce(
        self, producer: Producer, key: str, value: bytes, delivered: Callable[..., None], until: float
    ) -> bool:
        """Hand a message to the client; False when its buffer stayed full until then."""
        while True:
            try:
                producer.produce(self._options.topic, value, key.encode(), on_delivery=delivered)
            except BufferError:
                if time.monotonic() > until:
                    return False
                if self._stopping and until == float("inf"):
                    until = time.monotonic() + self._options.exit_timeout_s
                producer.poll(0.1)
            except KafkaException as error:  # refused at once, such as above `message.max.bytes`
                delivered(error.args[0], None)
                return True
            else:
                return True

    def _delivered(self, count: int, size: int, error: KafkaError | None, _message: Message | None) -> None:
        if error is None:
            self._outbox.settle(count, size, None)
            if self._is_away:
                self._is_away = False
                log.info("Kafka takes events again")
            return
        purged = error.code() in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)
        self._outbox.settle(count, size, EXIT if purged else UNDELIVERED)
        if not purged:
            self._say_away(error)

    def _on_error(self, error: KafkaError) -> None:
        self._say_away(error)

    def _say_away(self, error: KafkaError) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("Kafka at %s does not take events: %s", self._options.bootstrap_servers, error)

    # -- reports

    def _report(self, producer: Producer) -> None:
        """Tell the pipeline what was dropped; a report that is lost is told again."""
        if self._reports:
            return
        self._reported_s = time.monotonic()
        for reason, count in self._outbox.take_unreported().items():
            item = self._make_report(reason, count)
            self._reports += 1
            delivered = functools.partial(self._reported, reason, count)
            if not self._produce(producer, item.key, item.data, delivered, time.monotonic()):
                delivered(KafkaError(KafkaError._QUEUE_FULL), None)

    def _reported(self, reason: str, count: int, error: KafkaError | None, _message: Message | None) -> None:
        self._reports -= 1
        if error is not None:
            self._outbox.give_back(reason, count)


def pack(items: Iterable[Item]) -> Iterator[tuple[str, bytes, int, int]]:
    """Messages of one run each, at most 100 events and 256 kB, in the order of their first events.

    Args:
        items: in the order in which they were emitted.

    Yields:
        Key, JSON lines, how many events, and the sum of their sizes.
    """
    open_: dict[str, tuple[list[bytes], int]] = {}
    done: list[tuple[str, list[bytes], int]] = []
    for item in items:
        lines, size = open_.get(item.key, ([], 0))
        is_full = len(lines) == MAX_MESSAGE_EVENTS or size + len(item.data) + len(lines) > MAX_MESSAGE_BYTES
        if lines and is_full:
            done.append((item.key, lines, size))
            del open_[item.key]  # what comes next takes its place in the order anew
            lines, size = [], 0
        lines.append(item.data)
        open_[item.key] = (lines, size + len(item.data))
    done += [(key, lines, size) for key, (lines, size) in open_.items()]
    for key, lines, size in done:
        yield key, b"\n".join(lines), len(lines), size
