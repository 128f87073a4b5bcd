"""How do ClickHouse's tables come to be? Numbered SQL files, each applied once, in order.

A migration that was applied may not change: its checksum is kept beside its number. Two that run at once do
no harm, because every statement says IF NOT EXISTS or OR REPLACE.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from streams.comments import write_comments

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
# Which migrations a database has had.
JOURNAL = """
CREATE TABLE IF NOT EXISTS {database}.schema_migrations
(
    number UInt32,
    name String,
    sha256 String,
    applied_time DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(applied_time)
ORDER BY number
"""


class MigrationChanged(ValueError):
    """An applied migration is not in this version, or reads differently there. The message names it."""


@dataclass(frozen=True)
class Migration:
    """One file of `schemas/migrations`."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Of the text, hexadecimal: what must not change once it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def title(self) -> str:
        """Number and name, as in the file's name."""
        return f"{self.number:04d}_{self.name}"

    def statements(self) -> list[str]:
        """The file's statements: a semicolon at the end of a line ends one; comments go."""
        text = "\n".join(line for line in self.sql.splitlines() if not line.lstrip().startswith("--"))
        return [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", text) if part.strip()]


def load_migrations() -> list[Migration]:
    """All migrations in order.

    Raises:
        ValueError: two have one number, or a file's name is not `NNNN_name.sql`.
    """
    found = []
    for file in resources.files("schemas.migrations").iterdir():
        if file.name.endswith(".sql"):
            match = _NAME.match(file.name)
            if match is None:
                raise ValueError(f"{file.name} is not named NNNN_name.sql")
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise ValueError(f"Migrations are numbered {numbers}, not 1 to {len(found)}")
    return found


def pending(client: "Client", database: str) -> list[Migration]:
    """Migrations that the database has not had.

    Raises:
        MigrationChanged: one that it has had reads differently now, or is unknown to this version.
    """
    _check_name(database)
    exists = client.query(
        "SELECT count() FROM system.tables WHERE database = {d:String} AND name = 'schema_migrations'",
        parameters={"d": database},
    ).result_rows[0][0]
    applied: dict[int, str] = {}
    if exists:
        rows = client.query(f"SELECT number, sha256 FROM {database}.schema_migrations FINAL").result_rows
        applied = {int(number): str(sha256) for number, sha256 in rows}
    known = load_migrations()
    newer = sorted(set(applied) - {migration.number for migration in known})
    if newer:
        raise MigrationChanged(
            f"{database} has had migration {newer[-1]:04d}; this version knows them up to {len(known):04d}. "
            "Use the version that applied it, or a newer one"
        )
    left = []
    for migration in known:
        had = applied.get(migration.number)
        if had is None:
            left.append(migration)
        elif had != migration.sha256:
            raise MigrationChanged(
                f"Migration {migration.title} was applied to {database} with another text. Released "
                "migrations never change: restore the file and add a new one, or use another database"
            )
    return left


def migrate(client: "Client", database: str) -> list[str]:
    """Bring `database` to the newest version; it is created when absent.

    Args:
        client: of a user that may create tables; its own database does not matter.
        database: a plain identifier.

    Returns:
        Titles of the migrations applied, in order.

    Raises:
        MigrationChanged: see `pending`.
        ValueError: `database` is no identifier.
    """
    _check_name(database)
    client.command(f"CREATE DATABASE IF NOT EXISTS {database}")
    client.command(JOURNAL.format(database=database))
    done = []
    for migration in pending(client, database):
        for statement in migration.statements():
            client.command(qualified(statement, database))
        client.insert(
            "schema_migrations",
            [[migration.number, migration.name, migration.sha256]],
            column_names=["number", "name", "sha256"],
            database=database,
        )
        done.append(migration.title)
    write_comments(client, database)
    return done


def qualified(statement: str, database: str) -> str:
    """A statement for a database: names are `{db}.table`, or what a CREATE names."""
    text = statement.replace("{db}", database)
    return re.sub(r"^(CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW)) (\w+)", rf"\1 {database}.\2", text)


def _check_name(database: str) -> None:
    if not _IDENTIFIER.match(database):
        raise ValueError(f"{database!r} is not a plain database name")
