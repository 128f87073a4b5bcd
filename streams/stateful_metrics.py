"""What do RUNS and DRIFT count? The shell's own numbers, and those that their processors name.

Processors are pure and know no metrics: they give numbers by name, which this maps to the list.
"""

import time
from collections.abc import Mapping

from streams import metrics
from streams.held import Held
from streams.metrics import Counter, Gauge, RoleMetrics
from streams.state.processor import Output

_GAUGES: Mapping[str, Gauge] = {
    "open_runs": metrics.OPEN_RUNS,
    "kept_rows": metrics.KEPT_ROWS,
    "streams": metrics.STREAMS,
    "segments": metrics.SEGMENTS,
    "open_incidents": metrics.OPEN_INCIDENTS,
}
# Name before the dot, and the label that what follows it is a value of.
_COUNTERS: Mapping[str, tuple[Counter, str | None]] = {
    "late": (metrics.LATE, None),
    "skipped": (metrics.SKIPPED_REPEATS, None),
    "duplicates": (metrics.DUPLICATES, "by"),
    "corrections": (metrics.CORRECTIONS, "what"),
    "folded": (metrics.FOLDED, "what"),
    "evicted": (metrics.EVICTED, "what"),
}
_OF_PARTITION: tuple[Gauge, ...] = (
    metrics.CLOCK_TIMESTAMP_SECONDS,
    metrics.SNAPSHOT_AGE_SECONDS,
    metrics.SNAPSHOT_BYTES,
    metrics.LABELS,
)


class StatefulMetrics:
    """Numbers of one stateful role."""

    def __init__(self, numbers: RoleMetrics, role: str, topic: str) -> None:
        """
        Args:
            numbers: of the process.
            role: runs or drift.
            topic: that the role reads.
        """
        self._numbers = numbers
        mine = (gauge for gauge in _GAUGES.values() if role in gauge.roles)
        self._of_partition = (*_OF_PARTITION, *mine)
        self._topic = topic
        self._told: dict[tuple[int, str], int] = {}

    # -- events

    def consumed(self, append_s: float) -> None:
        """A record was handled that the broker appended at that Unix time."""
        self._numbers.count(metrics.RECORDS, topic=self._topic)
        delay_s = max(time.time() - append_s, 0.0)
        self._numbers.observe(metrics.END_TO_END_DELAY_SECONDS, delay_s, topic=self._topic)

    def sent(self, output: Output, frames: int) -> None:
        """Frames of one output were handed to the client."""
        kind = output.kind.name.lower()
        self._numbers.count(metrics.FRAMES, frames, kind=kind)
        self._numbers.count(metrics.ROWS, 0 if output.rows is None else output.rows.num_rows, kind=kind)

    def alerted(self, kind: str) -> None:
        self._numbers.count(metrics.ALERTS, kind=kind)

    def letter(self, reason: str) -> None:
        self._numbers.count(metrics.DEAD_LETTERS, reason=reason)

    def restored(self, held: Held, partition: int, seconds: float) -> None:
        """A partition was taken over."""
        result = "gap" if held.gap is not None else "snapshot" if held.covered >= 0 else "empty"
        self._numbers.count(metrics.RESTORES, result=result)
        self._numbers.observe(metrics.RESTORE_SECONDS, seconds)
        self._numbers.count(metrics.REBALANCES, change="assigned")
        # What was counted before the snapshot was counted by another process, or by this one earlier.
        self._told |= {(partition, name): value for name, value in held.processor.numbers().items()}

    def forgot(self, partition: int) -> None:
        """A partition was taken away."""
        self._numbers.count(metrics.REBALANCES, change="revoked")
        for gauge in self._of_partition:
            self._numbers.forget(gauge, partition=str(partition))
        for gauge in (metrics.LAG_RECORDS, metrics.LAG_SECONDS):
            self._numbers.forget(gauge, topic=self._topic, partition=str(partition))

    def snapshot(self, result: str, seconds: float | None = None) -> None:
        """One was saved, failed or fenced."""
        self._numbers.count(metrics.SNAPSHOTS, result=result)
        if seconds is not None:
            self._numbers.observe(metrics.SNAPSHOT_SECONDS, seconds)

    # -- about once a second

    def look(self, partition: int, held: Held, lag: int) -> None:
        """Set the gauges of a partition and count what its processor did since the last look."""
        now_s, where = time.time(), str(partition)
        clock_s = held.clock.now_ns / 1e9
        self._numbers.set(metrics.LAG_RECORDS, lag, topic=self._topic, partition=where)
        behind_s = max(now_s - held.append_s, 0.0) if lag and held.append_s else 0.0
        self._numbers.set(metrics.LAG_SECONDS, behind_s, topic=self._topic, partition=where)
        self._numbers.set(metrics.CLOCK_TIMESTAMP_SECONDS, clock_s, partition=where)
        self._numbers.set(metrics.LABELS, held.labels.places, partition=where)
        if held.snapshot is not None:
            age_s = now_s - held.snapshot.taken_unix_ms / 1_000
            self._numbers.set(metrics.SNAPSHOT_AGE_SECONDS, age_s, partition=where)
            self._numbers.set(metrics.SNAPSHOT_BYTES, held.snapshot.size_bytes, partition=where)
        for name, value in held.processor.numbers().items():
            self._tell(partition, name, value)

    def _tell(self, partition: int, name: str, value: int) -> None:
        gauge = _GAUGES.get(name)
        if gauge is not None:
            self._numbers.set(gauge, value, partition=str(partition))
            return
        counter, label = _COUNTERS[name.partition(".")[0]]
        more = value - self._told.get((partition, name), 0)
        self._told[partition, name] = value
        labels = {} if label is None else {label: name.partition(".")[2]}
        self._numbers.count(counter, max(more, 0), **labels)
