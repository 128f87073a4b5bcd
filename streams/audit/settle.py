"""Has the pipeline passed the cut? Otherwise what is on its way would be called missing."""

import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import Consumer, TopicPartition

from schemas.frame import Writer
from schemas.topics import (
    DEAD_LETTERS,
    RESULT_FRAMES,
    SIGNAL_FRAMES,
    STEP_CONTENTS,
    STEP_FRAMES,
    Topic,
    topic_name,
)
from streams.audit.source import Place
from streams.loop import quiet
from streams.output_tail import OutputTail
from streams.reading import marks
from streams.settings import Settings
from streams.snapshot_store import SnapshotStore

ASK_S = 10.0
PAUSE_S = 0.5
_WRITTEN = (STEP_FRAMES, STEP_CONTENTS, RESULT_FRAMES, DEAD_LETTERS)

Ends = dict[tuple[str, int], int]


def wait_until_passed(
    settings: Settings, places: Sequence[Place], timeout_s: float, say: Callable[[str], None]
) -> list[str]:
    """Wait until INGEST, RUNS and DRIFT have passed the cut and WRITE has stored what they made of it.

    Args:
        settings: of the namespace.
        places: the cut of the source topics.
        timeout_s: for all of it.
        say: is told what is waited for.

    Returns:
        What is behind still, a sentence each; empty when everything is there.

    Raises:
        KafkaException: Kafka does not answer.
    """
    until_s = time.monotonic() + timeout_s
    behind: list[str] = []
    # Ends are taken when a stage's turn comes and then stand: on a live site ticks follow for ever.
    for what, begin in (
        ("INGEST", lambda: _Committed(settings, "ingest", {(p.topic, p.partition): p.end for p in places})),
        ("RUNS", lambda: _Passed(settings, "runs", Writer.RUNS, STEP_FRAMES)),
        ("DRIFT", lambda: _Passed(settings, "drift", Writer.DRIFT, SIGNAL_FRAMES)),
        ("WRITE", lambda: _Committed(settings, "write", _ends(settings, _WRITTEN))),
    ):
        say(f"Waiting for {what} to pass")
        stage: _Committed | _Passed = begin()
        left = stage.left()
        while left and time.monotonic() < until_s:
            time.sleep(PAUSE_S)
            left = stage.left()
        if left:
            behind.append(f"{what} is {left} records behind. Is it running? `wakeline doctor` says more")
    return behind


def _ends(settings: Settings, topics: Iterable[Topic]) -> Ends:
    return {
        (name, part): marks(settings, name, part)[1]
        for name in (topic_name(topic, settings.namespace) for topic in topics)
        for part in range(settings.partitions)
    }


class _Committed:
    """A role without state has passed what its group has committed."""

    def __init__(self, settings: Settings, role: str, ends: Ends) -> None:
        self._settings = settings
        self._group = settings.group(role)
        self._ends = ends

    def left(self) -> int:
        """Records between what is committed and the ends."""
        consumer = Consumer(
            quiet()
            | {"bootstrap.servers": self._settings.kafka, "group.id": self._group, "client.id": "audit"}
        )
        try:
            asked = [TopicPartition(topic, part) for topic, part in self._ends]
            found = consumer.committed(asked, timeout=ASK_S)
            return sum(max(self._ends[p.topic, p.partition] - max(p.offset, 0), 0) for p in found)
        finally:
            consumer.close()


class _Passed:
    """A stateful role has passed what it has made an output of, or what its snapshot holds."""

    def __init__(self, settings: Settings, role: str, writer: Writer, topic: Topic) -> None:
        self._settings = settings
        self._role = role
        self._writer = writer
        self._ends = _ends(settings, [topic])

    def left(self) -> int:
        """Records between that and the ends."""
        return sum(max(end - self._done(part, end), 0) for (_, part), end in self._ends.items())

    def _done(self, part: int, end: int) -> int:
        manifest = SnapshotStore(self._settings, self._role, part).newest()
        done = 0 if manifest is None else manifest.next_offset
        if done >= end:
            return done
        namespace = self._settings.namespace
        places = [(topic_name(RESULT_FRAMES, namespace), part)]
        if self._writer is Writer.RUNS:
            signals = topic_name(SIGNAL_FRAMES, namespace)
            places += [(signals, other) for other in range(self._settings.partitions)]
        return max(done, OutputTail(self._settings, places, self._writer, part).offset + 1)
