"""Which events wait to be delivered, and what became of the others? A bounded queue that counts.

An agent's thread only appends to it, under a lock that is never held while anything is encoded or sent. Both
bounds count an event until the broker has acknowledged it, so they bound the client's own buffers too.
"""

import threading
import time
from collections import Counter
from typing import NamedTuple

QUEUE_FULL = "queue_full"  # the bounds were reached: the broker is away or slow
UNDELIVERED = "undelivered"  # the broker did not take it within `delivery_timeout_s`, or refused it
TOO_LARGE = "too_large"  # above 256 kB even without its contents
INVALID = "invalid"  # could not be made an event
CLOSED = "closed"  # came after `close`
EXIT = "exit"  # was waiting when `close` ran out of time
REASONS: tuple[str, ...] = (QUEUE_FULL, UNDELIVERED, TOO_LARGE, INVALID, CLOSED, EXIT)

# Enough for full messages; the sender is woken before its time.
_WAKE_EVENTS = 2_000


class Item(NamedTuple):
    """One encoded event and the key of its message."""

    key: str
    data: bytes


class Counts(NamedTuple):
    """Events so far: `accepted` = `delivered` + `waiting` + what was dropped for `undelivered` or `exit`."""

    accepted: int
    delivered: int
    waiting: int
    waiting_bytes: int
    dropped: dict[str, int]


class Outbox:
    """The queue of one emitter; every method is safe from any thread."""

    def __init__(self, max_events: int, max_bytes: int, *, block: bool = False) -> None:
        """An empty queue.

        Args:
            max_events: not yet acknowledged, at most.
            max_bytes: of them, at most.
            block: wait for room instead of dropping.
        """
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._block = block
        self._wake_at = min(_WAKE_EVENTS, max_events)
        self.reset()

    def reset(self) -> None:
        """Forget everything: a forked child starts with nothing, and with a lock that nobody holds."""
        # Reentrant: a signal handler may emit while its own thread is in here.
        self._changed = threading.Condition(threading.RLock())
        self.wake = threading.Event()
        self._items: list[Item] = []
        self._accepted = self._delivered = 0
        self._waiting = self._bytes = 0
        self._closed = False
        self._dropped: Counter[str] = Counter()
        self._unreported: Counter[str] = Counter()

    def put(self, key: str, data: bytes) -> bool:
        """Take an event, or count it as dropped; waits only when `block` was asked for."""
        with self._changed:
            while not self._closed and not self._fits(len(data)):
                if not self._block:
                    self.drop(QUEUE_FULL)
                    return False
                self.wake.set()
                self._changed.wait(0.5)
            if self._closed:
                self.drop(CLOSED)
                return False
            self._items.append(Item(key, data))
            self._accepted += 1
            self._waiting += 1
            self._bytes += len(data)
            if len(self._items) == self._wake_at:
                self.wake.set()
            return True

    def _fits(self, size: int) -> bool:
        return self._waiting < self._max_events and self._bytes + size <= self._max_bytes

    def drop(self, reason: str, count: int = 1) -> None:
        """Count events that are lost."""
        with self._changed:
            self._dropped[reason] += count
            self._unreported[reason] += count

    def take(self) -> list[Item]:
        """What waits to be handed to Kafka's client; from now on `settle` must be called for each."""
        with self._changed:
            items, self._items = self._items, []
            return items

    def settle(self, count: int, size: int, reason: str | None) -> None:
        """Events that were delivered, or lost for a reason."""
        with self._changed:
            self._waiting -= count
            self._bytes -= size
            if reason is None:
                self._delivered += count
            else:
                self.drop(reason, count)
            self._changed.notify_all()

    def close(self) -> None:
        """Take nothing more; whoever waits for room stops waiting."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until everything is settled; False when time ran out."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while self._waiting and (left := until - time.monotonic()) > 0:
                self.wake.set()
                self._changed.wait(min(left, 0.02))
            return not self._waiting

    def take_unreported(self) -> dict[str, int]:
        """Drops that no report has named yet."""
        with self._changed:
            found, self._unreported = dict(self._unreported), Counter()
            return found

    def give_back(self, reason: str, count: int) -> None:
        """A report was lost: its drops are unreported again."""
        with self._changed:
            self._unreported[reason] += count

    def counts(self) -> Counts:
        """What happened so far."""
        with self._changed:
            return Counts(self._accepted, self._delivered, self._waiting, self._bytes, dict(self._dropped))
