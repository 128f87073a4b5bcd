"""How does RUNS take a frame? Drop repeats, add the new to their runs, settle, close, send at the next tick.

The common case - a new, ended step that names its agent - is handled for a whole frame at once; each other
case (a second content under one id, an agent that is not known yet, a loop) costs Python for its row alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.frame import Flag, Header
from schemas.topics import RESULT_FRAMES, SIGNAL_FRAMES
from streams.runs.attribution import Attribution
from streams.runs.billing import Billing
from streams.runs.closings import build_closings
from streams.runs.contents import Contents
from streams.runs.loops import build_incidents
from streams.runs.outbox import Outbox
from streams.runs.overflow import Overflow
from streams.runs.params import SECOND_NS, Params
from streams.runs.rows import build_runs
from streams.runs.snapshot import BILLING_VERSION, STATE_VERSION, Kept, put_back, take
from streams.runs.steps import Flags, Ints, Steps, origins
from streams.runs.store import RowStore
from streams.runs.table import NO_ROW, RunTable, State
from streams.runs.watch import Watch
from streams.state.notes import build_ledger
from streams.state.processor import Note, Output, Place
from streams.state.snapshots import Parts

LEDGER_NS = 300 * SECOND_NS
_DETAILS = {
    "runs.overflowed": "steps beyond the limit of their run: in sums and windows; repeats are not known",
    "runs.closed_early": "runs that closed because too many were open; what follows opens them again",
}
# Raised when the same frames would give other outputs.
LOGIC_VERSION = 5


class RunsProcessor:
    """State of one partition of step-frames (see `streams.state.processor.Processor`)."""

    state_version = STATE_VERSION

    def __init__(self, place: Place, params: Params) -> None:
        self._place = place
        self._params = params
        self.logic = f"{LOGIC_VERSION} {msgspec.json.encode(params).decode()}"
        self._fresh()
        self._seen: dict[int, int] = {}
        self._ticked_ns = [0] * place.partitions
        self._event_clock = False
        self._now_ns = 0
        # Since the process began; no part of the state.
        self._counted = Counter[str]()

    def _fresh(self) -> None:
        """No run is known."""
        self._table = RunTable()
        self._store = RowStore()
        self._outbox = Outbox()
        self._attribution = Attribution(self._table, self._store, self._outbox)
        kept = (self._table, self._store, self._outbox, self._attribution)
        self._billing = Billing(*kept)
        self._contents = Contents(*kept, self._billing)
        self._watch = Watch(self._table, self._attribution, self._params)
        most = self._params.max_steps_per_run
        self._overflow = Overflow(self._table, self._attribution, self._outbox, most)

    def process(
        self, header: Header, rows: pa.RecordBatch | None, offset: int, clock_ns: int
    ) -> Sequence[Output | Alert]:
        self._now_ns = clock_ns
        self._event_clock = bool(header.flags & Flag.EVENT_CLOCK)
        if rows is not None and rows.num_rows:
            self._take(rows, offset)
        outputs: list[Output | Alert] = list(self._watch.alerts)
        self._watch.alerts.clear()
        if rows is None:
            outputs += self._tick(ends=bool(header.flags & Flag.END))
        return outputs

    # -- steps

    def _take(self, batch: pa.RecordBatch, offset: int) -> None:
        new = self._not_repeated(batch)
        self._counted["duplicates.origin"] += len(new) - int(new.sum())
        if not new.any():
            return
        if not new.all():
            batch = batch.filter(pa.array(new))
        steps = Steps(batch)
        slots = self._slots(steps, offset)
        if (over := self._overflow.find(steps, slots)) is not None:
            self._overflow.count(Steps(batch.filter(pa.array(over))), slots[over], self._now_ns)
            steps, slots = Steps(batch := batch.filter(pa.array(~over))), slots[~over]
        touched = np.unique(slots)
        base = self._store.add(batch, len(touched))
        for slot in touched.tolist():
            self._table.run(slot).frames.append(base)
        counted, second = self._enter(steps, slots, base)
        np.add.at(self._table.sums, slots[counted], steps.numbers[counted])
        self._touch(steps, slots, touched, base)
        self._billing.note(steps, slots, touched, second)
        self._attribution.settle(steps, slots, counted, self._now_ns)
        self._counted["duplicates.id"] += len(second)
        self._contents.decide(slots[second], base + np.array(second, np.int64), self._now_ns)
        self._watch.look(steps, slots, counted, self._now_ns, self._event_clock)

    def _not_repeated(self, batch: pa.RecordBatch) -> Flags:
        """False for what this partition has had from its source partition: INGEST's repeats, at any age."""
        sources, places = origins(batch)
        new = np.ones(len(places), np.bool_)
        for source in np.unique(sources).tolist():
            mine = sources == source
            new[mine] = places[mine] > self._seen.get(source, -1)
            self._seen[source] = max(self._seen.get(source, -1), int(places[mine].max()))
        return new

    def _slots(self, steps: Steps, offset: int) -> Ints:
        """The slot of each step's run; runs not known are opened."""
        codes = steps.run_ids.indices.to_numpy()
        names: list[str] = steps.run_ids.dictionary.to_pylist()
        first_rows = np.unique(codes, return_index=True)[1]
        found = np.empty(len(names), np.int64)
        for code, run_id in enumerate(names):
            slot = self._table.slot_of.get(run_id)
            if slot is None:
                row = int(first_rows[code])
                start_ns, append_ns = int(steps.start_ns[row]), int(steps.append_ns[row])
                slot = self._table.open(run_id, offset, start_ns, append_ns, self._now_ns)
            found[code] = slot
        slots: Ints = found[codes]
        return slots

    def _enter(self, steps: Steps, slots: Ints, base: int) -> tuple[Ints, list[int]]:
        """Enter steps into their runs.

        Returns:
            The rows that count now (new and ended), and those whose id has a content already.
        """
        counted: list[int] = []
        second: list[int] = []
        events_of = {slot: self._table.run(slot).events for slot in np.unique(slots).tolist()}
        entries = zip(steps.event_ids, slots.tolist(), steps.ended.tolist(), strict=True)
        for row, (event_id, slot, ended) in enumerate(entries):
            events = events_of[slot]
            had = events.get(event_id)
            if had is None or (ended and not had & 1):
                events[event_id] = (base + row) << 1 | ended
                if ended:
                    counted.append(row)
                if had is not None:
                    self._contents.hide_start(had >> 1, base + row)
            else:
                second.append(row)
        return np.array(counted, np.int64), second

    def _touch(self, steps: Steps, slots: Ints, touched: Ints, base: int) -> None:
        """Times, first step, root, agents; a closed run is open again."""
        table = self._table
        before = table.start_ns[touched].copy()
        np.minimum.at(table.start_ns, slots, steps.start_ns)
        np.maximum.at(table.end_ns, slots, steps.end_ns)
        np.maximum.at(table.append_ns, slots, steps.append_ns)
        if (table.start_ns[touched] <= before).any():
            for row in np.flatnonzero(steps.start_ns == table.start_ns[slots]).tolist():
                self._prefer(table.first_row, int(slots[row]), base + row)
        for row in np.flatnonzero(steps.is_root & steps.ended).tolist():
            table.root_ended[slots[row]] = 1
            self._prefer(table.root_row, int(slots[row]), base + row)
        table.seen_ns[touched] = self._now_ns
        table.state[touched] = State.OPEN
        table.dirty[touched] = 1
        self._note_agents(steps, slots)

    def _note_agents(self, steps: Steps, slots: Ints) -> None:
        agents = steps.batch.column("agent_name").dictionary_encode()
        names: list[str] = agents.dictionary.to_pylist()
        if not names:
            return
        codes = np.asarray(agents.indices.fill_null(0).to_numpy(), np.int64)
        pairs = np.unique((slots * len(names) + codes)[steps.named])
        for pair in pairs.tolist():
            self._table.run(pair // len(names)).agents[names[pair % len(names)]] = None

    def _prefer(self, column: Ints, slot: int, row: int) -> None:
        """Keep the row with the smaller (start, event id): a function of the steps, not of their order."""
        had = int(column[slot])
        if had == NO_ROW or self._order(row) < self._order(had):
            column[slot] = row

    def _order(self, row: int) -> tuple[int, str]:
        return self._store.value(row, "time"), self._store.value(row, "event_id")

    # -- snapshots

    def snapshot(self) -> Parts:
        return take(self._kept())

    def restore(self, version: int, parts: Parts) -> Sequence[Note]:
        rest = put_back(version, parts, self._kept())
        self._now_ns, self._event_clock = rest.now_ns, rest.event_clock
        self._billing.restore(anew=version < BILLING_VERSION)
        return []

    def numbers(self) -> Mapping[str, int]:
        return {
            "open_runs": int((self._table.state == State.OPEN).sum()),
            "kept_rows": self._store.rows,
            "evicted.steps": self._table.counts["runs.overflowed"],
            "evicted.runs": self._table.counts["runs.closed_early"],
            **self._counted,
        }

    def after_gap(self) -> None:
        """All runs are forgotten: their rows stand as they were sent, and what follows is a new part.

        What was seen of each source partition is still true, so INGEST's repeats are still known.
        """
        self._fresh()

    def _kept(self) -> Kept:
        return Kept(
            self._table,
            self._store,
            self._outbox,
            self._watch,
            self._seen,
            self._ticked_ns,
            self._now_ns,
            self._event_clock,
        )

    # -- ticks

    def _tick(self, *, ends: bool) -> list[Output]:
        table, now_ns = self._table, self._now_ns
        waited = now_ns - table.seen_ns
        rooted = (table.root_ended > 0) & (waited >= self._params.close_after_root_ns)
        done = ends | rooted | (waited >= self._params.close_after_silence_ns)
        done |= table.silent_longest(done, self._params.max_open_runs)
        unsure = now_ns - table.unsure_ns >= self._params.unsure_ns
        sent = now_ns - table.sent_ns >= self._params.send_every_ns
        self._billing.look(np.flatnonzero(self._billing.due(done | unsure | sent)))
        for slot in np.flatnonzero((table.state == State.OPEN) & done).tolist():
            self._close(slot)
        unsure &= table.state == State.OPEN
        for slot in np.flatnonzero(unsure).tolist():
            self._attribution.settle_unknown(slot)
        outputs = self._results(ends) + self._signals(ends)
        self._forget()
        return outputs

    def _close(self, slot: int) -> None:
        self._attribution.settle_unknown(slot)
        # The event clock leaps from block to block; the run's own end does not.
        over_ns = int(self._table.end_ns[slot]) if self._event_clock else self._now_ns
        self._watch.close(self._table.run(slot), over_ns)
        self._table.state[slot] = State.CLOSED
        self._table.closed_ns[slot] = self._now_ns
        self._table.dirty[slot] = 1
        self._table.sent_ns[slot] = 0

    def _results(self, ends: bool) -> list[Output]:
        table = self._table
        outputs = []
        corrections = self._outbox.take_corrections()
        if corrections is not None:
            self._counted["corrections.steps"] += corrections.num_rows
            outputs.append(self._result(Kind.CORRECTED_STEPS, corrections))
        due = (table.dirty > 0) & (ends | (self._now_ns - table.sent_ns >= self._params.send_every_ns))
        slots = np.flatnonzero(due)
        if len(slots):
            runs = build_runs(table, self._store, slots)
            outputs.append(self._result(Kind.RUNS, runs))
            closings = build_closings(table, self._store, slots, runs)
            if closings is not None:
                self._outbox.close(closings)
            table.dirty[slots] = 0
            table.sent_ns[slots] = self._now_ns
        outputs += self._ledger(ends)
        if self._watch.loops:
            outputs.append(self._result(Kind.INCIDENTS, build_incidents(self._watch.loops)))
            self._watch.loops.clear()
        return outputs

    def _ledger(self, ends: bool) -> list[Output]:
        """What limits did in the last five minutes of clock, if anything."""
        counts, epoch = self._table.counts, self._now_ns // LEDGER_NS
        if epoch == counts.get("ledger.epoch") and not ends:
            return []
        counts["ledger.epoch"] = epoch
        notes = []
        for entry, detail in _DETAILS.items():
            more = counts[entry] - counts.get(f"{entry}.told", 0)
            counts[f"{entry}.told"] = counts[entry]
            if more:
                notes.append(Note(entry, more, detail))
        if not notes:
            return []
        rows = build_ledger("runs", self._place.partition, self._now_ns, self._now_ns, notes)
        return [self._result(Kind.LEDGER, rows)]

    def _result(self, kind: Kind, rows: pa.RecordBatch) -> Output:
        return Output(RESULT_FRAMES, self._place.partition, kind, rows, *self._clock())

    def _signals(self, ends: bool) -> list[Output]:
        """Settled steps, and a tick to each partition that has had nothing for a second."""
        flags, clock_ns = self._clock()
        outputs = []
        for partition, rows in self._outbox.take_signals(self._place.partitions):
            outputs.append(Output(SIGNAL_FRAMES, partition, Kind.SIGNALS, rows, flags, clock_ns))
            self._ticked_ns[partition] = self._now_ns
        for partition, ticked_ns in enumerate(self._ticked_ns):
            if ends or self._now_ns - ticked_ns >= SECOND_NS:
                mark = flags | Flag.END if ends else flags
                outputs.append(Output(SIGNAL_FRAMES, partition, Kind.TICK, None, mark, clock_ns))
                self._ticked_ns[partition] = self._now_ns
        return outputs

    def _clock(self) -> tuple[Flag, int]:
        return (Flag.EVENT_CLOCK, self._now_ns) if self._event_clock else (Flag.NONE, 0)

    # -- memory

    def _forget(self) -> None:
        """Closed runs go after 30 min of clock, or when too many rows are kept.

        With the event clock, rows alone decide: its time leaps, and history may come twice.
        """
        table, params = self._table, self._params
        slots = np.flatnonzero(table.state == State.CLOSED)
        slots = slots[np.argsort(table.closed_ns[slots], kind="stable")]
        for slot in slots.tolist():
            old = not self._event_clock and self._now_ns - table.closed_ns[slot] >= params.remember_ns
            if not old and self._store.rows <= params.remember_rows:
                return
            self._billing.forget(slot)
            for base in table.forget(slot).frames:
                self._store.release(base)
