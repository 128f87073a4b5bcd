"""What happens when an id comes with a second content? The better one counts, whichever came first."""

from streams.runs.attribution import Attribution
from streams.runs.outbox import Outbox
from streams.runs.rank import rank
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

    def decide(self, slot: int, row: int, now_ns: int) -> None:
        """Take a step whose id its run has already.

        Args:
            slot: of the run.
            row: number of the new row; it has ended, or the one before has not.
            now_ns: the clock.
        """
        run = self._table.run(slot)
        event_id: str = self._store.value(row, "event_id")
        had = run.events[event_id] >> 1
        is_end = self._store.value(row, "state") == "ended"
        if not is_end:
            return  # a repeated start, or one that comes after the end
        new_rank, old_rank = rank(*self._store.locate(row)), rank(*self._store.locate(had))
        self._table.sums[slot, SUM_OF["duplicates"]] += 1
        if new_rank == old_rank:
            return
        if new_rank > old_rank:
            old, new = (self._numbers(number) for number in (had, row))
            self._table.sums[slot] += new - old
            self._attribution.replace(slot, event_id, row, now_ns)
            self._correct(run, event_id, winner=row, loser=had)
        else:
            self._correct(run, event_id, winner=had, loser=row)

    def _numbers(self, row: int) -> Ints:
        batch, at = self._store.locate(row)
        numbers: Ints = Steps(batch.slice(at, 1)).numbers[0]
        return numbers

    def _correct(self, run: Run, event_id: str, *, winner: int, loser: int) -> None:
        """The later row has the higher version in the table, so the winner is written again above both."""
        if self._hour(winner) != self._hour(loser):
            self._outbox.delete(*self._store.locate(loser))  # another key: the loser would stay
        agent = self._attribution.find(run, event_id)
        self._outbox.correct(*self._store.locate(winner), *(agent or (None, None)))

    def _hour(self, row: int) -> int:
        return int(self._store.value(row, "time")) // HOUR_NS
