"""Who ends a process that stands still? A thread that looks at its health each second.

A process that hangs holds its partitions and says nothing; one that ends is started again by its supervisor
and goes on. What waits for a sink is spared (`Health.stuck` knows the difference), and so is a process that
was itself stopped, by SIGSTOP or a closed laptop: the thread notices that its own second took long. Not in
asyncio, whose loop is what may hang. A C call that never gives the GIL back stops this thread too; then
/healthz does not answer either, and whoever probes it acts.
"""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

import structlog

from streams.health import Health

log = structlog.get_logger()

# sysexits.h, EX_TEMPFAIL: whoever starts the process again is right.
EXIT_STUCK = 75
TICK_S = 1.0
# Of a tick: longer, and the process did not run. Seen on two busy cores: 0.9 s.
GAP_S = 5.0


def end_process(reason: str) -> None:
    """Say why, show what every thread does, and leave at once: a stuck process runs no clean-up."""
    log.error("The process is stuck and ends", reason=reason)
    faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr, all_threads=True)
    sys.stderr.flush()
    os._exit(EXIT_STUCK)


class Watchdog:
    """Minds one `Health`. A context manager: leaving it stops the thread, for an end that takes its time."""

    def __init__(
        self,
        health: Health,
        *,
        stuck_s: float = 60.0,
        on_stuck: Callable[[str], None] = end_process,
        tick_s: float = TICK_S,
        gap_s: float = GAP_S,
    ) -> None:
        """Nothing is minded before `start`.

        Args:
            health: of the process.
            stuck_s: so long without a beat, or with lag and without progress, is stuck.
            on_stuck: called once, from the thread, with the reason.
            tick_s: between two looks.
            gap_s: a tick that took so much longer means that the process did not run; counts begin anew.
        """
        self._health = health
        self._stuck_s = stuck_s
        self._on_stuck = on_stuck
        self._tick_s = tick_s
        self._gap_s = gap_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to mind."""
        self._thread.start()

    def stop(self) -> None:
        """Mind no longer."""
        self._ended.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> "Watchdog":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        # Both clocks: Linux's monotonic one stands still while the machine sleeps, the wall clock does not,
        # but somebody may set it; either gap forgives, neither can end a process.
        last_s, last_wall_s = time.monotonic(), time.time()
        while not self._ended.wait(self._tick_s):
            now_s, now_wall_s = time.monotonic(), time.time()
            gap_s = max(now_s - last_s, now_wall_s - last_wall_s) - self._tick_s
            last_s, last_wall_s = now_s, now_wall_s
            if gap_s > self._gap_s:
                log.warning("The process stood still; nothing is held against it", gap_s=round(gap_s, 1))
                self._health.forgive(gap_s)
            elif (reason := self._health.stuck(self._stuck_s)) is not None:
                self._on_stuck(reason)
                return
