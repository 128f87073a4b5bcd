"""The demo's fleet through the pipeline into tables: its own events, by the SDK, without Kafka between."""

from clickhouse_connect.driver.client import Client

from schemas.native import decode
from schemas.topics import AGENT_EVENTS, topic_name
from streams.dead_letters import headers
from streams.demo.fleet import Fleet
from streams.write.dead_letters import to_table
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


def store_rejected(client: Client, namespace: str, record: bytes, append_ns: int) -> None:
    """Store what becomes of a record that is no event: as INGEST tells of it, and WRITE stores it."""
    [rejected] = decode(record).rejected
    topic = topic_name(AGENT_EVENTS, namespace)
    told = headers(rejected.reason, rejected.detail, topic, 0, 0, rejected.number, append_ns)
    letter = ({name: str(value) for name, value in told}, rejected.original, 0)
    client.insert_arrow("dead_letters", to_table([letter], namespace))
