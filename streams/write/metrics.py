"""What does WRITE count?"""

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Histogram

from schemas.decoded import Reason


class Metrics:
    """Counters of WRITE, in the role's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rows = Counter("wakeline_write_rows", "Rows stored", ["table"], registry=registry)
        self._blocks = Counter("wakeline_write_blocks", "Inserts", ["table"], registry=registry)
        self._letters = Counter(
            "wakeline_write_dead_letters", "Records kept apart", ["reason"], registry=registry
        )
        self._seconds = Histogram(
            "wakeline_write_insert_seconds", "Time of an insert", ["table"], registry=registry
        )

    def inserting(self, table: str) -> AbstractContextManager[object]:
        """Times an insert."""
        return self._seconds.labels(table).time()

    def wrote(self, table: str, rows: int) -> None:
        self._rows.labels(table).inc(rows)
        self._blocks.labels(table).inc()

    def dead_letter(self, reason: Reason) -> None:
        self._letters.labels(reason.value).inc()
