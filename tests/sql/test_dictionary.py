"""Does every column say what it means: in the page, in ClickHouse, and nowhere else than where it is?"""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from clickhouse_connect.driver.client import Client

from schemas.descriptions import load_descriptions
from streams.comments import write_comments
from streams.dictionary import FILE, Table, Undescribed, make_text, superfluous, undescribed

# Materialised views are how tables are filled: nobody asks them.
_TABLES = (
    "SELECT name, comment FROM system.tables "
    "WHERE database = currentDatabase() AND engine != 'MaterializedView'"
)
_COLUMNS = (
    "SELECT table, name, type, comment FROM system.columns "
    f"WHERE database = currentDatabase() AND table IN (SELECT name FROM ({_TABLES}))"
)


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    return connect(database())


def test_the_page_is_what_the_migrations_make() -> None:
    """In a process of its own, because the engine is in it."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.dictionary", "--check"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_has_every_column_of_the_engine_with_type_and_comment(client: Client) -> None:
    found = set()
    table = ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            table = line.removeprefix("### ")
        elif row := re.fullmatch(r"\| `(.+?)` \| `(.+?)` \| (.+) \|", line):
            found.add((table, *row.groups()))
    have = set(client.query(_COLUMNS).result_rows)
    assert len(have) > 800
    assert found == have


def test_every_table_view_and_column_has_a_comment_in_the_engine(client: Client) -> None:
    columns = client.query(_COLUMNS).result_rows
    assert [f"{table}.{name}" for table, name, _, comment in columns if not comment] == []
    tables = client.query(_TABLES).result_rows
    assert [name for name, comment in tables if not comment] == []
    assert {name for name, _ in tables} == set(load_descriptions().tables)


def test_every_text_describes_something_that_is_there(client: Client) -> None:
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, name, kind, _ in client.query(_COLUMNS).result_rows:
        columns.setdefault(table, []).append((name, kind))
    tables = [Table(name, tuple(have), is_view=False) for name, have in columns.items()]
    assert superfluous(tables) == []
    assert undescribed(tables) == []
    without_steps = [table for table in tables if table.name not in ("steps", "agent_contents")]
    assert superfluous(without_steps) == ["steps", "agent_contents"]


def test_a_column_or_table_without_a_text_is_an_error_that_names_it() -> None:
    new = Table("steps", (("run_id", "String"), ("colour", "String")), is_view=False)
    stranger = Table("paintings", (("run_id", "String"),), is_view=False)
    with pytest.raises(Undescribed, match=r": steps\.colour, paintings, paintings\.run_id$"):
        make_text([new, stranger])


def test_what_a_migration_takes_away_is_put_back_and_a_second_time_does_nothing(client: Client) -> None:
    name = str(client.database)
    assert write_comments(client, name) == []
    client.command("CREATE OR REPLACE VIEW agent_hours AS SELECT namespace, 1 AS steps FROM agent_windows")
    client.command("ALTER TABLE runs COMMENT COLUMN depth 'mine'")
    client.command("CREATE VIEW of_another AS SELECT 1 AS steps")
    assert write_comments(client, name) == ["agent_hours", "runs"]
    comments = {(table, column): comment for table, column, _, comment in client.query(_COLUMNS).result_rows}
    texts = load_descriptions()
    assert comments["agent_hours", "steps"] == texts.of_column("agent_hours", "steps")
    assert comments["runs", "depth"] == texts.of_column("runs", "depth")
    assert comments["of_another", "steps"] == ""


def test_texts_are_short_plain_and_no_longer_than_a_line_of_a_terminal_needs() -> None:
    texts = load_descriptions()
    every = [
        *texts.columns.values(),
        *texts.tables.values(),
        *(t for own in texts.own.values() for t in own.values()),
    ]
    for text in every:
        assert text == text.strip()
        assert not text.endswith(".")
        assert "|" not in text
        assert len(text) <= 130, text
