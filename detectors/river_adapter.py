"""May one of river's drift detectors watch a stream instead? An adapter, opt-in.

Each stream gets a river object of its own, made by a callable; what it lacks is put in front of it:

- nan and infinity are counted and kept away (one of them blinds ADWIN and Page-Hinkley for ever);
- the first W values are kept, and with ``scaled`` every value v, those too, goes in as (v - median) / sd, sd
  being half the distance of the 84 % from the 16 % quantile of the W. ADWIN's second threshold term carries
  the unit of the data: one sd is found after 48 observations where the sd is 1, never where it is .001.

river tells yes or no, so the statistic is 1 or 0 and the threshold 1. Nothing is promised of false alarms,
and there is no judge: an incident is opened at the detection, W further values are kept, and then it is
confirmed whatever they are, and a new object begins with a new scale. The direction, that of the median, is
known from then on. One update costs microseconds of Python. A detector with randomness in it (KSWIN) needs a
fixed seed, or a replay is another one.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

from detectors.contract import NO_CODE, Direction, Phase, Snapshot, SnapshotMismatch
from detectors.incidents import Change
from detectors.intervals import Level
from detectors.levels import sample_quantile
from detectors.parameters import Parameters
from detectors.rows import FULL, REACHED, Rows
from detectors.slots import SlotDetector
from detectors.snapshots import load_array
from detectors.state import Layout, floats

VERSION = 1
MakeDetector = Callable[[], Any]
"""Makes one of ``river.drift``'s detectors, always with the same settings."""


