"""How does DRIFT take a frame? Drop repeats, move the clock, sum, watch, send what is due.

Implements `streams.state.processor.Processor` over one partition of signal-frames, which RUNS writes from
several input partitions. Outputs go to the same partition of result-frames, in one order: what the clock made
due, then readings and incidents of the frame, then alerts. Under the event clock the detectors see rows in
the order of `streams.drift.order`; windows are sums and wait for nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from detectors.contract import Phase
from schemas.alert import Alert
from schemas.columns import TIME, Kind
from schemas.frame import Flag, Header, make_batch
from schemas.topics import RESULT_FRAMES
from streams.drift.order import EventOrder
from streams.drift.params import Params
from streams.drift.signals import SIGNALS, Nature, is_closing
from streams.drift.watch import Found, Watch, WatchState
from streams.state.processor import LabelReader, LabelState, Note, Output, Place
from streams.state.snapshots import (
    Arrays,
    Parts,
    SnapshotDamaged,
    SnapshotRefused,
    read_arrays,
    read_batches,
    read_values,
    values,
)
from streams.windows.labels import Labels, encode_labels
from streams.windows.segments import SEGMENT_COLUMNS
from streams.windows.windows import Windows, WindowsState

Outputs = list[Output | Alert]

# Of what `snapshot` gives; a change comes with a migration in `restore`, and a golden snapshot.
# 2: rates, mixes and runs are watched, too. Of version 1 all streams of numbers start anew.
# 3: incidents that may be continued are kept.
# 4: names are those of a stream; hours of the day, values of runs that were taken.
# 5: rows of history wait for their turn.
STATE_VERSION = 5
# Raised when the same frames would give other outputs.
LOGIC_VERSION = 6

_DETAILS = {
    "windows.folded": "steps whose segment was one too many; they are under `other`",
    "detectors.late": "steps over an hour late, kept from the detectors",
    "detectors.unwatched": "steps and runs of a segment that was one too many to be watched",
    "detectors.unordered": "steps and runs of history that came when detectors had seen later ones",
}


class _Rest(msgspec.Struct, array_like=True):
    """What of a snapshot is no array."""

    labels: LabelState
    ended: list[int]
    windows: WindowsState
    watch: WatchState
    order: tuple[int, list[tuple[int, int, int]]] = (0, [])


class DriftProcessor:
    """State of one partition: labels, windows, detectors, and which input partitions have ended."""

    state_version = STATE_VERSION

    def __init__(self, place: Place, params: Params) -> None:
        self._place = place
        self._params = params
        self.logic = f"{LOGIC_VERSION} {msgspec.json.encode(params).decode()}"
        self._labels = LabelReader()
        self._windows = Windows(params.windows, place.partition)
        self._watch = Watch(params)
        self._order = EventOrder()
        self._ended: dict[int, None] = {}
        # For metrics, since the process began; no part of the state.
        self._skipped = 0
        self._passed = Counter[str]()

    def process(
        self,
        header: Header,
        rows: pa.RecordBatch | None,
        offset: int,  # noqa: ARG002 - of the protocol; labels tell repeats here
        clock_ns: int,
    ) -> Sequence[Output | Alert]:
        """Take one frame or tick; see `Processor`.

        Raises:
            LabelHole: frames between this one and the last are missing.
        """
        if not self._labels.is_new(header):
            self._skipped += 1
            return []
        clock = (Flag.EVENT_CLOCK, clock_ns) if header.flags & Flag.EVENT_CLOCK else (Flag.NONE, 0)
        outputs = self._result(Kind.INCIDENTS, self._watch.close_restarted(clock_ns), clock)
        outputs += self._advance(clock_ns, clock)
        if rows is not None and rows.num_rows:
            labels = {name: encode_labels(rows.column(name)) for name in SEGMENT_COLUMNS}
            self._sum(rows, labels)
            if not clock[0]:
                outputs += self._found(self._watch.take(rows, labels, clock_ns, event_clock=False), clock)
        if clock[0]:
            outputs += self._in_order(self._order.take(header, rows), clock)
            self._watch.passed_over["unordered"] += self._order.take_unordered()
        if rows is None and header.flags & Flag.END:
            outputs += self._end(header, clock)
        return outputs

    def _sum(self, rows: pa.RecordBatch, labels: dict[str, Labels]) -> None:
        """Windows are sums of steps: runs that have closed are none."""
        steps = ~is_closing(rows)
        if not steps.any():
            return
        if not steps.all():
            rows = rows.filter(pa.array(steps))
            labels = {name: Labels(label.codes[steps], label.names) for name, label in labels.items()}
        self._windows.add(rows, labels)

    def _in_order(self, rows: pa.RecordBatch | None, clock: tuple[Flag, int]) -> Outputs:
        """What the detectors say of history whose turn it is."""
        if rows is None:
            return []
        labels = {name: encode_labels(rows.column(name)) for name in SEGMENT_COLUMNS}
        return self._found(self._watch.take(rows, labels, clock[1], event_clock=True), clock)

    def snapshot(self) -> Parts:
        """See `Processor`."""
        windows, epoch = self._windows.state()
        watch, detector, minutes = self._watch.state()
        order, waiting = self._order.state()
        rest = _Rest(self._labels.state(), list(self._ended), windows, watch, order)
        arrays = {"epoch": epoch, "detector": detector, "minutes": minutes}
        return {"rest": values(rest), **arrays, "waiting": waiting}

    def restore(self, version: int, parts: Parts) -> Sequence[Note]:
        """See `Processor`."""
        if not 1 <= version <= STATE_VERSION:
            raise SnapshotRefused(
                f"The state of DRIFT has version {version}, this version of wakeline reads {STATE_VERSION}: "
                "go on with the version that wrote it"
            )
        rest = read_values(parts, "rest", _Rest)
        epoch, detector, minutes = (read_arrays(parts, name) for name in ("epoch", "detector", "minutes"))
        if version == 1:
            detector, minutes = _from_version_1(minutes)
        if version == 2:
            detector = _from_version_2(detector)
        if version < 4:
            rest.watch.names = _names_of_version_3(rest.watch)
        self._labels.restore(rest.labels)
        self._ended = dict.fromkeys(rest.ended)
        try:
            self._windows.load(rest.windows, epoch)
            restarted = self._watch.load(rest.watch, detector, minutes)
            self._order.load(rest.order, read_batches(parts, "waiting") if version >= 5 else [])
        except (KeyError, TypeError, ValueError) as error:
            raise SnapshotDamaged(f"The parts of DRIFT's state do not fit together: {error!r}") from error
        if not restarted:
            return []
        return [Note("detectors.restarted", restarted, "streams that learn anew under changed parameters")]

    def numbers(self) -> Mapping[str, int]:
        """See `Processor`."""
        passed_over = self._watch.passed_over
        return {
            "streams": self._watch.streams,
            "segments": self._windows.segments,
            "open_incidents": self._watch.open_incidents,
            "skipped": self._skipped,
            "late": self._passed["late"] + passed_over["late"],
            "evicted.unwatched": self._passed["unwatched"] + passed_over["unwatched"],
            "folded.segments": self._passed["folded"] + self._windows.folded_rows,
            "folded.names": self._watch.folded_names,
        }

    def after_gap(self) -> None:
        """Detectors go on; windows start another epoch (see `Windows.after_gap`)."""
        self._labels.after_gap()
        self._windows.after_gap()

    def _advance(self, clock_ns: int, clock: tuple[Flag, int]) -> Outputs:
        """What the clock makes due before the frame's rows are taken."""
        outputs: Outputs = []
        if self._windows.ends(clock_ns):
            outputs += self._ledger(clock)
            self._passed.update(self._watch.passed_over)
            self._passed["folded"] += self._windows.folded_rows
            self._watch.passed_over.clear()
        outputs = self._result(Kind.WINDOWS, self._windows.advance(clock_ns), clock) + outputs
        if not clock[0]:
            outputs += self._found(self._watch.advance(clock_ns), clock)
        return outputs

    def _end(self, header: Header, clock: tuple[Flag, int]) -> Outputs:
        """An input partition has ended; after the last one everything is sent as it stands.

        State stays: what may come after the end goes on in the same epoch and minute, and their rows are
        sent again, whole.
        """
        self._ended[header.partition] = None
        if len(self._ended) < header.partitions:
            return []
        self._ended.clear()
        outputs = self._in_order(self._order.end(), clock)
        outputs += self._result(Kind.WINDOWS, self._windows.flush(), clock)
        outputs += self._found(self._watch.flush(), clock)
        outputs += self._ledger(clock)
        flags, clock_ns = clock
        tick = Output(RESULT_FRAMES, self._place.partition, Kind.TICK, None, flags | Flag.END, clock_ns)
        return [*outputs, tick]

    def _found(self, found: Found, clock: tuple[Flag, int]) -> Outputs:
        outputs = self._result(Kind.READINGS, found.readings, clock)
        outputs += self._result(Kind.INCIDENTS, found.incidents, clock)
        return [*outputs, *found.alerts]

    def _ledger(self, clock: tuple[Flag, int]) -> Outputs:
        """What windows folded and detectors passed over in the epoch; a row for each, if any."""
        passed_over = self._watch.passed_over
        counts = {
            "windows.folded": self._windows.folded_rows,
            "detectors.late": passed_over["late"],
            "detectors.unwatched": passed_over["unwatched"],
            "detectors.unordered": passed_over["unordered"],
        }
        entries = {entry: count for entry, count in counts.items() if count}
        if not entries:
            return []
        start_ns, partition = self._windows.epoch_start_ns, self._place.partition
        columns: dict[str, pa.Array] = {
            "ledger_id": pa.array([f"drift.{partition}.{start_ns}.{entry}" for entry in entries]),
            "time": pa.array([start_ns] * len(entries)).cast(TIME),
            "role": pa.array(["drift"] * len(entries)),
            "entry": pa.array(list(entries)),
            "count": pa.array(list(entries.values()), pa.int64()),
            "detail": pa.array([_DETAILS[entry] for entry in entries]),
        }
        return self._result(Kind.LEDGER, make_batch(Kind.LEDGER, columns), clock)

    def _result(self, kind: Kind, rows: pa.RecordBatch | None, clock: tuple[Flag, int]) -> Outputs:
        return [] if rows is None else [Output(RESULT_FRAMES, self._place.partition, kind, rows, *clock)]


