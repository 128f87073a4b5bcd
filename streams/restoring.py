"""Where does a partition go on? At its newest snapshot; behind a gap, or under changed logic, with care.

Runs in a thread on assignment, before the first frame is read. Everything that a person must know of a start
that is not exact becomes a note for the ledger, and a gap an alert.
"""

import time
from collections.abc import Callable

import structlog

from schemas.columns import Kind
from schemas.frame import Label, Writer
from schemas.topics import RESULT_FRAMES, SIGNAL_FRAMES, topic_name
from streams.fault_points import FaultPoint, reach
from streams.held import Held
from streams.output_tail import OutputTail
from streams.settings import Settings
from streams.snapshot_store import SnapshotStore
from streams.state.processor import Note, Place, Processor
from streams.state.snapshots import Manifest, SnapshotRefused

log = structlog.get_logger()


class Restorer:
    """Restores partitions of one role."""

    def __init__(
        self, settings: Settings, role: str, writer: Writer, make_processor: Callable[[Place], Processor]
    ) -> None:
        self._settings = settings
        self._role = role
        self._writer = writer
        self._make_processor = make_processor

    def restore(self, partition: int, earliest: int, end: int) -> Held:
        """Take a partition over.

        Args:
            partition: of the input topic.
            earliest: first offset that Kafka still holds.
            end: offset behind the last.

        Raises:
            SnapshotRefused: the snapshot is not for this version, this topic, or this log.
            KafkaException: Kafka does not answer.
        """
        store = SnapshotStore(self._settings, self._role, partition)
        store.open()
        place = Place(self._writer, partition, self._settings.partitions)
        held = Held(self._make_processor(place), store)
        found = store.load()
        changed = False
        if found is not None:
            manifest, parts = found
            self._check(manifest, partition, end)
            held.restore(manifest.state_version, parts)
            held.next = held.covered = manifest.next_offset
            held.snapshot = manifest
            changed = manifest.logic != held.processor.logic
        if earliest > held.next or changed:
            self._go_on_with_care(held, partition, earliest, changed)
        self._set_due(held, partition)
        reach(FaultPoint(f"{self._role}.restored"))
        log.info(
            "Partition restored",
            partition=partition,
            next=held.next,
            snapshot=found is not None,
            behind=end - held.next,
        )
        return held

    def _check(self, manifest: Manifest, partition: int, end: int) -> None:
        have = self._settings.partitions
        if manifest.partitions != have:
            raise SnapshotRefused(
                f"The snapshot of {self._role} partition {partition} is of a topic with "
                f"{manifest.partitions} partitions, the settings say {have}; `wakeline topics` says how "
                "to drain"
            )
        if manifest.next_offset > end:
            raise SnapshotRefused(
                f"The snapshot of {self._role} partition {partition} goes on at offset "
                f"{manifest.next_offset}, but the topic ends at {end}: it was deleted or cut since. "
                "Restore the topic, or go on in a new namespace"
            )

    def _go_on_with_care(self, held: Held, partition: int, earliest: int, changed: bool) -> None:
        tail = OutputTail(
            self._settings, self._outputs(partition), self._writer, partition, self._complete_kind()
        )
        held.labels.go_on_after((*place, *label) for place, label in tail.last.items())
        held.floors = dict(tail.last)
        if changed and tail.offset >= held.next:
            detail = f"offsets {held.next} to {tail.offset} were read again under changed logic or parameters"
            held.notes.append(Note("logic.changed", tail.offset - held.next + 1, detail))
        if earliest > held.next:
            self._pass_gap(held, partition, earliest, self._sent_up_to(tail))

    def _pass_gap(self, held: Held, partition: int, earliest: int, sent_up_to: int) -> None:
        """Go on behind what is gone, and behind what was counted before: nothing may count twice."""
        first, held.next = held.next, max(earliest, sent_up_to)
        held.processor.after_gap()
        held.gap = (first, held.next - 1)
        detail = (
            f"offsets {first} to {held.next - 1} are in no state: the topic starts at {earliest}, and "
            f"results were sent up to {sent_up_to - 1}"
        )
        held.notes.append(Note("gap", held.next - first, detail))
        log.error("Frames are gone that the state needs", partition=partition, detail=detail)

    def _outputs(self, partition: int) -> list[tuple[str, int]]:
        """Where the role's outputs of an input partition may lie."""
        results = topic_name(RESULT_FRAMES, self._settings.namespace)
        places = [(results, partition)]
        if self._writer is Writer.RUNS:
            signals = topic_name(SIGNAL_FRAMES, self._settings.namespace)
            places += [(signals, part) for part in range(self._settings.partitions)]
        return places

    def _complete_kind(self) -> Kind | None:
        """The outputs of DRIFT which hold all that came before the frame that they were made from."""
        return Kind.WINDOWS if self._writer is Writer.DRIFT else None

    def _sent_up_to(self, tail: OutputTail) -> int:
        """The first offset of which nothing is in rows that were sent."""
        if self._complete_kind() is None:
            return tail.offset + 1
        return (tail.last_of_kind or Label(0, 0)).offset

    def _set_due(self, held: Held, partition: int) -> None:
        """Partitions take turns, so that not all are copied at once."""
        turn = (partition + 1) / self._settings.partitions
        held.snapshot_due_s = time.monotonic() + self._settings.snapshot_every_s * turn
