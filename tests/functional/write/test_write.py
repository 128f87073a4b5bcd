"""WRITE against the real engine: what ClickHouse refuses is kept apart, what it misses comes later."""

import json
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer

from schemas.columns import TIME
from schemas.topics import DEAD_LETTERS, topic_name
from streams.clickhouse import connect
from streams.health import Health
from streams.loop import SinkUnavailable, make_producer
from streams.migrate import migrate
from streams.settings import ConfigError, Settings
from streams.write.dead_letters import to_table
from streams.write.sink import ClickHouseSink, RowsRejected
from streams.write.stage import WriteStage

pytestmark = pytest.mark.functional


@pytest.fixture
def client(stored_settings: Settings) -> Iterator[Client]:
    connection = connect(stored_settings, with_database=False)
    migrate(connection, stored_settings.clickhouse_database)
    yield connection
    connection.close()


def ledger(ids: list[str], counts: list[str]) -> pa.Table:
    """Ledger rows whose counts are text: ClickHouse takes digits and refuses words."""
    return pa.table(
        {
            "namespace": pa.repeat("t", len(ids)),
            "ledger_id": pa.array(ids),
            "time": pa.array([0] * len(ids), pa.int64()).cast(TIME),
            "count": pa.array(counts),
            "row_version": pa.array([1] * len(ids), pa.uint64()),
        }
    )


def stored_ids(settings: Settings, client: Client) -> list[str]:
    rows = client.query(f"SELECT ledger_id FROM {settings.clickhouse_database}.ledger FINAL ORDER BY ALL")
    return [row[0] for row in rows.result_rows]


def test_a_bad_row_becomes_a_dead_letter_and_the_others_of_its_block_are_stored(
    topics: Settings, stored_settings: Settings, client: Client
) -> None:
    sink = ClickHouseSink(lambda: connect(stored_settings), stored_settings.clickhouse_database)
    stage = WriteStage(topics, sink, make_producer(topics, "test"), Health("write"))
    ids = [f"l{number}" for number in range(9)]
    counts = [str(number) for number in range(9)]
    counts[5] = counts[7] = "many"
    stage.write("ledger", ledger(ids, counts))
    stage.flush(0.0)
    assert stored_ids(stored_settings, client) == [name for name in ids if name not in ("l5", "l7")]
    letters = read_letters(topics, 2)
    assert {row["ledger_id"] for _, _, row in letters} == {"l5", "l7"}
    assert {headers["reason"] for headers, _, _ in letters} == {"row_rejected"}
    stage.write("dead_letters", to_table([(headers, raw, 0) for headers, raw, _ in letters], "t"))
    kept = client.query(f"SELECT count() FROM {stored_settings.clickhouse_database}.dead_letters FINAL")
    assert kept.result_rows == [(2,)], "one letter does not replace another"


def read_letters(settings: Settings, count: int) -> list[tuple[dict[str, str], bytes, dict[str, object]]]:
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka, "group.id": "letters", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic_name(DEAD_LETTERS, settings.namespace)])
    try:
        messages = consumer.consume(count, 20)
    finally:
        consumer.close()
    letters = []
    for message in messages:
        headers = {name: bytes(text or b"").decode() for name, text in message.headers() or []}  # type: ignore[str-unpack,arg-type]
        raw = message.value() or b""
        letters.append((headers, raw, json.loads(raw)))
    return letters


def test_what_clickhouse_refuses_for_good_is_told_from_what_passes(
    stored_settings: Settings, client: Client
) -> None:
    sink = ClickHouseSink(lambda: connect(stored_settings), stored_settings.clickhouse_database)
    with pytest.raises(RowsRejected):
        sink.write("ledger", ledger(["l"], ["many"]))
    with pytest.raises(ConfigError, match="wakeline migrate"):
        sink.write("no_such_table", ledger(["l"], ["1"]))
    sink.write("ledger", ledger(["l"], ["1"]))
    assert stored_ids(stored_settings, client) == ["l"]


def test_an_engine_that_is_away_is_waited_for(stored_settings: Settings, tmp_path: Path) -> None:
    def nobody() -> Client:
        return clickhouse_connect.get_client(host="127.0.0.1", port=1, username="u", connect_timeout=1)

    with pytest.raises(SinkUnavailable):
        ClickHouseSink(nobody, "wakeline").write("ledger", ledger(["l"], ["1"]))
