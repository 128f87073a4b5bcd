"""Where can a process die so that it matters? One name for each durable step of each role.

The crash suite arms a point by writing its name into the file that `WAKELINE_FAULT_FILE` names; the first
process of the site that reaches the point removes the file and kills itself with SIGKILL, as a power failure
would. In production the variable is not set, and a point costs one look into the environment.
"""

import os
import signal
from enum import StrEnum
from pathlib import Path

VARIABLE = "WAKELINE_FAULT_FILE"


class FaultPoint(StrEnum):
    """`<role>.<what has just been done>`."""

    INGEST_FED = "ingest.fed"  # decoded, nothing sent
    INGEST_STEPS_SENT = "ingest.steps-sent"  # handed to the client, contents not yet
    INGEST_ACKNOWLEDGED = "ingest.acknowledged"  # frames are durable, offsets are not committed
    INGEST_COMMITTED = "ingest.committed"
    WRITE_FED = "write.fed"
    WRITE_TABLE_INSERTED = "write.table-inserted"  # one table of the block
    WRITE_INSERTED = "write.inserted"  # all of them, offsets are not committed
    WRITE_COMMITTED = "write.committed"
    RUNS_RESTORED = "runs.restored"
    RUNS_PROCESSED = "runs.processed"  # state has changed, outputs are with the client
    RUNS_SNAPSHOT_COPIED = "runs.snapshot-copied"
    RUNS_SNAPSHOT_ACKNOWLEDGED = "runs.snapshot-acknowledged"  # the outputs before it are durable
    RUNS_SNAPSHOT_SENT = "runs.snapshot-sent"  # chunks and manifest, their transaction is open
    RUNS_SNAPSHOT_COMMITTED = "runs.snapshot-committed"
    DRIFT_RESTORED = "drift.restored"
    DRIFT_PROCESSED = "drift.processed"
    DRIFT_SNAPSHOT_COPIED = "drift.snapshot-copied"
    DRIFT_SNAPSHOT_ACKNOWLEDGED = "drift.snapshot-acknowledged"
    DRIFT_SNAPSHOT_SENT = "drift.snapshot-sent"
    DRIFT_SNAPSHOT_COMMITTED = "drift.snapshot-committed"
    NOTIFY_BEGUN = "notify.begun"  # deliveries are begun, not yet durable
    NOTIFY_RECORDED = "notify.recorded"  # begun and durable, nothing is posted
    NOTIFY_POSTED = "notify.posted"  # the endpoint has answered, the outcome is not recorded
    NOTIFY_COMMITTED = "notify.committed"


def reach(point: FaultPoint) -> None:
    """Die here, if this point is armed."""
    name = os.environ.get(VARIABLE)
    if name is None:
        return
    file = Path(name)
    try:
        armed = file.read_text(encoding="utf-8").strip() == point
        if armed:
            # Whoever removes the file dies; a second process that reaches the point at once lives on.
            file.unlink()
    except FileNotFoundError:
        return
    if armed:
        os.kill(os.getpid(), signal.SIGKILL)
