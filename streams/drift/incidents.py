"""What is told of a change, and when is somebody alerted? Incidents as rows and alerts. Pure.

An incident is a row from the moment its alarm is raised, and again, whole, at each change of it:

- `open`: the alarm was raised.
- `confirmed`: the old reference was contradicted again. It stays `confirmed`; `closed_time` is set when the
  stream is watched against its new level.
- `closed`: it was not contradicted again; the alarm was false and the old reference goes on.

An alarm to the same side soon after is no further incident (`detectors.incidents`). One that was closed is
open again. One that was confirmed stays over unless the change goes on: when that is confirmed, too, its end
moves and its levels are those from the first reference to the latest.

Alerts go out at confirmation (`drift.detected`, warning) and when a confirmed one is over (`drift.resolved`,
info), never at opening. More of a change that was told gives another `drift.resolved` with the levels that
it has led to, and pages nobody a second time. A threshold of 1e5 promises a false alarm in 1e5 observations,
so 1,000 steps/s with six signals may open four incidents a minute, of which 80 to 90 % close by themselves:
nobody reads those. The delay is that of the confirmation: some observations after a large change, at most
those that the detector gives an incident. A model or finish reason that a stream had never seen is told at
once (`value.first_seen`, info), as an incident that is over.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import pyarrow as pa

from detectors.contract import Direction
from schemas.alert import Alert, AlertType, Severity
from schemas.columns import TIME, Kind, schema_of
from schemas.frame import make_batch
from streams.drift.minutes import direction_name
from streams.drift.summaries import Levels, known, level_of, summarize, summarize_first_seen
from streams.drift.table import Stream, stream_key

# The name under which a value never seen before is told.
FIRST_SEEN = "first-seen"


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
    confirmed_time: int | None = None
    category: str = ""
    reference_low: float | None = None
    reference_high: float | None = None
    current_low: float | None = None
    current_high: float | None = None


class Told(NamedTuple):
    """What a detector says of a change.

    Attributes:
        direction: of it.
        category: of a mix: whose share is told.
        reference: levels before; unknown when the stream has a new reference.
        current: levels since; unknown at opening.
    """

    direction: Direction
    category: str
    reference: Levels
    current: Levels


class IncidentBook:
    """The last incident of each stream. State: those that are not over or may be continued, with the levels
    of the references that they began from."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._last: dict[int, tuple[Incident, Levels]] = {}

    def __len__(self) -> int:
        """Incidents that are not over."""
        return sum(incident.closed_time is None for incident, _ in self._last.values())

    def over(self) -> list[int]:
        """Numbers of streams whose last incident is over."""
        return [number for number, (incident, _) in self._last.items() if incident.closed_time is not None]

    def state(self) -> list[tuple[int, Incident, Levels]]:
        """For a snapshot: the stream's number, the incident, and the levels of its reference, of each."""
        return [(number, incident, levels) for number, (incident, levels) in self._last.items()]

    def load(self, state: list[tuple[int, Incident, Levels]]) -> None:
        """Go on from `state`."""
        self._last = {number: (incident, levels) for number, incident, levels in state}

    def forget(self, numbers: Iterable[int]) -> None:
        """Drop the incidents of these streams, which are over and will not be continued."""
        for number in numbers:
            del self._last[number]

    def __contains__(self, number: int) -> bool:
        """Whether this stream has an incident that is not over or may be continued."""
        return number in self._last

    def abandon(self, numbers: Iterable[int], now_ns: int, why: str) -> list[Incident]:
        """End incidents whose streams take no more values: nobody will say more of them."""
        over = []
        for number in numbers:
            incident, _ = self._last.pop(number, (None, None))
            if incident is not None and incident.closed_time is None:
                state = "confirmed" if incident.state == "confirmed" else "closed"
                summary = f"{incident.summary}; {why}"
                over.append(replace(incident, state=state, closed_time=now_ns, summary=summary))
        return over

    def open(
        self,
        number: int,
        stream: Stream,
        told: Told,
        *,
        now_ns: int,
        n: int,
        statistic: float,
        threshold: float,
    ) -> Incident:
        """An alarm was raised at observation `n` of the stream."""
        incident = Incident(
            incident_id=_incident_id(self._namespace, stream, n.to_bytes(8, "little"), now_ns),
            opened_time=now_ns,
            closed_time=None,
            state="open",
            agent_name=stream.agent_name,
            step_name=stream.step_name,
            signal=stream.signal.name,
            detector=stream.signal.nature.value,
            direction="",
            n=n,
            statistic=statistic,
            threshold=threshold,
            reference_level=None,
            current_level=None,
            summary="",
        )
        incident = _telling(incident, stream, told, told.reference)
        self._last[number] = (incident, told.reference)
        return incident

    def resume(self, number: int, stream: Stream, told: Told) -> list[Incident]:
        """An alarm continues the incident before; one that was confirmed waits for what it leads to."""
        before, _ = self._last[number]
        if before.state == "confirmed":
            return []
        incident = _telling(replace(before, state="open", closed_time=None), stream, told, told.reference)
        self._last[number] = (incident, told.reference)
        return [incident]

    def confirm(self, number: int, stream: Stream, told: Told, now_ns: int) -> list[Incident]:
        """The reference was contradicted again; if not for the first time, the new one is waited for."""
        before, _ = self._last[number]
        if before.state != "open":
            return []
        incident = replace(before, state="confirmed", confirmed_time=now_ns)
        incident = _telling(incident, stream, told, told.reference)
        self._last[number] = (incident, told.reference)
        return [incident]

    def settle(self, number: int, stream: Stream, told: Told, now_ns: int) -> Incident:
        """It was confirmed and the stream has a new reference: it is over, or over again."""
        before, reference = self._last[number]
        further = before.closed_time is not None
        incident = _telling(replace(before, closed_time=now_ns), stream, told, reference, further=further)
        self._last[number] = (incident, reference)
        return incident

    def close(self, number: int, stream: Stream, told: Told, now_ns: int) -> list[Incident]:
        """An alarm is taken for false; of an incident that was confirmed before it, nothing changes."""
        before, reference = self._last[number]
        if before.state == "confirmed":
            return []
        incident = _telling(replace(before, state="closed", closed_time=now_ns), stream, told, reference)
        self._last[number] = (incident, reference)
        return [incident]


