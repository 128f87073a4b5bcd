"""How does the load keep coming while things die? A thread sends it, a share for each fault, and the end."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType

from confluent_kafka import KafkaError, Message

from schemas.topics import CONTROL_END, CONTROL_HEADER, topic_name
from streams.loop import make_producer
from streams.settings import Settings
from streams.settled import source_partitions
from tests.crash.load import Piece

_PAUSE_S = 0.02
# A fifth is kept back and trickles while faults take longer than their shares: who is to die needs input.
_SHARED = 0.8
_TRICKLE_S = 0.5


class Feeder:
    """Sends pieces in order, up to a limit that the faults move on; beyond it, few. A context manager."""

    def __init__(self, settings: Settings, pieces: Sequence[Piece], per_s: float) -> None:
        """Nothing is sent before `share`.

        Args:
            settings: Kafka and namespace.
            pieces: all of them.
            per_s: messages a second, up to the limit.
        """
        self._settings = settings
        self._pieces = pieces
        self._per_s = per_s
        self._producer = make_producer(settings, "feeder", **{"linger.ms": 1})
        self._limit = 0
        self._sent = 0
        self._over = threading.Event()
        self._failed: BaseException | None = None
        self._refused: KafkaError | None = None
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)

    def share(self, done: float) -> None:
        """Go on up to this share (0 to 1) of what is not kept back."""
        self._limit = max(self._limit, round(_SHARED * len(self._pieces) * min(done, 1.0)))

    def finish(self) -> None:
        """Send what is left, then the end, and wait until the broker has everything.

        Raises:
            RuntimeError: the broker refused a record.
        """
        self._limit = len(self._pieces)
        while self._sent < len(self._pieces) and self._thread.is_alive():
            time.sleep(_PAUSE_S)
        self._stop()
        for name, count in source_partitions(self._settings).items():
            for partition in range(count):
                self._produce(name, b"", partition, [(CONTROL_HEADER, CONTROL_END)])
        self._producer.flush()
        self._check()

    def __enter__(self) -> "Feeder":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        sent_s = time.monotonic()
        try:
            while not self._over.is_set():
                trickles = self._limit > 0 and time.monotonic() - sent_s > _TRICKLE_S
                if self._sent < (len(self._pieces) if trickles else self._limit):
                    piece = self._pieces[self._sent]
                    name = topic_name(piece.topic, self._settings.namespace)
                    self._produce(name, piece.value, piece.partition)
                    self._sent += 1
                    sent_s = time.monotonic()
                self._producer.poll(0)
                time.sleep(1.0 / self._per_s if self._sent < self._limit else _PAUSE_S)
        except BaseException as error:  # noqa: BLE001 - handed on by `_check`
            self._failed = error

    def _produce(
        self,
        name: str,
        value: bytes,
        partition: int,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        self._producer.produce(name, value, partition=partition, headers=headers, on_delivery=self._delivered)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._refused = error

    def _check(self) -> None:
        if self._failed is not None:
            raise RuntimeError("The load was not sent") from self._failed
        if self._refused is not None:
            raise RuntimeError(f"Kafka refused a record of the load: {self._refused.str()}")
