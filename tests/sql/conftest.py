"""One engine for all tests of SQL, with the two users of a site; each module takes databases of its own.

`WAKELINE_TEST_CLICKHOUSE` (URL, with user and password in it when it has them) names an existing server
instead; its user then plays both.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from streams.local.ports import free_port
from streams.local.processes import Child, ChildSpec, last_words
from streams.migrate import migrate
from tests.sql.site import Site, make_site


@dataclass(frozen=True)
class Engine:
    """Where the engine is, and who may sign in: user and password, one that may write, one that may not."""

    host: str
    port: int
    writer: tuple[str, str]
    reader: tuple[str, str]

    @property
    def url(self) -> str:
        """Of its HTTP interface."""
        return f"http://{self.host}:{self.port}"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine of all tests of SQL."""
    if named := os.environ.get("WAKELINE_TEST_CLICKHOUSE"):
        parts = urlsplit(named)
        user = (parts.username or "default", parts.password or "")
        yield Engine(str(parts.hostname), parts.port or 8123, user, user)
        return
    folder = tmp_path_factory.mktemp("sql")
    port = free_port()
    made = Engine(
        "127.0.0.1", port, ("wakeline", secrets.token_hex(8)), ("grafana_reader", secrets.token_hex(8))
    )
    accounts = {
        made.writer[0]: {"password": made.writer[1]},
        made.reader[0]: {"password": made.reader[1], "readonly": True},
    }
    (folder / "users.json").write_text(json.dumps(accounts))
    child = _start(folder, port)
    _wait_for(port, child)
    try:
        yield made
    finally:
        child.stop()


@pytest.fixture(scope="session")
def connect(engine: Engine) -> Callable[..., Client]:
    """`connect(database, reader=False)`: a client of the user that may write, or of the one that may not."""

    def make(database: str, reader: bool = False) -> Client:
        user, password = engine.reader if reader else engine.writer
        return clickhouse_connect.get_client(
            host=engine.host,
            port=engine.port,
            database=database,
            username=user,
            password=password,
            autogenerate_session_id=False,
        )

    return make


@pytest.fixture(scope="session")
def database(connect: Callable[..., Client]) -> Callable[[], str]:
    """Makes a database with all tables, and names it."""

    def make() -> str:
        name = f"sql_{secrets.token_hex(6)}"
        migrate(connect("default"), name)
        return name

    return make


@pytest.fixture(scope="session")
def site(connect: Callable[..., Client], database: Callable[[], str]) -> Site:
    """Two fleets; seeded once for all tests of dashboards."""
    return make_site(connect, database)


def _start(folder: Path, port: int) -> Child:
    command = (sys.executable, "-m", "streams.local.engine", "--data", str(folder / "data"))
    where = ("--users", str(folder / "users.json"), "--port", str(port))
    return Child(ChildSpec(name="engine", command=(*command, *where), log_path=folder / "engine.log"))


def _wait_for(port: int, child: Child, timeout_s: float = 60.0) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        assert child.poll() is None, last_words(child.spec)
        try:
            with urlopen(f"http://127.0.0.1:{port}/ping", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    child.stop()
    raise AssertionError(f"The engine does not answer. {last_words(child.spec)}")
