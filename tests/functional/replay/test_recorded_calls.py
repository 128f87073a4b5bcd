"""Recorded calls of others are replayed through all roles: changes are found, at every reading the same.

Each user's day of aider is a run, and each task of mini-swe: they lie in several source partitions, and one
agent's calls come to DRIFT from all partitions of RUNS.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.event import Event
from streams.settings import PREFIX, Settings
from tests.data import aider, miniswe, place
from tests.data.changes import judge_changes
from tests.data.report import Incident, read_events, read_incidents
from tests.functional.conftest import Engine

pytestmark = [pytest.mark.functional, pytest.mark.timeout(400)]

PROGRAM = "from streams.cli import main; main()"
PARTITIONS = 4
# So few calls allow more alarms a call than the default.
DETECTOR_ARL = 10_000.0


@pytest.fixture(scope="module")
def servers(kafka: str, clickhouse: Engine) -> Settings:
    return Settings(
        kafka=kafka,
        partitions=PARTITIONS,
        clickhouse_url=clickhouse.url,
        clickhouse_user=clickhouse.user,
        clickhouse_password=clickhouse.password,
        clickhouse_database=f"recorded_{secrets.token_hex(4)}",
    )


def lines_of(events: Iterable[dict[str, Any]]) -> list[str]:
    try:
        place.shared_data()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return [json.dumps(event) for event in events]


def replay(settings: Settings, file: Path, data: Path, *arguments: str) -> None:
    """`wakeline replay`, its roles and its wait, on the shared servers."""
    own = {
        "CLICKHOUSE_USER": settings.clickhouse_user,
        "CLICKHOUSE_PASSWORD": settings.clickhouse_password,
        "CLICKHOUSE_DATABASE": settings.clickhouse_database,
        "PARTITIONS": str(settings.partitions),
        "DETECTOR_ARL": str(DETECTOR_ARL),
    }
    where = ("--kafka", settings.kafka, "--clickhouse", settings.clickhouse_url, "--data", str(data))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            "replay",
            "--namespace",
            settings.namespace,
            *where,
            *arguments,
            file,
        ],
        env=dict(os.environ) | {PREFIX + name: value for name, value in own.items()},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def recorded(
    servers: Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Event], list[Incident], list[Incident]]:
    """aider's calls in order, and the incidents of two replays."""
    lines = lines_of(aider.make_events())
    folder = tmp_path_factory.mktemp("aider")
    (file := folder / "aider.jsonl").write_text("\n".join(lines))
    settings = msgspec.structs.replace(servers, namespace="recorded-aider")
    replay(settings, file, folder / "data", "--fresh")
    first = read_incidents(settings)
    replay(settings, file, folder / "data", "--fresh")
    return read_events(aider.make_events()), first, read_incidents(settings)


def test_each_change_of_the_dominant_model_that_can_be_seen_is_an_incident_within_50_calls(
    recorded: tuple[list[Event], list[Incident], list[Incident]],
) -> None:
    events, rows, _ = recorded
    changes = judge_changes(events, rows)
    assert len(changes) == 20
    for change in changes:
        outcome = change.reason or f"found after {change.found_after} calls"
        print(f"{change.day} {change.before} -> {change.after} ({change.calls} calls): {outcome}")
    assert sum(change.found_after is not None for change in changes) >= 3
    assert not [change for change in changes if change.found_after is None and not change.reason]


def test_two_replays_of_the_same_calls_say_the_same(
    recorded: tuple[list[Event], list[Incident], list[Incident]],
) -> None:
    _, first, second = recorded
    assert len(first) > 20
    assert first == second


def test_no_mix_of_mini_swe_s_agent_is_said_to_change(servers: Settings, tmp_path: Path) -> None:
    """It does one thing in one way; a replay of its tasks, which ran side by side, makes no mix of it."""
    (file := tmp_path / "miniswe.jsonl").write_text("\n".join(lines_of(miniswe.make_events())))
    settings = msgspec.structs.replace(servers, namespace="recorded-miniswe")
    replay(settings, file, tmp_path / "data", "--fresh")
    confirmed = {row["signal"] for row in read_incidents(settings) if row["state"] == "confirmed"}
    assert not confirmed & {"model_mix", "tool_mix", "finish_reason_mix"}
