"""What does an answer look like? Values as ClickHouse itself writes them, in a table or another format.

So nanoseconds, decimals and 64-bit integers stay exact; nothing is parsed but the frame of a table. An answer
is held in memory, so that an error never stands in the middle of rows.
"""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from rich.text import Text

Format = Literal["table", "vertical", "csv", "tsv", "json"]

MAX_TABLE_ROWS = 1_000

FORMATS: dict[Format, str] = {
    "table": "JSONCompactStringsEachRowWithNamesAndTypes",
    "vertical": "Vertical",
    "csv": "CSVWithNames",
    "tsv": "TSVWithNames",
    "json": "JSONEachRow",
}
# For people: what would move a terminal's cursor is shown instead of obeyed.
_SAFE: tuple[Format, ...] = ("table", "vertical")
# What answers with rows; all else is a command, to which no FORMAT is added.
_ROWS = re.compile(r"[\s(]*(?:SELECT|WITH|SHOW|DESCRIBE|DESC|EXISTS|EXPLAIN|FROM)\b", re.IGNORECASE)
_OWN_FORMAT = re.compile(r"\bFORMAT\s+\w+\s*$", re.IGNORECASE)
_PARAMETER = re.compile(r"\{(\w+):")
_NUMBERS = re.compile(r"(?:Nullable\(|LowCardinality\()*(?:U?Int|Float|Decimal)")
_NULL = "ᴺᵁᴸᴸ"
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def has_rows(statement: str) -> bool:
    """Does it answer with rows?"""
    return _ROWS.match(statement) is not None


def answer(
    client: "Client", statement: str, form: Format, out: TextIO, parameters: Mapping[str, str] | None = None
) -> None:
    """Run one statement and print what it answers.

    Args:
        client: whose user and database apply.
        statement: without its semicolon. One that names a FORMAT of its own is printed in it.
        form: of the rows.
        out: where they go.
        parameters: values of `{name:Type}`; those that it does not have are left out.

    Raises:
        clickhouse_connect.driver.exceptions.Error: it failed; nothing was printed.
    """
    used = set(_PARAMETER.findall(statement))
    chosen = {name: value for name, value in (parameters or {}).items() if name in used} or None
    if not has_rows(statement):
        client.command(statement, chosen)
        return
    own = _OWN_FORMAT.search(statement) is not None
    said = client.raw_query(
        statement, chosen, fmt=None if own else FORMATS[form], settings={"wait_end_of_query": 1}
    ).decode("utf-8", errors="replace")
    if not own and form == "table":
        _print_table(said.removesuffix("\n").split("\n"), out)
    else:
        out.write(said if own or form not in _SAFE else safe(said))
    out.flush()


def _print_table(lines: list[str], out: TextIO) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if len(lines) < 2:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, kind in zip(json.loads(lines[0]), json.loads(lines[1]), strict=True):
        table.add_column(
            Text(safe(name)), justify="right" if _NUMBERS.match(kind) else "left", overflow="fold"
        )
    for line in lines[2 : 2 + MAX_TABLE_ROWS]:
        table.add_row(*(_cell(value) for value in json.loads(line)))
    count = len(lines) - 2
    # A pipe has no width: rows are not folded for it.
    console = Console(file=out, width=None if out.isatty() else 100_000, highlight=False)
    console.print(table)
    shown = (
        f"; the first {MAX_TABLE_ROWS:,} are shown, --format csv prints all" if count > MAX_TABLE_ROWS else ""
    )
    console.print(Text(f"{count:,} row{'' if count == 1 else 's'}{shown}"))


def _cell(value: str) -> "Text":
    from rich.text import Text

    return Text("NULL", style="dim") if value == _NULL else Text(safe(value))


def safe(value: str) -> str:
    """Without control characters: a prompt that an agent has read may hold a terminal's escape sequences."""
    return value.translate(_CONTROLS)
