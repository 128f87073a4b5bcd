"""Is this process well? Serves /healthz, /readyz and /metrics of one role, on the loopback.

Healthy: a restart would not help. A process that waits, for a sink, an assignment or its state, is healthy
and not ready, and says for what, since when, and how often it has tried. One whose loop stands still, or that
has records to handle and handles none while it waits for nothing, is not healthy; `streams.watchdog` then
ends it. The numbers are those of `streams.metrics`.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest

from streams import metrics
from streams.metrics import RoleMetrics

STALE_S = 30.0
LONG_CALL_S = 5.0


@dataclass
class _Wait:
    """What it waits for.

    Attributes:
        reason: in words.
        since_s: monotonic.
        since_unix_s: the same, for people.
        attempts: how often that was said.
        at_most_s: beyond it a restart helps; None: it may take for ever.
    """

    reason: str
    since_s: float
    since_unix_s: float
    attempts: int = 1
    at_most_s: float | None = None


class Health:
    """State of one role, written by its loop, read by the HTTP thread and the watchdog.

    Attributes:
        role: its name.
        registry: of its metrics.
        metrics: its numbers.
    """

    def __init__(self, role: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Not ready: it waits for its first assignment.

        Args:
            role: its name.
            clock: seconds that never go back.
        """
        self.role = role
        self.registry = CollectorRegistry()
        self.metrics = RoleMetrics(self.registry, role)
        self._clock = clock
        self._beat_s = self._progress_s = clock()
        self._lag = self._handled = 0
        self._call: _Wait | None = None
        self._wait: _Wait | None = None
        self.waiting("the first assignment")
        self.metrics.follow(metrics.READY, lambda: float(self.is_ready()))
        self.metrics.follow(metrics.HEALTHY, lambda: float(self.is_healthy()))
        self.metrics.follow(metrics.WAITING_SECONDS, self.waiting_s)

    # -- said by the loop

    def beat(self) -> None:
        """The loop turned."""
        self._beat_s = self._clock()

    def ready(self) -> None:
        """It waits for nothing."""
        if self._wait is not None:
            self._wait = None
            self._progress_s = self._clock()

    def waiting(self, reason: str, *, at_most_s: float | None = None) -> None:
        """It cannot go on, and a restart would not help. Said again at each attempt; it still beats.

        Args:
            reason: what it waits for, in words that follow "waiting for".
            at_most_s: seconds from the first saying after which a restart does help; None: it may take for
                ever, as with a sink that is away.
        """
        wait = self._wait
        if wait is None:
            self._wait = _Wait(reason, self._clock(), time.time(), at_most_s=at_most_s)
            self.metrics.count(metrics.WAITS)
            return
        wait.reason, wait.at_most_s = reason, at_most_s
        wait.attempts += 1

    def progress(self, lag: int, handled: int) -> None:
        """How it stands; said about once a second, also when nothing has changed.

        Args:
            lag: records that it could handle and has not.
            handled: any number that changes whenever records are handled.
        """
        if handled != self._handled or lag == 0:
            self._progress_s = self._clock()
        self._lag, self._handled = lag, handled

    @contextmanager
    def blocking(self, at_most_s: float, reason: str) -> Iterator[None]:
        """A call that does not beat and ends by itself: an insert, a request. A long one is a wait.

        Args:
            at_most_s: its own time limit, in seconds; beyond it the process counts as stuck.
            reason: what is waited for while it lasts.
        """
        now_s = self._clock()
        self._call = _Wait(reason, now_s, time.time(), at_most_s=at_most_s)
        try:
            yield
        finally:
            self._call = None
            self._beat_s = self._progress_s = self._clock()

    def forgive(self, gap_s: float) -> None:
        """The process, or the machine, stood still for so long: nothing of it was the loop's doing."""
        self._beat_s = self._progress_s = self._clock()
        for wait in (self._call, self._wait):
            if wait is not None:
                wait.since_s += gap_s

    # -- asked by others

    def stuck(self, after_s: float) -> str | None:
        """Why only a restart would help, in a sentence; None when it would not.

        Args:
            after_s: seconds without a sign of life, or with lag and without progress.
        """
        now_s = self._clock()
        call, wait = self._call, self._wait
        if call is not None:
            wait = call
        elif (silent_s := now_s - self._beat_s) >= after_s:
            return f"The loop has not turned for {silent_s:.0f} s"
        if wait is not None:
            waited_s = now_s - wait.since_s
            if wait.at_most_s is not None and waited_s >= wait.at_most_s:
                return f"Waiting for {wait.reason} has taken {waited_s:.0f} s"
            return None
        if self._lag > 0 and (idle_s := now_s - self._progress_s) >= after_s:
            return f"{self._lag} records wait, and none was handled for {idle_s:.0f} s"
        return None

    def is_healthy(self) -> bool:
        """False only if a restart would help."""
        return self.stuck(STALE_S) is None

    def waiting_s(self) -> float:
        """Seconds that it has been waiting; 0 when it is not."""
        wait = self._waiting()
        return 0.0 if wait is None else self._clock() - wait.since_s

    def is_ready(self) -> bool:
        """Healthy, and waits for nothing."""
        return self._waiting() is None and self.is_healthy()

    def report(self) -> dict[str, object]:
        """What /healthz and /readyz say."""
        wait, stuck = self._waiting(), self.stuck(STALE_S)
        return {
            "role": self.role,
            "healthy": stuck is None,
            "stuck": stuck,
            "ready": wait is None and stuck is None,
            "waiting_for": None if wait is None else wait.reason,
            "waiting_since": None if wait is None else _utc(wait.since_unix_s),
            "attempts": 0 if wait is None else wait.attempts,
            "lag_records": self._lag,
        }

    def _waiting(self) -> _Wait | None:
        call = self._call
        if self._wait is None and call is not None and self._clock() - call.since_s >= LONG_CALL_S:
            return call
        return self._wait


def _utc(unix_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))


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
        return 200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(health.registry)
    if path not in ("/healthz", "/readyz"):
        return 404, "text/plain", b"/healthz, /readyz or /metrics\n"
    report = health.report()
    fine = report["healthy"] if path == "/healthz" else report["ready"]
    return 200 if fine else 503, "application/json", json.dumps(report).encode() + b"\n"
