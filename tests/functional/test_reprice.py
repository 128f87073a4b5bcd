"""`wakeline reprice` over a whole site: asked first, exact for the audit, and no replay takes it back."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer

from schemas.topics import AGENT_EVENTS, SOURCES, topic_name
from streams.admin import delete_topics
from streams.clickhouse import connect
from streams.local.site import Servers, Site, environment_of
from streams.settings import Settings
from streams.settled import wait_until_done
from tests.functional.conftest import Engine

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]

START_NS = 1_750_000_000_000_000_000
RUNS = 6
# gpt-4o-mini is 0.15 USD a million in.
TOKENS = 1_000_000
OLD, NEW = Decimal("0.15"), Decimal(2)
PRICES = """
name = "ours"
[[prices]]
model = "gpt-4o-mini"
input_mtok = 2
output_mtok = 0
"""
RANGE = ("--from", "2025-06-15", "--to", "2025-06-16", "--settle", "0")


def event(run: int, step: int, **fields: Any) -> dict[str, Any]:
    start_ns = START_NS + (run * 120 + step) * 1_000_000_000
    return {
        "event_id": f"r{run}-{step}",
        "run_id": f"r{run}",
        "kind": "llm",
        "agent_name": f"agent-{run % 2}",
        "start_time_unix_nano": start_ns,
        "end_time_unix_nano": start_ns + 700_000_000,
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "input_tokens": TOKENS,
        "output_tokens": 0,
        **({"parent_event_id": f"r{run}-0"} if step else {"kind": "agent"}),
        **fields,
    }


def send(settings: Settings) -> None:
    """Runs of an agent that sums up its two calls, one of them told of twice."""
    producer = Producer({"bootstrap.servers": settings.kafka})
    for run in range(RUNS):
        twice = {"response_id": f"resp-{run}", "output_tokens": 0}
        steps = [
            event(run, 0, input_tokens=2 * TOKENS),
            event(run, 1),
            event(run, 2, scope_name="sdk", **twice),
            event(run, 3, scope_name="gateway", **twice),
        ]
        lines = "\n".join(json.dumps(step) for step in steps)
        producer.produce(
            topic_name(AGENT_EVENTS, settings.namespace), lines, partition=run % settings.partitions
        )
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


def wakeline(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from streams.cli import main; main()", *words],
        env=os.environ | environment_of(settings),
        capture_output=True,
        text=True,
        timeout=120,
    )


def sums(client: "Client") -> dict[str, Decimal]:
    queries = {
        "steps": "SELECT sum(cost_usd) FROM agent_steps",
        "runs": "SELECT sum(cost_usd) FROM agent_runs",
        "minutes": "SELECT sum(cost_usd) FROM agent_minutes",
        "hours": "SELECT sum(cost_usd) FROM agent_hours",
        "costs": "SELECT sum(cost_usd) FROM agent_costs",
    }
    return {name: client.query(query).result_rows[0][0] for name, query in queries.items()}


def statuses(client: "Client") -> list[Any]:
    return list(
        client.query(
            "SELECT event_id, toString(cost_status), cost_usd, usage_cost_usd FROM agent_steps ORDER BY 1"
        ).result_rows
    )


def test_new_prices_reach_everything_once_and_neither_a_replay_nor_a_second_time_changes_them(
    site: Settings, client: "Client", folder: Path
) -> None:
    prices = folder / "prices.toml"
    prices.write_text(PRICES)
    words = ("reprice", *RANGE, "--book", str(prices))
    each = ("steps", "runs", "minutes", "hours", "costs")
    assert sums(client) == dict.fromkeys(each, RUNS * 2 * OLD)
    client.command("CREATE TABLE sent AS steps")
    client.command("INSERT INTO sent SELECT * FROM steps")

    asked = wakeline(site, *words)
    assert asked.returncode == 1, asked.stderr
    assert "Nothing is written" in asked.stdout
    assert sums(client) == dict.fromkeys(each, RUNS * 2 * OLD)

    done = wakeline(site, *words, "--yes")
    assert done.returncode == 0, done.stderr
    assert sums(client) == dict.fromkeys(each, RUNS * 2 * NEW)
    found = statuses(client)
    assert [row[1:] for row in found if row[0] == "r0-0"] == [("rollup", None, 2 * NEW)]
    twice = [row[1:] for row in found if row[0] in ("r0-2", "r0-3")]
    assert sorted(twice, key=str) == [("duplicate", None, NEW), ("priced", NEW, NEW)]
    kept = client.query("SELECT sum(old_cost_usd), count() FROM repricings FINAL").result_rows
    assert kept == [(RUNS * 2 * OLD, RUNS * 4)]

    client.command("INSERT INTO steps SELECT * FROM sent")
    assert statuses(client) == found, "what was sent before is below"
    again = wakeline(site, *words, "--yes")
    assert again.returncode == 0, again.stderr
    assert "Written: 0 steps, 0 runs, 0 windows" in again.stdout
    audited = wakeline(site, "audit", "--json", "--settle", "0", "--wait", "20")
    assert audited.returncode == 0, audited.stdout
    assert json.loads(audited.stdout)["exact"] is True
