"""`wakeline replay` through all roles on the shared broker and engine: every record is accounted for."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streams.clickhouse import connect
from streams.settings import PREFIX, Settings

pytestmark = pytest.mark.functional

PROGRAM = "from streams.cli import main; main()"
START_NS = 1_700_000_000_000_000_000


def replay(settings: Settings, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with settings in its environment; its roles inherit them."""
    own = {
        "CLICKHOUSE_USER": settings.clickhouse_user,
        "CLICKHOUSE_PASSWORD": settings.clickhouse_password,
        "CLICKHOUSE_DATABASE": settings.clickhouse_database,
        "PARTITIONS": str(settings.partitions),
    }
    where = ("--kafka", settings.kafka, "--clickhouse", settings.clickhouse_url, "--data", str(data))
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "replay", "--namespace", settings.namespace, *where, *arguments],
        env=dict(os.environ) | {PREFIX + name: value for name, value in own.items()},
        capture_output=True,
        text=True,
        timeout=150,
    )


def numbers(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    found = re.findall(r"│ ([a-z-]+)[^│]*│ +([\d,]+) │", done.stdout)
    return {name: int(number.replace(",", "")) for name, number in found}


def counts(settings: Settings) -> dict[str, int]:
    client = connect(settings)
    tables = ("steps", "runs", "windows", "dead_letters")
    found = {
        table: client.query(
            f"SELECT count() FROM {table} FINAL WHERE namespace = {{namespace:String}}",
            {"namespace": settings.namespace},
        ).result_rows[0][0]
        for table in tables
    }
    client.close()
    return found


def mixed_file(folder: Path) -> Path:
    """400 steps of 20 runs, 8 of them twice, between them 5 records that are none."""
    lines = []
    for number in range(400):
        event = {
            "event_id": f"e{number}",
            "kind": "tool",
            "run_id": f"r{number // 20}",
            "agent_name": f"agent-{number % 3}",
            "start_time_unix_nano": START_NS + number * 10**9,
            "end_time_unix_nano": START_NS + number * 10**9 + 10**8,
        }
        lines += [json.dumps(event)] * (2 if number % 50 == 0 else 1)
        if number % 80 == 0:
            lines.append("{broken" if number % 160 == 0 else '{"kind": "tool"}')
    path = folder / "mixed.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_every_record_is_accounted_for_a_second_replay_changes_no_step_and_a_fresh_one_starts_anew(
    stored_settings: Settings, tmp_path: Path
) -> None:
    file = mixed_file(tmp_path)
    first = replay(stored_settings, tmp_path, str(file))
    assert first.returncode == 0, first.stderr
    expected = {"received": 413, "stored": 400, "duplicates": 8, "dead-lettered": 5}
    assert numbers(first) == expected
    once = counts(stored_settings)
    assert (once["steps"], once["runs"], once["dead_letters"]) == (400, 20, 5)
    second = replay(stored_settings, tmp_path, str(file))
    assert second.returncode == 0, second.stderr
    assert numbers(second) == expected
    assert counts(stored_settings) == once | {"dead_letters": 10}
    fresh = replay(stored_settings, tmp_path, "--fresh", str(file))
    assert fresh.returncode == 0, fresh.stderr
    assert numbers(fresh) == expected
    assert counts(stored_settings) == once


def test_a_file_that_cannot_be_read_ends_it_with_a_sentence(
    stored_settings: Settings, tmp_path: Path
) -> None:
    done = replay(stored_settings, tmp_path, str(tmp_path / "none.jsonl"))
    assert done.returncode == 1
    assert "none.jsonl cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
