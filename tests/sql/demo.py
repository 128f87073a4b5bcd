"""The demo's fleet through the pipeline into tables: its own events, by the SDK, without Kafka between."""

from clickhouse_connect.driver.client import Client

from schemas.native import decode
from streams.demo.fleet import Fleet
from tests.sql.through import Path
from wakeline.testing import collecting_emitter

EVENTS_A_FRAME = 1_000


def store_fleet(client: Client, namespace: str, fleet: Fleet) -> None:
    """Store all that follows from the fleet's events: steps, runs, windows, incidents."""
    emitter = collecting_emitter(max_queue_events=1_000_000, max_queue_bytes=2**30)
    summary = fleet.emit(emitter)
    assert len(emitter.lines) == summary.steps, "the emitter dropped events"
    path = Path(client, namespace)
    for start in range(0, len(emitter.lines), EVENTS_A_FRAME):
        batch = decode(b"\n".join(emitter.lines[start : start + EVENTS_A_FRAME]))
        assert not batch.rejected
        path.send(batch.events)
    path.end()
