"""Which detector takes a value? One for each nature, each with slots of its own, as one.

The rest of DRIFT knows a stream by its number, in the order in which streams were met. The order of what is
told is that of the rows.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from detectors.binary import BinaryParameters, CsrBinary
from detectors.categorical import CategoricalParameters, CsrCategorical
from detectors.contract import Incidents, Readings, Snapshot, SnapshotMismatch
from detectors.csr import Csr, CsrParameters
from detectors.mondrian import Mondrian, MondrianParameters
from detectors.slots import SlotDetector
from streams.drift.seasons import HOURS
from streams.drift.signals import Floats, Nature
from streams.windows.sums import Flags, Ints

NATURES = tuple(Nature)


class New(NamedTuple):
    """A stream to be watched: its id, what its values are, and its threshold."""

    stream_id: int
    nature: Nature
    threshold: float


_MAKE: dict[Nature, Callable[[], SlotDetector]] = {
    Nature.NUMBER: lambda: Csr(CsrParameters()),
    Nature.RATE: lambda: CsrBinary(BinaryParameters()),
    Nature.MIX: lambda: CsrCategorical(CategoricalParameters()),
    Nature.SEASONAL: lambda: Mondrian(MondrianParameters(buckets=HOURS)),
}


class Detectors:
    """State: the detectors; of each stream its detector and slot, and the reverse."""

    def __init__(self) -> None:
        self._of = [_MAKE[nature]() for nature in NATURES]
        self._nature: Ints = np.zeros(0, np.int64)
        self._slot: Ints = np.zeros(0, np.int64)
        self._numbers: list[Ints] = [np.zeros(0, np.int64) for _ in NATURES]

    def __len__(self) -> int:
        """Streams that are watched; the next one's number."""
        return len(self._nature)

    def add(self, streams: Sequence[New]) -> None:
        """Watch these streams too; their numbers follow those there are."""
        natures = np.array([NATURES.index(stream.nature) for stream in streams], np.int64)
        slots, first = np.zeros(len(streams), np.int64), len(self)
        for place, detector in enumerate(self._of):
            mine = np.flatnonzero(natures == place)
            ids = np.array([streams[i].stream_id for i in mine.tolist()], np.uint64)
            slots[mine] = detector.add(
                ids, np.array([streams[i].threshold for i in mine.tolist()], np.float64)
            )
            self._numbers[place] = np.concatenate([self._numbers[place], first + mine])
        self._nature = np.concatenate([self._nature, natures])
        self._slot = np.concatenate([self._slot, slots])

    def update(self, numbers: Ints, values: Floats, hours: Ints) -> Readings:
        """Take values of streams in their order; slots of what is told are numbers of streams.

        Args:
            numbers, values: of the streams, and what each takes.
            hours: of the day, of each value.
        """
        count = len(numbers)
        readings = Readings(
            statistic=np.zeros(count),
            threshold=np.zeros(count),
            n=np.zeros(count, np.int64),
            alarm=np.zeros(count, np.bool_),
            direction=np.zeros(count, np.int8),
            phase=np.zeros(count, np.int8),
            incidents=_NONE,
        )
        told = []
        for place, detector in enumerate(self._of):
            rows = np.flatnonzero(self._nature[numbers] == place)
            slots = self._slot[numbers[rows]].astype(np.int32)
            if isinstance(detector, Mondrian):
                mine = detector.update(slots, values[rows], hours[rows])
            else:
                mine = detector.update(slots, values[rows])
            for name in _COLUMNS:
                getattr(readings, name)[rows] = getattr(mine, name)
            if len(mine.incidents.row):
                told.append(_renumber(mine.incidents, rows, self._numbers[place]))
        return _with_incidents(readings, told)

    def settling(self, numbers: Ints) -> Flags:
        """Whether the incident that each stream had before its open one, if any, may still be continued."""
        settling = np.zeros(len(numbers), np.bool_)
        for place, detector in enumerate(self._of):
            rows = np.flatnonzero(self._nature[numbers] == place)
            settling[rows] = detector.settling(self._slot[numbers[rows]].astype(np.int32))
        return settling

    def snapshot(self) -> Snapshot:
        """The arrays of all detectors; which streams they are of is the caller's to know."""
        return {
            f"{nature.name.lower()}.{name}": array
            for nature, detector in zip(NATURES, self._of, strict=True)
            for name, array in detector.snapshot().items()
        }

    def restore(self, snapshot: Snapshot, streams: Sequence[New]) -> list[int]:
        """Go on from a snapshot of these streams, in the order of their numbers; nothing was watched yet.

        Returns:
            Numbers of streams that start anew, since their detector or its threshold is not what it was.
        """
        self.add(streams)
        anew: list[int] = []
        for place, nature in enumerate(NATURES):
            prefix = f"{nature.name.lower()}."
            mine = {name.removeprefix(prefix): a for name, a in snapshot.items() if name.startswith(prefix)}
            anew += self._restore(place, mine, streams)
        return sorted(anew)

    def _restore(self, place: int, snapshot: Snapshot, streams: Sequence[New]) -> list[int]:
        numbers, detector = self._numbers[place], self._of[place]
        slots = self._slot[numbers].astype(np.int32)
        try:
            detector.restore(snapshot)
        except SnapshotMismatch:
            return [int(number) for number in numbers]
        wanted = np.array([streams[number].threshold for number in numbers.tolist()], np.float64)
        ids = np.array([streams[number].stream_id for number in numbers.tolist()], np.uint64)
        if not np.array_equal(detector.watched(), (slots, ids)):
            raise ValueError("the detector's streams are not those that are watched")
        changed = detector.thresholds(slots) != wanted
        if changed.any():
            detector.restart(slots[changed], wanted[changed])
        return [int(number) for number in numbers[changed]]


_COLUMNS = ("statistic", "threshold", "n", "alarm", "direction", "phase")
_NONE = Csr(engine="numpy").update(np.zeros(0, np.int32), np.zeros(0)).incidents


def _renumber(incidents: Incidents, rows: Ints, numbers: Ints) -> Incidents:
    """With rows of the whole batch, and numbers of streams for slots."""
    columns = {name: getattr(incidents, name) for name in Incidents.__slots__}
    columns["row"] = rows[incidents.row]
    columns["slot"] = numbers[incidents.slot].astype(np.int32)
    return Incidents(**columns)


def _with_incidents(readings: Readings, told: list[Incidents]) -> Readings:
    if not told:
        return readings
    order = np.argsort(np.concatenate([part.row for part in told]), kind="stable")
    joined = Incidents(
        **{
            name: np.concatenate([getattr(part, name) for part in told])[order]
            for name in Incidents.__slots__
        }
    )
    columns = {name: getattr(readings, name) for name in _COLUMNS}
    return Readings(**columns, incidents=joined)
