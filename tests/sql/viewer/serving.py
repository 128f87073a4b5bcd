"""A viewer in a thread of the tests, and how it is asked without a browser."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from aiohttp import web

from dashboards.viewer.catalogue import COMMITTED, Catalogue
from dashboards.viewer.database import Database, Source
from dashboards.viewer.serve import make_runner
from dashboards.viewer.server import Options, Viewer

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Json:
        """Of a body that is JSON."""
        found: Json = json.loads(self.text)
        return found

    def column(self, name: str) -> list[Any]:
        """Of an answer with rows."""
        names = [column["name"] for column in self.json["columns"]]
        values: list[Any] = self.json["values"][names.index(name)]
        return values


@dataclass(frozen=True)
class Served:
    """A viewer that answers."""

    port: int

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> Reply:
        """GET; underscores in names of headers are hyphens."""
        return self._send("GET", path, None, headers)

    def ask(self, path: str, question: Json | bytes, **headers: str) -> Reply:
        """POST a question, as a page of the server does."""
        body = question if isinstance(question, bytes) else json.dumps(question).encode()
        return self._send("POST", f"/api/{path}", body, {"Content_Type": "application/json"} | headers)

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()


@contextmanager
def serving(
    source: Source,
    *,
    folder: Path | None = None,
    defaults: dict[str, str] | None = None,
    execution_s: int = 30,
) -> Iterator[Served]:
    """A viewer of the committed dashboards, or of those in a folder."""
    database = Database(source, execution_s=execution_s)
    viewer = Viewer(Catalogue(folder or COMMITTED), database, Options(defaults=defaults or {}))
    loop, ports, ended = asyncio.new_event_loop(), list[int](), asyncio.Event()
    ready = threading.Event()

    async def run() -> None:
        runner = make_runner(viewer)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports.append(runner.addresses[0][1])
        ready.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="viewer")
    thread.start()
    try:
        assert ready.wait(30)
        yield Served(ports[0])
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)
        loop.close()
        database.close()


def own_dashboard(folder: Path, *targets: str, answer: int = 1) -> Path:
    """A folder with one dashboard `own`, whose panels 1, 2, ... ask these statements."""
    folder.mkdir(parents=True, exist_ok=True)
    panels = [
        {
            "id": number,
            "type": "table",
            "title": f"Panel {number}",
            "gridPos": {"x": 0, "y": 8 * number, "w": 24, "h": 8},
            "targets": [{"refId": "A", "rawSql": sql, "format": answer}],
        }
        for number, sql in enumerate(targets, 1)
    ]
    (folder / "own.json").write_text(json.dumps({"uid": "own", "title": "Own", "panels": panels}))
    return folder
