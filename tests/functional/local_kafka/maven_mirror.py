"""A Maven mirror on the loopback address, serving the jars of the user's cache: a real registry to break."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from streams.local.jars import JarLock


@dataclass
class Mirror:
    """A mirror and its faults.

    Attributes:
        port: Where it listens.
        served: How often each jar was asked for, by file name.
        other_bytes: Jars served with their last byte changed.
        cut: Jars whose connection ends in the middle, this many more times.
        stalls: Jars whose second half is never sent until ``go_on`` is set.
    """

    port: int = 0
    served: Counter[str] = field(default_factory=Counter)
    other_bytes: set[str] = field(default_factory=set)
    cut: Counter[str] = field(default_factory=Counter)
    stalls: set[str] = field(default_factory=set)
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def configure(self, folder: Path) -> Mapping[str, str]:
        """Write a jgo.conf that names this mirror and return the environment variable that names the file."""
        path = folder / "jgo.conf"
        path.write_text(f"[repositories]\ncentral = http://user:secret@127.0.0.1:{self.port}/maven2\n")
        return {"JGO_CONFIG_FILE": str(path)}


@contextmanager
def serving(folder: Path, lock: JarLock) -> Iterator[Mirror]:
    """Serve a folder of verified jars under their Maven paths."""
    mirror = Mirror()
    paths = {maven_path(jar.coordinate): folder / jar.file_name for jar in lock.jars}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = paths.get(self.path)
            if path is None:
                self.send_error(404)
                return
            mirror.served[path.name] += 1
            content = path.read_bytes()
            if path.name in mirror.other_bytes:
                content = content[:-1] + bytes([content[-1] ^ 1])
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = len(content) // 2
            self.wfile.write(content[:half])
            if mirror.cut[path.name] > 0:
                mirror.cut[path.name] -= 1
                return
            if path.name in mirror.stalls:
                mirror.stalled.set()
                mirror.go_on.wait()
                return
            self.wfile.write(content[half:])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - the base's
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        mirror.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield mirror
        finally:
            mirror.go_on.set()
            server.shutdown()
            thread.join()


def maven_path(coordinate: str) -> str:
    """Return where a jar lies in a repository."""
    group, artifact, version = coordinate.split(":")
    return f"/maven2/{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"
