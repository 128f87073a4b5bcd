"""What becomes of the steps of a run that has too many? They count, and are not remembered.

Neither their ids nor their rows are kept, so that one run cannot fill the memory. Roots are always kept: the
root's end closes the run.
"""

import numpy as np

from streams.runs.attribution import Attribution
from streams.runs.outbox import Outbox
from streams.runs.steps import Flags, Ints, Steps
from streams.runs.table import RunTable, State


class Overflow:
    """Takes steps that come to a full run."""

    def __init__(self, table: RunTable, attribution: Attribution, outbox: Outbox, most: int) -> None:
        """`most`: steps of a run that are remembered."""
        self._table = table
        self._attribution = attribution
        self._outbox = outbox
        self._most = most

    def find(self, steps: Steps, slots: Ints) -> Flags | None:
        """Steps of a frame that are new to a full run; None when there are none."""
        room: dict[int, int] = {}
        for slot, count in zip(*np.unique(slots, return_counts=True), strict=True):
            known = len(self._table.run(int(slot)).events)
            if known + count > self._most:
                room[int(slot)] = self._most - known
        if not room:
            return None
        over = np.zeros(len(slots), np.bool_)
        admitted: set[tuple[int, str]] = set()
        for row in np.flatnonzero(np.isin(slots, list(room)) & ~steps.is_root).tolist():
            slot, event_id = int(slots[row]), steps.event_ids[row]
            if event_id in self._table.run(slot).events or (slot, event_id) in admitted:
                continue
            if room[slot] > 0:
                room[slot] -= 1
                admitted.add((slot, event_id))
            else:
                over[row] = True
        return over if over.any() else None

    def count(self, steps: Steps, slots: Ints, now_ns: int) -> None:
        """Add steps to the sums of their runs, and send those that have ended to DRIFT.

        Args:
            steps: found by `find`.
            slots: run of each.
            now_ns: the clock.
        """
        table, ended = self._table, np.flatnonzero(steps.ended)
        np.add.at(table.sums, slots[ended], steps.numbers[ended])
        np.minimum.at(table.start_ns, slots, steps.start_ns)
        np.maximum.at(table.end_ns, slots, steps.end_ns)
        np.maximum.at(table.append_ns, slots, steps.append_ns)
        table.seen_ns[slots], table.state[slots], table.dirty[slots] = now_ns, State.OPEN, 1
        self._outbox.settle(steps.batch, ended[steps.named[ended]])
        self._settle_unnamed(steps, slots, ended[~steps.named[ended]])
        for slot in slots[ended].tolist():
            table.run(slot).overflowed += 1
        table.counts["runs.overflowed"] += len(ended)

    def _settle_unnamed(self, steps: Steps, slots: Ints, rows: Ints) -> None:
        """Under the agent that the steps above name by now, else what stands for one; for good."""
        for row in rows.tolist():
            agent, named = self._attribution.above(self._table.run(int(slots[row])), steps.batch, row)
            self._outbox.settle_one(steps.batch, row, agent, first=True)
            if named:
                self._outbox.correct(steps.batch, row, agent)
