"""`wakeline doctor` on a real site: all is well; and then one thing after another is not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import ALERTS, DEAD_LETTERS, STEP_FRAMES, topic_name
from streams.doctor.findings import Finding, State
from streams.doctor.log import Log
from streams.doctor.run import EXIT_FAILED, EXIT_OK, EXIT_UNAVAILABLE, examine
from streams.local.ports import free_port
from streams.local.site import Servers, Site, environment_of
from streams.loop import make_producer
from streams.metrics import METRICS
from streams.settings import Settings

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    servers = Servers(kafka_port=free_port(), clickhouse_port=free_port())
    settings = Settings(namespace="t-doctor", partitions=2, snapshot_every_s=2.0)
    with Site(settings, folder, servers=servers) as running:
        running.wait_ready()
        yield running


def look(site: Site, until: Callable[[dict[str, Finding], int], bool]) -> tuple[dict[str, Finding], int]:
    """Ask until something holds: a role that has just begun is not well at once."""
    end_s = time.monotonic() + 60
    while True:
        site.check()
        findings, code = examine(site.settings)
        found = {finding.check: finding for finding in findings}
        assert len(found) == len(findings), "each check has a name of its own"
        if until(found, code):
            return found, code
        assert time.monotonic() < end_s, [finding for finding in findings if finding.state is not State.OK]


def command(settings: Settings, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    program = (sys.executable, "-c", "from streams.cli import main; main()")
    return subprocess.run(
        [*program, "doctor", "--data", str(folder), *options],
        env=dict(os.environ) | environment_of(settings),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_healthy_site_is_found_healthy(site: Site, folder: Path) -> None:
    found, code = look(site, lambda found, _: all(f.state is State.OK for f in found.values()))
    assert code == EXIT_OK
    for check in ("broker", "topics", "clocks", "engine", "tables", "dead letters", "drops"):
        assert found[check].state is State.OK
    for role in ("ingest", "write", "runs", "drift", "notify"):
        assert "1 member(s)" in found[f"role {role}"].means
    for role in ("runs", "drift"):
        assert "Each partition has one" in found[f"snapshots of {role}"].means
    shown = command(site.settings, folder)
    assert shown.returncode == EXIT_OK, shown.stdout + shown.stderr
    assert "\x1b" not in shown.stdout, "no colours where nobody looks"
    assert " ok" in shown.stdout.splitlines()[-1]
    told: dict[str, Any] = json.loads(command(site.settings, folder, "--json").stdout)
    assert told["state"] == "ok"
    assert {check["check"] for check in told["checks"]} >= set(found)


def test_the_metrics_of_a_running_site_are_those_of_the_list_and_tell_lag_and_delay(site: Site) -> None:
    listed = {metric.name.removesuffix("_total"): set(metric.roles) for metric in METRICS}
    for role in site.health_ports:
        families = families_of(site, role)
        own = {name for name in families if not name.endswith("_created")}
        assert own == {name for name, roles in listed.items() if role in roles}
        assert [sample.value for sample in families["wakeline_ready"].samples] == [1]
        assert all(sample.labels["role"] == role for family in families.values() for sample in family.samples)
        if role != "notify":  # nothing was ever on its topic, so its end is not known
            assert families["wakeline_lag_records"].samples
    for role in ("write", "runs", "drift"):
        assert families_of(site, role)["wakeline_end_to_end_delay_seconds"].samples


def families_of(site: Site, role: str) -> dict[str, Any]:
    with urlopen(f"http://127.0.0.1:{site.health_ports[role]}/metrics", timeout=5) as answer:
        return {family.name: family for family in text_string_to_metric_families(answer.read().decode())}


def test_a_role_that_is_stopped_is_named_with_what_to_do(site: Site) -> None:
    pid = dict(site.states())["write"]
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # Kafka forgets it after 10 s
    try:
        found, code = look(site, lambda found, _: "Nobody runs it" in found["role write"].means)
        assert code == EXIT_FAILED
        assert "wakeline worker --role write" in found["role write"].do
        assert found["role runs"].state is State.OK
    finally:
        os.kill(pid, signal.SIGCONT)
    look(site, lambda found, _: found["role write"].state is State.OK)


def test_dead_letters_of_the_last_hour_are_counted_by_reason(site: Site) -> None:
    producer = make_producer(site.settings, "test")
    producer.produce(topic_name(DEAD_LETTERS, site.settings.namespace), b"?", partition=0, headers=letter())
    producer.flush()
    found, code = look(site, lambda found, _: found["dead letters"].state is State.WARNING)
    assert "1 invalid_event" in found["dead letters"].means
    assert code == EXIT_OK, "a warning is no failure"


def letter() -> list[tuple[str, str | bytes | None]]:
    now = str(time.time_ns()).encode()
    return [("reason", b"invalid_event"), ("append_time_unix_nano", now), ("topic", b"agent-events")]


def test_a_snapshot_that_kafka_no_longer_holds_the_rest_of_is_a_failure(site: Site) -> None:
    name = topic_name(STEP_FRAMES, site.settings.namespace)
    pid = dict(site.states())["runs"]
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        log = Log(site.settings)
        place = (name, 0)
        stopped_at = log.ends([place])[place]
        look(site, lambda *_: log.ends([place])[place] > stopped_at)  # ticks go on
        admin = AdminClient({"bootstrap.servers": site.settings.kafka})
        for future in admin.delete_records([TopicPartition(name, 0, log.ends([place])[place])]).values():
            future.result(10)
        found, code = look(site, lambda found, _: found["snapshots of runs"].state is State.FAILED)
        assert "leaves a gap" in found["snapshots of runs"].means
        assert found["snapshots of drift"].state is State.OK
        assert code == EXIT_FAILED
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_retention_that_was_changed_and_a_topic_that_is_gone_are_named(site: Site) -> None:
    name = topic_name(ALERTS, site.settings.namespace)
    admin = AdminClient({"bootstrap.servers": site.settings.kafka})
    entry = ConfigEntry("retention.ms", "3600000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(10)
    found, _ = look(site, lambda found, _: found["topics"].state is State.WARNING)
    assert f"{name}: retention.ms is 3600000" in found["topics"].means
    for future in admin.delete_topics([name]).values():
        future.result(10)
    found, code = look(site, lambda found, _: found["topics"].state is State.FAILED)
    assert f"{name}: the topic is missing" in found["topics"].means
    assert "wakeline topics" in found["topics"].do
    assert code == EXIT_FAILED


def test_an_engine_and_a_broker_that_do_not_answer_are_told_apart(site: Site) -> None:
    away = msgspec.structs.replace(site.settings, clickhouse_url=f"http://127.0.0.1:{free_port()}")
    findings, code = examine(away)
    found = {finding.check: finding for finding in findings}
    assert found["engine"].state is State.FAILED
    assert "clickhouse_url" in found["engine"].do
    assert found["broker"].state is State.OK
    assert code == EXIT_FAILED
    nowhere = msgspec.structs.replace(site.settings, kafka=f"127.0.0.1:{free_port()}")
    findings, code = examine(nowhere)
    found = {finding.check: finding for finding in findings}
    assert found["broker"].state is State.FAILED
    assert found["engine"].state is State.OK
    assert code == EXIT_UNAVAILABLE
