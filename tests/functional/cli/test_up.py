"""`wakeline up` as its users start it: up, asked, told to stop."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from streams.local.ports import free_port

pytestmark = pytest.mark.functional

PROGRAM = "from streams.cli import main; main()"


def environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith("WAKELINE_")}


def wakeline(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def up(data: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A site of its own on free ports, ready, and what it printed."""
    ports = ("--kafka-port", str(free_port()), "--clickhouse-port", str(free_port()))
    others = ("--health-port", str(free_health_ports()), "--viewer-port", str(free_port()))
    command = [sys.executable, "-c", PROGRAM, "up", "--data", str(data), *ports, *others, *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, "it ended before it was up"
            said += line
        try:
            yield process, said
        finally:
            process.kill()


def free_health_ports() -> int:
    """The first of five ports in a row that nobody uses."""
    while True:
        first = free_port()
        used = {connection.laddr.port for connection in psutil.net_connections("tcp") if connection.laddr}
        if first < 65_000 and not used & set(range(first, first + 5)):
            return first


def test_a_site_comes_up_is_used_by_other_commands_and_leaves_nothing_behind_on_sigterm(
    tmp_path: Path,
) -> None:
    with up(tmp_path) as (process, said):
        children = psutil.Process(process.pid).children()
        kafka, clickhouse = re.search(r"Kafka +(\S+)", said), re.search(r"ClickHouse +(\S+)", said)
        assert kafka is not None
        assert clickhouse is not None
        assert stat.S_IMODE((tmp_path / "users.json").stat().st_mode) == 0o600
        checked = wakeline("--partitions", "4", "topics", "--kafka", kafka[1])
        assert (checked.returncode, checked.stderr) == (0, "")
        migrated = wakeline("migrate", "--clickhouse", clickhouse[1], "--data", str(tmp_path))
        assert migrated.stdout.startswith("0 migration(s)"), migrated.stderr
        shown = re.search(r"dashboards +(\S+)", said)
        assert shown is not None
        with urlopen(shown[1], timeout=30) as page:
            assert page.status == 200
        asked = Request(
            shown[1].partition("/d/")[0] + "/api/extent",
            json.dumps({"namespace": "live"}).encode(),
            {"Content-Type": "application/json"},
        )
        with urlopen(asked, timeout=30) as answer:
            assert json.load(answer)["values"][0] == [0]
        busy = ("--kafka-port", kafka[1].split(":")[1], "--viewer-port", str(free_port()))
        second = wakeline("up", "--data", str(tmp_path / "other"), *busy)
        assert second.returncode == 1
        assert "--kafka-port" in second.stderr or "--clickhouse-port" in second.stderr
        assert "Traceback" not in second.stderr
        told = wakeline(
            "sql",
            "SELECT 41 + 1 AS answer",
            "-f",
            "csv",
            "--clickhouse",
            clickhouse[1],
            "--data",
            str(tmp_path),
        )
        assert told.stdout.split() == ['"answer"', "42"], told.stderr
        events = tmp_path / "events.jsonl"
        events.write_text('{"event_id": "e", "kind": "tool", "start_time_unix_nano": 1700000000000000000}')
        ports = ("--kafka-port", kafka[1].split(":")[1], "--clickhouse-port", clickhouse[1].split(":")[2])
        replayed = wakeline("replay", str(events), "--data", str(tmp_path), *ports)
        assert replayed.returncode == 0, replayed.stderr
        assert psutil.Process(process.pid).children() == children, "a role of live was restarted"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert [child.pid for child in children if child.is_running()] == []
