"""What do the detectors say to a frame? Values in, readings and incidents out.

One engine, CSR, takes the three signals of all streams in one call a frame: row by row, and within a row in
the order of `SIGNALS`. Streams do not touch each other, so this order decides nothing but the order in which
things are told.
"""

from collections import Counter
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa

from detectors.contract import (
    Direction,
    IncidentKind,
    Incidents,
    Phase,
    Readings,
    Snapshot,
    SnapshotMismatch,
)
from detectors.csr import Csr, CsrParameters
from schemas.alert import Alert
from streams.drift.incidents import Incident, IncidentBook, build_incidents, make_alert
from streams.drift.minutes import Minutes, Summaries, build_readings, observed
from streams.drift.params import Params
from streams.drift.signals import is_first, is_late, values_of
from streams.drift.summaries import Levels
from streams.drift.table import UNWATCHED, StreamTable
from streams.state.snapshots import Arrays
from streams.windows.labels import Labels
from streams.windows.sums import Flags, Ints, integers


@dataclass
class Found:
    """What is to be sent; a batch is None when there is nothing."""

    readings: pa.RecordBatch | None = None
    incidents: pa.RecordBatch | None = None
    alerts: list[Alert] = field(default_factory=list)


class WatchState(msgspec.Struct, array_like=True):
    """What a snapshot keeps of `Watch` beside arrays."""

    latest_ns: int
    minute_ns: int
    pairs: list[tuple[str, ...]]
    slots: list[tuple[int, str]]
    incidents: list[tuple[int, Incident, Levels]]
    passed_over: dict[str, int]


