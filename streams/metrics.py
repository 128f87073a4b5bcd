"""What does every role count? The one list of metrics: names, types, units, labels, and who has which.

A role's numbers go through `RoleMetrics`, which registers what `METRICS` names for that role, at its start,
and nothing else. Every sample carries the role as a label, so that one query sees all of them. Labels are
closed sets: reasons, tables, topics, partitions, targets of the settings; never an agent, a run or a user.
Serving them is `streams.health`'s; the table in docs/operations.md is made from this list.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import prometheus_client as prometheus

LOOP_ROLES = ("ingest", "write", "notify")
STATEFUL_ROLES = ("runs", "drift")
ALL_ROLES = ("ingest", "write", "runs", "drift", "notify")

_DELAY_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0)
_WORK_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: as `/metrics` shows it; Prometheus's conventions: base units, `_total` for counters.
        help: what it counts, in a sentence without a full stop.
        unit: of its values.
        labels: besides `role`.
        roles: that have it.
    """

    name: str
    help: str
    unit: str
    labels: tuple[str, ...] = ()
    roles: tuple[str, ...] = ALL_ROLES


@dataclass(frozen=True)
class Counter(Metric):
    """Only grows; starts at 0 with the process."""


@dataclass(frozen=True)
class Gauge(Metric):
    """The value of now."""


@dataclass(frozen=True)
class Histogram(Metric):
    """A distribution, in cumulative buckets."""

    buckets: tuple[float, ...] = _WORK_BUCKETS_S


# -- every role

READY = Gauge("wakeline_ready", "1 while the role waits for nothing", "")
HEALTHY = Gauge("wakeline_healthy", "0 when only a restart would help; the watchdog then ends it", "")
WAITING_SECONDS = Gauge("wakeline_waiting_seconds", "How long it has been waiting; 0 when it is not", "s")
WAITS = Counter("wakeline_waits_total", "How often it began to wait for a sink or an assignment", "waits")
LAG_RECORDS = Gauge(
    "wakeline_lag_records",
    "Records of an assigned partition that are not handled yet",
    "records",
    ("topic", "partition"),
)
LAG_SECONDS = Gauge(
    "wakeline_lag_seconds",
    "Age of the newest record handled, by its append time, while others wait behind it; else 0",
    "s",
    ("topic", "partition"),
)
END_TO_END_DELAY_SECONDS = Histogram(
    "wakeline_end_to_end_delay_seconds",
    "From the append of a block's newest record to the moment that it is handled",
    "s",
    ("topic",),
    buckets=_DELAY_BUCKETS_S,
)
RECORDS = Counter("wakeline_records_total", "Records consumed", "records", ("topic",))
REBALANCES = Counter(
    "wakeline_rebalances_total", "Partitions assigned or taken away", "partitions", ("change",)
)

# -- frames, rows, letters

FRAMES = Counter(
    "wakeline_frames_total",
    "Frames written by INGEST, RUNS and DRIFT, read by WRITE",
    "frames",
    ("kind",),
    ("ingest", "write", *STATEFUL_ROLES),
)
ROWS = Counter(
    "wakeline_rows_total",
    "Rows in these frames",
    "rows",
    ("kind",),
    ("ingest", "write", *STATEFUL_ROLES),
)
DEAD_LETTERS = Counter(
    "wakeline_dead_letters_total",
    "Records kept apart",
    "records",
    ("reason",),
)
FLAGGED_TIMES = Counter(
    "wakeline_flagged_times_total", "Steps whose times are out of range", "steps", (), ("ingest",)
)
IGNORED = Counter(
    "wakeline_ignored_records_total", "Logs that are no content and no evaluation", "records", (), ("ingest",)
)
PRICES_REFUSED = Gauge(
    "wakeline_prices_refused",
    "1 while the folder of prices has a file that cannot be used",
    "",
    (),
    ("ingest",),
)
DROPPED_CONTENTS = Counter(
    "wakeline_dropped_contents_total",
    "Rows whose contents the policy `content = drop` left out",
    "rows",
    (),
    ("ingest",),
)

# -- WRITE

STORED_ROWS = Counter("wakeline_stored_rows_total", "Rows stored", "rows", ("table",), ("write",))
INSERT_SECONDS = Histogram("wakeline_insert_seconds", "Time of an insert", "s", ("table",), ("write",))
SINK_FAILURES = Counter(
    "wakeline_sink_failures_total",
    "Inserts that ClickHouse did not take now; each is tried again",
    "inserts",
    ("cause",),
    ("write",),
)
OPEN_BLOCK_BYTES = Gauge(
    "wakeline_open_block_bytes", "Of the block that is not stored", "bytes", (), ("write",)
)

