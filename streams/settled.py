"""Has everything that was sent arrived in ClickHouse? Waits for the end of a namespace's input to pass.

For replays, demonstrations and tests, whose input ends: INGEST has committed the ends of the source topics,
DRIFT has passed on the end in every partition, and WRITE has committed the ends of what it reads. Live
namespaces never end, so this would wait for ever there. It reads Kafka only, and changes nothing.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from confluent_kafka import Consumer, Message, TopicPartition

from schemas.columns import Kind
from schemas.frame import Flag, Writer, decode_header
from schemas.topics import (
    DEAD_LETTERS,
    RESULT_FRAMES,
    SOURCES,
    STEP_CONTENTS,
    STEP_FRAMES,
    Topic,
    topic_name,
)
from streams.settings import Settings

WRITTEN: tuple[Topic, ...] = (STEP_FRAMES, STEP_CONTENTS, RESULT_FRAMES, DEAD_LETTERS)
ASK_S = 10.0
STUCK_S = 120.0
_PAUSE_S = 0.1
# RUNS sends its last totals and the end mark to different topics; so much later both are there.
_AFTERWARDS_S = 0.5

Ends = dict[tuple[str, int], int]


class NotSettled(Exception):
    """Nothing moved for two minutes. The message says which stage waits, and for what."""


class Progress(Protocol):
    """Told how far a stage is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` records, or partitions for the stage `settle`."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def wait_until_done(
    settings: Settings,
    *,
    progress: Progress = no_progress,
    since: Mapping[int, int] | None = None,
    check: Callable[[], None] | None = None,
    stuck_s: float = STUCK_S,
) -> None:
    """Wait until all that was sent, end marks included, is written.

    Args:
        settings: of the namespace.
        progress: told about the stages `ingest`, `settle`, `write`, in this order.
        since: ends of result-frames before the input was sent (`ends_of_results`), so that the end of an
            earlier replay does not pass for this one's; None: the namespace is new.
        check: called ten times a second; may raise (`Supervisor.check`).
        stuck_s: give up when nothing moves for so long.

    Raises:
        NotSettled: nothing moves.
        KafkaException: Kafka does not answer.
    """
    wait = _Wait(settings, progress, check, stuck_s)
    sources = _ends(settings, "ingest", SOURCES)
    wait.until("ingest", lambda: _behind(settings, "ingest", sources), sum(sources.values()))
    with _Results(settings, since or {}) as results:
        wait.until("settle", results.open_partitions, len(results.waiting))
        while True:
            written = _ends(settings, "write", WRITTEN)
            seen = results.frames
            behind = _behinder(settings, written)
            wait.until("write", behind, sum(written.values()))
            if results.read_on(_AFTERWARDS_S) == seen:
                return


def ends_of_results(settings: Settings) -> dict[int, int]:
    """Ends of the partitions of result-frames now, for `wait_until_done(since=...)`."""
    return {part: end for (_, part), end in _ends(settings, "settled", [RESULT_FRAMES]).items()}


def source_partitions(settings: Settings) -> dict[str, int]:
    """Names of the source topics and their number of partitions."""
    counts: dict[str, int] = {}
    for topic, _ in _ends(settings, "settled", SOURCES):
        counts[topic] = counts.get(topic, 0) + 1
    return counts


class _Wait:
    def __init__(
        self, settings: Settings, progress: Progress, check: Callable[[], None] | None, stuck_s: float
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._check = check
        self._stuck_s = stuck_s

    def until(self, stage: str, left: Callable[[], int], total: int) -> None:
        least, moved_s = total + 1, time.monotonic()
        while (now := left()) > 0:
            self._progress(stage, max(total - now, 0), total)
            if self._check is not None:
                self._check()
            if now < least:
                least, moved_s = now, time.monotonic()
            if time.monotonic() - moved_s > self._stuck_s:
                what = "partitions have not ended" if stage == "settle" else "records are not done"
                raise NotSettled(
                    f"{now} {what} at the stage {stage} of the namespace {self._settings.namespace}, and "
                    f"nothing has moved for {self._stuck_s:.0f} s. The logs of its roles say more"
                )
            time.sleep(_PAUSE_S)
        self._progress(stage, total, total)


class _Results:
    """Reads result-frames for the end marks of DRIFT."""

    def __init__(self, settings: Settings, since: Mapping[int, int]) -> None:
        self._topic = topic_name(RESULT_FRAMES, settings.namespace)
        self._since = since
        self._consumer = _consumer(settings, "settled")
        self.waiting = {part for _, part in _ends(settings, "settled", [RESULT_FRAMES])}
        self.frames = 0

    def __enter__(self) -> "_Results":
        first = [TopicPartition(self._topic, part, self._since.get(part, 0)) for part in self.waiting]
        self._consumer.assign(first)
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def open_partitions(self) -> int:
        """Partitions that have not ended; reads on for a moment."""
        self.read_on(_PAUSE_S)
        return len(self.waiting)

    def read_on(self, seconds: float) -> int:
        """Read for `seconds`; the number of frames so far, ticks not counted."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            for message in self._consumer.consume(1_000, _PAUSE_S):
                if message.error() is None:
                    self._look(message)
        return self.frames

    def _look(self, message: Message) -> None:
        partition = message.partition()
        header = decode_header(message.value() or b"")
        if header.kind is not Kind.TICK:
            self.frames += 1
        elif header.writer is Writer.DRIFT and header.flags & Flag.END and partition is not None:
            self.waiting.discard(partition)


def _behinder(settings: Settings, ends: Ends) -> Callable[[], int]:
    return lambda: _behind(settings, "write", ends)


def _ends(settings: Settings, role: str, topics: Iterable[Topic]) -> Ends:
    consumer = _consumer(settings, role)
    try:
        found = consumer.list_topics(timeout=ASK_S).topics
        names = [topic_name(topic, settings.namespace) for topic in topics]
        places = [(name, part) for name in names if name in found for part in found[name].partitions]
        return {
            (name, part): consumer.get_watermark_offsets(TopicPartition(name, part), timeout=ASK_S)[1]
            for name, part in places
        }
    finally:
        consumer.close()


def _behind(settings: Settings, role: str, ends: Ends) -> int:
    """Records between what the role has committed and the given ends."""
    consumer = _consumer(settings, role)
    try:
        asked = [TopicPartition(name, part) for name, part in ends]
        committed = consumer.committed(asked, timeout=ASK_S)
        return sum(max(ends[place.topic, place.partition] - max(place.offset, 0), 0) for place in committed)
    finally:
        consumer.close()


def _consumer(settings: Settings, role: str) -> Consumer:
    """One that names the role's group, to ask for its offsets, and never joins it."""
    return Consumer(
        {
            "bootstrap.servers": settings.kafka,
            "group.id": settings.group(role),
            "client.id": "wakeline-settled",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": 8_192,
            "log_level": 2,  # errors reach us as exceptions; its own lines would tear the progress bar
        }
    )
