"""Readers first, then writers: one WRITE stores frames of both versions while RUNS is upgraded."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer, TopicPartition

from schemas.columns import Kind, version_to_write
from schemas.frame import Flag, Label, NewerFrame, Writer, encode, make_header
from schemas.topics import RESULT_FRAMES, topic_name
from streams.admin import create_topics
from streams.clickhouse import connect
from streams.health import Health
from streams.loop import make_producer
from streams.migrate import migrate
from streams.runs.params import SECOND_NS
from streams.settings import Settings
from streams.write import role
from tests.functional.state.test_stateful_roles import Site as StatefulSite
from tests.functional.state.test_stateful_roles import wait_until
from tests.unit.runs.frames import Feed, make_event

pytestmark = [pytest.mark.functional, pytest.mark.timeout(120)]


@pytest.fixture
def site(stored_settings: Settings) -> Iterator[tuple[Settings, Client]]:
    """A namespace with topics and tables."""
    create_topics(stored_settings)
    client = connect(stored_settings, with_database=False)
    migrate(client, stored_settings.clickhouse_database)
    yield stored_settings, client
    client.close()


def rows_of_run(run_id: str, steps: int) -> pa.RecordBatch:
    """What RUNS says of a run of so many steps, each a second long."""
    feed = Feed()
    feed.now_ns = 4_102_444_800 * SECOND_NS  # in 2100: the table drops what was appended 400 days ago
    feed.frame([make_event(f"{run_id}-{number}", run_id) for number in range(steps)])
    feed.end()
    return next(output.rows for output in feed.outputs if output.kind is Kind.RUNS)


def send(settings: Settings, frames: list[bytes]) -> None:
    producer = make_producer(settings, "test")
    for value in frames:
        producer.produce(topic_name(RESULT_FRAMES, settings.namespace), value, partition=0)
    assert producer.flush(30) == 0


def frame(rows: pa.RecordBatch, version: int, offset: int) -> bytes:
    header = make_header(Kind.RUNS, Writer.RUNS, rows=rows.num_rows, label=Label(offset, 0), version=version)
    return encode(header, rows)


@contextmanager
def writing(settings: Settings) -> Iterator[list[BaseException]]:
    """WRITE in a thread; yields what ended it, which is nothing as long as all is well."""
    stop, ended_by = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            role.run(settings, Health("write"), stop)
        except NewerFrame as error:
            ended_by.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ended_by
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def wait_stored(settings: Settings, client: Client, steps: int) -> None:
    """Until the newest rows of all runs have so many steps together."""
    found = 0
    for _ in range(300):
        query = f"SELECT sum(steps) FROM {settings.clickhouse_database}.agent_runs"
        if (found := client.query(query).result_rows[0][0]) == steps:
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"WRITE has stored {found} steps")


def stored(settings: Settings, client: Client, columns: str, where: str = "1") -> list[tuple[Any, ...]]:
    query = f"SELECT {columns} FROM {settings.clickhouse_database}.agent_runs WHERE {where} ORDER BY run_id"
    return [tuple(row) for row in client.query(query).result_rows]


def test_one_write_stores_frames_of_both_versions_in_one_block(site: tuple[Settings, Client]) -> None:
    settings, client = site
    previous = version_to_write(Kind.RUNS, "previous")
    newest = version_to_write(Kind.RUNS, "newest")
    assert (previous, newest) == (1, 2)
    send(
        settings,
        [
            frame(rows_of_run("a-before", 3), previous, 1),
            frame(rows_of_run("b-after", 2), newest, 2),
            frame(rows_of_run("c-upgraded", 1), previous, 3),  # the run goes on while RUNS is upgraded
            frame(rows_of_run("c-upgraded", 4), newest, 4),
            frame(rows_of_run("d-back", 1), newest, 5),  # and here RUNS goes back a version
            frame(rows_of_run("d-back", 5), previous, 6),
        ],
    )
    with writing(settings) as ended_by:
        wait_stored(settings, client, 3 + 2 + 4 + 5)
    assert ended_by == []
    names = "run_id, steps, input_tokens, depth, critical_llm_s, steps_by_agent"
    assert stored(settings, client, names) == [
        ("a-before", 3, 300, 0, None, {}),
        ("b-after", 2, 200, 1, 1.0, {"planner": 2}),
        ("c-upgraded", 4, 400, 1, 1.0, {"planner": 4}),
        ("d-back", 5, 500, 0, None, {}),
    ]
    costs = stored(settings, client, "cost_usd, cost_by_agent_usd['planner']", "run_id = 'b-after'")
    assert costs[0][0] == costs[0][1] > 0
    letters = client.query(f"SELECT count() FROM {settings.clickhouse_database}.dead_letters")
    assert letters.result_rows == [(0,)]


def test_a_reader_that_is_too_old_stops_and_loses_nothing(site: tuple[Settings, Client]) -> None:
    """A frame of version 3 is to this WRITE what one of version 2 is to the last release's."""
    settings, client = site
    rows = rows_of_run("r", 2)
    newer = bytearray(frame(rows, 2, 2))
    newer[5] = 3
    send(settings, [frame(rows_of_run("q", 1), 1, 1), bytes(newer)])
    with writing(settings) as ended_by:
        for _ in range(300):
            if ended_by:
                break
            threading.Event().wait(0.1)
    assert "upgrade readers first" in str(ended_by[0])
    send(settings, [frame(rows, 2, 2)])
    place = TopicPartition(topic_name(RESULT_FRAMES, settings.namespace), 0)
    consumer = Consumer({"bootstrap.servers": settings.kafka, "group.id": settings.group("write")})
    committed = consumer.committed([place], timeout=30)[0].offset
    consumer.close()
    assert committed < 2, "the frame that was not understood is still to be read"
    letters = client.query(f"SELECT count() FROM {settings.clickhouse_database}.dead_letters")
    assert letters.result_rows == [(0,)]


@pytest.mark.parametrize(("write_frames", "version"), [("previous", 1), ("newest", 2)])
def test_runs_writes_the_version_that_its_setting_names(
    settings: Settings, tmp_path: Path, write_frames: str, version: int
) -> None:
    own = msgspec.structs.replace(settings, partitions=1, clock="event", write_frames=write_frames)
    create_topics(own)
    site = StatefulSite(own, tmp_path)
    site.steps(10)
    site.tick(flags=Flag.END)

    def sent() -> list[tuple[int, dict[str, Any]]]:
        frames = site.frames(RESULT_FRAMES)
        return [(header.version, row) for header, rows in frames if header.kind is Kind.RUNS for row in rows]

    with site.role("runs"):
        wait_until(lambda: len(sent()) > 0)
    assert {found for found, _ in sent()} == {version}
    assert {row["steps"] for _, row in sent()} == {10}
    assert {row.get("depth") for _, row in sent()} == {1 if version == 2 else None}