class RiverDetector(SlotDetector):
    """One of river's detectors for each of many streams; implements ``Detector``.

    >>> from detectors.contract import IncidentKind
    >>> detector = RiverDetector(ADWIN)
    >>> slots = detector.add(np.array([7], np.uint64))
    >>> dollars = np.concatenate([np.arange(500.0) % 10, np.arange(200.0) % 10 + 5]) * 1e-4
    >>> incidents = detector.update(slots.repeat(700), dollars).incidents
    >>> incidents.row.tolist(), [IncidentKind(k).name for k in incidents.kind]
    ([543, 643], ['OPENED', 'CONFIRMED'])
    """

    def __init__(self, make: MakeDetector, *, scaled: bool = True, warm_up: int = 100) -> None:
        """
        Args:
            make: see ``MakeDetector``.
            scaled: False for those that take 0 and 1 (DDM, EDDM, HDDM, FHDDM).
            warm_up: W, at least 10.
        """
        if warm_up < 10:
            raise ValueError(f"warm_up must be at least 10, not {warm_up}")
        self.layout = Layout(block=warm_up, evidence=1, codes=0)
        super().__init__(Parameters(threshold=1.0, warm_up=warm_up), "numpy")
        self._make = make
        self._scaled = scaled
        self._objects: dict[int, Any] = {}

    def add(
        self, stream_ids: NDArray[np.uint64], thresholds: NDArray[np.float64] | None = None
    ) -> NDArray[np.int32]:
        """See ``Detector.add``. Raises ``ValueError`` for thresholds: river's detectors have none."""
        if thresholds is not None:
            raise ValueError("river's detectors have no threshold: give their settings where they are made")
        return super().add(stream_ids)

    def retire(self, slots: NDArray[np.int32]) -> None:
        """See ``Detector.retire``."""
        super().retire(slots)
        for slot in slots.tolist():
            self._objects.pop(slot, None)

    def settle(self, block: NDArray[np.int32]) -> None:
        """See ``incidents.Reference``; the values themselves are kept."""

    def stake(self, block: NDArray[np.int32], evidence: NDArray[np.float32], amount: float) -> None:
        """See ``incidents.Reference``; river tells no evidence."""

    def suspect(
        self,
        block: NDArray[np.int32],  # noqa: ARG002 - of the protocol
        evidence: NDArray[np.float32],  # noqa: ARG002 - of the protocol
        value: float,  # noqa: ARG002 - of the protocol
    ) -> Change:
        """See ``incidents.Reference``; river does not say what moved."""
        return Change(Direction.NONE, NO_CODE)

    def contrast(
        self,
        old: NDArray[np.int32],
        new: NDArray[np.int32],
        evidence: NDArray[np.float32],  # noqa: ARG002 - of the protocol
        taken: tuple[int, int],  # noqa: ARG002 - of the protocol
    ) -> Change:
        """See ``incidents.Reference``; of two medians the greater one."""
        before, after = (sample_quantile(floats(block), 0.5).level for block in (old, new))
        if before == after:
            return Change(Direction.NONE, NO_CODE)
        return Change(Direction.UP if after > before else Direction.DOWN, NO_CODE)

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:  # noqa: ARG002
        """See ``incidents.Reference``; the median of the W values kept."""
        return sample_quantile(floats(block)[: min(taken, self.warm_up)], 0.5)

    def snapshot(self) -> Snapshot:
        """The whole state as copies of arrays; river's objects are pickled into one of bytes."""
        pickled = [self._pickled(slot) for slot in range(self._used)]
        ends = np.cumsum([len(one) for one in pickled], dtype=np.int64)
        joined = np.frombuffer(b"".join(pickled), np.uint8).copy()
        return {**super().snapshot(), "objects": joined, "object_ends": ends}

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state by a snapshot's; see ``SlotDetector.restore``.

        Of what is pickled only classes of river's detectors and their parts are loaded.

        Raises:
            SnapshotMismatch: it was taken under other settings of river's detector, or is not whole.
        """
        joined = load_array(snapshot, "objects", np.empty(0, np.uint8)).tobytes()
        ends = load_array(snapshot, "object_ends", np.empty(0, np.int64)).tolist()
        starts = [0, *ends[:-1]]
        objects = {
            slot: _unpickle(joined[start:end])
            for slot, (start, end) in enumerate(zip(starts, ends, strict=True))
            if end > start
        }
        super().restore(snapshot)
        self._objects = objects

    def _pickled(self, slot: int) -> bytes:
        return pickle.dumps(self._objects[slot], protocol=2) if slot in self._objects else b""

    def _take_compiled(self, rows: Rows, start: int) -> int:
        for row in range(start, len(rows.slot)):
            if self._take(rows, row):
                return row
        return len(rows.slot)

    def _take_round(self, rows: Rows, group: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([row for row in group.tolist() if self._take(rows, row)], np.int64)

    def _take(self, rows: Rows, row: int) -> bool:
        """Whether something rare happens at this row; its ``flag`` says what."""
        streams, slot, value = self._streams, int(rows.slot[row]), float(rows.value[row])
        rows.threshold[row] = 1.0
        rows.phase[row] = streams.phase[slot]
        if np.isfinite(value):
            streams.seen[slot] += 1
            rows.flag[row] = self._take_value(slot, value)
        else:
            streams.refused[slot] += 1
        rows.n[row] = streams.seen[slot]
        rows.statistic[row] = float(rows.flag[row] & REACHED > 0)
        return bool(rows.flag[row])

    def _take_value(self, slot: int, value: float) -> int:
        streams, side = self._streams, self._incidents.engines.arrays
        if streams.phase[slot] == Phase.ARMED:
            if slot not in self._objects:
                self._objects[slot] = self._begin(floats(streams.block[slot]))
            detected = self._feed(self._objects[slot], floats(streams.block[slot]), value)
            if detected:
                del self._objects[slot]
            return REACHED if detected else 0
        if streams.phase[slot] == Phase.OPEN:
            engine = streams.side[slot]
            # There is no second opinion: full is confirmed.
            return (FULL | REACHED) if self._keep(side.block[engine], side.taken, int(engine), value) else 0
        return FULL if self._keep(streams.block[slot], streams.taken, slot, value) else 0

    def _keep(self, block: NDArray[np.int32], taken: NDArray[np.int32], place: int, value: float) -> bool:
        """Keep one of the W values; whether it is the last of them."""
        greatest = float(np.finfo(np.float32).max)
        floats(block)[taken[place]] = min(max(value, -greatest), greatest)
        taken[place] += 1
        return bool(taken[place] == self.warm_up)

    def _begin(self, kept: NDArray[np.float32]) -> Any:
        """An object that has seen the values kept."""
        made = self._make()
        for value in kept.tolist():
            self._feed(made, kept, value)
        return made

    def _feed(self, made: Any, kept: NDArray[np.float32], value: float) -> bool:
        if self._scaled:
            middle, sd = _scale_of(kept)
            value = (value - middle) / sd
        made.update(value)
        return bool(made.drift_detected)

    def _version(self) -> tuple[int, int]:
        return VERSION + self._scaled, crc32(pickle.dumps(self._make(), protocol=2))


def make_adwin(delta: float = 0.002, *, warm_up: int = 100) -> RiverDetector:
    """ADWIN with scaled values (A. Bifet, R. Gavalda, SIAM Data Mining 2007).

    Args:
        delta: ADWIN's confidence; smaller finds later and errs less often. It is no false-alarm rate: on
            unchanged AR(.9) river's default raises 63 alarms per 10,000 observations.
        warm_up: see ``RiverDetector``.
    """
    return RiverDetector(lambda: ADWIN(delta=delta), warm_up=warm_up)  # type: ignore[no-untyped-call]  # river's


def _scale_of(kept: NDArray[np.float32]) -> tuple[float, float]:
    """Median and sd; of values that hardly differ half their range, of one value 1."""
    ordered = np.sort(kept).astype(np.float64)
    low, middle, high = (float(ordered[int(share * len(ordered))]) for share in (0.16, 0.5, 0.84))
    sd = (high - low) / 2 or float(ordered[-1] - ordered[0]) / 2 or 1.0
    return middle, sd


_PARTS = {
    ("collections", "deque"),
    ("random", "Random"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "scalar"),
    ("_codecs", "encode"),
}
_RIVERS = ("river.drift.", "river.stats.", "river._river_rust.")


class _OnlyRiver(pickle.Unpickler):
    """A snapshot comes from outside the process: what it names must be a part of river's detectors."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("__builtin__", "getattr"):
            return _method_of
        if (module, name) in _PARTS:
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.startswith(_RIVERS) else None
        if not isinstance(found, type):
            raise SnapshotMismatch(
                f"the snapshot names {module}.{name}, which is no part of a river detector"
            )
        return found


def _method_of(made: object, name: str) -> Any:
    """A detector keeps a reference to a method of its own; nothing else is looked up for a snapshot."""
    if not type(made).__module__.startswith("river.drift.") or name.startswith("__"):
        raise SnapshotMismatch(f"the snapshot asks for {name!r} of what is no river detector")
    return getattr(made, name)


def _unpickle(data: bytes) -> Any:
    try:
        return _OnlyRiver(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, EOFError, IndexError, AttributeError) as error:
        raise SnapshotMismatch("the snapshot's river detectors are not whole") from error
