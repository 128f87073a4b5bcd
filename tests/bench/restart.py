"""How soon does a killed role go on? RUNS with 10,000 open runs, DRIFT with 10,000 streams, real broker.

The time is from starting the process anew after SIGKILL to the first record that it has handled, as its
/metrics say: interpreter, imports, compiled kernels, joining the group, snapshots read and put back. The
worker is named, as `wakeline up` names its own, so the group takes it back at once. Beside it: the same
process with no state to restore.
"""

import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pyarrow as pa
from confluent_kafka import Producer

from schemas.columns import Kind
from schemas.frame import NO_LABEL, Label, Writer, encode, make_header
from schemas.topics import SIGNAL_FRAMES, STEP_FRAMES, Topic, topic_name
from streams.admin import create_topics
from streams.local.kafka import LocalKafka
from streams.local.ports import free_port
from streams.settings import Settings
from streams.snapshot_store import SnapshotStore
from tests.bench.clock import Row
from tests.bench.drift_speed import make_rows
from tests.bench.load import make_frames
from tests.bench.processes import role_process

RUNS = 10_000
RUN_STEPS = 20
STREAMS = 10_000
SIGNALS = 3
PARTITIONS = 4
WAIT_S = 120.0


def run() -> list[Row]:
    """Rows of the table."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="wakeline-bench-") as folder,
        LocalKafka(Path(folder), port=free_port()) as broker,
    ):
        broker.start()
        broker.wait_ready()
        for role, topic, frames in (("runs", STEP_FRAMES, _steps), ("drift", SIGNAL_FRAMES, _signals)):
            settings = Settings(
                kafka=broker.bootstrap,
                namespace=f"restart-{role}",
                partitions=PARTITIONS,
                health_port=free_port(),
                instance="bench",
                snapshot_every_s=1.0,
            )
            create_topics(settings)
            rows += _measure(settings, role, topic, frames(), Path(folder))
    return rows


def _measure(settings: Settings, role: str, topic: Topic, frames: list[bytes], folder: Path) -> list[Row]:
    producer = Producer({"bootstrap.servers": settings.kafka})
    name = topic_name(topic, settings.namespace)

    def tick() -> None:
        for part in range(PARTITIONS):
            producer.produce(name, _tick(role), partition=part)
        producer.flush(10)

    tick()
    empty_s = _first_record_s(settings, role, folder)
    for number, value in enumerate(frames):
        producer.produce(name, value, partition=number % PARTITIONS)
    producer.flush(30)
    with role_process(settings, role, folder) as child:
        _wait(lambda: _metric(settings, "wakeline_records_total") >= len(frames))
        _wait(lambda: min(_covered(settings, role)) > 1)
        time.sleep(3.0)
        held = _metric(settings, "wakeline_open_runs" if role == "runs" else "wakeline_streams")
        size_mb = _metric(settings, "wakeline_snapshot_bytes") / 1e6
        child.send_signal(signal.SIGKILL)
    tick()
    restart_s = _first_record_s(settings, role, folder)
    what = "open runs" if role == "runs" else "streams"
    return [
        (f"restart: {role}, {what} held", held, what),
        (f"restart: {role}, its snapshots", size_mb, "MB"),
        (f"restart: {role}, kill -9 to first record, empty", empty_s, "s"),
        (f"restart: {role}, kill -9 to first record, restored", restart_s, "s"),
    ]


def _first_record_s(settings: Settings, role: str, folder: Path) -> float:
    start_s = time.perf_counter()
    with role_process(settings, role, folder) as child:
        _wait(lambda: _metric(settings, "wakeline_records_total") > 0)
        took_s = time.perf_counter() - start_s
        child.send_signal(signal.SIGKILL)
    return took_s


def _wait(true: Callable[[], bool]) -> None:
    until_s = time.monotonic() + WAIT_S
    while not true():
        if time.monotonic() > until_s:
            raise TimeoutError("What is waited for does not come")
        time.sleep(0.02)


def _metric(settings: Settings, name: str) -> float:
    """Sum over labels; 0 while nobody answers."""
    try:
        with urlopen(f"http://127.0.0.1:{settings.health_port}/metrics", timeout=1) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name}{{"))


def _covered(settings: Settings, role: str) -> list[int]:
    found = [SnapshotStore(settings, role, part).load() for part in range(PARTITIONS)]
    return [-1 if one is None else one[0].next_offset for one in found]


def _steps() -> list[bytes]:
    """Frames whose runs never end: every root is missing."""
    return make_frames(RUNS * RUN_STEPS, rows=2_000)


def _signals() -> list[bytes]:
    """Frames in which every (agent, step) is a stream for each signal."""
    rng, frames, pairs = np.random.default_rng(0), [], STREAMS // SIGNALS + 1
    labels: dict[int, Label] = {}
    for number in range(8 * PARTITIONS):
        part = number % PARTITIONS
        rows = make_rows(number, rng)
        mine = np.arange(part, pairs, PARTITIONS)
        place = np.resize(mine, rows.num_rows)
        rows = rows.set_column(
            rows.schema.get_field_index("agent_name"), "agent_name", pa.array([f"a{n // 5}" for n in place])
        )
        rows = rows.set_column(
            rows.schema.get_field_index("step_name"), "step_name", pa.array([f"s{n}" for n in place])
        )
        previous = labels.get(part, NO_LABEL)
        label = Label(previous.offset + 1, 0)
        header = make_header(
            Kind.SIGNALS,
            Writer.RUNS,
            rows=rows.num_rows,
            partition=0,
            partitions=1,
            label=label,
            previous=previous,
        )
        labels[part] = label
        frames.append(encode(header, rows))
    return frames


def _tick(role: str) -> bytes:
    """A tick; without a label it is a repeat for DRIFT, and handled all the same."""
    return encode(make_header(Kind.TICK, Writer.INGEST if role == "runs" else Writer.RUNS))
