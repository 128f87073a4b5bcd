"""RUNS and DRIFT as processes over a real broker: killed, restarted, and with input that is gone."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.frame import Flag, Header, Writer, decode_batch, decode_header, encode, make_header
from schemas.topics import ALERTS, DEAD_LETTERS, RESULT_FRAMES, SIGNAL_FRAMES, STEP_FRAMES, Topic, topic_name
from streams.admin import create_topics
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.settings import FIELDS, PREFIX, Settings
from streams.snapshot_store import SnapshotStore
from streams.state.processor import LabelReader
from tests.unit.drift.frames import plain
from tests.unit.runs.frames import BOOK, NOW_NS, make_event

pytestmark = [pytest.mark.functional, pytest.mark.timeout(180)]

SECOND_NS = 1_000_000_000
AGENT = "planner"


@pytest.fixture
def one(settings: Settings) -> Settings:
    """A namespace of one partition, with the event clock, so that tests say what time it is."""
    own = msgspec.structs.replace(
        settings, partitions=1, snapshot_every_s=0.2, clock="event", instance="only"
    )
    create_topics(own)
    return own


class Site:
    """Feeds step-frames and reads what comes out."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self._folder = folder
        self._producer = Producer({"bootstrap.servers": settings.kafka, "linger.ms": 0})
        self._sent = 0
        self.now_ns = NOW_NS

    # -- input

    def steps(self, count: int) -> None:
        """Frames of ten steps, a run each, and a tick after every frame; a frame takes a second."""
        for _ in range(0, count, 10):
            block = Block()
            ids = range(self._sent, self._sent + 10)
            events = [
                make_event(
                    f"e{n}",
                    f"r{n // 10}",
                    agent_name=AGENT,
                    start_time_unix_nano=self.now_ns,
                    end_time_unix_nano=self.now_ns + 1_000_000 * (n % 7 + 1),
                )
                for n in ids
            ]
            block.add(events, range(10), 0, 0, self._sent, self.now_ns)
            self._sent += 10
            self.now_ns += SECOND_NS
            self._send(Kind.STEPS, build_steps(block, BOOK, keep_attributes=True))
            self.tick()

    def tick(self, after_s: float = 0.0, flags: Flag = Flag.NONE) -> None:
        self.now_ns += int(after_s * SECOND_NS)
        self._send(Kind.TICK, None, flags)

    def _send(self, kind: Kind, rows: Any, flags: Flag = Flag.NONE) -> None:
        header = make_header(
            kind,
            Writer.INGEST,
            rows=0 if rows is None else rows.num_rows,
            flags=flags | Flag.EVENT_CLOCK,
            clock_ns=self.now_ns,
        )
        self._producer.produce(self.name(STEP_FRAMES), encode(header, rows), partition=0)
        self._producer.flush(10)

    def garbage(self, value: bytes) -> None:
        self._producer.produce(self.name(STEP_FRAMES), value, partition=0)
        self._producer.flush(10)

    # -- roles

    @contextmanager
    def role(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process; killed at the end if the test has not ended it."""
        values = {field: getattr(self.settings, field) for field in FIELDS}
        own = {
            PREFIX + field.upper(): str(value) for field, value in values.items() if value not in (None, ())
        }
        with (self._folder / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "streams.app", name], env=os.environ | own, stderr=log
            )
        try:
            yield child
        finally:
            child.kill()
            child.wait(10)

    def covered(self, role: str) -> int:
        """The offset behind the newest snapshot; -1 without one."""
        found = SnapshotStore(self.settings, role, 0).load()
        return -1 if found is None else found[0].next_offset

    # -- topics

    def name(self, topic: Topic) -> str:
        return topic_name(topic, self.settings.namespace)

    def end(self, topic: Topic) -> int:
        with self._consumer() as consumer:
            high: int = consumer.get_watermark_offsets(TopicPartition(self.name(topic), 0), timeout=10)[1]
            return high

    def read(self, topic: Topic) -> list[bytes]:
        with self._consumer() as consumer:
            place = TopicPartition(self.name(topic), 0)
            end = consumer.get_watermark_offsets(place, timeout=10)[1]
            consumer.assign([TopicPartition(self.name(topic), 0, 0)])
            values: list[bytes] = []
            while len(values) < end:
                values += [message.value() or b"" for message in consumer.consume(1_000, 0.1)]
            return values

    def frames(self, topic: Topic) -> list[tuple[Header, list[dict[str, Any]]]]:
        found = []
        for value in self.read(topic):
            header = decode_header(value)
            rows = [] if header.kind is Kind.TICK else list(plain(decode_batch(header, value)))
            found.append((header, rows))
        return found

    def rows(self, topic: Topic, kind: Kind) -> list[dict[str, Any]]:
        return [row for header, rows in self.frames(topic) if header.kind is kind for row in rows]

    def alerts(self) -> list[Alert]:
        return [msgspec.json.decode(value, type=Alert) for value in self.read(ALERTS)]

    def forget_below(self, topic: Topic, offset: int) -> None:
        """Delete records, as retention would."""
        admin = AdminClient({"bootstrap.servers": self.settings.kafka})
        for future in admin.delete_records([TopicPartition(self.name(topic), 0, offset)]).values():
            future.result(10)

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        consumer = Consumer(
            {"bootstrap.servers": self.settings.kafka, "group.id": "test", "auto.offset.reset": "earliest"}
        )
        try:
            yield consumer
        finally:
            consumer.close()


@pytest.fixture
def site(one: Settings, tmp_path: Path) -> Site:
    return Site(one, tmp_path)


def wait_until(true: Callable[[], bool], timeout_s: float = 40.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until_s, "it does not happen"
        time.sleep(0.1)


def counted_once(site: Site) -> Counter[str]:
    """Settled steps as DRIFT would take them: repeats skipped by their labels, holes refused.

    Rows of weight 0 tell of runs that have closed.
    """
    reader, seen = LabelReader(), Counter[str]()
    for header, rows in site.frames(SIGNAL_FRAMES):
        if reader.is_new(header):
            seen.update(row["event_id"] for row in rows if row["weight"])
    return seen


def test_a_killed_role_goes_on_at_its_snapshot_and_nothing_is_lost_or_new(site: Site) -> None:
    with site.role("runs") as runs:
        site.steps(300)
        wait_until(lambda: site.covered("runs") > 10)
        site.steps(100)
        runs.send_signal(signal.SIGKILL)
    covered = site.covered("runs")
    site.steps(100)
    with site.role("runs"):
        wait_until(lambda: site.covered("runs") == site.end(STEP_FRAMES))
    assert 10 < covered < site.end(STEP_FRAMES)
    assert counted_once(site) == Counter(f"e{n}" for n in range(500))
    again = [header for header, _ in site.frames(SIGNAL_FRAMES) if header.label.offset < covered]
    assert len({header.label for header in again}) == len(again), "what a snapshot covers is not sent again"


def test_a_role_that_is_told_to_end_leaves_a_snapshot_of_all_that_it_processed(site: Site) -> None:
    with site.role("runs") as runs:
        site.steps(200)
        wait_until(lambda: site.covered("runs") > 0)
        site.steps(50)
        wait_until(lambda: sum(counted_once(site).values()) == 250)
        runs.terminate()
        assert runs.wait(20) == 0
    assert site.covered("runs") == site.end(STEP_FRAMES)


def test_runs_passes_a_gap_with_a_ledger_row_an_alert_and_no_hole_for_drift(site: Site) -> None:
    with site.role("runs") as runs:
        site.steps(200)
        wait_until(lambda: site.covered("runs") == site.end(STEP_FRAMES))
        runs.send_signal(signal.SIGSTOP)
        site.steps(200)
        runs.send_signal(signal.SIGKILL)
    covered, middle = site.covered("runs"), site.end(STEP_FRAMES)
    site.forget_below(STEP_FRAMES, middle)
    site.steps(100)
    before = site.rows(RESULT_FRAMES, Kind.RUNS)
    with site.role("runs"):
        wait_until(lambda: site.covered("runs") == site.end(STEP_FRAMES))
    (alert,) = site.alerts()
    assert (alert.type, alert.severity) == ("pipeline.gap", "critical")
    assert f"offsets {covered} to {middle - 1}" in alert.summary
    (row,) = site.rows(RESULT_FRAMES, Kind.LEDGER)
    assert (row["role"], row["entry"], row["count"]) == ("runs", "gap", middle - covered)
    seen = counted_once(site)
    assert set(seen.values()) == {1}, "nothing twice, and no hole"
    assert set(seen) == {f"e{n}" for n in [*range(200), *range(400, 500)]}
    key = {(row["run_id"], row["part"]): row["steps"] for row in before}
    for row in site.rows(RESULT_FRAMES, Kind.RUNS)[len(before) :]:
        assert row["steps"] >= key.get((row["run_id"], row["part"]), 0), "no run's row becomes smaller"


def test_frames_read_again_under_changed_parameters_are_not_sent_again_and_the_ledger_says_so(
    site: Site,
) -> None:
    with site.role("runs") as runs:
        site.steps(200)
        wait_until(lambda: site.covered("runs") == site.end(STEP_FRAMES))
        runs.send_signal(signal.SIGKILL)
    slow, quick = site.settings, msgspec.structs.replace(site.settings, snapshot_every_s=3_600.0)
    site.settings = quick
    with site.role("runs") as runs:
        site.steps(100)
        wait_until(lambda: sum(counted_once(site).values()) == 300)
        runs.send_signal(signal.SIGKILL)
    covered, sent = site.covered("runs"), max(header.label.offset for header, _ in site.frames(SIGNAL_FRAMES))
    site.settings = msgspec.structs.replace(slow, loop_calls=3)
    site.steps(100)
    with site.role("runs"):
        wait_until(lambda: site.covered("runs") == site.end(STEP_FRAMES))
    assert counted_once(site) == Counter(f"e{n}" for n in range(400))
    (row,) = site.rows(RESULT_FRAMES, Kind.LEDGER)
    assert (row["entry"], row["count"]) == ("logic.changed", sent - covered + 1)
    assert f"offsets {covered} to {sent}" in row["detail"]
    labels = [header.label for header, _ in site.frames(SIGNAL_FRAMES)]
    assert len(set(labels)) == len(labels)


def test_a_record_that_is_no_frame_becomes_a_dead_letter_and_delays_nobody(site: Site) -> None:
    with site.role("runs"):
        site.steps(20)
        site.garbage(b"no frame")
        site.steps(20)
        wait_until(lambda: site.covered("runs") == site.end(STEP_FRAMES))
    assert counted_once(site) == Counter(f"e{n}" for n in range(40))
    assert site.read(DEAD_LETTERS) == [b"no frame"]


def windows(site: Site) -> dict[tuple[Any, ...], list[int]]:
    """The counts of every window row, in the order in which they were sent."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for row in site.rows(RESULT_FRAMES, Kind.WINDOWS):
        key = tuple(row[name] for name in ("width_s", "window_start", "step_name", "epoch_start"))
        found.setdefault(key, []).append(row["steps"])
    return found


def minutes(site: Site) -> int:
    """Steps in all windows of a minute, as a query would add them up."""
    return sum(counts[-1] for key, counts in windows(site).items() if key[0] == 60)


def test_drift_passes_a_gap_and_no_window_row_becomes_smaller_or_counts_twice(site: Site) -> None:
    with site.role("runs"), site.role("drift") as drift:
        site.steps(300)
        wait_until(lambda: site.covered("drift") > 0)
        site.steps(300)
        wait_until(lambda: site.covered("drift") == site.end(SIGNAL_FRAMES) and minutes(site) > 550)
        covered = site.covered("drift")
        drift.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        drift.send_signal(signal.SIGKILL)
        site.steps(200)
        wait_until(lambda: site.covered("runs") == site.end(STEP_FRAMES))
        middle = site.end(SIGNAL_FRAMES)
        before = minutes(site)
        site.forget_below(SIGNAL_FRAMES, middle)
        with site.role("drift"):
            site.steps(100)
            site.tick(flags=Flag.END)
            wait_until(lambda: site.covered("drift") == site.end(SIGNAL_FRAMES) > middle)
    for key, counts in windows(site).items():
        assert counts == sorted(counts), f"{key} became smaller"
    assert minutes(site) == before + 100
    (row,) = [row for row in site.rows(RESULT_FRAMES, Kind.LEDGER) if row["entry"] == "gap"]
    assert (row["role"], row["count"]) == ("drift", middle - covered)
    (alert,) = site.alerts()
    assert alert.type == "pipeline.gap"


def test_a_topic_that_was_deleted_under_a_snapshot_is_refused_with_a_reason(
    site: Site, tmp_path: Path
) -> None:
    with site.role("runs"):
        site.steps(100)
        wait_until(lambda: site.covered("runs") == site.end(STEP_FRAMES))
    admin = AdminClient({"bootstrap.servers": site.settings.kafka})
    for future in admin.delete_topics([site.name(STEP_FRAMES)]).values():
        future.result(10)
    wait_until(lambda: site.name(STEP_FRAMES) not in admin.list_topics(timeout=5).topics)
    create_topics(site.settings)
    with site.role("runs") as runs:
        assert runs.wait(40) == 70
    assert "it was deleted or cut since" in (tmp_path / "runs.log").read_text()
