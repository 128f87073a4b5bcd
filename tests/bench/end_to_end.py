"""How fast is the whole pipeline, broker and engine included? Against one loop that does the least.

The loop consumes, decodes, and inserts Arrow in one process: no prices, runs, windows or detectors, and
nothing is framed. The pipeline runs as `wakeline up` runs it; its time is from the first event sent to the
last row stored. Both read the same messages from the same broker into the same engine, one after the other.
"""

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.event import Event
from schemas.topics import AGENT_EVENTS, topic_name
from streams.clickhouse import connect
from streams.local.ports import free_port
from streams.local.site import Servers, Site
from streams.loop import make_producer
from streams.settings import Settings
from tests.bench.clock import Row
from tests.bench.load import in_messages, make_events

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EVENTS = 600_000
IDLE_S = 8.0
_LOOP_COLUMNS = ("event_id", "run_id", "kind", "agent_name", "step_name", "input_tokens", "output_tokens")


def run() -> list[Row]:
    """Rows of the table."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="wakeline-bench-") as folder:
        settings = Settings(partitions=4)
        servers = Servers(kafka_port=free_port(), clickhouse_port=free_port())
        with Site(settings, Path(folder), servers=servers) as site:
            site.wait_ready()
            time.sleep(IDLE_S)
            rows.append(("end to end: idle memory of everything, PSS", _memory_mb(site), "MB"))
            client = connect(site.settings)
            for size in (100, 1):
                count = EVENTS if size > 1 else EVENTS // 4
                messages = in_messages(make_events(count), size)
                ours_s = _pipeline(site.settings, client, messages, count)
                rows.append((f"end to end, {size} a message: pipeline", count / ours_s, "steps/s"))
                loop_s = _loop(site.settings, client, messages, count)
                rows.append((f"end to end, {size} a message: bare loop", count / loop_s, "steps/s"))
                rows.append(
                    (f"end to end, {size} a message: share of the bare loop", loop_s / ours_s, "ratio")
                )
            client.close()
    return rows


def _pipeline(settings: Settings, client: "Client", messages: list[bytes], count: int) -> float:
    client.command("TRUNCATE TABLE steps")
    start = time.perf_counter()
    _send(settings, topic_name(AGENT_EVENTS, settings.namespace), messages)
    while int(client.query("SELECT count() FROM steps").result_rows[0][0]) < count:
        time.sleep(0.1)
    return time.perf_counter() - start


def _send(settings: Settings, topic: str, messages: list[bytes]) -> None:
    producer: Producer = make_producer(settings, "bench", **{"queue.buffering.max.messages": 1_000_000})
    for number, message in enumerate(messages):
        while not _sent(producer, topic, message, number % settings.partitions):
            producer.poll(0.05)
    producer.flush()


def _sent(producer: Producer, topic: str, message: bytes, partition: int) -> bool:
    try:
        producer.produce(topic, message, partition=partition)
    except BufferError:
        return False
    return True


def _loop(settings: Settings, client: "Client", messages: list[bytes], count: int) -> float:
    """Consume what `_pipeline` has sent once more, decode it, and insert seven columns."""
    client.command(
        "CREATE OR REPLACE TABLE bench (event_id String, run_id String, kind LowCardinality(String), "
        "agent_name LowCardinality(String), step_name LowCardinality(String), input_tokens Nullable(Int64), "
        "output_tokens Nullable(Int64)) ENGINE = MergeTree ORDER BY (run_id, event_id)"
    )
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka, "group.id": "bench", "enable.auto.commit": False}
    )
    topic = topic_name(AGENT_EVENTS, settings.namespace)
    ends = [
        consumer.get_watermark_offsets(TopicPartition(topic, part))[1] for part in range(settings.partitions)
    ]
    per_part = len(messages) // settings.partitions
    consumer.assign([TopicPartition(topic, part, end - per_part) for part, end in enumerate(ends)])
    decoder = msgspec.json.Decoder(Event, strict=False)
    start = time.perf_counter()
    done, events = 0, list[Event]()
    expected = per_part * settings.partitions * (count // len(messages))
    while done < expected:
        for message in consumer.consume(1_000, 0.1):
            events += decoder.decode_lines(message.value() or b"")
        if len(events) >= 20_000 or done + len(events) >= expected:
            columns = {name: [getattr(event, name) for event in events] for name in _LOOP_COLUMNS}
            client.insert_arrow("bench", pa.table(columns), settings={"async_insert": 0})
            done += len(events)
            events = []
    consumer.close()
    return time.perf_counter() - start


def _memory_mb(site: Site) -> float:
    """Proportional set size of the children and this process's share of the supervisor."""
    total_kb = 0
    for _, pid in site.states():
        if pid is not None:
            total_kb += pss_kb(pid)
    return total_kb / 1024


def pss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
