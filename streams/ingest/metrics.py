"""What does INGEST count?"""

import pyarrow as pa
from prometheus_client import CollectorRegistry, Counter

from schemas.decoded import Reason


class Metrics:
    """Counters of INGEST, in the role's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.steps_total = 0
        self._steps = Counter("wakeline_ingest_steps", "Steps framed", registry=registry)
        self._letters = Counter(
            "wakeline_ingest_dead_letters", "Records that are no events", ["reason"], registry=registry
        )
        self._flagged = Counter(
            "wakeline_ingest_flagged_times", "Steps whose time is out of range", registry=registry
        )

    def framed(self, steps: pa.RecordBatch) -> None:
        self.steps_total += steps.num_rows
        self._steps.inc(steps.num_rows)
        flags = steps.column("time_flag")
        self._flagged.inc(steps.num_rows - int((flags.to_numpy() == 0).sum()))

    def dead_letter(self, reason: Reason) -> None:
        self._letters.labels(reason.value).inc()