# -- RUNS and DRIFT

CLOCK_TIMESTAMP_SECONDS = Gauge(
    "wakeline_clock_timestamp_seconds",
    "The partition's clock, Unix time",
    "s",
    ("partition",),
    STATEFUL_ROLES,
)
LATE = Counter(
    "wakeline_late_total",
    "Steps that came over an hour late: kept from the detectors",
    "steps",
    (),
    ("drift",),
)
DUPLICATES = Counter(
    "wakeline_duplicates_total", "Steps seen before, by origin or by id", "steps", ("by",), ("runs",)
)
CORRECTIONS = Counter(
    "wakeline_corrections_total",
    "Pairs of weight -1 and +1, and corrected rows",
    "rows",
    ("what",),
    STATEFUL_ROLES,
)
ALERTS = Counter("wakeline_alerts_total", "Alerts written", "alerts", ("kind",), STATEFUL_ROLES)
SNAPSHOTS = Counter(
    "wakeline_snapshots_total", "Snapshots: saved, fenced, failed", "snapshots", ("result",), STATEFUL_ROLES
)
SNAPSHOT_AGE_SECONDS = Gauge(
    "wakeline_snapshot_age_seconds",
    "Since the newest durable snapshot of a partition",
    "s",
    ("partition",),
    STATEFUL_ROLES,
)
SNAPSHOT_BYTES = Gauge(
    "wakeline_snapshot_bytes", "Size of that snapshot", "bytes", ("partition",), STATEFUL_ROLES
)
SNAPSHOT_SECONDS = Histogram(
    "wakeline_snapshot_seconds", "From copy to commit of a snapshot", "s", (), STATEFUL_ROLES
)
RESTORES = Counter(
    "wakeline_restores_total",
    "Partitions restored: snapshot, empty, gap",
    "partitions",
    ("result",),
    STATEFUL_ROLES,
)
RESTORE_SECONDS = Histogram(
    "wakeline_restore_seconds", "From assignment to restored state", "s", (), STATEFUL_ROLES
)
SKIPPED_REPEATS = Counter(
    "wakeline_skipped_frames_total", "Frames read before under the same label", "frames", (), STATEFUL_ROLES
)
FOLDED = Counter(
    "wakeline_folded_total",
    "What went into `other` because a limit was reached",
    "rows",
    ("what",),
    STATEFUL_ROLES,
)
EVICTED = Counter(
    "wakeline_evicted_total",
    "What was forgotten because a limit was reached",
    "items",
    ("what",),
    STATEFUL_ROLES,
)
OPEN_RUNS = Gauge("wakeline_open_runs", "Runs that have not ended", "runs", ("partition",), ("runs",))
KEPT_ROWS = Gauge(
    "wakeline_kept_rows", "Steps in memory, of open and remembered runs", "rows", ("partition",), ("runs",)
)
STREAMS = Gauge("wakeline_streams", "Streams that detectors watch", "streams", ("partition",), ("drift",))
SEGMENTS = Gauge(
    "wakeline_segments", "Segments of the epoch's windows", "segments", ("partition",), ("drift",)
)
LABELS = Gauge(
    "wakeline_output_labels",
    "Output partitions that labels are kept of",
    "labels",
    ("partition",),
    STATEFUL_ROLES,
)
OPEN_INCIDENTS = Gauge(
    "wakeline_open_incidents", "Incidents that have not closed", "incidents", ("partition",), ("drift",)
)

# -- NOTIFY

READ_ALERTS = Counter("wakeline_read_alerts_total", "Alerts read", "alerts", (), ("notify",))
UNSENT_ALERTS = Counter(
    "wakeline_unsent_alerts_total", "Alerts of a namespace that pages nobody", "alerts", (), ("notify",)
)
DELIVERIES = Counter(
    "wakeline_deliveries_total", "Attempts and what they gave", "attempts", ("target", "state"), ("notify",)
)
WAITING_ALERTS = Gauge(
    "wakeline_waiting_alerts", "Alerts that a target has not got yet", "alerts", ("target",), ("notify",)
)

