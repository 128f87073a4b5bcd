"""Is this process well? Serves /healthz, /readyz and /metrics of one role, on the loopback.

Healthy: its loop turned lately. Ready: it holds its connections and is not waiting for a sink; the answer
says what it waits for. The numbers are the role's own (prometheus-client).
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest

STALE_S = 30.0


class Health:
    """State of one role, written by its loop and read by the HTTP thread."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.registry = CollectorRegistry()
        self._beat = time.monotonic()
        self._waiting_for: str | None = "the first assignment"

    def beat(self) -> None:
        """The loop turned."""
        self._beat = time.monotonic()

    def ready(self) -> None:
        self._waiting_for = None

    def waiting(self, reason: str) -> None:
        """Not ready, and why; it still beats."""
        self._waiting_for = reason

    def is_healthy(self) -> bool:
        return time.monotonic() - self._beat < STALE_S

    def report(self) -> dict[str, object]:
        """What /readyz says."""
        return {
            "role": self.role,
            "healthy": self.is_healthy(),
            "ready": self._waiting_for is None,
            "waiting_for": self._waiting_for,
        }


def serve(health: Health, port: int) -> ThreadingHTTPServer | None:
    """Serve `health` on 127.0.0.1:`port` from a thread; None when the port is 0.

    Raises:
        OSError: the port is taken.
    """
    if port == 0:
        return None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = _answer(health, self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Probes come every few seconds; they are not worth a line."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _answer(health: Health, path: str) -> tuple[int, str, bytes]:
    if path == "/metrics":
        return 200, "text/plain; version=0.0.4", generate_latest(health.registry)
    if path not in ("/healthz", "/readyz"):
        return 404, "text/plain", b"/healthz, /readyz or /metrics\n"
    report = health.report()
    fine = report["healthy"] if path == "/healthz" else report["healthy"] and report["ready"]
    return 200 if fine else 503, "application/json", json.dumps(report).encode() + b"\n"
