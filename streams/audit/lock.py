"""Who may repair? One at a time: whoever is alone in a consumer group of Kafka's.

Two repairs would each write what is missing, and adjust what the other has written. The group's member list
is kept by the broker, and a process that dies is off it after its session; no lock can be left behind.
"""

import threading
import time
from types import TracebackType

import structlog
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.topics import DEAD_LETTERS, topic_name
from streams.loop import quiet
from streams.settings import Settings

log = structlog.get_logger()

JOIN_S = 30.0
ASK_S = 10.0


class RepairBusy(RuntimeError):
    """Somebody else repairs this namespace."""


class RepairLock:
    """A context manager: entering joins and raises `RepairBusy` when one is there already."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._group = settings.group("repair")
        self._over = threading.Event()
        self._joined = threading.Event()
        self._thread = threading.Thread(target=self._stay, name="repair-lock", daemon=True)

    def __enter__(self) -> "RepairLock":
        self._thread.start()
        try:
            self._wait()
            self.check()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def check(self) -> None:
        """Raises RepairBusy when this one is not alone."""
        admin = AdminClient(quiet() | {"bootstrap.servers": self._settings.kafka})
        described = admin.describe_consumer_groups([self._group], request_timeout=ASK_S)
        members = described[self._group].result(ASK_S).members
        if len(members) != 1:
            raise RepairBusy(
                f"{len(members)} processes are in the group {self._group}: another repair of the namespace "
                f"{self._settings.namespace} is running. Wait until it has ended (one that was killed is "
                "forgotten after 10 s)"
            )

    def _wait(self) -> None:
        until_s = time.monotonic() + JOIN_S
        while not self._joined.wait(0.1):
            if not self._thread.is_alive() or time.monotonic() > until_s:
                raise RepairBusy(f"Kafka does not let us into the group {self._group}")

    def _stay(self) -> None:
        consumer = Consumer(
            quiet()
            | {
                "bootstrap.servers": self._settings.kafka,
                "group.id": self._group,
                "client.id": "wakeline-repair",
                "enable.auto.commit": False,
                "session.timeout.ms": 10_000,
            }
        )
        try:
            topic = topic_name(DEAD_LETTERS, self._settings.namespace)
            consumer.subscribe([topic], on_assign=self._assigned)
            while not self._over.is_set():
                consumer.poll(0.2)
        finally:
            consumer.close()

    def _assigned(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        consumer.assign([])  # a member, and no reader
        self._joined.set()

    def _leave(self) -> None:
        self._over.set()
        self._thread.join(JOIN_S)
