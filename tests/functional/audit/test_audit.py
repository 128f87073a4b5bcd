"""`wakeline audit` over a whole site: exact when it is, and it names and mends what somebody took away."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from confluent_kafka import Producer

from schemas.topics import AGENT_EVENTS, OTLP_SPANS, SOURCES, topic_name
from streams.admin import delete_topics
from streams.audit.lock import RepairBusy, RepairLock
from streams.clickhouse import connect
from streams.local.site import Servers, Site, environment_of
from streams.settings import Settings
from streams.settled import wait_until_done
from tests.data import place
from tests.functional.conftest import Engine

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]

START_NS = 1_750_000_000_000_000_000
RUNS, STEPS = 30, 7
TABLES = ("steps", "runs", "windows", "dead_letters")
LARGEST = 100_000


def recorded_traces() -> list[Path]:
    """Where they are; the rest is tried without them too."""
    try:
        return sorted((place.shared_data() / "otlp").glob("*.otlp.pb"))
    except FileNotFoundError:
        return []


TRACES = recorded_traces()


def event(run: int, step: int, **fields: Any) -> dict[str, Any]:
    start_ns = START_NS + (run * 120 + step) * 1_000_000_000
    return {
        "event_id": f"r{run}-{step}",
        "run_id": f"r{run}",
        "kind": "llm",
        "agent_name": f"agent-{run % 3}",
        "start_time_unix_nano": start_ns,
        "end_time_unix_nano": start_ns + 700_000_000 + step * 1_000_000,
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "input_tokens": 100 + step,
        "output_tokens": 10,
        **({"parent_event_id": f"r{run}-0"} if step else {}),
        **fields,
    }


def send(settings: Settings) -> None:
    """Events, some twice and some as starts too, things that are none, one too large, and real traces."""
    producer = Producer({"bootstrap.servers": settings.kafka})
    native, otlp = (topic_name(topic, settings.namespace) for topic in (AGENT_EVENTS, OTLP_SPANS))
    for run in range(RUNS):
        events = [event(run, step) for step in range(STEPS)]
        started = event(run, 1, state="started", input_tokens=None, output_tokens=None)
        del started["end_time_unix_nano"]
        lines = [json.dumps(one) for one in ({k: v for k, v in started.items() if v is not None}, *events)]
        producer.produce(native, "\n".join(lines), partition=run % settings.partitions)
        if run % 3 == 0:
            producer.produce(native, json.dumps(events[2]), partition=(run + 1) % settings.partitions)
    producer.produce(native, b"no json", partition=0)
    producer.produce(native, json.dumps(event(0, 0)) + '\n{"kind": "llm"}', partition=1)
    producer.produce(native, json.dumps(event(99, 0, agent_name="x" * LARGEST)), partition=2)
    for number, path in enumerate(TRACES):
        producer.produce(otlp, path.read_bytes(), partition=number % settings.partitions)
    for topic in (topic_name(source, settings.namespace) for source in SOURCES):
        for part in range(settings.partitions):
            producer.produce(topic, None, partition=part, headers={"wakeline-control": b"end"})
    assert producer.flush(30) == 0


@pytest.fixture(scope="module")
def site(kafka: str, clickhouse: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A namespace through which everything has gone; its roles have ended."""
    name = f"t-{secrets.token_hex(6)}"
    settings = Settings(
        kafka=kafka,
        namespace=name,
        partitions=4,
        clock="event",
        max_message_bytes=LARGEST,
        clickhouse_url=clickhouse.url,
        clickhouse_user=clickhouse.user,
        clickhouse_password=clickhouse.password,
        clickhouse_database=name.replace("-", "_"),
    )
    servers = Servers(kafka=kafka, clickhouse_url=clickhouse.url)
    with Site(settings, tmp_path_factory.mktemp("site"), servers=servers) as running:
        running.wait_ready()
        send(running.settings)
        wait_until_done(running.settings, check=running.check)
    yield settings
    delete_topics(settings)


@pytest.fixture
def client(site: Settings) -> Iterator["Client"]:
    found = connect(site)
    yield found
    found.close()