METRICS: tuple[Metric, ...] = (
    READY,
    HEALTHY,
    WAITING_SECONDS,
    WAITS,
    LAG_RECORDS,
    LAG_SECONDS,
    END_TO_END_DELAY_SECONDS,
    RECORDS,
    REBALANCES,
    FRAMES,
    ROWS,
    DEAD_LETTERS,
    FLAGGED_TIMES,
    IGNORED,
    PRICES_REFUSED,
    DROPPED_CONTENTS,
    STORED_ROWS,
    INSERT_SECONDS,
    SINK_FAILURES,
    OPEN_BLOCK_BYTES,
    CLOCK_TIMESTAMP_SECONDS,
    LATE,
    DUPLICATES,
    CORRECTIONS,
    ALERTS,
    SNAPSHOTS,
    SNAPSHOT_AGE_SECONDS,
    SNAPSHOT_BYTES,
    SNAPSHOT_SECONDS,
    RESTORES,
    RESTORE_SECONDS,
    SKIPPED_REPEATS,
    FOLDED,
    EVICTED,
    OPEN_RUNS,
    KEPT_ROWS,
    STREAMS,
    SEGMENTS,
    LABELS,
    OPEN_INCIDENTS,
    READ_ALERTS,
    UNSENT_ALERTS,
    DELIVERIES,
    WAITING_ALERTS,
)


class RoleMetrics:
    """The numbers of one role. Threads may call it; a call costs 2 us: one for a batch, not one an event."""

    def __init__(
        self, registry: prometheus.CollectorRegistry, role: str, metrics: Sequence[Metric] = METRICS
    ) -> None:
        """Register what the list has for this role.

        Args:
            registry: of the process.
            role: one of `ALL_ROLES`; another has no metrics but those of every role.
            metrics: the list.
        """
        self._role = role
        self._families: dict[str, prometheus.Counter | prometheus.Gauge | prometheus.Histogram] = {}
        for metric in metrics:
            if role in metric.roles or set(metric.roles) == set(ALL_ROLES):
                self._families[metric.name] = _register(registry, metric)
                if not metric.labels:
                    self._families[metric.name].labels(role=role)  # 0 is said before anything happens

    def count(self, metric: Counter, amount: float = 1, **labels: str) -> None:
        """Add to a counter.

        Args:
            metric: of the list.
            amount: at least 0; 0 does nothing.
            labels: exactly those of the metric.

        Raises:
            KeyError: the metric is not in the list, or not this role's.
            ValueError: other labels than the metric's.
        """
        family = self._families[metric.name]
        assert isinstance(family, prometheus.Counter)
        if amount:
            family.labels(role=self._role, **labels).inc(amount)

    def set(self, metric: Gauge, value: float, **labels: str) -> None:
        """Set a gauge; raises as `count`."""
        self._gauge(metric).labels(role=self._role, **labels).set(value)

    def follow(self, metric: Gauge, value: Callable[[], float], **labels: str) -> None:
        """Let a gauge be asked for whenever somebody looks: true also of a loop that stands still.

        Args:
            metric: of the list.
            value: called from the HTTP thread.
            labels: exactly those of the metric.
        """
        self._gauge(metric).labels(role=self._role, **labels).set_function(value)

    def forget(self, metric: Gauge, **labels: str) -> None:
        """Show a gauge no longer: its partition is somebody else's. Nothing happens when it was not shown."""
        family = self._gauge(metric)
        family.remove_by_labels({"role": self._role, **labels})

    def observe(self, metric: Histogram, value: float, **labels: str) -> None:
        """Add one value to a histogram; raises as `count`."""
        family = self._families[metric.name]
        assert isinstance(family, prometheus.Histogram)
        family.labels(role=self._role, **labels).observe(value)

    @contextmanager
    def time(self, metric: Histogram, **labels: str) -> Iterator[None]:
        """Time a block of code, also one that raises."""
        began_s = perf_counter()
        try:
            yield
        finally:
            self.observe(metric, perf_counter() - began_s, **labels)

    def _gauge(self, metric: Gauge) -> prometheus.Gauge:
        family = self._families[metric.name]
        assert isinstance(family, prometheus.Gauge)
        return family


def _register(
    registry: prometheus.CollectorRegistry, metric: Metric
) -> prometheus.Counter | prometheus.Gauge | prometheus.Histogram:
    labels = ("role", *metric.labels)
    match metric:
        case Counter():
            return prometheus.Counter(metric.name, metric.help, labels, registry=registry)
        case Gauge():
            return prometheus.Gauge(metric.name, metric.help, labels, registry=registry)
        case Histogram():
            return prometheus.Histogram(
                metric.name, metric.help, labels, registry=registry, buckets=metric.buckets
            )
    raise TypeError(f"{metric.name} is neither counter, gauge nor histogram")


def table() -> str:
    """The list as a Markdown table, for docs/operations.md."""
    lines = ["| metric | type | unit | labels | roles | what |", "|---|---|---|---|---|---|"]
    for metric in METRICS:
        roles = "all" if metric.roles == ALL_ROLES else ", ".join(metric.roles)
        labels = ", ".join(metric.labels) or "-"
        kind = type(metric).__name__.lower()
        lines.append(
            f"| `{metric.name}` | {kind} | {metric.unit or '-'} | {labels} | {roles} | {metric.help} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
