"""What does INGEST count? Names and labels are in `streams.metrics`."""

import pyarrow as pa

from schemas.columns import Kind
from schemas.decoded import Reason
from streams import metrics
from streams.metrics import RoleMetrics


class Metrics:
    """Counts of INGEST.

    Attributes:
        steps_total: framed since the start.
    """

    def __init__(self, numbers: RoleMetrics) -> None:
        self.steps_total = 0
        self._numbers = numbers

    def steps(self, steps: pa.RecordBatch) -> None:
        """A block of steps was framed."""
        self.steps_total += steps.num_rows
        flags = steps.column("time_flag")
        self._numbers.count(metrics.FLAGGED_TIMES, int((flags.to_numpy() != 0).sum()))

    def frame(self, kind: Kind, rows: int = 0) -> None:
        """A frame was handed to the client."""
        self._numbers.count(metrics.FRAMES, 1, kind=kind.name.lower())
        self._numbers.count(metrics.ROWS, rows, kind=kind.name.lower())

    def ignored(self, count: int) -> None:
        """Records were of something else than agents."""
        if count:
            self._numbers.count(metrics.IGNORED, count)

    def prices_refused(self, *, refused: bool) -> None:
        """The folder of prices has changed."""
        self._numbers.set(metrics.PRICES_REFUSED, float(refused))

    def dead_letter(self, reason: Reason) -> None:
        """A record was kept apart."""
        self._numbers.count(metrics.DEAD_LETTERS, 1, reason=reason.value)
