"""Does an agent run in circles? The same tool with the same arguments, again and again in one open run. Pure.

The rule has no memory beyond its run and no parameter but the number of calls. It speaks while the run is
open, because a loop that is reported afterwards has been paid for.
"""

import hashlib
from dataclasses import dataclass

import pyarrow as pa

from schemas.alert import Alert
from schemas.columns import TIME, Kind
from schemas.frame import make_batch

DETECTOR = "repeated-tool-call"
SIGNAL = "identical_tool_calls"


@dataclass(frozen=True)
class Loop:
    """A loop found in a run."""

    namespace: str
    run_id: str
    agent_name: str
    step_name: str
    call: int  # hash of the tool call
    opened_ns: int
    calls: int

    @property
    def incident_id(self) -> str:
        key = f"{self.namespace}\0{self.run_id}\0{self.step_name}\0{self.call}"
        return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()

    @property
    def summary(self) -> str:
        return (
            f"{self.agent_name} · {self.step_name}: {self.calls} identical calls in the open run "
            f"{self.run_id}"
        )

    def alert(self) -> Alert:
        """What the pager gets, once a loop."""
        return Alert(
            alert_id=f"{self.incident_id}.open",
            type="loop.detected",
            severity="critical",
            namespace=self.namespace,
            time_unix_ms=self.opened_ns // 1_000_000,
            summary=self.summary,
            incident_id=self.incident_id,
            agent_name=self.agent_name,
            step_name=self.step_name,
            signal=SIGNAL,
            detector=DETECTOR,
            direction="up",
            run_id=self.run_id,
            statistic=float(self.calls),
            threshold=float(self.calls),
        )


def build_incidents(loops: list[tuple[Loop, int]]) -> pa.RecordBatch:
    """Rows of kind INCIDENTS; with each loop the time at which its run closed, or 0 while it is open."""
    closed = [closed_ns for _, closed_ns in loops]
    columns: dict[str, pa.Array] = {
        "incident_id": [loop.incident_id for loop, _ in loops],
        "opened_time": pa.array([loop.opened_ns for loop, _ in loops], pa.int64()).cast(TIME),
        "closed_time": pa.array([at or None for at in closed], pa.int64()).cast(TIME),
        "state": ["closed" if at else "open" for at in closed],
        "agent_name": [loop.agent_name for loop, _ in loops],
        "step_name": [loop.step_name for loop, _ in loops],
        "run_id": [loop.run_id for loop, _ in loops],
        "signal": [SIGNAL] * len(loops),
        "detector": [DETECTOR] * len(loops),
        "direction": ["up"] * len(loops),
        "n": pa.array([loop.calls for loop, _ in loops], pa.int64()),
        "statistic": pa.array([float(loop.calls) for loop, _ in loops]),
        "threshold": pa.array([float(loop.calls) for loop, _ in loops]),
        "summary": [loop.summary for loop, _ in loops],
    }
    texts = {
        name: pa.array(values, pa.string()) for name, values in columns.items() if isinstance(values, list)
    }
    return make_batch(Kind.INCIDENTS, columns | texts)
