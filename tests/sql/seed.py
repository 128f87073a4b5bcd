"""A fleet's events, and the tables made from them through the real path.

What needs a broker, other clocks or weeks of data is given: incidents, readings, dead letters, the ledger,
and when rows were stored.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.columns import Kind
from schemas.event import Event
from streams.pricing.book import PriceBook
from streams.write.dead_letters import to_table
from tests.sql.fleet_events import AGENTS, HOUR_NS, make_events
from tests.sql.rows import insert
from tests.sql.through import Path

FRAME = 250
# (opened, closed) in hours after the fleet's start; the last is a false alarm.
INCIDENTS = ((1, None, "open"), (2, None, "confirmed"), (3.25, 4, "confirmed"), (2, 3, "closed"))
# Of what is given.
SIGNAL = "satisfaction"
# Sent twice, with the first frame.
REPEATED = 3
# (hours after the fleet's start, role, entry, count)
LEDGER = ((1, "drift", "detectors.late", 3), (4, "drift", "detectors.late", 2), (5, "runs", "gap", 17))
# (hours after the fleet's start, topic, reason)
LETTERS = (
    (1, "agent-events", "invalid_json"),
    (4, "otlp_spans", "invalid_span"),
    (4, "agent-events", "empty"),
)
# (minutes after the fleet's start, measure, bucket, rows); delays end at 1.02, 8.2 and 262 s.
ARRIVALS = tuple(
    (minute, measure, bucket, rows)
    for minute in range(0, 360, 2)
    for measure, bucket, rows in (
        ("steps", 0, 20),
        ("pipeline_delay", 39, 15),
        ("pipeline_delay", 51, 4),
        ("pipeline_delay", 71 if minute >= 180 else 51, 1),
        ("emitter_delay", 43, 20),
        ("corrected_steps", 0, 6),
        ("runs", 0, 2),
        ("windows", 0, 9),
        ("readings", 0, 4),
    )
)


@dataclass(frozen=True)
class Fleet:
    """What a namespace holds.

    Attributes:
        start_ns: of the seeded range; a whole hour. It ends six hours later.
        events: all that was sent, in this order.
        repriced: those that another price book priced.
    """

    start_ns: int
    events: list[Event]
    repriced: list[Event]


def seed(client: Client, namespace: str, start_ns: int, number: int) -> Fleet:
    """Send a fleet's events through INGEST, RUNS and DRIFT's windows into the tables of a database."""
    events = make_events(start_ns, number)
    path = Path(client, namespace, keep_contents=True, keep_changes=False)
    change = len(events) // 2 // FRAME * FRAME
    for place in range(0, len(events), FRAME):
        if place == change:
            path.book = _other_book()
        path.send(events[place : place + FRAME])
        if place == 0:
            path.send(events[:REPEATED])
    path.end()
    for width_s in (60, 3_600):
        insert(client, Kind.WINDOWS, taken_back(start_ns, width_s), namespace=namespace)
    insert(client, Kind.INCIDENTS, incidents(start_ns), namespace=namespace)
    insert(client, Kind.READINGS, readings(start_ns), namespace=namespace)
    insert(client, Kind.LEDGER, ledger(start_ns), namespace=namespace)
    _insert_letters(client, namespace, start_ns)
    _insert_arrivals(client, namespace, start_ns)
    return Fleet(start_ns, events, events[change:])


def _other_book() -> PriceBook:
    """The same prices under another name."""
    return PriceBook(base_version="later")


def taken_back(start_ns: int, width_s: int) -> list[dict[str, Any]]:
    """Steps that were the service's until the span came that names their agent: +1, and -1 an epoch later."""
    return [
        {
            "width_s": width_s,
            "window_start": start_ns + HOUR_NS,
            "epoch_start": start_ns + HOUR_NS + epoch * HOUR_NS // 12,
            "agent_name": "desk",
            "agent_version": version,
            "kind": "llm",
            "step_name": "chat",
            "model": "taken back",
            "steps": steps,
            "errors": steps,
            "input_tokens": 1_000 * steps,
            "unpriced_steps": steps,
            "durations": steps,
            "duration_ns": 10**9 * steps,
            "duration_buckets": [(500, steps)],
        }
        for version in ("0.1", "0.2")
        for epoch, steps in ((0, 2), (1, -2))
    ]


def incidents(start_ns: int) -> list[dict[str, Any]]:
    """One open, one confirmed and open, one confirmed and over, one false; all of the first agent."""
    return [
        {
            "incident_id": f"i{number}",
            "opened_time": start_ns + int(opened * HOUR_NS),
            "closed_time": None if closed is None else start_ns + closed * HOUR_NS,
            "state": state,
            "agent_name": AGENTS[0],
            "step_name": "chat",
            "signal": SIGNAL,
            "detector": "csr",
            "direction": "up",
            "n": 100 + number,
            "statistic": 12.5,
            "threshold": 9.0,
            "confirmed_time": start_ns + int((opened + 0.5) * HOUR_NS) if state == "confirmed" else None,
            "category": "search" if number == 0 else None,
            "reference_level": 1.6,
            "reference_low": 1.5,
            "reference_high": 1.7,
            "current_level": 2.4,
            "current_low": 2.25,
            "current_high": 2.5,
            "summary": f"incident {number}",
        }
        for number, (opened, closed, state) in enumerate(INCIDENTS)
    ]


def readings(start_ns: int) -> list[dict[str, Any]]:
    """One every ten minutes of each agent; the first agent's statistic crosses its threshold."""
    return [
        {
            "time": start_ns + place * HOUR_NS // 6,
            "agent_name": agent,
            "step_name": "chat",
            "signal": SIGNAL,
            "alarm": False,
            "n": 10 * place,
            "last": 1.5 + 0.01 * place,
            "statistic": min(0.25 * place, 12.5) if agent == AGENTS[0] else 2.0,
            "threshold": 9.0,
            "direction": "up",
            "detector": "csr",
        }
        for place in range(1, 36)
        for agent in AGENTS
    ]


def ledger(start_ns: int) -> list[dict[str, Any]]:
    """What the pipeline did."""
    return [
        {
            "ledger_id": f"l{number}",
            "time": start_ns + hours * HOUR_NS,
            "role": role,
            "entry": entry,
            "count": count,
            "detail": f"{entry} in words",
        }
        for number, (hours, role, entry, count) in enumerate(LEDGER)
    ]


def _insert_letters(client: Client, namespace: str, start_ns: int) -> None:
    letters = [
        (
            {"topic": topic, "reason": reason, "detail": "in words", "offset": str(number)}
            | {"partition": "0", "number": "0", "append_time_unix_nano": str(start_ns + hours * HOUR_NS)},
            b"{",
            number,
        )
        for number, (hours, topic, reason) in enumerate(LETTERS)
    ]
    client.insert_arrow("dead_letters", to_table(letters, namespace))


def _time(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns / 10**9, UTC)


def _insert_arrivals(client: Client, namespace: str, start_ns: int) -> None:
    """As if rows had been stored when the events happened."""
    names = ["namespace", "stored_time", "measure", "source", "bucket", "rows"]
    rows = [
        [namespace, _time(start_ns + minute * 60 * 10**9), measure, "otlp_spans", bucket, count]
        for minute, measure, bucket, count in ARRIVALS
    ]
    client.insert("arrivals", rows, column_names=names)