class Watch:
    """Detectors of one partition. State: the engine, names of streams, open minutes and incidents, counts."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._detector = Csr(CsrParameters(threshold=params.detector_arl))
        self._table = StreamTable(params.namespace, params.pairs)
        self._minutes = Minutes()
        self._book = IncidentBook(params.namespace)
        self._latest_ns = 0
        self._restarted: list[int] = []
        # Rows that no detector saw, by reason; whoever reports them clears them.
        self.passed_over: Counter[str] = Counter()

    def state(self) -> tuple[WatchState, Snapshot, Arrays]:
        """For a snapshot: what is not an array, the detector, and the open minute."""
        pairs, slots = self._table.state()
        minute_ns, minutes = self._minutes.state()
        about = WatchState(
            self._latest_ns, minute_ns, pairs, slots, self._book.state(), dict(self.passed_over)
        )
        return about, self._detector.snapshot(), minutes

    def load(self, about: WatchState, detector: Snapshot, minutes: Arrays) -> int:
        """Go on from `state`.

        Returns:
            How many streams start anew, because their threshold or the detector is not what it was.
        """
        self._latest_ns = about.latest_ns
        self._minutes.load(about.minute_ns, minutes)
        self._table.load(about.pairs, about.slots)
        self._book.load(about.incidents)
        self.passed_over = Counter(about.passed_over)
        self._restarted = self._load_detector(detector)
        return len(self._restarted)

    def _load_detector(self, snapshot: Snapshot) -> list[int]:
        """The slots whose streams start anew."""
        count = len(self._table.streams)
        slots = np.arange(count, dtype=np.int32)
        try:
            self._detector.restore(snapshot)
        except SnapshotMismatch:
            self._detector = Csr(CsrParameters(threshold=self._params.detector_arl))
            self._detector.add(self._table.ids())
            return list(range(count))
        changed = slots[self._detector.thresholds(slots) != self._params.detector_arl]
        if len(changed):
            self._detector.restart(changed)
        return [int(slot) for slot in changed]

    def close_restarted(self, now_ns: int) -> pa.RecordBatch | None:
        """Incidents whose streams have started anew since the restore, closed; None if there are none."""
        if not self._restarted:
            return None
        over = self._book.abandon(self._restarted, now_ns)
        self._restarted = []
        return build_incidents(over) if over else None

    @property
    def streams(self) -> int:
        """Streams that are watched."""
        return len(self._table.streams)

    @property
    def open_incidents(self) -> int:
        """Incidents that are not over."""
        return len(self._book)

    def advance(self, clock_ns: int) -> Found:
        """Move the broker's clock: a minute may be over. The event clock moves with rows alone."""
        return self._found(self._minutes.advance(clock_ns))

    def flush(self) -> Found:
        """The open minute as it stands."""
        return self._found(self._minutes.flush())

    def take(
        self, batch: pa.RecordBatch, labels: dict[str, Labels], clock_ns: int, *, event_clock: bool
    ) -> Found:
        """Take a frame of kind SIGNALS with at least one row.

        Args:
            batch: the frame.
            labels: its columns `agent_name` and `step_name`, encoded.
            clock_ns: of the frame.
            event_clock: `now` of a row is the greatest `time` up to it, instead of `clock_ns`; nothing is
                late.
        """
        now_ns = self._now(batch, clock_ns, event_clock)
        values, has = values_of(batch)
        pairs = self._table.pairs_of(labels["agent_name"], labels["step_name"])
        has &= self._seen(batch, pairs, event_clock)[:, None]
        slots = self._table.slots_of(pairs, has, self._detector)
        now_ns = np.broadcast_to(now_ns[:, None], has.shape)[has]
        readings = self._detector.update(slots, values[has])
        rows = observed(now_ns, slots, values[has], readings)
        over = self._minutes.add(rows)
        found = self._found(over, rows.take(readings.alarm))
        changed: list[Incident] = []
        for event in range(len(readings.incidents.row)):
            changed += self._change(readings, event, int(now_ns[readings.incidents.row[event]]), found)
        found.incidents = build_incidents(changed) if changed else None
        return found

    def _now(self, batch: pa.RecordBatch, clock_ns: int, event_clock: bool) -> Ints:
        if not event_clock:
            return np.full(batch.num_rows, clock_ns, np.int64)
        now_ns = np.maximum(np.maximum.accumulate(integers(batch.column("time"))), self._latest_ns)
        self._latest_ns = int(now_ns[-1])
        return now_ns

    def _seen(self, batch: pa.RecordBatch, pairs: Ints, event_clock: bool) -> Flags:
        """Rows that the detectors see; the others are counted."""
        corrects = ~is_first(batch)
        late = np.zeros(len(pairs), np.bool_) if event_clock else is_late(batch, self._params.late_ns)
        unwatched = pairs == UNWATCHED
        self.passed_over["late"] += int((late & ~corrects).sum())
        self.passed_over["unwatched"] += int((unwatched & ~corrects & ~late).sum())
        seen: Flags = ~(corrects | late | unwatched)
        return seen

    def _found(self, minutes: list[Summaries], alarms: Summaries | None = None) -> Found:
        some = alarms is not None and len(alarms.slot) > 0
        if not minutes and not some:
            return Found()
        if alarms is None:
            alarms = minutes[0].take(slice(0))
        return Found(build_readings(minutes, alarms, self._table.streams))

    def _change(self, readings: Readings, event: int, now_ns: int, found: Found) -> list[Incident]:
        """The states that an incident goes through at one event; alerts go into `found`."""
        incidents = readings.incidents
        slot, row = int(incidents.slot[event]), int(incidents.row[event])
        stream = self._table.streams[slot]
        kind = IncidentKind(int(incidents.kind[event]))
        direction = Direction(int(incidents.direction[event]))
        reference, current = _levels(incidents, event)
        if kind is IncidentKind.OPENED:
            opened = self._book.open(
                slot,
                stream,
                now_ns=now_ns,
                n=int(readings.n[row]),
                direction=direction,
                statistic=float(incidents.statistic[event]),
                threshold=float(incidents.threshold[event]),
                reference=reference,
            )
            return [opened]
        states = []
        if kind is IncidentKind.CONFIRMED:
            states.append(self._book.confirm(slot, stream, direction, reference, current))
        if kind is not IncidentKind.CONFIRMED or readings.phase[row] == Phase.ARMED:
            states.append(self._book.close(slot, stream, now_ns, direction, current))
        alerts = [make_alert(state, self._params.namespace, now_ns) for state in states]
        found.alerts += [alert for alert in alerts if alert is not None]
        return states


def _levels(incidents: Incidents, event: int) -> tuple[Levels, Levels]:
    reference = incidents.reference[event].tolist()
    current = incidents.current[event].tolist()
    return (reference[0], reference[1], reference[2]), (current[0], current[1], current[2])
