"""A broker that can be killed, an engine, and an endpoint that remembers what it got."""

import os
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from streams.clickhouse import connect
from streams.local.kafka import LocalKafka
from streams.local.ports import free_port
from streams.local.processes import Child, ChildSpec, last_words
from streams.migrate import migrate
from streams.settings import Settings

DATABASE = "crash"


class Broker:
    """A real Kafka on this machine. A context manager."""

    def __init__(self, folder: Path) -> None:
        """Prepare and start it."""
        self._kafka = LocalKafka(folder, port=free_port())
        self._spec = self._kafka.prepare()
        self._child = Child(self._spec)
        self.bootstrap = self._kafka.bootstrap
        self._kafka.wait_ready()

    def kill(self) -> None:
        """As a power failure would; it starts again at once, and answers when this returns."""
        self._child.signal(signal.SIGKILL)
        self._child.reap()
        self._child = Child(self._spec)
        self._kafka.wait_ready(120)

    def __enter__(self) -> "Broker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()
        self._kafka.stop()


class Engine:
    """A real ClickHouse engine with wakeline's tables. A context manager."""

    def __init__(self, folder: Path) -> None:
        """Start it and make the tables."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.password = secrets.token_hex(8)
        command = (sys.executable, "-m", "streams.local.engine", "--data", str(folder / "engine"))
        self._child = Child(
            ChildSpec(
                name="engine",
                command=(*command, "--port", str(port)),
                log_path=folder / "engine.log",
                env=dict(os.environ) | {"WAKELINE_CLICKHOUSE_PASSWORD": self.password},
            )
        )
        self._wait()
        client = connect(self.use(Settings()), with_database=False)
        migrate(client, DATABASE)
        client.close()

    def use(self, settings: Settings) -> Settings:
        """The same settings, with this engine."""
        return msgspec.structs.replace(
            settings,
            clickhouse_url=self.url,
            clickhouse_user="wakeline",
            clickhouse_password=self.password,
            clickhouse_database=DATABASE,
        )

    def _wait(self, timeout_s: float = 60.0) -> None:
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            assert self._child.poll() is None, last_words(self._child.spec)
            try:
                with urlopen(f"{self.url}/ping", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (URLError, OSError):
                time.sleep(0.1)
        raise AssertionError(f"The engine does not answer. {last_words(self._child.spec)}")

    def __enter__(self) -> "Engine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()


class Webhook:
    """An endpoint that takes everything. A context manager.

    Attributes:
        url: where to post.
        posts: how often each `webhook-id` came.
    """

    def __init__(self) -> None:
        """Listen on a free port."""
        self.posts: Counter[str] = Counter()
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                posts[self.headers["webhook-id"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Webhook":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
