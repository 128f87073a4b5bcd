"""Where do snapshots live? In Kafka: parts and manifest in one transaction, so both appear or neither.

One store for each partition of RUNS or DRIFT. Its transactional id is namespace, role and partition: whoever
opens it takes it from whoever had it before, so that a process that was thought dead can never write an
older snapshot over a newer one. The last two are kept; what is older is deleted by offset. ClickHouse is
never asked.
"""

import time
from collections.abc import Sequence
from functools import partial

import msgspec
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.topics import SNAPSHOT_TOPICS, topic_name
from streams.fault_points import FaultPoint, reach
from streams.loop import quiet
from streams.reading import read_to_end
from streams.settings import Settings
from streams.state.snapshots import Manifest, Part, SnapshotDamaged, cut, decode, join, read_manifest

log = structlog.get_logger()

KEPT = 2
TIMEOUT_S = 30.0


class Fenced(RuntimeError):
    """Another process has taken the partition: this one must end without writing anything more."""


class SnapshotFailed(RuntimeError):
    """It could not be written now; nothing of it is to be seen. The next one may be."""


class SnapshotStore:
    """Snapshots of one partition of one role."""

    def __init__(self, settings: Settings, role: str, partition: int) -> None:
        parts, manifests = SNAPSHOT_TOPICS[role]
        self._settings = settings
        self._role = role
        self._partition = partition
        self._parts = topic_name(parts, settings.namespace)
        self._manifests = topic_name(manifests, settings.namespace)
        self._producer: Producer | None = None
        self._abort_first = False
        # Of the snapshots that are kept, oldest first: offset of the manifest, and of the first part.
        self._kept: list[tuple[int, int]] = []

    def open(self) -> None:
        """Take the partition's snapshots over; whoever had them is fenced from now on.

        Raises:
            KafkaException: Kafka does not answer.
        """
        producer = Producer(
            quiet()
            | {
                "bootstrap.servers": self._settings.kafka,
                "client.id": f"wakeline-{self._role}-snapshots",
                "transactional.id": f"wakeline.{self._settings.namespace}.{self._role}.{self._partition}",
                "transaction.timeout.ms": 60_000,
                "compression.type": "lz4",
                "linger.ms": 5,
            }
        )
        producer.init_transactions(TIMEOUT_S)
        self._producer = producer

    def close(self) -> None:
        """Nothing is written any more."""
        self._producer = None

    # -- reading

    def load(self) -> tuple[Manifest, dict[str, Part]] | None:
        """The newest snapshot that is whole; None when there is none.

        Raises:
            SnapshotRefused: it was written by a newer version.
            KafkaException: Kafka does not answer.
        """
        found = self._read_manifests()
        self._kept = [(offset, min(m.chunks, default=0)) for offset, m in found if m is not None][-KEPT:]
        for offset, manifest in reversed(found):
            if manifest is None:
                continue
            try:
                return manifest, decode(join(manifest, self._read_parts(manifest.chunks)))
            except SnapshotDamaged as error:
                log.error(
                    "A snapshot is damaged; the one before it is tried",
                    topic=self._manifests,
                    partition=self._partition,
                    offset=offset,
                    reason=str(error),
                )
        return None

    def newest(self) -> Manifest | None:
        """The newest manifest, its parts unread; None when there is none. Raises as `load`."""
        return next((m for _, m in reversed(self._read_manifests()) if m is not None), None)

    def _read_manifests(self) -> list[tuple[int, Manifest | None]]:
        found: list[tuple[int, Manifest | None]] = []
        for offset, value in read_to_end(self._settings, self._manifests, self._partition, 0):
            try:
                found.append((offset, read_manifest(value)))
            except SnapshotDamaged as error:
                log.error("A manifest is damaged", topic=self._manifests, offset=offset, reason=str(error))
        return found

    def _read_parts(self, chunks: Sequence[int]) -> list[bytes]:
        wanted = set(chunks)
        if not wanted:
            return []
        found: dict[int, bytes] = {}
        for offset, value in read_to_end(self._settings, self._parts, self._partition, min(wanted)):
            if offset in wanted:
                found[offset] = value
            if offset >= max(wanted):
                break
        return [found[offset] for offset in chunks if offset in found]

    # -- writing

    def save(self, manifest: Manifest, value: bytes) -> Manifest:
        """Write a snapshot and delete those that are not kept; returns its manifest with the chunks' offsets.

        Raises:
            Fenced: another process has the partition now.
            SnapshotFailed: Kafka did not take it.
        """
        producer = self._producer
        if producer is None:
            raise SnapshotFailed("The store is closed")
        point = f"{self._role}.snapshot-"
        if self._abort_first:
            self._abort(producer)
        try:
            producer.begin_transaction()
            records = cut(value)
            name = f"{manifest.next_offset}.{manifest.digest[:8]}"
            chunks = self._send(producer, self._parts, records, name)
            manifest = msgspec.structs.replace(manifest, chunks=tuple(chunks))
            (place,) = self._send(producer, self._manifests, [msgspec.json.encode(manifest)], name)
            reach(FaultPoint(f"{point}sent"))
            self._commit(producer)
        except KafkaException as error:
            self._give_up(producer, error)
        reach(FaultPoint(f"{point}committed"))
        self._kept.append((place, chunks[0]))
        self._delete_older()
        return manifest

    def _send(self, producer: Producer, topic: str, records: Sequence[bytes], name: str) -> list[int]:
        """The offsets of the records, acknowledged."""
        offsets: dict[int, int] = {}
        failed: list[KafkaError] = []

        def landed(number: int, error: KafkaError | None, message: Message) -> None:
            offset = message.offset()
            if error is not None or offset is None:
                failed.append(error or KafkaError(KafkaError._FAIL))
            else:
                offsets[number] = offset

        for number, record in enumerate(records):
            while True:
                try:
                    producer.produce(
                        topic,
                        record,
                        f"{name}.{number}",
                        partition=self._partition,
                        on_delivery=partial(landed, number),
                    )
                    break
                except BufferError:
                    _hear(producer, 0.1)
        until_s = time.monotonic() + TIMEOUT_S
        while len(offsets) + len(failed) < len(records) and time.monotonic() < until_s:
            _hear(producer, 0.1)
        if failed:
            raise KafkaException(failed[0])
        if len(offsets) < len(records):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [offsets[number] for number in range(len(records))]

    def _commit(self, producer: Producer) -> None:
        until_s = time.monotonic() + TIMEOUT_S
        while True:
            try:
                producer.commit_transaction(TIMEOUT_S)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > until_s:
                    raise

    def _give_up(self, producer: Producer, error: KafkaException) -> None:
        reason: KafkaError = error.args[0]
        if reason.code() in (
            KafkaError._FENCED,
            KafkaError.PRODUCER_FENCED,
            KafkaError.INVALID_PRODUCER_EPOCH,
        ):
            raise Fenced(f"Another process has partition {self._partition} of {self._role}") from error
        if reason.fatal():
            raise Fenced(f"The producer of snapshots is lost: {reason.str()}") from error
        self._abort_first = True
        self._abort(producer)
        raise SnapshotFailed(reason.str()) from error

    def _abort(self, producer: Producer) -> None:
        """End a transaction that failed; a broker that is away lets it wait until the next snapshot."""
        try:
            producer.abort_transaction(TIMEOUT_S)
        except KafkaException as error:
            reason: KafkaError = error.args[0]
            if not reason.retriable():
                raise Fenced(f"The producer of snapshots is lost: {reason.str()}") from error
            raise SnapshotFailed(f"the transaction before it has not ended: {reason.str()}") from error
        self._abort_first = False

    def _delete_older(self) -> None:
        if len(self._kept) <= KEPT:
            return
        self._kept = self._kept[-KEPT:]
        manifest, part = self._kept[0]
        admin = AdminClient(quiet() | {"bootstrap.servers": self._settings.kafka})
        asked = [
            TopicPartition(self._manifests, self._partition, manifest),
            TopicPartition(self._parts, self._partition, part),
        ]
        for place, future in admin.delete_records(asked, operation_timeout=TIMEOUT_S).items():
            try:
                future.result(TIMEOUT_S)
            except KafkaException as error:
                # It takes room, nothing else; the next snapshot deletes it too.
                log.warning("Old snapshots stay", topic=place.topic, reason=error.args[0].str())


def _hear(producer: Producer, seconds: float) -> None:
    """Serve delivery reports; raises KafkaException when the producer is lost."""
    try:
        producer.poll(seconds)
    except SystemError as error:
        # The client sets the fatal error and then runs callbacks: whatever they call complains of it.
        if isinstance(error.__cause__, KafkaException):
            raise error.__cause__ from error
        raise
