"""What do the detectors say to a frame? Values in, readings and incidents out.

The signals of all streams are taken in one call a frame: row by row, and within a row in the order of
`SIGNALS`. Streams do not touch each other, so this order decides nothing but the order in which things are
told.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from detectors.contract import Direction, IncidentKind, Phase, Readings, Snapshot
from schemas.alert import Alert
from streams.drift.detectors import Detectors, New
from streams.drift.incidents import Incident, IncidentBook, Told, build_incidents, first_seen, make_alert
from streams.drift.minutes import Minutes, Summaries, build_readings, observed
from streams.drift.names import Names, Newcomers, News
from streams.drift.params import Params
from streams.drift.seasons import Seasons, hours_of
from streams.drift.signals import (
    ONCE_A_RUN,
    SIGNALS,
    Floats,
    Nature,
    is_closing,
    is_first,
    is_late,
    names_in,
    values_of,
)
from streams.drift.summaries import Levels
from streams.drift.table import UNWATCHED, Stream, StreamTable, watched
from streams.drift.thinning import Thinning
from streams.state.snapshots import Arrays
from streams.windows.labels import Labels
from streams.windows.sums import Flags, Ints, integers

# What is told of an incident whose opening was not, since its stream was not listened to yet.
_BEGINNINGS = (IncidentKind.CONTINUED, IncidentKind.CONFIRMED)
_SETTLES = (IncidentKind.CONFIRMED, IncidentKind.REBASED)
_RESTARTED = "the stream starts anew under other parameters"
_SUCCEEDED = "from now on it is watched by the hour of the day"
_MIXES = [place for place, signal in enumerate(SIGNALS) if signal.nature is Nature.MIX]
_ANNOUNCED = np.array([signal.announced for signal in SIGNALS])


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
    segments: list[tuple[str, ...]]
    streams: list[tuple[int, str]]
    incidents: list[tuple[int, Incident, Levels]]
    passed_over: dict[str, int]
    # Pairs of a stream's number and its names; `processor` turns those of older versions into these.
    names: list[Any] = []
    restarted: list[int] = []


class Watch:
    """Detectors of one partition.

    State: the detectors, names of streams and values, open minutes and incidents, counts.
    """

    def __init__(self, params: Params) -> None:
        self._params = params
        self._detectors = Detectors()
        self._table = StreamTable(params.namespace, params.segments, params.agent_segments)
        self._names = Names(params.names, params.stream_names)
        self._newcomers = Newcomers(params.first_values, params.first_values_daily)
        self._minutes = Minutes()
        self._book = IncidentBook(params.namespace)
        self._seasons = Seasons()
        self._thinning = Thinning(params.run_spacing_ns, params.run_segments)
        self._latest_ns = 0
        self._restarted: list[int] = []
        # Rows that no detector saw, by reason; whoever reports them clears them.
        self.passed_over: Counter[str] = Counter()

    def state(self) -> tuple[WatchState, Snapshot, Arrays]:
        """For a snapshot: what is not an array, the detectors, and the open minute."""
        self._forget_settled()
        segments, streams = self._table.state()
        minute_ns, minutes = self._minutes.state()
        about = WatchState(
            self._latest_ns,
            minute_ns,
            segments,
            streams,
            self._book.state(),
            dict(self.passed_over),
            self._names.state(),
            self._restarted,
        )
        others = self._newcomers.state() | self._seasons.state() | self._thinning.state()
        return about, self._detectors.snapshot() | others, minutes

    def load(self, about: WatchState, detectors: Snapshot, minutes: Arrays) -> int:
        """Go on from `state`.

        Returns:
            How many streams start anew, because their threshold or the detector is not what it was.
        """
        self._latest_ns = about.latest_ns
        self._minutes.load(about.minute_ns, minutes)
        self._table.load(about.segments, about.streams)
        self._book.load(about.incidents)
        self._names.load(about.names)
        self._newcomers.load(detectors)
        self._seasons.load(detectors)
        self._thinning.load(detectors)
        self.passed_over = Counter(about.passed_over)
        anew = self._detectors.restore(detectors, [self._new(s) for s in self._table.streams])
        self._seasons.restart(anew)
        self._restarted = sorted({*about.restarted, *anew})
        return len(anew)

    def _forget_settled(self) -> None:
        """Incidents that are over and will not be continued; it changes nothing of what will be told."""
        over = np.array(self._book.over(), np.int64)
        self._book.forget(over[~self._detectors.settling(over)].tolist())

    def _new(self, stream: Stream) -> New:
        threshold = max(self._params.detector_arl / stream.signal.budget, 1.0)
        return New(self._table.id_of(stream), stream.signal.nature, threshold)

    def close_restarted(self, now_ns: int) -> pa.RecordBatch | None:
        """Incidents whose streams have started anew since the restore, closed; None if there are none."""
        if not self._restarted:
            return None
        over = self._book.abandon(self._restarted, now_ns, _RESTARTED)
        self._restarted = []
        return build_incidents(over) if over else None

    @property
    def streams(self) -> int:
        """Streams that are watched."""
        return len(self._table.streams)

    @property
    def folded_names(self) -> int:
        """Values since the process began whose names were one too many: they are watched as `other`."""
        return self._names.folded

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
        segments = self._table.segments_of(labels["agent_name"], labels["step_name"], ~is_closing(batch))
        values, has = values_of(batch, self._seen(batch, segments, event_clock)[:, None] & watched(segments))
        some = (has & ONCE_A_RUN).any(axis=1)
        taken = self._thinning.look(batch.column("run_id"), segments[:, 0], some, now_ns)
        has &= taken[:, None] | ~ONCE_A_RUN
        numbers, new = self._table.numbers_of(segments, has)
        self._detectors.add([self._new(self._table.streams[number]) for number in new])
        taken, told = self._seasons.look(has, numbers, now_ns)
        row, place = np.nonzero(has)
        succeeded = numbers[~taken], now_ns[row[~taken]]
        row, place, numbers, told = row[taken], place[taken], numbers[taken], told[taken]
        seen, now_ns = values[row, place], now_ns[row]
        self._name(batch, row, place, numbers, seen)
        hours = hours_of(integers(batch.column("time")))[row]
        readings = self._detectors.update(numbers, seen, hours)
        rows = observed(now_ns, numbers, seen, readings)
        found = self._found(self._minutes.add(rows.take(told)), rows.take(readings.alarm & told))
        news = self._newcomers.look(numbers, seen, readings.phase, _ANNOUNCED[place], now_ns)
        changed = [self._announce(one, readings, now_ns, found) for one in news]
        for event, at in enumerate(readings.incidents.row.tolist()):
            if told[at]:
                changed += self._change(readings, event, int(now_ns[at]), found)
            else:
                changed += self._confirm_plain(readings, event, int(now_ns[at]), found)
        changed += self._succeed(*succeeded)
        found.incidents = build_incidents(changed) if changed else None
        return found

    def _now(self, batch: pa.RecordBatch, clock_ns: int, event_clock: bool) -> Ints:
        if not event_clock:
            return np.full(batch.num_rows, clock_ns, np.int64)
        now_ns = np.maximum(np.maximum.accumulate(integers(batch.column("time"))), self._latest_ns)
        self._latest_ns = int(now_ns[-1])
        return now_ns

    def _seen(self, batch: pa.RecordBatch, segments: Ints, event_clock: bool) -> Flags:
        """Rows that the detectors see; the others are counted."""
        closing = is_closing(batch)
        corrects = ~(is_first(batch) | closing)
        late = np.zeros(len(closing), np.bool_) if event_clock else is_late(batch, self._params.late_ns)
        unwatched = np.where(closing, segments[:, 1], segments[:, 0]) == UNWATCHED
        self.passed_over["late"] += int((late & ~corrects).sum())
        self.passed_over["unwatched"] += int((unwatched & ~corrects & ~late).sum())
        seen: Flags = ~(corrects | late)
        return seen

    def _found(self, minutes: list[Summaries], alarms: Summaries | None = None) -> Found:
        some = alarms is not None and len(alarms.number) > 0
        if not minutes and not some:
            return Found()
        if alarms is None:
            alarms = minutes[0].take(slice(0))
        return Found(build_readings(minutes, alarms, self._table.streams))

    def _announce(self, news: News, readings: Readings, now_ns: Ints, found: Found) -> Incident:
        """A value that its stream had never seen; the alert goes into `found`."""
        stream, name = self._table.streams[news.number], self._names.name(news.number, news.code)
        at_ns = int(now_ns[news.row])
        incident = first_seen(self._params.namespace, stream, name, int(readings.n[news.row]), at_ns)
        self._alert(incident, at_ns, found)
        return incident

    def _change(self, readings: Readings, event: int, now_ns: int, found: Found) -> list[Incident]:
        """The states that an incident goes through at one event; alerts go into `found`."""
        incidents = readings.incidents
        number, row = int(incidents.slot[event]), int(incidents.row[event])
        stream = self._table.streams[number]
        kind = IncidentKind(int(incidents.kind[event]))
        told, known, states = self._told(readings, event), number in self._book, []
        if kind is IncidentKind.OPENED or (not known and kind in _BEGINNINGS):
            states.append(self._open(readings, event, stream, told, now_ns))
        elif not known:
            return []
        elif kind is IncidentKind.CONTINUED:
            states += self._book.resume(number, stream, told)
        elif kind is IncidentKind.CLOSED:
            states += self._book.close(number, stream, told, now_ns)
        if kind is IncidentKind.CONFIRMED:
            states += self._book.confirm(number, stream, told, now_ns)
        if kind in _SETTLES and readings.phase[row] == Phase.ARMED:
            states.append(self._book.settle(number, stream, told, now_ns))
        for state in states:
            self._alert(state, now_ns, found)
        return states

    def _open(self, readings: Readings, event: int, stream: Stream, told: Told, now_ns: int) -> Incident:
        incidents = readings.incidents
        return self._book.open(
            int(incidents.slot[event]),
            stream,
            told,
            now_ns=now_ns,
            n=int(readings.n[incidents.row[event]]),
            statistic=float(incidents.statistic[event]),
            threshold=float(incidents.threshold[event]),
        )

    def _confirm_plain(self, readings: Readings, event: int, now_ns: int, found: Found) -> list[Incident]:
        """A stream that is not listened to yet has confirmed a change: so is what the other has open.

        Else a change would be told by neither if this one is listened to from the next value on.
        """
        if readings.incidents.kind[event] != IncidentKind.CONFIRMED:
            return []
        number = self._table.plain_of(int(readings.incidents.slot[event]))
        if number not in self._book:
            return []
        stream = self._table.streams[number]
        states = self._book.confirm(number, stream, self._told(readings, event), now_ns)
        for state in states:
            self._alert(state, now_ns, found)
        return states

    def _name(self, batch: pa.RecordBatch, row: Ints, place: Ints, numbers: Ints, values: Floats) -> None:
        """Put codes of names in the places of mixes' values."""
        for mix in _MIXES:
            mine = np.flatnonzero(place == mix)
            if len(mine):
                values[mine] = self._names.codes(numbers[mine], names_in(batch, row[mine], mix))

    def _succeed(self, numbers: Ints, now_ns: Ints) -> list[Incident]:
        """Incidents of streams that take no more values since others are listened to instead, over."""
        over = []
        for number, first in zip(*np.unique(numbers, return_index=True), strict=True):
            over += self._book.abandon([int(number)], int(now_ns[first]), _SUCCEEDED)
        return over

    def _told(self, readings: Readings, event: int) -> Told:
        incidents = readings.incidents
        return Told(
            Direction(int(incidents.direction[event])),
            self._names.name(int(incidents.slot[event]), int(incidents.code[event])),
            _levels(incidents.reference[event].tolist()),
            _levels(incidents.current[event].tolist()),
        )

    def _alert(self, incident: Incident, now_ns: int, found: Found) -> None:
        alert = make_alert(incident, self._params.namespace, now_ns)
        if alert is not None:
            found.alerts.append(alert)


def _levels(values: list[float]) -> Levels:
    return values[0], values[1], values[2]
