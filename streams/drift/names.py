"""Which number has a name, for detectors that know numbers alone? And which names are new to a stream?

Names come from outside, so there is a limit: beyond it a new name is `OTHER`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.contract import NO_CODE, Phase
from streams.drift.signals import Floats
from streams.windows.sums import Flags, Ints

OTHER = 0
_CODE_BITS = 32


class Names:
    """State: names by number; the first stands for all beyond the limit."""

    def __init__(self, limit: int) -> None:
        """
        Args:
            limit: names that are told apart.
        """
        self._limit = limit
        self._codes: dict[str, int] = {"other": OTHER}

    def state(self) -> list[str]:
        """For a snapshot."""
        return list(self._codes)

    def load(self, names: Sequence[str]) -> None:
        """Go on from `state`."""
        self._codes = {name: code for code, name in enumerate(names)}

    def codes(self, names: Sequence[str]) -> list[int]:
        """Numbers of names; names not known get the next ones."""
        return [self._code(name) for name in names]

    def name(self, code: int) -> str:
        """The name of a number that was given; "" of NO_CODE."""
        return "" if code == NO_CODE else list(self._codes)[code]

    def _code(self, name: str) -> int:
        code = self._codes.get(name)
        if code is None:
            if len(self._codes) > self._limit:
                return OTHER
            code = self._codes[name] = len(self._codes)
        return code


class News(NamedTuple):
    """A value that its stream had never seen: the row, the stream's number and the value's code."""

    row: int
    number: int
    code: int


class Newcomers:
    """State: which values each stream has seen. Beyond the limit none is new any more."""

    def __init__(self, limit: int) -> None:
        """
        Args:
            limit: pairs of stream and value that are remembered.
        """
        self._limit = limit
        self._seen: set[int] = set()

    def state(self) -> Ints:
        """For a snapshot."""
        return np.array(sorted(self._seen), np.int64)

    def load(self, seen: Ints) -> None:
        """Go on from `state`."""
        self._seen = set(seen.tolist())

    def look(self, numbers: Ints, values: Floats, phases: npt.NDArray[np.int8], told: Flags) -> list[News]:
        """Values that are new to their streams, in order; in a warm-up all are, and none is told.

        Args:
            numbers, values: of the rows.
            phases: of the rows' streams after them.
            told: rows of signals whose new values are told.
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
                news.append(News(row, int(numbers[row]), code))
        return news