def audit(settings: Settings, *more: str) -> tuple[int, dict[str, Any]]:
    """As a user would; exit code and the JSON."""
    command = [
        sys.executable,
        "-c",
        "from streams.cli import main; main()",
        "audit",
        "--json",
        "--settle",
        "0",
    ]
    done = subprocess.run(
        [*command, "--wait", "20", *more],
        env=os.environ | environment_of(settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def content(client: "Client", table: str) -> list[tuple[Any, ...]]:
    rows = client.query(
        f"SELECT * EXCEPT (stored_time) FROM {table} FINAL ORDER BY ALL"
        if table == "windows"
        else f"SELECT * FROM {table} FINAL ORDER BY ALL"
    )
    return [tuple(row) for row in rows.result_rows]


def delete(client: "Client", table: str, where: str) -> None:
    client.command(f"ALTER TABLE {table} DELETE WHERE {where}", settings={"mutations_sync": 2})


def test_every_record_is_accounted_for_and_all_sums_agree(site: Settings) -> None:
    code, found = audit(site)
    assert (code, found["exact"], found["findings"], found["behind"]) == (0, True, [], [])
    total = {
        name: sum(row[name] for row in found["records"])
        for name in ("received", "stored", "duplicate", "dead", "missing", "surplus", "control")
    }
    spans = total["stored"] - RUNS * STEPS
    assert spans > 10 or not TRACES, "the real traces are there"
    assert total == {
        "received": RUNS * (STEPS + 1) + 10 + 1 + 2 + 1 + spans,
        "stored": RUNS * STEPS + spans,
        "duplicate": RUNS + 10 + 1,
        "dead": 3,
        "missing": 0,
        "surplus": 0,
        "control": 12,
    }
    hours = [hour for hour in found["hours"] if hour["judged"]]
    assert sum(hour["steps"]["steps"] for hour in hours) == total["stored"]
    assert found["runs"]["steps"] == found["runs"]["rows"]


def test_rows_that_somebody_deleted_are_named_and_put_back_and_a_second_repair_changes_nothing(
    site: Settings, client: "Client"
) -> None:
    before = {table: content(client, table) for table in TABLES}
    gone = {"r1-3", "r4-0", "r7-6"}
    delete(client, "steps", f"event_id IN ({', '.join(repr(name) for name in sorted(gone))})")
    delete(client, "runs", "run_id = 'r11'")
    delete(client, "dead_letters", "reason = 'too_large'")
    code, found = audit(site)
    assert code == 1
    assert {one["event_id"] for one in found["findings"] if one["what"] == "missing"} == gone
    assert [one["partition"] for one in found["findings"] if one["what"] == "missing letter"] == [2]
    assert {"r1", "r4", "r7", "r11"} == {run["run_id"] for run in found["run_differences"]}
    code, found = audit(site, "--repair")
    assert (code, found["exact"]) == (0, True)
    assert set(found["repaired"]) >= {"steps", "runs", "dead_letters"}
    assert {table: content(client, table) for table in TABLES} == before
    code, found = audit(site, "--repair")
    assert (code, found["repaired"]) == (0, {})
    assert {table: content(client, table) for table in TABLES} == before


def test_a_window_that_somebody_changed_is_noticed_and_adjusted_once(
    site: Settings, client: "Client"
) -> None:
    client.command(
        "INSERT INTO windows SELECT * REPLACE (steps + 5 AS steps, cost_usd * 2 AS cost_usd, "
        "row_version + 1 AS row_version) FROM windows FINAL WHERE width_s = 60 AND steps > 0 LIMIT 1"
    )
    code, found = audit(site)
    assert code == 1
    assert [hour["exact"] for hour in found["hours"]].count(False) == 1
    code, found = audit(site, "--repair")
    assert (code, found["exact"]) == (0, True)
    assert found["repaired"]["adjustments"] == 1
    after = {table: content(client, table) for table in TABLES}
    code, found = audit(site, "--repair")
    assert (code, found["repaired"]) == (0, {})
    assert {table: content(client, table) for table in TABLES} == after


def test_a_row_that_nobody_sent_is_surplus(site: Settings, client: "Client") -> None:
    client.command(
        "INSERT INTO steps SELECT * REPLACE ('forged' AS event_id, source_index + 500 AS source_index) "
        "FROM (SELECT * FROM steps FINAL WHERE event_id = 'r2-2')"
    )
    try:
        code, found = audit(site)
        assert code == 1
        assert [one["what"] for one in found["findings"]] == ["surplus"]
    finally:
        delete(client, "steps", "event_id = 'forged'")


def test_two_repairs_at_once_are_refused(site: Settings) -> None:
    with RepairLock(site), pytest.raises(RepairBusy, match="another repair"), RepairLock(site):
        pass


def test_a_broker_that_is_away_and_a_namespace_that_is_not_there_are_said_in_one_line(site: Settings) -> None:
    for settings, code, said in (
        (msgspec.structs.replace(site, kafka="127.0.0.1:1"), 69, "Kafka does not answer"),
        (msgspec.structs.replace(site, namespace="nobody"), 78, "has no topic"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", "from streams.cli import main; main()", "audit"],
            env=os.environ | environment_of(settings),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
