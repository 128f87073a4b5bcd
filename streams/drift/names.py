"""Which number has a name, for detectors that know numbers alone? And which names are new to a stream?

Names come from outside, so there are limits: beyond them a new name is `OTHER`. Each stream has names of its
own, so that what is called something else each time leaves those of others alone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.contract import NO_CODE, Phase
from streams.drift.signals import Floats
from streams.windows.sums import Flags, Ints

OTHER = 0
_CODE_BITS = 32
DAY_NS = 86_400_000_000_000
_OTHER_NAME = "other"


class Names:
    """State: the names of each stream, in the order in which they came."""

    def __init__(self, limit: int, stream_limit: int) -> None:
        """
        Args:
            limit: names that are told apart.
            stream_limit: of these in one stream.
        """
        self._limit = limit
        self._stream_limit = stream_limit
        self._codes: dict[tuple[int, str], int] = {}
        self._names: dict[int, list[str]] = {}
        # Values whose names were one too many, since the process began; no part of the state.
        self.folded = 0

    def state(self) -> list[tuple[int, list[str]]]:
        """For a snapshot: the number and the names of each stream."""
        return list(self._names.items())

    def load(self, state: Sequence[tuple[int, list[str]]]) -> None:
        """Go on from `state`."""
        self._names = dict(state)
        self._codes = {
            (number, name): code
            for number, names in self._names.items()
            for code, name in enumerate(names, start=1)
        }

    def codes(self, numbers: Ints, names: Sequence[str]) -> list[int]:
        """Codes of names, each in the stream of its number; names not known get the next ones."""
        known = self._codes
        return [
            code if (code := known.get(pair)) is not None else self._add(*pair)
            for pair in zip(numbers.tolist(), names, strict=True)
        ]

    def name(self, number: int, code: int) -> str:
        """The name of a code that a stream was given; "" of NO_CODE."""
        if code == NO_CODE:
            return ""
        return _OTHER_NAME if code == OTHER else self._names[number][code - 1]

    def _add(self, number: int, name: str) -> int:
        mine = self._names.setdefault(number, [])
        if len(mine) >= self._stream_limit or len(self._codes) >= self._limit:
            self.folded += 1
            return OTHER
        mine.append(name)
        self._codes[number, name] = len(mine)
        return len(mine)


class News(NamedTuple):
    """A value that its stream had never seen: the row, the stream's number and the value's code.

    NO_CODE: there are more of the same day, which are not told one by one.
    """

    row: int
    number: int
    code: int


class Newcomers:
    """State: which values each stream has seen, how many were told today. Beyond the limit none is new."""

    def __init__(self, limit: int, daily: int) -> None:
        """
        Args:
            limit: pairs of stream and value that are remembered.
            daily: values of a stream that are told one by one in a day; then one says that there are more.
        """
        self._limit = limit
        self._daily = daily
        self._seen: set[int] = set()
        self._day = -1
        self._told: Counter[int] = Counter()

    def state(self) -> dict[str, Ints]:
        """For a snapshot."""
        told = [self._day, *(n for pair in self._told.items() for n in pair)]
        seen = np.array(sorted(self._seen), np.int64)
        return {"seen_values": seen, "told_values": np.array(told, np.int64)}

    def load(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from `state`."""
        self._seen = set(arrays["seen_values"].tolist())
        self._day, *told = arrays.get("told_values", np.array([-1])).tolist()
        self._told = Counter(dict(zip(told[::2], told[1::2], strict=True)))

    def look(
        self, numbers: Ints, values: Floats, phases: npt.NDArray[np.int8], told: Flags, now_ns: Ints
    ) -> list[News]:
        """Values that are new to their streams, in order; in a warm-up all are, and none is told.

        Args:
            numbers, values: of the rows.
            phases: of the rows' streams after them.
            told: rows of signals whose new values are told.
            now_ns: of the rows; never goes back.
        """
        rows = np.flatnonzero(told)
        keys = (numbers[rows] << _CODE_BITS) | values[rows].astype(np.int64)
        first = np.unique(keys, return_index=True)[1]
        news = []
        for place in np.sort(first).tolist():
            key = int(keys[place])
            if key in self._seen or len(self._seen) >= self._limit:
                continue
            self._seen.add(key)
            row, code = int(rows[place]), key & ((1 << _CODE_BITS) - 1)
            if phases[row] != Phase.WARM_UP and code != OTHER:
                news += self._tell(row, int(numbers[row]), code, int(now_ns[row]) // DAY_NS)
        return news

    def _tell(self, row: int, number: int, code: int, day: int) -> list[News]:
        if day != self._day:
            self._day = day
            self._told.clear()
        self._told[number] += 1
        if self._told[number] > self._daily + 1:
            return []
        return [News(row, number, code if self._told[number] <= self._daily else NO_CODE)]
