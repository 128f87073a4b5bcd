"""The endpoint as a process of its own on a free port, for every test here."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

FULL = ("wakeline", "full secret")
READER = ("grafana_reader", "reader secret")
CANARY = "canary-4f1c9"


@dataclass
class Endpoint:
    """A running endpoint and how to ask it."""

    process: subprocess.Popen[str]
    port: int
    line: str
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.port}/"

    def ask(
        self, sql: str | bytes, user: tuple[str, str] = FULL, body: bytes | None = None, **params: Any
    ) -> requests.Response:
        """Sends a statement in the body, or in the URL with `body` behind it."""
        if body is not None:
            params["query"] = sql if isinstance(sql, str) else sql.decode()
        data = body if body is not None else sql.encode() if isinstance(sql, str) else sql
        return self.http.post(self.url, data=data, params=params, auth=user, timeout=30)

    def rows(self, sql: str, user: tuple[str, str] = FULL, **params: Any) -> str:
        """The answer's text, which must be a success."""
        answer = self.ask(sql, user, **params)
        assert answer.status_code == 200, answer.text
        return answer.text

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


def users_file(folder: Path) -> Path:
    """A users file with the two users of these tests."""
    path = folder / "users.json"
    users = {FULL[0]: {"password": FULL[1]}, READER[0]: {"password": READER[1], "readonly": True}}
    path.write_text(json.dumps(users))
    return path


def command(folder: Path, *arguments: str) -> list[str]:
    """How to start an endpoint on `folder`/data."""
    users = ("--users", str(users_file(folder)))
    return [sys.executable, "-m", "streams.local.engine", "--data", str(folder / "data"), *users, *arguments]


def start(folder: Path, arguments: Sequence[str] = ("--port", "0")) -> Endpoint:
    """Starts an endpoint and waits for its ready line."""
    process = subprocess.Popen(command(folder, *arguments), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Engine ready"), line
    return Endpoint(process, int(line.split("url=")[1].split()[0].rsplit(":", 1)[1]), line)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Beside the endpoint's data lies a canary that must never be seen."""
    path = tmp_path_factory.mktemp("engine")
    (path / "canary.csv").write_text(f"{CANARY}\n")
    return path


@pytest.fixture(scope="session")
def endpoint(folder: Path) -> Iterator[Endpoint]:
    """One endpoint for all tests, with `w.steps` of four rows and a canary inside its own folder too."""
    running = start(folder)
    inside = folder / "data" / "store" / "user_files"
    (inside / "canary.csv").write_text(f"{CANARY}\n")
    running.rows("CREATE DATABASE w")
    running.rows("CREATE TABLE w.steps (id UInt64, name String) ENGINE = MergeTree ORDER BY id")
    running.rows("INSERT INTO w.steps VALUES (1, 'plan'), (2, 'it''s; -- odd'), (3, 'drop'), (4, 'file(')")
    yield running
    assert running.stop() == 0
