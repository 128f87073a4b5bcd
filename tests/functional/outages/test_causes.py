"""What ClickHouse says when it cannot, told from what it says when it will not; by the real engine."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from schemas.columns import TIME
from streams.clickhouse import connect
from streams.loop import SinkUnavailable
from streams.migrate import migrate
from streams.settings import Settings
from streams.write.sink import ClickHouseSink, RowsRejected

pytestmark = pytest.mark.functional

DAY_NS = 86_400 * 1_000_000_000


def rows(count: int = 3, *, days: int = 0) -> pa.Table:
    """Ledger rows, so many days apart from each other."""
    times = [number * days * DAY_NS for number in range(count)]
    return pa.table(
        {
            "namespace": pa.repeat("t", count),
            "ledger_id": pa.array([f"l{number}" for number in range(count)]),
            "time": pa.array(times, pa.int64()).cast(TIME),
            "count": pa.array([1] * count, pa.uint64()),
            "row_version": pa.array([1] * count, pa.uint64()),
        }
    )


@pytest.fixture
def client(stored_settings: Settings) -> Iterator[Client]:
    connection = connect(stored_settings, with_database=False)
    migrate(connection, stored_settings.clickhouse_database)
    yield connection
    connection.close()


@pytest.fixture
def causes() -> list[str]:
    """What a sink was told to count."""
    return []


@pytest.fixture
def sink(stored_settings: Settings, causes: list[str]) -> ClickHouseSink:
    return ClickHouseSink(
        lambda: connect(stored_settings), stored_settings.clickhouse_database, causes.append
    )


@pytest.fixture
def alter(client: Client, stored_settings: Settings) -> Callable[[str], None]:
    """Change settings of the table `ledger`."""

    def change(settings: str) -> None:
        client.command(f"ALTER TABLE {stored_settings.clickhouse_database}.ledger {settings}")

    return change


def test_a_full_disk_is_waited_for_and_named(
    sink: ClickHouseSink,
    alter: Callable[[str], None],
    causes: list[str],
    client: Client,
    stored_settings: Settings,
) -> None:
    alter("MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000")
    with pytest.raises(SinkUnavailable, match=r"\(disk\)"):
        sink.write("ledger", rows())
    assert causes == ["disk"]
    alter("RESET SETTING min_free_disk_bytes_to_perform_insert")
    sink.write("ledger", rows())
    stored = client.query(f"SELECT count() FROM {stored_settings.clickhouse_database}.ledger FINAL")
    assert stored.result_rows == [(3,)]


def test_too_many_parts_are_waited_for_and_too_many_months_are_not(
    sink: ClickHouseSink, alter: Callable[[str], None], causes: list[str]
) -> None:
    with pytest.raises(RowsRejected, match="single INSERT block"):
        sink.write("ledger", rows(150, days=31))
    assert causes == []
    alter("MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1, max_delay_to_insert = 1")
    sink.write("ledger", rows())
    with pytest.raises(SinkUnavailable, match=r"\(parts\)"):
        sink.write("ledger", rows())
    assert causes == ["parts"]


def test_a_limit_of_memory_is_waited_for(
    stored_settings: Settings, client: Client, causes: list[str]
) -> None:
    def tight() -> Client:
        made = connect(stored_settings)
        made.set_client_setting("max_memory_usage", 1_000)
        made.set_client_setting("max_untracked_memory", 1)
        return made

    sink = ClickHouseSink(tight, stored_settings.clickhouse_database, causes.append)
    with pytest.raises(SinkUnavailable, match=r"\(memory\)"):
        sink.write("ledger", rows())
    assert causes == ["memory"]


def test_an_unknown_refusal_of_everything_is_waited_for_and_of_one_row_is_not(
    sink: ClickHouseSink, alter: Callable[[str], None], causes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A constraint stands in for a code that we have never heard of.
    monkeypatch.setattr("streams.write.sink._DATA", frozenset[int]())
    alter("ADD CONSTRAINT no_l1 CHECK ledger_id != 'l1'")
    with pytest.raises(RowsRejected):
        sink.write("ledger", rows())
    assert causes == []
    alter("ADD CONSTRAINT nothing CHECK ledger_id = ''")
    with pytest.raises(SinkUnavailable, match=r"\(unknown\)"):
        sink.write("ledger", rows())
    assert causes == ["unknown"]
