"""What is told of a change, and when is somebody alerted? Incidents as rows and alerts. Pure.

An incident is a row from the moment its alarm is raised, and again, whole, at each change of it:

- `open`: the alarm was raised.
- `confirmed`: the old reference was contradicted again. It stays `confirmed`; `closed_time` is set when the
  stream is watched against its new level, from when on a further change is a further incident.
- `closed`: it was not contradicted again; the alarm was false and the old reference goes on.

Alerts go out at confirmation (`drift.detected`, warning) and when a confirmed one is over (`drift.resolved`,
info), never at opening. A threshold of 1e4 promises a false alarm in 1e4 observations, so 1,000 steps/s with
three signals may open 0.3 incidents a second, of which 86 to 90 % close by themselves (measured on a
prototype): nobody would read those. The delay is that of the confirmation: some observations after a large
change, at most 200.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa

from detectors.contract import Direction
from schemas.alert import Alert, AlertType, Severity
from schemas.columns import SCHEMAS, TIME, Kind
from schemas.frame import make_batch
from streams.drift.minutes import DETECTOR, direction_name
from streams.drift.summaries import Levels, level_of, summarize
from streams.drift.table import Stream, stream_key


@dataclass(frozen=True)
class Incident:
    """One incident; fields as in `schemas.columns.INCIDENT_COLUMNS`, times in nanoseconds.

    `n`, `statistic` and `threshold` are those of the alarm.
    """

    incident_id: str
    opened_time: int
    closed_time: int | None
    state: str
    agent_name: str
    step_name: str
    signal: str
    detector: str
    direction: str
    n: int
    statistic: float
    threshold: float
    reference_level: float | None
    current_level: float | None
    summary: str


class IncidentBook:
    """Incidents that are not over. State: those, by slot, with the levels of their references."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._open: dict[int, tuple[Incident, Levels]] = {}

    def __len__(self) -> int:
        """Incidents that are not over."""
        return len(self._open)

    def state(self) -> list[tuple[int, Incident, Levels]]:
        """For a snapshot: the slot of each open incident, the incident, and the levels of its reference."""
        return [(slot, incident, levels) for slot, (incident, levels) in self._open.items()]

    def load(self, state: list[tuple[int, Incident, Levels]]) -> None:
        """Go on from `state`."""
        self._open = {slot: (incident, levels) for slot, incident, levels in state}

    def abandon(self, slots: Iterable[int], now_ns: int) -> list[Incident]:
        """Close incidents whose streams start anew: nobody will ever say whether they were true."""
        over = []
        for slot in slots:
            if slot in self._open:
                incident, _ = self._open.pop(slot)
                summary = f"{incident.summary}; the stream starts anew under other parameters"
                over.append(replace(incident, state="closed", closed_time=now_ns, summary=summary))
        return over

    def open(
        self,
        slot: int,
        stream: Stream,
        *,
        now_ns: int,
        n: int,
        direction: Direction,
        statistic: float,
        threshold: float,
        reference: Levels,
    ) -> Incident:
        """An alarm was raised at observation `n` of the stream."""
        key = stream_key(self._namespace, stream) + n.to_bytes(8, "little")
        incident = Incident(
            incident_id=hashlib.blake2b(key, digest_size=16).hexdigest(),
            opened_time=now_ns,
            closed_time=None,
            state="open",
            agent_name=stream.agent_name,
            step_name=stream.step_name,
            signal=stream.signal.name,
            detector=DETECTOR,
            direction=direction_name(direction),
            n=n,
            statistic=statistic,
            threshold=threshold,
            reference_level=level_of(reference),
            current_level=None,
            summary=summarize(stream, "open", direction, reference, None),
        )
        self._open[slot] = (incident, reference)
        return incident

    def confirm(
        self, slot: int, stream: Stream, direction: Direction, reference: Levels, current: Levels
    ) -> Incident:
        """The old reference was contradicted again."""
        incident = self._change(slot, stream, "confirmed", direction, reference, current, None)
        self._open[slot] = (incident, reference)
        return incident

    def close(
        self, slot: int, stream: Stream, now_ns: int, direction: Direction, current: Levels
    ) -> Incident:
        """It is over: taken for false, or, if it was confirmed, the stream has a new reference."""
        before, reference = self._open[slot]
        state = "confirmed" if before.state == "confirmed" else "closed"
        incident = self._change(slot, stream, state, direction, reference, current, now_ns)
        del self._open[slot]
        return incident

    def _change(
        self,
        slot: int,
        stream: Stream,
        state: str,
        direction: Direction,
        reference: Levels,
        current: Levels,
        closed_ns: int | None,
    ) -> Incident:
        return replace(
            self._open[slot][0],
            state=state,
            closed_time=closed_ns,
            direction=direction_name(direction),
            reference_level=level_of(reference),
            current_level=level_of(current),
            summary=summarize(stream, state, direction, reference, current, over=closed_ns is not None),
        )


def make_alert(incident: Incident, namespace: str, now_ns: int) -> Alert | None:
    """What a person is told of the state that an incident is in now; None: nothing."""
    if incident.state != "confirmed":
        return None
    over = incident.closed_time is not None
    kind: AlertType = "drift.resolved" if over else "drift.detected"
    severity: Severity = "info" if over else "warning"
    return Alert(
        alert_id=f"{incident.incident_id}.{'closed' if over else 'confirmed'}",
        type=kind,
        severity=severity,
        namespace=namespace,
        time_unix_ms=now_ns // 1_000_000,
        summary=incident.summary,
        incident_id=incident.incident_id,
        agent_name=incident.agent_name,
        step_name=incident.step_name,
        signal=incident.signal,
        detector=incident.detector,
        direction=incident.direction,
        statistic=incident.statistic,
        threshold=incident.threshold,
        reference_level=incident.reference_level,
        current_level=incident.current_level,
    )


def build_incidents(incidents: list[Incident]) -> pa.RecordBatch:
    """A batch of kind INCIDENTS, a row for each; at least one."""
    rows: list[dict[str, Any]] = [asdict(incident) for incident in incidents]
    columns: dict[str, pa.Array] = {}
    for field in SCHEMAS[Kind.INCIDENTS, 1]:
        if field.name in rows[0]:
            values = [row[field.name] for row in rows]
            given = pa.int64() if field.type == TIME else field.type
            columns[field.name] = pa.array(values, given).cast(field.type)
    return make_batch(Kind.INCIDENTS, columns)
