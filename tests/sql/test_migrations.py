"""Do migrations bring a database up once, in order, and refuse what they cannot vouch for?"""

import threading
from collections.abc import Callable

import pytest
from clickhouse_connect.driver.client import Client

from streams import migrate as module
from streams.migrate import Migration, MigrationChanged, load_migrations, migrate, pending


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect("default")


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> str:
    return "m_" + "".join(c if c.isalnum() else "_" for c in request.node.name)[-60:]


def objects(client: Client, database: str) -> list[tuple[str, str]]:
    return [
        (str(name), str(engine))
        for name, engine in client.query(
            "SELECT name, engine FROM system.tables WHERE database = {d:String} ORDER BY name",
            {"d": database},
        ).result_rows
    ]


def test_a_new_database_gets_all_and_a_second_time_nothing(client: Client, fresh: str) -> None:
    titles = [migration.title for migration in load_migrations()]
    assert migrate(client, fresh) == titles
    before = objects(client, fresh)
    assert {"steps", "agent_steps", "otel_traces", "schema_migrations"} <= {name for name, _ in before}
    assert pending(client, fresh) == []
    assert migrate(client, fresh) == []
    assert objects(client, fresh) == before


def test_a_database_that_does_not_exist_yet_waits_for_all(client: Client) -> None:
    assert [migration.number for migration in pending(client, "m_nowhere")] == [
        migration.number for migration in load_migrations()
    ]


def test_what_is_half_applied_is_completed(client: Client, fresh: str) -> None:
    migrate(client, fresh)
    whole = objects(client, fresh)
    client.command(f"DROP VIEW {fresh}.agent_steps")
    client.command(
        f"ALTER TABLE {fresh}.schema_migrations DELETE WHERE number = 3", settings={"mutations_sync": 1}
    )
    assert migrate(client, fresh) == ["0003_views"]
    assert objects(client, fresh) == whole


def test_a_changed_migration_is_refused_by_name(
    client: Client, fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(client, fresh)
    first, *others = load_migrations()
    changed = [Migration(first.number, first.name, first.sql + "\n-- later\n"), *others]
    monkeypatch.setattr(module, "load_migrations", lambda: changed)
    with pytest.raises(MigrationChanged, match="0001_steps was applied"):
        migrate(client, fresh)


def test_a_database_of_a_newer_version_is_refused(
    client: Client, fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(client, fresh)
    older = load_migrations()[:-1]
    monkeypatch.setattr(module, "load_migrations", lambda: older)
    with pytest.raises(MigrationChanged, match=f"this version knows them up to {len(older):04d}"):
        pending(client, fresh)


def test_two_that_run_at_once_end_with_one_schema(connect: Callable[..., Client], fresh: str) -> None:
    failures: list[Exception] = []

    def run() -> None:
        own = connect("default")
        try:
            migrate(own, fresh)
        except Exception as error:  # noqa: BLE001  # handed to the test
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    client = connect("default")
    assert pending(client, fresh) == []
    rows = client.query(f"SELECT count(), uniqExact(number) FROM {fresh}.schema_migrations FINAL").result_rows
    assert rows == [(len(load_migrations()), len(load_migrations()))]


@pytest.mark.parametrize("name", ["", "a b", "x; DROP DATABASE y", "ä", "1a", "a`"])
def test_a_name_that_is_no_identifier_is_refused(client: Client, name: str) -> None:
    with pytest.raises(ValueError, match="not a plain database name"):
        migrate(client, name)


def test_statements_are_cut_where_a_semicolon_ends_a_line() -> None:
    sql = "-- one; two\nSELECT ';';\n\n-- three\nSELECT 2\n    -- inside;\n;  \nSELECT 3"
    assert Migration(1, "x", sql).statements() == ["SELECT ';'", "SELECT 2", "SELECT 3"]


REPEATABLE = ("ADD COLUMN IF NOT EXISTS ", "MODIFY COLUMN ")
CREATES = (
    "CREATE TABLE IF NOT EXISTS ",
    "CREATE OR REPLACE VIEW ",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS ",
)


def test_every_statement_can_be_repeated() -> None:
    for migration in load_migrations():
        for statement in migration.statements():
            if statement.startswith("ALTER TABLE "):
                changes = [line.strip() for line in statement.splitlines()[1:]]
                assert all(line.startswith(REPEATABLE) for line in changes), statement
            else:
                # Minima and maxima: a second time they are the same.
                assert statement.startswith((*CREATES, "INSERT INTO {db}.sightings"))
