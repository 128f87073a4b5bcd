"""Which topics are there, and how are they set up? Declared here alone; `wakeline topics` obeys."""

from dataclasses import dataclass
from typing import Literal

DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Topic:
    """One topic.

    Attributes:
        name: without the namespace.
        key: what a message's key, and so its partition, is made from.
        value: what a message is.
        writer: the role, or who outside, that writes it.
        retention_ms: how long records are kept; -1 for ever.
        share: of the disk that one machine gives to Kafka; 0 for topics that stay small.
        compact: keep the newest record of each key.
        internal: its partitions are computed by us and may never change in number.
        max_message_bytes: greatest message that the broker takes.
        segment_bytes: size of the files in which the broker deletes; None: the broker's own, or by the share.
    """

    name: str
    key: str
    value: str
    writer: str
    retention_ms: int = 7 * DAY_MS
    share: float = 0.0
    compact: bool = False
    internal: bool = True
    max_message_bytes: int = 1_048_576
    segment_bytes: int | None = None

    def config(self, disk_bytes: int | None = None) -> dict[str, str]:
        """The topic's settings at the broker; `disk_bytes` for each partition of each topic with a share."""
        settings = {
            "cleanup.policy": "compact" if self.compact else "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
            # Append time is the clock; and Kafka 4 refuses client times over an hour ahead (KIP-1030).
            "message.timestamp.type": "LogAppendTime",
        }
        if self.segment_bytes is not None:
            settings["segment.bytes"] = str(self.segment_bytes)
        if disk_bytes is not None and self.share > 0:
            settings["retention.bytes"] = str(int(disk_bytes * self.share))
        return settings


AGENT_EVENTS = Topic(
    "agent-events", key="run", value="native events (JSON)", writer="SDK", share=0.15, internal=False
)
OTLP_SPANS = Topic(
    "otlp_spans", key="trace id, or none", value="OTLP traces", writer="Collector", share=0.15, internal=False
)
OTLP_LOGS = Topic(
    "otlp_logs",
    key="trace id, or none",
    value="OTLP logs",
    writer="Collector",
    share=0.05,
    internal=False,
)
STEP_FRAMES = Topic("step-frames", key="run", value="frames: steps; ticks", writer="INGEST", share=0.25)
STEP_CONTENTS = Topic(
    "step-contents", key="run", value="frames: contents", writer="INGEST", share=0.15, retention_ms=3 * DAY_MS
)
SIGNAL_FRAMES = Topic(
    "signal-frames", key="agent", value="frames: settled steps; ticks", writer="RUNS", share=0.15
)
RESULT_FRAMES = Topic(
    "result-frames",
    key="writer's partition",
    value="frames: what ClickHouse stores",
    writer="RUNS, DRIFT",
    share=0.1,
)
ALERTS = Topic("alerts", key="alert id", value="alert (JSON)", writer="RUNS, DRIFT", retention_ms=30 * DAY_MS)
DELIVERIES = Topic(
    "deliveries",
    key="alert id and target",
    value="delivery (JSON)",
    writer="NOTIFY",
    retention_ms=-1,
    compact=True,
)
# A dead letter carries the record it was made from, whatever its size, so its limit is above the sources'.
DEAD_LETTERS = Topic(
    "dead-letters",
    key="source partition",
    value="original bytes; headers say why",
    writer="INGEST, WRITE",
    retention_ms=14 * DAY_MS,
    max_message_bytes=8 * 1_048_576,
)


def _snapshots(role: str) -> Topic:
    # Nothing expires: a role may be stopped for longer than any retention. What is older than the last two is
    # deleted by offset, which frees whole segments; so segments are small.
    return Topic(
        f"{role}-snapshots",
        key="snapshot and number",
        value="parts of the state",
        writer=role.upper(),
        retention_ms=-1,
        segment_bytes=32 * 1_048_576,
    )


def _manifests(role: str) -> Topic:
    return Topic(
        f"{role}-manifests",
        key="snapshot",
        value="where a snapshot's parts are (JSON)",
        writer=role.upper(),
        retention_ms=-1,
        segment_bytes=4 * 1_048_576,
    )


# One pair for each role: a partition has one writer, who alone decides what of it is no longer needed.
RUNS_SNAPSHOTS, RUNS_MANIFESTS = _snapshots("runs"), _manifests("runs")
DRIFT_SNAPSHOTS, DRIFT_MANIFESTS = _snapshots("drift"), _manifests("drift")
# By role: the topic of parts and the topic of manifests.
SNAPSHOT_TOPICS: dict[str, tuple[Topic, Topic]] = {
    "runs": (RUNS_SNAPSHOTS, RUNS_MANIFESTS),
    "drift": (DRIFT_SNAPSHOTS, DRIFT_MANIFESTS),
}

SOURCES: tuple[Topic, ...] = (AGENT_EVENTS, OTLP_SPANS, OTLP_LOGS)
TOPICS: tuple[Topic, ...] = (
    *SOURCES,
    STEP_FRAMES,
    STEP_CONTENTS,
    SIGNAL_FRAMES,
    RESULT_FRAMES,
    ALERTS,
    DELIVERIES,
    DEAD_LETTERS,
    RUNS_SNAPSHOTS,
    RUNS_MANIFESTS,
    DRIFT_SNAPSHOTS,
    DRIFT_MANIFESTS,
)

# On the wire in `source_topic`; a number is never given to another topic.
SOURCE_IDS: dict[str, int] = {AGENT_EVENTS.name: 0, OTLP_SPANS.name: 1, OTLP_LOGS.name: 2}

LIVE = "live"

# Header of a message without value on a source topic: the input of a namespace with the event clock is over.
CONTROL_HEADER = "wakeline-control"
CONTROL_END = b"end"


def topic_name(topic: Topic, namespace: str) -> str:
    """The topic's name at the broker: bare in the namespace `live`, else `<namespace>.<name>`."""
    return topic.name if namespace == LIVE else f"{namespace}.{topic.name}"


Clock = Literal["append", "event"]
