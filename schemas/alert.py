"""What is on the topics `alerts` and `deliveries`? JSON for people's tools, one object a message."""

from typing import Literal

import msgspec

AlertType = Literal["drift.detected", "drift.resolved", "value.first_seen", "loop.detected", "pipeline.gap"]
Severity = Literal["critical", "warning", "info"]


class Alert(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Something that a person should know.

    Attributes:
        alert_id: made from data, so that a repeat after a crash has the same id; the idempotency key.
        type: what happened.
        severity: how urgent.
        namespace: where.
        time_unix_ms: when, by the partition's clock.
        summary: one sentence with names and numbers, for a pager.
        incident_id: of the incident that it belongs to.
        run_id: of a rule about one run.
        reference_level: of the signal before the change, in the signal's unit.
        current_level: of the signal since.
        category: of a mix: the tool, model or reason that it is about.
    """

    alert_id: str
    type: AlertType
    severity: Severity
    namespace: str
    time_unix_ms: int
    summary: str
    incident_id: str
    agent_name: str = ""
    step_name: str = ""
    signal: str = ""
    detector: str = ""
    direction: str = ""
    run_id: str = ""
    statistic: float | None = None
    threshold: float | None = None
    reference_level: float | None = None
    current_level: float | None = None
    category: str = ""


class Delivery(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What became of one alert at one target.

    Attributes:
        alert_id: the alert.
        target: the target's name; never its URL, which may hold a secret.
        state: sent, failed (will be tried again), or given_up.
        attempts: so far.
        status: HTTP status of the last answer; 0 when there was none.
        detail: reason of the last failure.
        time_unix_ms: of the last attempt, by the wall clock.
    """

    alert_id: str
    target: str
    state: Literal["sent", "failed", "given_up"]
    attempts: int
    time_unix_ms: int
    status: int = 0
    detail: str = ""
