"""A site whose processes can be stopped and killed, under a steady load of events that are counted."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from schemas.topics import AGENT_EVENTS, topic_name
from streams.clickhouse import connect
from streams.local.ports import free_port
from streams.local.site import Servers, Site
from streams.loop import make_producer
from streams.settings import Settings
from tests.crash.servers import Webhook

EVENTS_A_MESSAGE = 50
MESSAGES_A_SECOND = 60


class Load:
    """Sends events from a thread, 3,000 a second. A context manager; leaving it waits for the broker.

    Attributes:
        sent: events so far.
        tokens: their input tokens.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        """`name` keeps its ids apart from those of another load."""
        self._topic = topic_name(AGENT_EVENTS, settings.namespace)
        self._producer = make_producer(settings, "load")
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = self.tokens = 0

    def _run(self) -> None:
        while not self._stop.wait(1 / MESSAGES_A_SECOND):
            lines = []
            for number in range(self.sent, self.sent + EVENTS_A_MESSAGE):
                event = {
                    "event_id": f"{self._name}-{number}",
                    "run_id": f"{self._name}-run-{number // 10}",
                    "kind": "llm",
                    "agent_name": "outage",
                    "start_time_unix_nano": time.time_ns(),
                    "input_tokens": number % 1_000,
                }
                self.tokens += number % 1_000
                lines.append(json.dumps(event))
            self._producer.produce(self._topic, "\n".join(lines).encode())
            self._producer.poll(0)
            self.sent += EVENTS_A_MESSAGE

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        assert self._producer.flush(60) == 0


class Outage:
    """What a test does to a site and asks of it."""

    def __init__(self, site: Site, webhook: Webhook) -> None:
        """Take a site that runs, and where its alerts go."""
        self.site = site
        self.webhook = webhook

    def pid(self, name: str) -> int:
        """Process id of a child that runs."""
        found = dict(self.site.states())[name]
        assert found is not None, f"{name} does not run"
        return found

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a child a signal."""
        os.kill(self.pid(name), number)

    def kill(self, name: str) -> None:
        """As a power failure would; `mind` starts it again."""
        self.signal(name, signal.SIGKILL)

    def mind(self, until: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Look after the children, as `wakeline up` does, until something holds."""
        end_s = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < end_s, f"It does not come: {self.readiness()}"
            self.site.check()
            time.sleep(0.1)

    def wait(self, until: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait until something holds, and restart nothing."""
        end_s = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < end_s, f"It does not come: {self.readiness()}"
            time.sleep(0.1)

    def ask(self, role: str, path: str) -> tuple[int, str]:
        """Status and body of what a role's health port answers."""
        try:
            with urlopen(f"http://127.0.0.1:{self.site.health_ports[role]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def ready(self, role: str) -> dict[str, Any]:
        """What /readyz says; checks that its status says the same."""
        status, body = self.ask(role, "/readyz")
        report: dict[str, Any] = json.loads(body)
        assert status == (200 if report["ready"] else 503)
        return report

    def readiness(self) -> list[dict[str, Any]]:
        """What all roles say."""
        return [self.ready(role) for role in self.site.health_ports]

    def metric(self, role: str, name: str, **labels: str) -> float:
        """Sum of a metric's samples that have these labels."""
        total = 0.0
        for line in self.ask(role, "/metrics")[1].splitlines():
            sample, _, value = line.rpartition(" ")
            plain = sample.partition("{")[0]
            if plain == name and all(f'{key}="{text}"' in sample for key, text in labels.items()):
                total += float(value)
        return total

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of ClickHouse."""
        client = connect(self.site.settings)
        try:
            return [tuple(row) for row in client.query(sql).result_rows]
        finally:
            client.close()

    def stored(self, name: str) -> tuple[int, int]:
        """Steps of a load and their tokens."""
        [row] = self.query(
            "SELECT count(), toInt64(sum(ifNull(input_tokens, 0))) FROM steps FINAL "
            f"WHERE namespace = '{self.site.settings.namespace}' AND startsWith(event_id, '{name}-')"
        )
        return row[0], row[1]


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    folder: Path = tmp_path_factory.mktemp("site")
    servers = Servers(kafka_port=free_port(), clickhouse_port=free_port())
    with Webhook() as webhook:
        settings = Settings(namespace="t-outages", partitions=4, notify=True, webhooks=(webhook.url,))
        with Site(settings, folder, servers=servers, roles=("ingest", "write", "notify")) as site:
            site.wait_ready()
            yield Outage(site, webhook)
