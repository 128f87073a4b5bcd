"""All roles of a namespace as processes that start again at once, whoever ends them.

`streams.local.supervisor` gives up after five quick deaths and waits longer each time: here deaths are what
is tried.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from streams.app import ROLES
from streams.fault_points import VARIABLE, FaultPoint
from streams.local.processes import Child, ChildSpec, last_words
from streams.local.site import environment_of
from streams.settings import PREFIX, Settings

REACH_S = 90.0
# A role that cannot start because the broker is away tries again after so long.
PAUSE_S = 0.3
_LOOK_S = 0.05
_LEAN = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class NotReached(AssertionError):
    """No process came to an armed fault point."""


class Worker:
    """One place for a process of a role: while it is wanted, there is one."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.wanted = False
        self.codes: Counter[int] = Counter()
        self._child: Child | None = None
        self._lock = threading.Lock()
        self._died_s = 0.0

    def tend(self) -> None:
        """Start it again when it has died; called again and again."""
        with self._lock:
            if self._child is not None and (code := self._child.poll()) is not None:
                self.codes[code] += 1
                self._child.reap()
                self._child = None
                self._died_s = time.monotonic() if code not in (0, -signal.SIGKILL) else 0.0
            if self._child is None and self.wanted and time.monotonic() - self._died_s > PAUSE_S:
                self._child = Child(self.spec)

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; False when nothing runs here now."""
        with self._lock:
            if self._child is None or self._child.poll() is not None:
                return False
            self._child.signal(number)
            return True

    def stop(self) -> None:
        """End it, gently at first; it stays ended until it is wanted."""
        self.wanted = False
        with self._lock:
            if self._child is not None:
                self._child.signal(signal.SIGCONT)
                self.codes[self._child.stop()] += 1
                self._child = None


class Crew:
    """Workers of all roles. A context manager.

    Attributes:
        settings: of all roles.
        workers: by role.
    """

    def __init__(self, settings: Settings, folder: Path, *, each: Mapping[str, int] | None = None) -> None:
        """Describe the crew; nothing runs yet.

        Args:
            settings: of all roles.
            folder: for logs and the files that arm fault points.
            each: how many workers a role has; others have one.
        """
        self.settings = settings
        self._folder = folder
        self._environment = {
            name: text for name, text in os.environ.items() if not name.startswith(PREFIX)
        } | environment_of(settings)
        self.workers: dict[str, list[Worker]] = {
            role: [self._worker(role, number) for number in range((each or {}).get(role, 1))]
            for role in ROLES
        }
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="crew", daemon=True)

    def arm(self, point: FaultPoint) -> None:
        """The next process of the point's role that reaches it dies there."""
        self._fault_file(role_of(point)).write_text(point)

    def disarm(self, point: FaultPoint) -> bool:
        """Take an armed point back; False when a process has died there."""
        try:
            self._fault_file(role_of(point)).unlink()
        except FileNotFoundError:
            return False
        return True

    def wait_reached(self, point: FaultPoint, timeout_s: float = REACH_S) -> None:
        """Wait until a process has died at the armed point.

        Raises:
            NotReached: none has within the time.
        """
        until_s = time.monotonic() + timeout_s
        while self._fault_file(role_of(point)).exists():
            if time.monotonic() > until_s:
                self.disarm(point)
                worker = self.workers[role_of(point)][0]
                raise NotReached(f"{point} was not reached in {timeout_s:.0f} s. {last_words(worker.spec)}")
            time.sleep(_LOOK_S)

    def wait_ready(self, timeout_s: float = REACH_S) -> None:
        """Wait until every worker has joined its group, so that the load is read as it comes.

        Raises:
            NotReached: one has not within the time.
        """
        admin = AdminClient({"bootstrap.servers": self.settings.kafka})
        waiting = {self.settings.group(role): len(workers) for role, workers in self.workers.items()}
        until_s = time.monotonic() + timeout_s
        while waiting:
            for name, future in admin.describe_consumer_groups(list(waiting)).items():
                try:
                    found = future.result(REACH_S)
                except KafkaException:
                    continue  # the first group of a broker: its coordinator is being made
                if found.state == ConsumerGroupState.STABLE and len(found.members) == waiting[name]:
                    del waiting[name]
            if time.monotonic() > until_s:
                raise NotReached(f"{sorted(waiting)} are not complete")
            time.sleep(_LOOK_S)

    def kill_one(self, role: str, number: int = 0) -> None:
        """Kill a worker -9 as soon as there is one.

        Raises:
            NotReached: there has been none for a long time.
        """
        self._send(role, number, signal.SIGKILL)

    def pause_one(self, role: str, number: int, seconds: float) -> None:
        """Stop a worker where it is, and let it go on later as if nothing had been."""
        self._send(role, number, signal.SIGSTOP)
        time.sleep(seconds)
        self.workers[role][number].signal(signal.SIGCONT)

    def _send(self, role: str, number: int, which: signal.Signals) -> None:
        worker = self.workers[role][number]
        until_s = time.monotonic() + REACH_S
        while not worker.signal(which):
            if time.monotonic() > until_s:
                raise NotReached(f"{role} does not start. {last_words(worker.spec)}")
            time.sleep(_LOOK_S)

    def deaths(self) -> dict[str, dict[int, int]]:
        """How often processes of each role ended with each exit code (negative: signal)."""
        sums: dict[str, dict[int, int]] = {}
        for role, workers in self.workers.items():
            codes = sum((worker.codes for worker in workers), Counter[int]())
            sums[role] = dict(sorted(codes.items()))
        return sums

    def __enter__(self) -> "Crew":
        for workers in self.workers.values():
            for worker in workers:
                worker.wanted = True
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        enders = [
            threading.Thread(target=worker.stop) for workers in self.workers.values() for worker in workers
        ]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()

    def _tend(self) -> None:
        while not self._over.wait(_LOOK_S):
            for workers in self.workers.values():
                for worker in workers:
                    worker.tend()

    def _fault_file(self, role: str) -> Path:
        return self._folder / f"{role}.fault"

    def _worker(self, role: str, number: int) -> Worker:
        return Worker(
            ChildSpec(
                name=f"{role}-{number}",
                command=(sys.executable, "-m", "streams.app", role),
                log_path=self._folder / f"{role}-{number}.log",
                env=self._environment | _LEAN | {VARIABLE: str(self._fault_file(role))},
                grace_s=20.0,
            )
        )


def role_of(point: FaultPoint) -> str:
    """The role that a point belongs to."""
    return point.partition(".")[0]
