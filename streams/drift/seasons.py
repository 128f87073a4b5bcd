"""When is a detector that knows the hour of the day listened to? Pure.

A duration has a daily cycle wherever people or busy providers are behind it, and a detector that does not
know the hour takes each morning for a change. One that does is blind until it has seen each hour. So both
take a duration: at first the plain one is listened to; once its successor has watched for a day and has taken
enough values, the plain one takes no more, and the successor is listened to. Each keeps its promise for as
long as it speaks, and only one speaks at a time.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from streams.drift.signals import SIGNALS, Nature
from streams.windows.sums import Flags, Ints, group_starts

HOUR_NS = 3_600_000_000_000
HOURS = 24
# Each hour has been seen once ...
RIPE_NS = HOURS * HOUR_NS
# ... and holds, of a stream that is alike at all hours, this many values.
RIPE_VALUES = HOURS * 20

_SUCCESSORS = [place for place, signal in enumerate(SIGNALS) if signal.nature is Nature.SEASONAL]
# Of each signal the one that succeeds it; itself where none does.
_SUCCESSOR_OF = np.arange(len(SIGNALS))
for _place in _SUCCESSORS:
    _plain = next(place for place, signal in enumerate(SIGNALS) if signal.name == SIGNALS[_place].name)
    _SUCCESSOR_OF[_plain] = _place
_IS_SUCCESSOR = np.isin(np.arange(len(SIGNALS)), _SUCCESSORS)


def hours_of(time_ns: Ints) -> Ints:
    """The hour of the day, UTC."""
    hours: Ints = time_ns // HOUR_NS % HOURS
    return hours


class Seasons:
    """State: since when each stream that knows the hour watches, and how many values it has taken."""

    def __init__(self) -> None:
        self._since_ns: Ints = np.zeros(0, np.int64)
        self._taken: Ints = np.zeros(0, np.int64)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """For a snapshot: copies, by the streams' numbers."""
        return {"season.since_ns": self._since_ns.copy(), "season.taken": self._taken.copy()}

    def load(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from `state`; a snapshot from before there were seasons has none."""
        empty = np.zeros(0, np.int64)
        self._since_ns = arrays.get("season.since_ns", empty).copy()
        self._taken = arrays.get("season.taken", empty).copy()

    def restart(self, numbers: list[int]) -> None:
        """These streams have begun anew."""
        self._taken[[number for number in numbers if number < len(self._taken)]] = 0

    def look(self, has: Flags, numbers: Ints, now_ns: Ints) -> tuple[Flags, Flags]:
        """Which values are taken, and which of those are told of?

        Args:
            has: which signals of each row have a value; shape (rows, signals).
            numbers: of the values' streams, row by row.
            now_ns: of each row; never goes back.

        Returns:
            Two flags for each value: of those of a stream whose successor is listened to, neither holds; of
            those of a successor that is not listened to yet, only the first.
        """
        row, place = np.nonzero(has)
        mine = np.flatnonzero(_IS_SUCCESSOR[place])
        ripe = np.zeros(has.shape, np.bool_)
        ripe[row[mine], place[mine]] = self._ripe(numbers[mine], now_ns[row[mine]])
        taken: Flags = ~ripe[row, _SUCCESSOR_OF[place]] | _IS_SUCCESSOR[place]
        told: Flags = taken & (ripe[row, place] | ~_IS_SUCCESSOR[place])
        return taken, told

    def _ripe(self, numbers: Ints, now_ns: Ints) -> Flags:
        """Of each value of streams that know the hour, in order; they count from now on."""
        if not len(numbers):
            return np.zeros(0, np.bool_)
        self._grow(int(numbers.max()) + 1)
        order = np.argsort(numbers, kind="stable")
        starts = group_starts(numbers[order])
        sizes = np.diff(np.append(starts, len(numbers)))
        first = numbers[order[starts]]
        new = self._taken[first] == 0
        self._since_ns[first[new]] = now_ns[order[starts[new]]]
        before = np.empty(len(numbers), np.int64)
        before[order] = np.arange(len(numbers)) + np.repeat(self._taken[first] - starts, sizes)
        self._taken[first] += sizes
        ripe: Flags = (before >= RIPE_VALUES) & (now_ns - self._since_ns[numbers] >= RIPE_NS)
        return ripe

    def _grow(self, streams: int) -> None:
        if streams > len(self._taken):
            more = max(streams, 2 * len(self._taken), 16) - len(self._taken)
            self._since_ns, self._taken = np.pad(self._since_ns, (0, more)), np.pad(self._taken, (0, more))
