"""What does WRITE count? Names and labels are in `streams.metrics`."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from schemas.columns import Kind
from schemas.decoded import Reason
from streams import metrics
from streams.metrics import RoleMetrics


class Metrics:
    """Counts of WRITE."""

    def __init__(self, numbers: RoleMetrics, open_bytes: Callable[[], int]) -> None:
        """`open_bytes` is the size of the block that is not stored, asked for whenever somebody looks."""
        self._numbers = numbers
        numbers.follow(metrics.OPEN_BLOCK_BYTES, open_bytes)

    def frame(self, kind: Kind, rows: int = 0) -> None:
        """A frame was read."""
        self._numbers.count(metrics.FRAMES, 1, kind=kind.name.lower())
        self._numbers.count(metrics.ROWS, rows, kind=kind.name.lower())

    def inserting(self, table: str) -> AbstractContextManager[None]:
        """Times an insert."""
        return self._numbers.time(metrics.INSERT_SECONDS, table=table)

    def wrote(self, table: str, rows: int) -> None:
        """An insert is stored."""
        self._numbers.count(metrics.STORED_ROWS, rows, table=table)

    def dead_letter(self, reason: Reason) -> None:
        """A record was kept apart."""
        self._numbers.count(metrics.DEAD_LETTERS, 1, reason=reason.value)
