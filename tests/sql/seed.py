"""A fleet's events, and the tables made from them through the real path; incidents and readings are given."""

from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.columns import Kind
from schemas.event import Event
from streams.pricing.book import PriceBook
from tests.sql.fleet_events import AGENTS, HOUR_NS, make_events
from tests.sql.rows import insert
from tests.sql.through import Path

FRAME = 250
# (opened, closed) in hours after the fleet's start; the last is a false alarm.
INCIDENTS = ((1, None, "open"), (2, None, "confirmed"), (3, 4, "confirmed"), (2, 3, "closed"))


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
    path = Path(client, namespace, keep_contents=True)
    change = len(events) // 2 // FRAME * FRAME
    for place in range(0, len(events), FRAME):
        if place == change:
            path.book = _other_book()
        path.send(events[place : place + FRAME])
    path.end()
    insert(client, Kind.INCIDENTS, incidents(start_ns), namespace=namespace)
    insert(client, Kind.READINGS, readings(start_ns), namespace=namespace)
    return Fleet(start_ns, events, events[change:])


def _other_book() -> PriceBook:
    """The same prices under another name."""
    return PriceBook(base_version="later")


def incidents(start_ns: int) -> list[dict[str, Any]]:
    """One open, one confirmed and open, one confirmed and over, one false; all of the first agent."""
    return [
        {
            "incident_id": f"i{number}",
            "opened_time": start_ns + opened * HOUR_NS,
            "closed_time": None if closed is None else start_ns + closed * HOUR_NS,
            "state": state,
            "agent_name": AGENTS[0],
            "step_name": "chat",
            "signal": "duration_s",
            "detector": "csr",
            "direction": "up",
            "n": 100 + number,
            "statistic": 12.5,
            "threshold": 9.0,
            "reference_level": 1.6,
            "current_level": 2.4,
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
            "signal": "duration_s",
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
