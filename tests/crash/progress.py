"""How many faults are done? Gives the feeder its share with each, and prints a line now and then."""

import threading
import time

from tests.crash.feeder import Feeder

_LINE_EACH = 20


class Progress:
    """Counts faults over threads."""

    def __init__(self, name: str, count: int, feeder: Feeder) -> None:
        """Let the first share of the load go.

        Args:
            name: for the line.
            count: of all faults to come.
            feeder: gets its last share with the last of them.
        """
        self._name = name
        self._count = count
        self._feeder = feeder
        self._done = 0
        self._began_s = time.monotonic()
        self._lock = threading.Lock()
        feeder.share(1 / (count + 1))

    def count(self) -> None:
        """One more is done."""
        with self._lock:
            self._done += 1
            self._feeder.share((self._done + 1) / (self._count + 1))
            if self._done % _LINE_EACH == 0:
                seconds = time.monotonic() - self._began_s
                print(f"crash {self._name}: {self._done} of {self._count}, {seconds:.0f} s", flush=True)
