"""What does a stream's minute look like? One reading for each stream and minute in which it was observed.

Minutes are of `now`, which never goes back. A minute is sent when it is over; at the end of input it is sent
as it stands and goes on, so that what may follow in it is added and sent again, whole.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.contract import Direction, Readings
from schemas.columns import TIME, Kind
from schemas.frame import make_batch
from streams.drift.signals import Floats, Nature
from streams.drift.table import Stream
from streams.windows.sums import Flags, Ints, group_starts

MINUTE_NS = 60_000_000_000
# A stream's number and a minute share an integer.
_NUMBER_BITS = 31


class Summaries(NamedTuple):
    """Columns of readings; all of one length."""

    time_ns: Ints
    number: Ints
    n: Ints
    last: Floats
    statistic: Floats
    threshold: Floats
    direction: npt.NDArray[np.int8]

    def take(self, rows: Ints | Flags | slice) -> "Summaries":
        """Some of the rows."""
        return Summaries._make(column[rows] for column in self)


def join(parts: list[Summaries]) -> Summaries:
    """One after the other; at least one."""
    return Summaries._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def observed(now_ns: Ints, numbers: Ints, values: Floats, readings: Readings) -> Summaries:
    """Each observation as a summary of itself."""
    return Summaries(
        now_ns, numbers, readings.n, values, readings.statistic, readings.threshold, readings.direction
    )


class Minutes:
    """State: for each stream the minute it was last observed in, its summary, and whether that was sent."""

    def __init__(self) -> None:
        self._minute_ns = -1
        self._of = _empty(0)
        self._unsent = np.zeros(0, np.bool_)

    def state(self) -> tuple[int, dict[str, npt.NDArray[Any]]]:
        """For a snapshot: the minute, and copies of the streams' summaries."""
        arrays = {name: column.copy() for name, column in self._of._asdict().items()}
        return self._minute_ns, arrays | {"unsent": self._unsent.copy()}

    def load(self, minute_ns: int, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from `state`."""
        self._minute_ns, self._unsent = minute_ns, arrays["unsent"]
        self._of = Summaries(**{name: arrays[name] for name in Summaries._fields})

    def advance(self, now_ns: int) -> list[Summaries]:
        """Move `now`; the summaries of the minute that is over."""
        minute_ns = now_ns - now_ns % MINUTE_NS
        if minute_ns <= self._minute_ns:
            return []
        over = self.flush()
        self._minute_ns = minute_ns
        return over

    def flush(self) -> list[Summaries]:
        """Summaries that were not sent as they stand; none, or one part ordered by stream."""
        numbers = np.flatnonzero(self._unsent)
        if not len(numbers):
            return []
        self._unsent[numbers] = False
        return [self._of.take(numbers)]

    def add(self, rows: Summaries) -> list[Summaries]:
        """Add observations in their order.

        Args:
            rows: their times rise and are not below the last `now`.

        Returns:
            Summaries of the minutes that are over with them.
        """
        if not len(rows.number):
            return []
        self._grow(int(rows.number.max()) + 1)
        minutes = _by_minute(rows)
        since_ns, last_ns = self._minute_ns, int(minutes.time_ns[-1])
        self._merge(minutes.take(minutes.time_ns == since_ns))
        if last_ns == since_ns:
            return []
        over = self.advance(last_ns)
        between = minutes.take((minutes.time_ns > since_ns) & (minutes.time_ns < last_ns))
        self._merge(minutes.take(minutes.time_ns == last_ns))
        return [*over, between] if len(between.number) else over

    def _merge(self, rows: Summaries) -> None:
        """Put summaries of one minute, each of another stream, into the state."""
        numbers, of = rows.number, self._of
        new_best = (of.time_ns[numbers] != rows.time_ns) | (rows.statistic > of.statistic[numbers])
        best = numbers[new_best]
        of.statistic[best] = rows.statistic[new_best]
        of.threshold[best] = rows.threshold[new_best]
        of.direction[best] = rows.direction[new_best]
        of.time_ns[numbers] = rows.time_ns
        of.number[numbers] = numbers
        of.n[numbers] = rows.n
        of.last[numbers] = rows.last
        self._unsent[numbers] = True

    def _grow(self, streams: int) -> None:
        have = len(self._unsent)
        if streams > have:
            more = max(streams, 2 * have, 16) - have
            self._of = join([self._of, _empty(more)])
            self._unsent = np.pad(self._unsent, (0, more))


def _by_minute(rows: Summaries) -> Summaries:
    """One summary for each minute and stream, in this order; of equal statistics the first is greatest."""
    minutes = rows.time_ns // MINUTE_NS
    keys = ((minutes - minutes[0]) << _NUMBER_BITS) | rows.number
    order = np.argsort(keys, kind="stable")
    starts = group_starts(keys[order])
    ends = np.append(starts[1:], len(keys))
    statistic = rows.statistic[order]
    greatest = np.maximum.reduceat(statistic, starts)
    where = np.flatnonzero(statistic == np.repeat(greatest, ends - starts))
    best = order[where[np.searchsorted(where, starts)]]
    last = order[ends - 1]
    return Summaries(
        minutes[last] * MINUTE_NS,
        rows.number[last],
        rows.n[last],
        rows.last[last],
        greatest,
        rows.threshold[best],
        rows.direction[best],
    )


def _empty(streams: int) -> Summaries:
    return Summaries(
        np.full(streams, -1, np.int64),
        np.zeros(streams, np.int64),
        np.zeros(streams, np.int64),
        np.zeros(streams),
        np.zeros(streams),
        np.zeros(streams),
        np.zeros(streams, np.int8),
    )


def direction_name(direction: int) -> str:
    """As in ClickHouse and alerts; "" where nothing reached its threshold."""
    return "" if direction == Direction.NONE else Direction(direction).name.lower()


_DIRECTIONS = tuple(direction_name(direction) for direction in Direction)


def build_readings(minutes: list[Summaries], alarms: Summaries, streams: list[Stream]) -> pa.RecordBatch:
    """A batch of kind READINGS: minutes, then alarms, which carry the moment instead of the minute.

    Args:
        minutes: summaries of minutes.
        alarms: summaries of the single observations at which an alarm was raised.
        streams: by number.
    """
    rows = join([*minutes, alarms])
    about = [streams[number] for number in rows.number.tolist()]
    count = len(about)
    columns: dict[str, pa.Array] = {
        "time": pa.array(rows.time_ns).cast(TIME),
        "agent_name": pa.array([stream.agent_name for stream in about], pa.string()),
        "step_name": pa.array([stream.step_name for stream in about], pa.string()),
        "signal": pa.array([stream.signal.name for stream in about], pa.string()),
        "alarm": pa.array(np.arange(count) >= count - len(alarms.number)),
        "n": pa.array(rows.n),
        # The number of a name says nothing.
        "last": pa.array(rows.last, mask=np.array([stream.signal.nature is Nature.MIX for stream in about])),
        "statistic": pa.array(rows.statistic),
        "threshold": pa.array(rows.threshold),
        "direction": pa.array([_DIRECTIONS[d] for d in rows.direction.tolist()], pa.string()),
        "detector": pa.array([stream.signal.nature.value for stream in about], pa.string()),
    }
    return make_batch(Kind.READINGS, columns)
