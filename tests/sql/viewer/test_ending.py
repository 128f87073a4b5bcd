"""What becomes of questions that nobody waits for, and of a viewer that is told to stop meanwhile?"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from dashboards.viewer.database import Answer, Database, Source
from dashboards.viewer.server import THREADS
from tests.sql.viewer.serving import Served, own_dashboard, serving

# Far longer than a viewer may take to end; the engine does one after the other.
LONG = "SELECT " + ", ".join(f"(SELECT sleep(2.{number}))" for number in range(10))
PROGRAM = """
import os, sys
from pathlib import Path
from dashboards.viewer import serve
from dashboards.viewer.catalogue import Catalogue
from dashboards.viewer.database import Source
url, user, database, folder = sys.argv[1:]
serve.Catalogue = lambda: Catalogue(Path(folder))
source = Source(url=url, user=user, password=os.environ["PASSWORD"], database=database)
serve.serve(source, host="127.0.0.1", port=0, ready=lambda url: print(url, flush=True))
"""


def sent(port: int, panel: int) -> socket.socket:
    """A question on its way, whose answer nobody has read yet."""
    asked = {"dashboard": "own", "panel": panel, "ref": "A", "start_ms": 0, "end_ms": 1}
    body = json.dumps(asked).encode()
    headers = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(body)}
    lines = ["POST /api/panel HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall("\r\n".join(lines).encode() + body)
    return connection


def test_questions_whose_browser_has_gone_are_not_asked(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Semaphore(0), threading.Event()
    asked: list[str] = []
    ask = Database.ask

    def slow_ask(self: Database, sql: str, parameters: Any = None) -> Answer:
        asked.append(sql)
        if sql == "SELECT 1":
            begun.release()
            assert may_end.wait(60)
        return ask(self, sql, parameters)

    monkeypatch.setattr(Database, "ask", slow_ask)
    with serving(source, folder=own_dashboard(tmp_path, "SELECT 1", "SELECT 2")) as served:
        dropped = [sent(served.port, 1) for _ in range(4 * THREADS)]
        for _ in range(THREADS):
            assert begun.acquire(timeout=60)
        assert served.get("/healthz").status == 200
        for connection in dropped:
            connection.close()
        # The server has seen them close when it has answered what came later.
        assert served.get("/healthz").status == 200
        may_end.set()
        reply = served.ask("panel", {"dashboard": "own", "panel": 2, "ref": "A", "start_ms": 0, "end_ms": 1})
        assert reply.json["values"] == [[2]]
    assert asked == ["SELECT 1"] * THREADS + ["SELECT 2"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_viewer_ends_when_told_though_statements_run(
    source: Source, tmp_path: Path, number: signal.Signals
) -> None:
    folder = own_dashboard(tmp_path, LONG)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, source.url, source.user, source.database, str(folder)],
        env=os.environ | {"PASSWORD": source.password},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        served = Served(int(process.stdout.readline().strip().rpartition(":")[2]))
        connections = [sent(served.port, 1) for _ in range(THREADS)]
        assert served.get("/healthz").status == 200
        process.send_signal(number)
        # All of the statements together take several times as long.
        assert process.wait(timeout=15) == 0
        for connection in connections:
            connection.close()
    finally:
        process.kill()
        process.wait()
