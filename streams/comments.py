"""How does ClickHouse itself say what its columns mean? Descriptions become comments.

After each migration, because one that replaces a view takes its comments away. What differs alone is written,
so a second time does nothing. Tables of others are left alone.
"""

from collections import defaultdict
from typing import TYPE_CHECKING

from schemas.descriptions import load_descriptions

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_COLUMNS = "SELECT table, name, comment FROM system.columns WHERE database = {database:String}"
_TABLES = "SELECT name, comment FROM system.tables WHERE database = {database:String}"


def write_comments(client: "Client", database: str) -> list[str]:
    """Make comments what the descriptions say.

    Args:
        client: of a user that may alter tables.
        database: a plain identifier, with the tables.

    Returns:
        Tables and views that were altered, sorted.
    """
    texts = load_descriptions()
    changes: dict[str, list[str]] = defaultdict(list)
    for table, column, comment in client.query(_COLUMNS, {"database": database}).result_rows:
        text = texts.of_column(table, column)
        if text is not None and text != comment:
            changes[table].append(f"COMMENT COLUMN `{column}` {quote(text)}")
    for table, comment in client.query(_TABLES, {"database": database}).result_rows:
        text = texts.of_table(table)
        if text is not None and text != comment:
            changes[table].append(f"MODIFY COMMENT {quote(text)}")
    for table, commands in changes.items():
        client.command(f"ALTER TABLE {database}.`{table}` {', '.join(commands)}")
    return sorted(changes)


def quote(text: str) -> str:
    """A literal of ClickHouse."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