def _telling(
    incident: Incident, stream: Stream, told: Told, reference: Levels, *, further: bool = False
) -> Incident:
    """The incident with what moved, from where to where, and the sentence."""
    current = None if incident.state == "open" else told.current
    return replace(
        incident,
        direction=direction_name(told.direction),
        category=told.category,
        reference_low=known(reference[0]),
        reference_level=level_of(reference),
        reference_high=known(reference[2]),
        current_low=known(told.current[0]),
        current_level=level_of(told.current),
        current_high=known(told.current[2]),
        summary=summarize(
            stream,
            incident.state,
            told.direction,
            reference,
            current,
            category=told.category,
            over=incident.closed_time is not None,
            further=further,
        ),
    )


def first_seen(namespace: str, stream: Stream, category: str, n: int, now_ns: int) -> Incident:
    """A value that the stream had never seen, at its observation `n`: an incident that is over at once.

    Without `category`: there are more of the same day, which are not told.
    """
    return Incident(
        incident_id=_incident_id(namespace, stream, b"first seen" + category.encode(), now_ns),
        opened_time=now_ns,
        closed_time=now_ns,
        state="confirmed",
        agent_name=stream.agent_name,
        step_name=stream.step_name,
        signal=stream.signal.name,
        detector=FIRST_SEEN,
        direction="",
        n=n,
        statistic=0.0,
        threshold=0.0,
        reference_level=None,
        current_level=None,
        summary=summarize_first_seen(stream, category, n - 1),
        confirmed_time=now_ns,
        category=category,
    )


def _incident_id(namespace: str, stream: Stream, what: bytes, now_ns: int) -> str:
    """With its time: a stream that starts anew counts its observations from one again."""
    key = stream_key(namespace, stream) + what + now_ns.to_bytes(8, "little")
    return hashlib.blake2b(key, digest_size=16).hexdigest()


def make_alert(incident: Incident, namespace: str, now_ns: int) -> Alert | None:
    """What a person is told of the state that an incident is in now; None: nothing."""
    if incident.state != "confirmed":
        return None
    over = incident.closed_time is not None
    kind: AlertType = "drift.resolved" if over else "drift.detected"
    if incident.detector == FIRST_SEEN:
        kind = "value.first_seen"
    severity: Severity = "info" if over else "warning"
    return Alert(
        # An incident may be over more than once.
        alert_id=f"{incident.incident_id}.{f'closed.{now_ns}' if over else 'confirmed'}",
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
        category=incident.category,
    )


def build_incidents(incidents: list[Incident]) -> pa.RecordBatch:
    """A batch of kind INCIDENTS, a row for each; at least one."""
    rows: list[dict[str, Any]] = [asdict(incident) for incident in incidents]
    columns: dict[str, pa.Array] = {}
    for field in schema_of(Kind.INCIDENTS):
        if field.name in rows[0]:
            values = [row[field.name] for row in rows]
            given = pa.int64() if field.type == TIME else field.type
            columns[field.name] = pa.array(values, given).cast(field.type)
    return make_batch(Kind.INCIDENTS, columns)
