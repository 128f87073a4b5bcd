"""What happens when an id comes with a second content? The better one counts, whichever came first."""

import numpy as np

from schemas.columns import Kind, schema_of
from streams.runs.attribution import Attribution
from streams.runs.outbox import Outbox
from streams.runs.rank import Rank, ranks
from streams.runs.steps import Ints, Steps
from streams.runs.store import RowStore
from streams.runs.table import SUM_OF, Run, RunTable

HOUR_NS = 3_600 * 1_000_000_000


class Contents:
    """Decides between contents, and corrects what was added, sent and stored of the other."""

    def __init__(self, table: RunTable, store: RowStore, outbox: Outbox, attribution: Attribution) -> None:
        self._table = table
        self._store = store
        self._outbox = outbox
        self._attribution = attribution

    def decide(self, slots: Ints, rows: Ints, now_ns: int) -> None:
        """Take steps whose id their run has already.

        Args:
            slots: of their runs.
            rows: numbers of the new rows, in order.
            now_ns: the clock.
        """
        # A repeated start, or one that comes after the end, says nothing.
        places = [
            (slot, row)
            for slot, row in zip(slots.tolist(), rows.tolist(), strict=True)
            if self._store.value(row, "state") == "ended"
        ]
        if not places:
            return
        compared = self._compare(places)
        for slot, row in places:
            self._decide(slot, row, now_ns, compared)

    def _compare(self, places: list[tuple[int, int]]) -> dict[int, tuple[Rank, Ints]]:
        """Rank and numbers of all contents that may meet; together, because one alone would take 0.6 ms."""
        rows = {row for _, row in places} | {self._had(slot, row) for slot, row in places}
        wanted = sorted(rows)
        taken = self._store.take(np.array(wanted, np.int64), schema_of(Kind.STEPS).names)
        return dict(zip(wanted, zip(ranks(taken), Steps(taken).numbers, strict=True), strict=True))

    def _had(self, slot: int, row: int) -> int:
        """The row that counts under the id of another."""
        return self._table.run(slot).events[self._store.value(row, "event_id")] >> 1

    def _decide(self, slot: int, row: int, now_ns: int, compared: dict[int, tuple[Rank, Ints]]) -> None:
        run, had = self._table.run(slot), self._had(slot, row)
        event_id: str = self._store.value(row, "event_id")
        (new_rank, new), (old_rank, old) = compared[row], compared[had]
        self._table.sums[slot, SUM_OF["duplicates"]] += 1
        if new_rank > old_rank:
            self._table.sums[slot] += new - old
            self._attribution.replace(slot, event_id, row, now_ns)
            self._correct(run, event_id, winner=row, loser=had)
        elif new_rank < old_rank:
            self._correct(run, event_id, winner=had, loser=row)

    def _correct(self, run: Run, event_id: str, *, winner: int, loser: int) -> None:
        """The later row has the higher version in the table, so the winner is written again above both."""
        if self._hour(winner) != self._hour(loser):
            self._outbox.delete(*self._store.locate(loser))  # another key: the loser would stay
        agent = self._attribution.find(run, event_id)
        self._outbox.correct(*self._store.locate(winner), *(agent or (None, None)))

    def _hour(self, row: int) -> int:
        return int(self._store.value(row, "time")) // HOUR_NS
