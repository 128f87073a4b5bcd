"""How does a state become durable while frames go on? Copied between two frames, written by a thread.

A snapshot counts only if all outputs before it are durable: else a crash would skip what nobody has. So the
thread waits for their acknowledgements first. A broker that is away delays snapshots, nothing else.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog
from confluent_kafka import Producer

from streams.fault_points import FaultPoint, reach
from streams.held import Held
from streams.settings import Settings
from streams.snapshot_store import Fenced, SnapshotFailed
from streams.state.snapshots import Manifest, Parts, digest_of, encode
from streams.stateful_metrics import StatefulMetrics

log = structlog.get_logger()

ACKNOWLEDGE_S = 60.0


@dataclass(frozen=True)
class Draft:
    """A state at a boundary, not yet written.

    Attributes:
        manifest: without size, digest and chunks.
        parts: of the state.
        landed: set when the outputs before it are durable.
    """

    manifest: Manifest
    parts: Parts
    landed: threading.Event


class Snapshots:
    """Drafts and writes the snapshots of one role."""

    def __init__(
        self,
        settings: Settings,
        role: str,
        producer: Producer,
        on_saved: Callable[[Manifest], None],
        numbers: StatefulMetrics,
    ) -> None:
        """
        Args:
            settings: of the namespace.
            role: whose.
            producer: of the outputs.
            on_saved: called in the thread that saved.
            numbers: of the role.
        """
        self._settings = settings
        self._role = role
        self._producer = producer
        self._on_saved = on_saved
        self._numbers = numbers

    def due(self, held: Held) -> bool:
        """Is it time for another?"""
        return not held.saving and held.next != held.covered and time.monotonic() >= held.snapshot_due_s

    def draft(self, held: Held, partition: int) -> Draft:
        """Copy the state; between two frames, by the thread that processes them."""
        held.snapshot_due_s = time.monotonic() + self._settings.snapshot_every_s
        manifest = Manifest(
            role=self._role,
            partition=partition,
            partitions=self._settings.partitions,
            next_offset=held.next,
            clock_ns=held.clock.now_ns,
            state_version=held.processor.state_version,
            logic=held.processor.logic,
            taken_unix_ms=time.time_ns() // 1_000_000,
            size_bytes=0,
            digest="",
        )
        draft = Draft(manifest, held.parts(), held.flight.landed_so_far())
        reach(FaultPoint(f"{self._role}.snapshot-copied"))
        return draft

    def save(self, held: Held, draft: Draft, timeout_s: float = ACKNOWLEDGE_S) -> bool:
        """Write a draft; False, with a line in the log, when it could not be.

        Raises:
            Fenced: another process has the partition.
        """
        try:
            self._wait_for(draft.landed, timeout_s)
            reach(FaultPoint(f"{self._role}.snapshot-acknowledged"))
            value = encode(draft.parts)
            sized = _sized(draft.manifest, value)
            manifest = held.store.save(sized, value)
        except SnapshotFailed as error:
            log.warning("A snapshot was not written", partition=draft.manifest.partition, reason=str(error))
            self._numbers.snapshot("failed")
            return False
        except Fenced:
            self._numbers.snapshot("fenced")
            raise
        held.covered, held.snapshot = manifest.next_offset, manifest
        self._numbers.snapshot("saved", time.time() - manifest.taken_unix_ms / 1_000)
        self._on_saved(manifest)
        return True

    def _wait_for(self, landed: threading.Event, timeout_s: float) -> None:
        until_s = time.monotonic() + timeout_s
        # Polls too: at the end nobody else does, and acknowledgements are only heard by polling.
        while not landed.wait(0.01):
            self._producer.poll(0)
            if time.monotonic() > until_s:
                raise SnapshotFailed(f"the outputs before it are not acknowledged after {timeout_s:.0f} s")


def _sized(manifest: Manifest, value: bytes) -> Manifest:
    return msgspec.structs.replace(manifest, size_bytes=len(value), digest=digest_of(value))
