"""Is docs/data-dictionary.md what the migrations make?

`python -m streams.dictionary` writes it, `--check` compares. Migrations run on an engine in this process and
a temporary folder: names and types are the engine's, texts those of `schemas.descriptions`. A column without
a text is an error that names it.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.descriptions import load_descriptions
from streams.migrate import JOURNAL, load_migrations, qualified

FILE = Path(__file__).parents[1] / "docs" / "data-dictionary.md"
_DATABASE = "wakeline"
_HEAD = """# Data dictionary

Every view and table of ClickHouse, made by `python -m streams.dictionary` from the migrations and
`schemas/descriptions.toml`. The same texts are comments in ClickHouse: `wakeline sql '\\d agent_steps'` shows
them. What the words mean: [concepts.md](concepts.md).

Ask views; they count each step once. Tables hold several rows of one thing until these merge, and are for
those who know `FINAL`. Materialised views, which only feed tables, are left out. Filter on `namespace` and
`time` first: the key begins with them.
"""
_TABLES = """
SELECT
    name,
    engine LIKE '%View' AS is_view,
    sorting_key,
    extract(engine_full, ' TTL (.*?)(?: SETTINGS|$)') AS ttl
FROM system.tables WHERE database = '{database}' AND engine != 'MaterializedView'
"""
_COLUMNS = (
    "SELECT table, name, type FROM system.columns WHERE database = '{database}' ORDER BY table, position"
)


class Undescribed(ValueError):
    """Tables or columns have no text, or a text has nothing to describe. The message names them."""


@dataclass(frozen=True)
class Table:
    """A table or view as the engine has it.

    Attributes:
        name: plain.
        columns: (name, type) in order.
        is_view: a view; it has no key.
        key: expression of ORDER BY.
        ttl: expression of the TTL; empty: none.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    is_view: bool
    key: str = ""
    ttl: str = ""


def read_tables() -> list[Table]:
    """What the migrations make on an engine of this process; views first, each sort by name."""
    from chdb.session import Session

    open_session: Any = Session  # it has no types

    with tempfile.TemporaryDirectory(prefix="wakeline-dictionary-") as folder:
        session = open_session(folder)
        try:
            for statement in _statements():
                session.query(statement)
            about = _rows(session.query(_TABLES.format(database=_DATABASE), "JSONEachRow"))
            columns = _rows(session.query(_COLUMNS.format(database=_DATABASE), "JSONEachRow"))
        finally:
            session.close()
    found = [
        Table(
            one["name"],
            tuple((column["name"], column["type"]) for column in columns if column["table"] == one["name"]),
            bool(one["is_view"]),
            one["sorting_key"],
            one["ttl"],
        )
        for one in about
    ]
    return sorted(found, key=lambda table: (not table.is_view, table.name))


def _statements() -> Iterator[str]:
    yield f"CREATE DATABASE {_DATABASE}"
    yield JOURNAL.format(database=_DATABASE)
    for migration in load_migrations():
        for statement in migration.statements():
            yield qualified(statement, _DATABASE)


def _rows(answer: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in str(answer).splitlines()]


def undescribed(tables: Iterable[Table]) -> list[str]:
    """What has no text, as `table` or `table.column`."""
    texts = load_descriptions()
    missing = []
    for table in tables:
        missing += [] if texts.of_table(table.name) else [table.name]
        missing += [
            f"{table.name}.{name}" for name, _ in table.columns if not texts.of_column(table.name, name)
        ]
    return missing


def superfluous(tables: Iterable[Table]) -> list[str]:
    """Texts of what is not there, as `table`, `table.column` or `column`."""
    texts = load_descriptions()
    have = {table.name: {name for name, _ in table.columns} for table in tables}
    every = set().union(*have.values())
    found = [name for name in texts.columns if name not in every]
    for name, own in texts.own.items():
        found += [] if name in have else [name]
        found += [f"{name}.{column}" for column in own if column not in have.get(name, set())]
    return found


def make_text(tables: list[Table]) -> str:
    """The page: byte-stable.

    Raises:
        Undescribed: a text is missing.
    """
    missing = undescribed(tables)
    if missing:
        raise Undescribed(f"Without a text in schemas/descriptions.toml: {', '.join(missing)}")
    parts = [_HEAD]
    for title, chosen in (
        ("Views", [t for t in tables if t.is_view]),
        ("Tables", [t for t in tables if not t.is_view]),
    ):
        links = ", ".join(f"[{table.name}](#{table.name})" for table in chosen)
        parts += [f"## {title}\n\n{links}\n", *map(_section, chosen)]
    return "\n".join(parts)


def _section(table: Table) -> str:
    texts = load_descriptions()
    about = str(texts.of_table(table.name))
    lines = [f"### {table.name}", "", about if about.endswith("?") else f"{about}.", ""]
    if not table.is_view:
        kept = f" Kept: `{table.ttl}`." if table.ttl else ""
        lines += [f"Key: `{table.key}`.{kept}", ""]
    lines += ["| column | type | meaning |", "|---|---|---|"]
    lines += [
        f"| `{name}` | `{kind}` | {texts.of_column(table.name, name)} |" for name, kind in table.columns
    ]
    return "\n".join([*lines, ""])


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with `--check` say whether it is current.

    Returns:
        0; 1 when a text is missing, or `--check` finds a difference.
    """
    parser = argparse.ArgumentParser(
        prog="python -m streams.dictionary", description="Write the data dictionary."
    )
    parser.add_argument("--check", action="store_true", help="only say whether the page is current")
    check = parser.parse_args(arguments).check
    try:
        text = make_text(read_tables())
    except Undescribed as error:
        print(error, file=sys.stderr)
        return 1
    if not check:
        FILE.write_text(text, encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != text:
        print(f"{FILE} is not what the migrations make: run python -m streams.dictionary", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
