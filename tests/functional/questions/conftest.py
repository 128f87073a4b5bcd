"""Recorded data and a simulated fleet, replayed through all roles, once for all tests of questions."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streams.clickhouse import connect
from streams.demo.fleet import Fleet
from streams.migrate import migrate
from streams.settings import PREFIX, Settings
from streams.sql_shell import run_sql
from tests.data import aider, miniswe, place
from tests.functional.conftest import Engine
from wakeline.testing import collecting_emitter

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PROGRAM = "from streams.cli import main; main()"
DATABASE = "questions"
Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A place with data, and what was put in.

    Attributes:
        client: of the database.
        fleet: events of the simulated fleet.
        plan: what was changed in it, and when.
    """

    client: "Client"
    fleet: list[Row]
    plan: Fleet

    def answer(self, which: str, namespace: str, **parameters: str) -> list[Row]:
        """Rows of an example question, asked as a person does; decimals stay exact."""
        out = io.StringIO()
        code = run_sql(
            self.client,
            f"\\questions {which}",
            format="json",
            out=out,
            parameters={"namespace": namespace} | parameters,
        )
        assert code == 0, which
        return [json.loads(line, parse_float=Decimal) for line in out.getvalue().splitlines()]


@pytest.fixture(scope="session")
def asked(kafka: str, clickhouse: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Four namespaces: `miniswe`, `aider`, `traces` (OTLP) and `fleet`. Skipped without recorded data."""
    try:
        data = place.shared_data()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("questions")
    settings = Settings(
        kafka=kafka,
        partitions=2,
        clickhouse_url=clickhouse.url,
        clickhouse_user=clickhouse.user,
        clickhouse_password=clickhouse.password,
        clickhouse_database=DATABASE,
    )
    client = connect(settings, with_database=False)
    client.command(f"DROP DATABASE IF EXISTS {DATABASE}")
    migrate(client, DATABASE)
    client.close()
    plan, lines = fleet_lines()
    files = {
        "miniswe": [_file(folder / "miniswe.jsonl", map(json.dumps, miniswe.make_events()))],
        "aider": [_file(folder / "aider.jsonl", map(json.dumps, aider.make_events()))],
        "traces": sorted((data / "otlp").glob("*.otlp.pb")),
        "fleet": [_file(folder / "fleet.jsonl", lines)],
    }
    for namespace, paths in files.items():
        _replay(settings, namespace, paths, folder)
    client = connect(settings)
    try:
        yield Asked(client, [json.loads(line) for line in lines], plan)
    finally:
        client.command(f"DROP DATABASE {DATABASE}")
        client.close()


@pytest.fixture(scope="session")
def fleet_answer(asked: Asked) -> Callable[[str], list[Row]]:
    """Rows of a question about the fleet."""
    return lambda which: asked.answer(which, "fleet")


def fleet_lines() -> tuple[Fleet, list[str]]:
    """The simulated fleet, and its events as the SDK writes them."""
    fleet = Fleet(seed=1, hours=1)
    emitter = collecting_emitter()

    def take_out(_done: int, _all: int) -> None:
        """A queue has an end."""
        assert emitter.lines

    fleet.emit(emitter, take_out)
    return fleet, [line.decode() for line in emitter.lines]


def _file(path: Path, lines: Any) -> Path:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in lines)
    return path


def _replay(settings: Settings, namespace: str, files: list[Path], data: Path) -> None:
    own = {
        "CLICKHOUSE_USER": settings.clickhouse_user,
        "CLICKHOUSE_PASSWORD": settings.clickhouse_password,
        "CLICKHOUSE_DATABASE": DATABASE,
        "PARTITIONS": str(settings.partitions),
    }
    where = ("--kafka", settings.kafka, "--clickhouse", settings.clickhouse_url, "--data", str(data))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            "replay",
            "--namespace",
            namespace,
            *where,
            "--fresh",
            *map(str, files),
        ],
        env=dict(os.environ) | {PREFIX + name: value for name, value in own.items()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
