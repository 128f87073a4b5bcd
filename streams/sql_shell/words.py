"""Which words may stand here? Tables, columns, functions and keywords, as this server knows them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_COLUMNS = """
SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY table, position
"""
_TABLES = """
SELECT name
FROM system.tables
WHERE database = currentDatabase() AND engine != 'MaterializedView'
ORDER BY name
"""
_FUNCTIONS = "SELECT name FROM system.functions ORDER BY name"
_KEYWORDS = "SELECT keyword FROM system.keywords ORDER BY keyword"

# After these a table follows.
_BEFORE_TABLE = re.compile(
    r"\b(?:FROM|JOIN|INTO|TABLE|DESCRIBE|DESC|EXISTS|TRUNCATE)\s+(?:\w+\.)?\w*$", re.IGNORECASE
)
_TABLE_AND_ALIAS = re.compile(
    r"\b(?:FROM|JOIN)\s+(?:\w+\.)?(\w+)(?:\s+(?:FINAL\s+)?(?:AS\s+)?(\w+))?", re.IGNORECASE
)
_WORD = re.compile(r"[\w.]*$")


@dataclass(frozen=True)
class Word:
    """What may stand here.

    Attributes:
        text: to be put in.
        sort: for people: a column's type, `table`, `function`, `keyword`.
        replaces: how many characters before the cursor it stands for.
    """

    text: str
    sort: str
    replaces: int


@dataclass(frozen=True)
class Words:
    """All words of a database.

    Attributes:
        tables: names, views included.
        columns: table to its columns and their types.
        functions: names; most are case-sensitive.
        keywords: in capitals.
    """

    tables: tuple[str, ...] = ()
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    functions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    def matching(self, before: str, statement: str) -> Iterator[Word]:
        """Words that go on from the cursor, the likeliest first.

        Args:
            before: the statement up to the cursor, outside of literals.
            statement: all of it: tables may be named behind the cursor.
        """
        found = _WORD.search(before)
        word = found.group() if found else ""
        named = self._named(statement)
        qualifier, dot, begun = word.rpartition(".")
        if dot:
            yield from _of(self.columns.get(named.get(qualifier, qualifier), {}), begun)
            return
        if _BEFORE_TABLE.search(before):
            yield from _of(dict.fromkeys(self.tables, "table"), word)
            return
        if not word:
            return
        tables = [table for table in dict.fromkeys(named.values()) if table in self.columns]
        columns: dict[str, str] = {}
        for table in tables or self.columns:
            columns |= self.columns[table]
        yield from _of(columns, word)
        yield from _of(dict.fromkeys(self.keywords, "keyword"), word)
        yield from _of(dict.fromkeys(self.functions, "function"), word)
        yield from _of(dict.fromkeys(self.tables, "table"), word)

    def _named(self, statement: str) -> dict[str, str]:
        """Alias, or name, to table."""
        named = {}
        for table, alias in _TABLE_AND_ALIAS.findall(statement):
            named[table] = table
            if alias and alias.upper() not in self.keywords:
                named[alias] = table
        return named


def _of(words: dict[str, str], begun: str) -> Iterator[Word]:
    low = begun.lower()
    for text, sort in words.items():
        if text.lower().startswith(low) and text != begun:
            yield Word(text, sort, len(begun))


def load_words(client: "Client") -> Words:
    """Ask the server for its words: four short queries."""
    columns: dict[str, dict[str, str]] = {}
    for table, name, kind in client.query(_COLUMNS).result_rows:
        columns.setdefault(table, {})[name] = kind
    return Words(
        tuple(name for (name,) in client.query(_TABLES).result_rows),
        columns,
        tuple(name for (name,) in client.query(_FUNCTIONS).result_rows),
        tuple(keyword for (keyword,) in client.query(_KEYWORDS).result_rows),
    )
