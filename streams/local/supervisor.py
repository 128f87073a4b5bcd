"""Who keeps the local servers and roles running, and ends them in order?

The supervisor starts children in the order given, restarts the ones that die, gives up loudly on one that
dies again and again, and stops all in reverse order, once. It knows processes, not what they do; whether a
server answers is asked elsewhere (``LocalKafka.wait_ready``).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from types import FrameType, TracebackType
from typing import Literal

import structlog

from streams.local.errors import LocalError
from streams.local.processes import Child, ChildSpec, last_words, rotate

_log = structlog.get_logger(__name__)
_POLL_S = 0.2

Phase = Literal["running", "waiting to restart", "stopped"]


class ChildFailed(LocalError):
    """A child died too often; the message carries the end of its log.

    Attributes:
        name: The child's name.
        exit_code: Its last exit code; negative when a signal killed it.
    """

    def __init__(self, spec: ChildSpec, exit_code: int, quick_deaths: int) -> None:
        how = f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
        super().__init__(
            f"{spec.name} died {quick_deaths} times soon after its start, last with {how}; it is not tried "
            f"again. {last_words(spec)}"
        )
        self.name = spec.name
        self.exit_code = exit_code


class StopRequested(Exception):
    """SIGTERM, SIGINT or SIGHUP arrived: not an error, somebody asked us to end.

    Attributes:
        signal: Which of them.
    """

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.signal = number


@dataclass(frozen=True, kw_only=True)
class Restarts:
    """When to start a dead child again.

    Attributes:
        first_s: Pause before the first restart, in seconds.
        longest_s: The pause doubles with each quick death up to this.
        quick_s: A death within this many seconds of the start is a quick one; a longer life forgets them.
        give_up_after: So many quick deaths in a row end everything.
    """

    first_s: float = 0.5
    longest_s: float = 15.0
    quick_s: float = 20.0
    give_up_after: int = 5


@dataclass(frozen=True)
class ChildState:
    """What one child is doing.

    Attributes:
        name: The child's name.
        phase: Running, waiting for its restart, or stopped by us.
        pid: Its process id; None when it does not run.
        restarts: How often it was started again.
        exit_code: The last one seen; None if it never ended.
    """

    name: str
    phase: Phase
    pid: int | None
    restarts: int
    exit_code: int | None


@dataclass
class _Minded:
    spec: ChildSpec
    child: Child | None
    started_s: float
    restart_at_s: float = 0.0
    quick_deaths: int = 0
    restarts: int = 0
    exit_code: int | None = None
    stopped: bool = False
    stop_key: object = field(default_factory=object)

    def state(self) -> ChildState:
        if self.stopped:
            return ChildState(self.spec.name, "stopped", None, self.restarts, self.exit_code)
        if self.child is None:
            return ChildState(self.spec.name, "waiting to restart", None, self.restarts, self.exit_code)
        return ChildState(self.spec.name, "running", self.child.pid, self.restarts, self.exit_code)


class Supervisor:
    """Minds several children. A context manager: leaving it stops them all.

    Inside the ``with`` block of the main thread SIGTERM, SIGINT and SIGHUP (unless nohup ignores it) are
    only noted; ``check`` and ``run`` act on them, so a child is never lost between its start and its
    registration.

    Example:
        ``with Supervisor() as s: s.start(kafka.prepare()); kafka.wait_ready(check=s.check); s.run()``
    """

    def __init__(
        self, restarts: Restarts | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Make a supervisor without children.

        Args:
            restarts: When to start a dead child again.
            clock: Seconds that never go back.
        """
        self._restarts = restarts or Restarts()
        self._clock = clock
        self._minded: list[_Minded] = []
        self._requested: signal.Signals | None = None
        self._handlers: dict[signal.Signals, object] = {}

    def start(self, spec: ChildSpec) -> None:
        """Start a child and mind it.

        Raises:
            ValueError: A child of that name is minded already.
            LocalError: It cannot be started.
        """
        if any(minded.spec.name == spec.name for minded in self._minded):
            raise ValueError(f"a child named {spec.name} is minded already")
        minded = _Minded(spec, Child(spec), self._clock())
        previous = self._minded[-1] if self._minded else None
        if previous and spec.stop_group and previous.spec.stop_group == spec.stop_group:
            minded.stop_key = previous.stop_key
        self._minded.append(minded)

    def states(self) -> list[ChildState]:
        """Return what each child is doing, in the order of their start."""
        return [minded.state() for minded in self._minded]

    def check(self) -> None:
        """Look after all children once, without waiting: note deaths, restart what is due.

        Raises:
            StopRequested: SIGTERM, SIGINT or SIGHUP arrived.
            ChildFailed: A child died too often.
        """
        if self._requested is not None:
            raise StopRequested(self._requested)
        for minded in self._minded:
            if minded.stopped:
                continue
            rotate(minded.spec.log_path)
            if minded.child is None:
                if self._clock() >= minded.restart_at_s:
                    self._restart(minded)
            elif (code := minded.child.poll()) is not None:
                self._note_death(minded, minded.child, code)

    def run(self) -> signal.Signals:
        """Look after the children until a signal; the caller's ``with`` block then stops them.

        Returns:
            The signal that ended it.

        Raises:
            ChildFailed: A child died too often.
        """
        while True:
            try:
                self.check()
            except StopRequested as request:
                return request.signal
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop all children in reverse order of their start; a second call does nothing."""
        running = [minded for minded in reversed(self._minded) if not minded.stopped]
        for _, together in groupby(running, key=lambda minded: minded.stop_key):
            group = list(together)
            for minded in group:
                if minded.child is not None:
                    minded.child.signal(signal.SIGTERM)
            for minded in group:
                if minded.child is not None:
                    minded.exit_code = minded.child.reap()
                minded.child = None
                minded.stopped = True

    def _restart(self, minded: _Minded) -> None:
        minded.child = Child(minded.spec)
        minded.started_s = self._clock()
        minded.restarts += 1
        _log.info("Child restarted", child=minded.spec.name, pid=minded.child.pid, restarts=minded.restarts)

    def _note_death(self, minded: _Minded, child: Child, code: int) -> None:
        rules, now = self._restarts, self._clock()
        child.reap()
        minded.child, minded.exit_code = None, code
        minded.quick_deaths = minded.quick_deaths + 1 if now - minded.started_s < rules.quick_s else 1
        if minded.quick_deaths >= rules.give_up_after:
            minded.stopped = True
            raise ChildFailed(minded.spec, code, minded.quick_deaths)
        pause_s = min(rules.longest_s, rules.first_s * 2 ** (minded.quick_deaths - 1))
        minded.restart_at_s = now + pause_s
        _log.warning(
            "Child died", child=minded.spec.name, exit_code=code, restart_in_s=pause_s,
            log=str(minded.spec.log_path),
        )  # fmt: skip

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        self._requested = signal.Signals(number)

    def __enter__(self) -> Supervisor:
        # Python hands signals to the main thread only; elsewhere the owner of the process decides.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                    continue  # nohup
                self._handlers[number] = signal.signal(number, self._note_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The handlers stay until all are stopped: a second Ctrl-C must not leave half of them running.
        try:
            self.stop()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned fits signal()
            self._handlers.clear()
