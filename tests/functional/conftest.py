"""One broker and one engine for all functional tests, started on demand.

`WAKELINE_TEST_KAFKA` (host:port) and `WAKELINE_TEST_CLICKHOUSE` (URL, with user and password in it when it
has them) name existing servers instead. Every test takes a namespace of its own, so nothing is shared.
"""

import os
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from streams.admin import create_topics
from streams.local.kafka import LocalKafka
from streams.local.ports import free_port
from streams.local.processes import Child, ChildSpec, last_words
from streams.settings import Settings

PARTITIONS = 4


@dataclass(frozen=True)
class Engine:
    """Where ClickHouse answers.

    Attributes:
        url: without user and password.
        user: that may write.
        password: its password.
    """

    url: str
    user: str
    password: str


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a broker."""
    if named := os.environ.get("WAKELINE_TEST_KAFKA"):
        yield named
        return
    with LocalKafka(tmp_path_factory.mktemp("kafka"), port=free_port()) as broker:
        broker.start()
        broker.wait_ready()
        yield broker.bootstrap


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that speaks ClickHouse's HTTP interface."""
    if named := os.environ.get("WAKELINE_TEST_CLICKHOUSE"):
        parts = urlsplit(named)
        url = f"{parts.scheme}://{parts.hostname}:{parts.port or 8123}"
        yield Engine(url, parts.username or "default", parts.password or "")
        return
    folder = tmp_path_factory.mktemp("engine")
    port = free_port()
    engine = Engine(f"http://127.0.0.1:{port}", "wakeline", "functional")
    command = (sys.executable, "-m", "streams.local.engine", "--data", str(folder / "data"))
    child = Child(
        ChildSpec(
            name="engine",
            command=(*command, "--port", str(port)),
            log_path=folder / "engine.log",
            env=dict(os.environ) | {"WAKELINE_CLICKHOUSE_PASSWORD": engine.password},
        )
    )
    try:
        _wait_for(engine, child)
        yield engine
    finally:
        child.stop()


@pytest.fixture
def settings(kafka: str) -> Settings:
    """Settings of a namespace that nobody else uses; its topics do not exist yet."""
    return Settings(kafka=kafka, namespace=f"t-{secrets.token_hex(6)}", partitions=PARTITIONS)


@pytest.fixture
def stored_settings(settings: Settings, clickhouse: Engine) -> Settings:
    """The same, with the engine; database and tables do not exist yet."""
    import msgspec

    return msgspec.structs.replace(
        settings,
        clickhouse_url=clickhouse.url,
        clickhouse_user=clickhouse.user,
        clickhouse_password=clickhouse.password,
        clickhouse_database=settings.namespace.replace("-", "_"),
    )


@pytest.fixture
def topics(settings: Settings) -> Settings:
    """Settings of a namespace whose topics exist."""
    create_topics(settings)
    return settings


def _wait_for(engine: Engine, child: Child, timeout_s: float = 60.0) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        assert child.poll() is None, last_words(child.spec)
        try:
            with urlopen(f"{engine.url}/ping", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"The engine does not answer. {last_words(child.spec)}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the test's own."""
    return tmp_path
