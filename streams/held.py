"""What is held of an assigned partition? Its processor, its place, and what is on its way."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import msgspec
from confluent_kafka import KafkaError, Message

from schemas.frame import Label
from streams.snapshot_store import SnapshotStore
from streams.state.processor import Clock, LabelWriter, Note, Processor
from streams.state.snapshots import Manifest, Parts, read_values, values

_PART = "shell"


class _ShellState(msgspec.Struct, array_like=True):
    """What of a snapshot is not the processor's."""

    clock_ns: int
    labels: list[tuple[str, int, int, int]]


class Flight:
    """Outputs that the broker has not acknowledged, counted by the snapshot that they come before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = 0
        self._waiting = {0: 0}
        self._asked: list[tuple[int, threading.Event]] = []

    def send(self) -> Callable[[KafkaError | None, Message], None]:
        """One more is on its way; call what is returned when it has landed."""
        with self._lock:
            self._waiting[self._generation] += 1
            return partial(self._landed, self._generation)

    def landed_so_far(self) -> threading.Event:
        """Set when all that was sent until now has landed."""
        with self._lock:
            event = threading.Event()
            self._asked.append((self._generation, event))
            self._generation += 1
            self._waiting[self._generation] = 0
            self._tell()
            return event

    def _landed(self, generation: int, _error: KafkaError | None, _message: Message) -> None:
        with self._lock:
            self._waiting[generation] -= 1
            self._tell()

    def _tell(self) -> None:
        while self._asked and not any(
            count for generation, count in self._waiting.items() if generation <= self._asked[0][0]
        ):
            generation, event = self._asked.pop(0)
            event.set()
            for old in [g for g in self._waiting if g <= generation]:
                del self._waiting[old]


@dataclass
class Held:
    """One assigned partition.

    Attributes:
        processor: with its state.
        store: of its snapshots.
        next: the offset that it takes next.
        clock: of the partition.
        labels: of its outputs.
        floors: by output topic and partition: up to this input offset everything was sent before.
        notes: for the ledger, with the first frame.
        gap: first and last offset that are missing; told with the first frame.
        flight: outputs on their way.
        covered: `next` of the last durable snapshot; -1 before the first.
        snapshot: its manifest.
        append_s: when the broker appended the last record that was handled, Unix time.
        snapshot_due_s: monotonic time of the next one.
        saving: a snapshot is being written.
    """

    processor: Processor
    store: SnapshotStore
    next: int = 0
    clock: Clock = field(default_factory=Clock)
    labels: LabelWriter = field(default_factory=LabelWriter)
    floors: Mapping[tuple[str, int], Label] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    gap: tuple[int, int] | None = None
    flight: Flight = field(default_factory=Flight)
    covered: int = -1
    snapshot: Manifest | None = None
    append_s: float = 0.0
    snapshot_due_s: float = 0.0
    saving: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ahead_since_s: float | None = None
    sought_s: float = 0.0

    def parts(self) -> Parts:
        """The whole state at this boundary between two frames."""
        own = _ShellState(self.clock.now_ns, self.labels.state())
        return {**self.processor.snapshot(), _PART: values(own)}

    def restore(self, version: int, parts: Parts) -> None:
        """Go on from `parts`; raises as `Processor.restore`."""
        self.notes += self.processor.restore(version, parts)
        own = read_values(parts, _PART, _ShellState)
        self.clock.now_ns = own.clock_ns
        self.labels.go_on_after(own.labels)
