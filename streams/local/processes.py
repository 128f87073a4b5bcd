"""How is a server or a role run as a child that never outlives us?

Each child is a process group of its own (so that Ctrl-C on the terminal reaches us alone and children are
stopped in order), writes to a log file, and ends with this process however that ends (``launch.py``).
Restarting those that die is ``supervisor.py``'s business.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streams.local.errors import LocalError

DeathWatch = Literal["kernel", "watch"]

LAUNCHER = Path(__file__).with_name("launch.py")
# A log of a child is cut at this size; the part before stays as NAME.1.
LOG_LIMIT_BYTES = 8 << 20


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """What to run.

    Attributes:
        name: For messages and state, such as "kafka" or "ingest".
        command: Program and arguments, not interpreted by a shell.
        log_path: Standard output and error are appended here.
        own_log_path: The log that it writes by itself, if it does; for error messages.
        env: The child's whole environment; None hands on ours.
        grace_s: Seconds between SIGTERM and SIGKILL at a stop.
        stop_group: Children started one after the other with the same non-empty group are stopped together.
    """

    name: str
    command: tuple[str, ...]
    log_path: Path
    own_log_path: Path | None = None
    env: Mapping[str, str] | None = None
    grace_s: float = 10.0
    stop_group: str = ""


def default_death_watch(platform: str = sys.platform) -> DeathWatch:
    """Return how a child learns of our death: by the kernel on Linux, by a small watcher elsewhere.

    The watcher costs a Python process for each child (about 8 MB).
    """
    return "kernel" if platform == "linux" else "watch"


class Child:
    """A running child process. Made by ``Child(spec)``, which starts it.

    Linux ties the death signal to the *thread* that started the child, so each child is started by a thread
    of its own that then waits for it; the caller's thread may end without taking the child along.
    """

    def __init__(self, spec: ChildSpec, *, death_watch: DeathWatch | None = None) -> None:
        """Start the process.

        Args:
            spec: What to run.
            death_watch: How it learns of our death; None chooses by platform.

        Raises:
            LocalError: There is no such program.
            OSError: The log file cannot be written or the process cannot be started.
        """
        program = shutil.which(spec.command[0], path=(spec.env or os.environ).get("PATH"))
        if program is None:
            raise LocalError(f"{spec.name} cannot start: there is no program {spec.command[0]}.")
        self.spec = spec
        self._death_watch = death_watch or default_death_watch()
        started: Future[subprocess.Popen[bytes]] = Future()
        threading.Thread(
            target=self._hold, args=(program, started), name=f"child-{spec.name}", daemon=True
        ).start()
        self._process = started.result()

    def _hold(self, program: str, started: Future[subprocess.Popen[bytes]]) -> None:
        try:
            process = self._spawn(program)
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(process)
        process.wait()

    def _spawn(self, program: str) -> subprocess.Popen[bytes]:
        spec = self.spec
        spec.log_path.parent.mkdir(parents=True, exist_ok=True)
        rotate(spec.log_path)
        watched = self._death_watch == "watch"
        launcher = (sys.executable, "-I", "-S", str(LAUNCHER), self._death_watch)
        with spec.log_path.open("ab") as log:
            return subprocess.Popen(
                [*launcher, str(os.getpid()), str(spec.grace_s), program, *spec.command[1:]],
                stdin=subprocess.PIPE if watched else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=spec.env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id; with a watcher, that of the watcher, which leads the child's process group."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code (negative: killed by that signal), None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit code.

        Raises:
            TimeoutError: It still runs after ``timeout_s``.
        """
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.spec.name} (process {self.pid}) still runs.") from None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and to what it started; nothing happens when it has ended."""
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:  # it ended between the question and the signal
                return

    def stop(self) -> int:
        """End it: SIGTERM, then SIGKILL after ``grace_s``.

        Returns:
            The exit code.
        """
        self.signal(signal.SIGTERM)
        return self.reap()

    def reap(self) -> int:
        """Wait ``grace_s`` for a child that was told to end, then kill it, and return its exit code."""
        try:
            code = self.wait(self.spec.grace_s)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            code = self.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code


def rotate(log_path: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Cut a log that has grown beyond the limit; its content becomes ``NAME.1``.

    Safe while the child writes: it appends, so its next line starts the file anew. Lines written between
    the copy and the cut (microseconds) are lost.
    """
    if log_path.exists() and log_path.stat().st_size > limit_bytes:
        shutil.copyfile(log_path, log_path.with_name(log_path.name + ".1"))
        os.truncate(log_path, 0)


def last_words(spec: ChildSpec, lines: int = 15) -> str:
    """Return the last lines of a child's logs, each log under its path, for an error message."""
    parts = []
    for path in (spec.log_path, spec.own_log_path):
        if path is not None and (tail := log_tail(path, lines)):
            parts.append(f"{path} ends with:\n{tail}")
    return "\n".join(parts) or f"{spec.log_path} is empty."


def log_tail(log_path: Path, lines: int) -> str:
    """Return the last lines of a log; empty when there is no log."""
    if not log_path.exists():
        return ""
    with log_path.open("rb") as log:
        log.seek(max(0, log_path.stat().st_size - 64_000))
        return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-lines:])
