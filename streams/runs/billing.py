"""Which steps' usage counts by now, and what has to be sent where that changes?

A run is looked at again, whole, when it may hold a call that is told of twice (see `leaf_billing`) and
something of it has changed: most runs never are. Steps with usage of such a run are held until it was
looked at, so that a detector does not take an agent's sum for a call. That is at the next tick; of a run of
more than 2,000 steps when it is sent or closes.
"""

import numpy as np
import pyarrow as pa

from schemas.columns import CostStatus
from streams.runs.attribution import Attribution
from streams.runs.gathered import gather, statuses
from streams.runs.leaf_billing import COLUMNS, verdicts
from streams.runs.outbox import Outbox
from streams.runs.steps import (
    NUMBER_COLUMNS,
    Flags,
    Ints,
    Steps,
    as_flags,
    as_ints,
    billed_numbers,
    is_unbilled,
)
from streams.runs.store import RowStore
from streams.runs.table import SUM_OF, Run, RunTable

# Looking costs 2 us a step: at each tick that would be paid again and again.
MAX_STEPS_A_TICK = 2_000


# What is known of a step: it has usage; another step names it as its parent.
_USAGE, _PARENT = 1, 2


class _Known:
    """What tells that a call of a run may be told of twice; made anew after a restore.

    Dictionaries of texts and numbers alone: the garbage collector passes over them.
    """

    def __init__(self) -> None:
        self._steps: dict[int, dict[str, int]] = {}
        self._answers: dict[int, dict[str, str]] = {}

    def of(self, slot: int) -> dict[str, int]:
        """What is known of the steps of a run."""
        return self._steps.setdefault(slot, {})

    def call(self, slot: int, event_id: str, answer: str | None) -> bool:
        """Enter the response id of a call; whether another call of the run has it."""
        if not answer:
            return False
        return self._answers.setdefault(slot, {}).setdefault(answer, event_id) != event_id

    def forget(self, slot: int) -> None:
        self._steps.pop(slot, None)
        self._answers.pop(slot, None)


def _enter(steps: dict[str, int], event_id: str, parent_id: str | None, has_usage: bool) -> bool:
    """Enter a step; whether it is a call above or below another step that may be one."""
    above = 0
    if parent_id:
        above = steps.get(parent_id, 0)
        steps[parent_id] = above | _PARENT
    if not has_usage:
        return above & _USAGE > 0
    own = steps.get(event_id, 0)
    steps[event_id] = own | _USAGE
    return (above & _USAGE) | (own & _PARENT) > 0


class Billing:
    """Keeps `Run.billing` right, and the sums, signals and rows that depend on it."""

    def __init__(self, table: RunTable, store: RowStore, outbox: Outbox, attribution: Attribution) -> None:
        self._table = table
        self._store = store
        self._outbox = outbox
        self._attribution = attribution
        self._known = _Known()

    def note(self, steps: Steps, slots: Ints, touched: Ints, second: list[int]) -> None:
        """Take the steps of a frame, before they are settled.

        Args:
            steps: the frame.
            slots: run of each step.
            touched: the runs.
            second: rows whose id had a content already.
        """
        table = self._table
        status = as_ints(steps.batch.column("cost_status"))
        table.suspect[slots[steps.ended & is_unbilled(status)]] = 1
        trusted = table.suspect[slots] == 0
        trusted[second] = False
        if trusted.any():
            self._look_for(steps, slots, trusted)
        for slot in touched[table.suspect[touched] > 0].tolist():
            self._known.forget(slot)
            table.unbilled[slot] = 1

    def suspect(self, slot: int) -> None:
        """A step has got another content: what was known of the run may be wrong."""
        self._table.suspect[slot] = self._table.unbilled[slot] = 1
        self._known.forget(slot)

    def forget(self, slot: int) -> None:
        """The run is forgotten."""
        self._known.forget(slot)

    def due(self, others: Flags) -> Flags:
        """Slots to look at: those with few steps, and of the rest those in `others`."""
        small = self._table.sums[:, SUM_OF["steps"]] <= MAX_STEPS_A_TICK
        return (self._table.unbilled > 0) & (small | others)

    def look(self, slots: Ints) -> None:
        """Decide anew whose usage counts in these runs."""
        if not len(slots):
            return
        runs = [self._table.run(slot) for slot in slots.tolist()]
        steps = gather(runs, self._store, COLUMNS)
        emitted, before, after = (
            as_ints(steps.rows.column("cost_status")),
            statuses(runs, steps),
            verdicts(steps),
        )
        held = np.fromiter((e in run.held for run in runs for e in run.events), np.bool_, len(before))
        changed = np.flatnonzero((before != after) | held)
        numbers = self._numbers(runs, steps.run, steps.ids, changed)
        sign = is_unbilled(before[changed]).astype(np.int64) - is_unbilled(after[changed]).astype(np.int64)
        np.add.at(self._table.sums, slots[steps.run[changed]], numbers * sign[:, None])
        for row in changed.tolist():
            run, event_id = runs[steps.run[row]], steps.ids[row]
            rule = None if after[row] == emitted[row] else int(after[row])
            self._attribution.bill(run, event_id, rule)
        self._table.unbilled[slots] = 0
        self._table.dirty[np.unique(slots[steps.run[changed]])] = 1

    def restore(self, *, anew: bool) -> None:
        """Know again what is not in a snapshot; `anew`: the snapshot is of a version that knew no billing."""
        for slot, run in enumerate(self._table.runs):
            if run is None or self._table.suspect[slot]:
                continue
            known, suspect = self._known.of(slot), False
            for event_id, place in run.events.items():
                status = self._store.value(place >> 1, "cost_status") if place & 1 else CostStatus.NONE
                parent_id = self._store.value(place >> 1, "parent_event_id")
                suspect |= _enter(known, event_id, parent_id, bool(status))
                if status:
                    answer = self._store.value(place >> 1, "response_id")
                    suspect |= self._known.call(slot, event_id, answer)
                suspect |= anew and status == CostStatus.ROLLUP
            if suspect:
                self.suspect(slot)

    def _look_for(self, steps: Steps, slots: Ints, trusted: Flags) -> None:
        """Find what makes a run suspect among steps of runs that are not; 0.4 us a step."""
        codes, where = np.unique(slots, return_inverse=True)
        known_of = [self._known.of(slot) for slot in codes.tolist()]
        found: list[int] = []
        usage = steps.has_usage & steps.ended
        parents = steps.batch.column("parent_event_id").to_pylist()
        columns = (steps.event_ids, where.tolist(), parents, usage.tolist(), trusted.tolist())
        for event_id, place, parent_id, has_usage, is_trusted in zip(*columns, strict=True):
            if is_trusted and _enter(known_of[place], event_id, parent_id, has_usage):
                found.append(place)
        calls = np.flatnonzero(usage & trusted & as_flags(steps.batch.column("response_id").is_valid()))
        answers = steps.batch.column("response_id").take(pa.array(calls)).to_pylist()
        for row, answer in zip(calls.tolist(), answers, strict=True):
            if self._known.call(int(slots[row]), steps.event_ids[row], answer):
                found.append(int(where[row]))
        self._table.suspect[codes[found]] = 1

    def _numbers(self, runs: list[Run], run: Ints, ids: list[str], rows: Ints) -> Ints:
        """What each of some steps adds to the sums when it is billed."""
        places = [runs[run[row]].events[ids[row]] >> 1 for row in rows.tolist()]
        return billed_numbers(self._store.take(np.array(places, np.int64), NUMBER_COLUMNS))
