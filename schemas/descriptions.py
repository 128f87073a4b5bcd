"""What does each table, view and column of ClickHouse mean? Read from `descriptions.toml`.

A migration that replaces a view takes the comments of its columns away; so texts stand beside migrations, and
`streams.comments` puts them into ClickHouse after each. It knows no types: the engine does.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

FILE = "descriptions.toml"


@dataclass(frozen=True)
class Descriptions:
    """Texts by name.

    Attributes:
        columns: meaning of a column in every table that does not say otherwise.
        tables: meaning of each table and view.
        own: for some tables, meanings of columns that only they have.
    """

    columns: Mapping[str, str]
    tables: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]]

    def of_table(self, table: str) -> str | None:
        """A table's or view's meaning; None: it has none here."""
        return self.tables.get(table)

    def of_column(self, table: str, column: str) -> str | None:
        """A column's meaning; None: it has none here, or the table is none of ours."""
        if table not in self.tables:
            return None
        return self.own[table].get(column, self.columns.get(column))


@cache
def load_descriptions() -> Descriptions:
    """The file's texts.

    Raises:
        ValueError: a table has no meaning, or something else stands in the file.
    """
    content = tomllib.loads(resources.files("schemas").joinpath(FILE).read_text(encoding="utf-8"))
    tables: dict[str, dict[str, object]] = content["tables"]
    for name, about in tables.items():
        if "about" not in about or not about.keys() <= {"about", "columns"}:
            raise ValueError(f"{FILE}: [tables.{name}] takes `about` and `columns`, and has {sorted(about)}")
    return Descriptions(
        content["columns"],
        {name: str(about["about"]) for name, about in tables.items()},
        {name: _texts(about.get("columns", {})) for name, about in tables.items()},
    )


def _texts(columns: object) -> Mapping[str, str]:
    assert isinstance(columns, dict)
    return {str(name): str(text) for name, text in columns.items()}