def _from_version_1(minutes: Arrays) -> tuple[Arrays, Arrays]:
    """Arrays of a state of version 1 as those of version 2.

    Its detector is not read by any other; the slots of that one detector are the numbers of streams.
    """
    renamed = {name: array for name, array in minutes.items() if name != "slot"}
    return {"seen_values": np.zeros(0, np.int64)}, renamed | {"number": minutes["slot"].astype(np.int64)}


def _from_version_2(detector: Arrays) -> Arrays:
    """Arrays of detectors of a state of version 2 as those of version 3: no incident is continued yet."""
    added: Arrays = {}
    for nature in (Nature.NUMBER, Nature.RATE, Nature.MIX):
        phase = detector[f"{nature.name.lower()}.phase"]
        added[f"{nature.name.lower()}.ended"] = np.zeros(len(phase), np.int32)
        added[f"{nature.name.lower()}.confirmed"] = phase == Phase.RELEARNING
    return detector | added


def _names_of_version_3(watch: WatchState) -> list[tuple[int, list[str]]]:
    """Names by stream: all streams had the same, the first of which stood for others."""
    mixes = {signal.key for signal in SIGNALS if signal.nature is Nature.MIX}
    return [(number, watch.names[1:]) for number, (_, key) in enumerate(watch.streams) if key in mixes]
