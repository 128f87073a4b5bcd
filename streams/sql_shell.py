"""What does ClickHouse say? Statements in, rows as a table, CSV or JSON lines out; also at a prompt.

Behind `wakeline sql`. Values are printed as ClickHouse itself writes them, so that nanoseconds, decimals and
64-bit integers stay exact; nothing is parsed but the frame of a table. An answer is held in memory, so
that an error never stands in the middle of rows. It knows no settings and no command line.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from rich.text import Text

Format = Literal["table", "csv", "json"]

MAX_TABLE_ROWS = 1_000
PROMPT, CONTINUED = "wakeline> ", "       -> "
HISTORY_LINES = 5_000

_FORMATS: dict[Format, str] = {
    "table": "JSONCompactStringsEachRowWithNamesAndTypes",
    "csv": "CSVWithNames",
    "json": "JSONEachRow",
}
# What answers with rows; all else is a command, to which no FORMAT is added.
_ROWS = re.compile(r"[\s(]*(?:SELECT|WITH|SHOW|DESCRIBE|DESC|EXISTS|EXPLAIN|FROM)\b", re.IGNORECASE)
_OWN_FORMAT = re.compile(r"\bFORMAT\s+\w+\s*$", re.IGNORECASE)
# A literal or comment as a whole, an open one up to the end, a semicolon, or a character.
_PIECE = re.compile(
    r"""(?P<quoted>'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+"|`(?:[^`\\]|\\.|``)*+`)
    |(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<open>['"`].*|/\*.*)
    |(?P<end>;)
    |(?P<other>[^'"`/;-]+|.)""",
    re.DOTALL | re.VERBOSE,
)
_NUMBERS = re.compile(r"(?:Nullable\(|LowCardinality\()*(?:U?Int|Float|Decimal)")
_NULL = "ᴺᵁᴸᴸ"
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def split_statements(text: str) -> tuple[list[str], str]:
    """Cut at semicolons outside of literals and comments.

    Args:
        text: statements; data behind an INSERT ends at a semicolon like everything else.

    Returns:
        Complete statements without their semicolons and without comments, and what follows the last one.
    """
    done: list[str] = []
    current: list[str] = []
    for match in _PIECE.finditer(text):
        if match.lastgroup == "end":
            done.append("".join(current).strip())
            current = []
        elif match.lastgroup == "comment":
            current.append(" ")
        else:
            current.append(match.group())
    return [statement for statement in done if statement], "".join(current).strip()


def run_sql(client: "Client", query: str | None, *, format: Format, out: TextIO) -> int:  # noqa: A002  # named by the option
    """Run statements and print what they answer.

    Args:
        client: whose user and database apply.
        query: statements separated by `;`, or `@PATH` for those of a file; None for a prompt, or for standard
            input when that is no terminal.
        format: `table` (the first 1,000 rows), `csv` with names, or `json` lines.
        out: where rows go; errors go to standard error.

    Returns:
        0, or 1 when a statement failed (those behind it are not run) or the file cannot be read.
    """
    if query is None and sys.stdin.isatty():
        return _prompt(client, format, out)
    try:
        text = sys.stdin.read() if query is None else _text_of(query)
    except (OSError, UnicodeDecodeError) as error:
        print(f"Cannot read {(query or '')[1:]}: {error}", file=sys.stderr)
        return 1
    statements, rest = split_statements(text)
    return _run_all(client, [*statements, rest] if rest else statements, format, out)


def _text_of(query: str) -> str:
    return Path(query[1:]).read_text(encoding="utf-8") if query.startswith("@") else query


def _run_all(client: "Client", statements: list[str], form: Format, out: TextIO) -> int:
    from clickhouse_connect.driver.exceptions import Error

    for statement in statements:
        try:
            _run(client, statement, form, out)
        except Error as error:
            print(describe(error), file=sys.stderr)
            return 1
    return 0


def describe(error: Exception) -> str:
    """An error of the client in one line: ClickHouse's code and name first, then what is wrong."""
    text = str(error)
    text = text.partition("server response: ")[2] or text
    text = re.sub(r" \(for url [^)]*\)$", "", text.strip())
    text = re.sub(r" \(version [^)]*\)$", "", text)
    name = getattr(error, "name", None)
    code = re.match(r"Code: (\d+)\. (?:DB::Exception: )?", text)
    if code is None:
        return f"ClickHouse does not answer: {text}"
    message = text[code.end() :].removesuffix(f" ({name})")
    return f"Code {code[1]}{f' {name}' if name else ''}: {message}"


def _run(client: "Client", statement: str, form: Format, out: TextIO) -> None:
    if not _ROWS.match(statement):
        client.command(statement)
        return
    own = _OWN_FORMAT.search(statement) is not None
    answer = client.raw_query(
        statement, fmt=None if own else _FORMATS[form], settings={"wait_end_of_query": 1}
    ).decode("utf-8", errors="replace")
    if own or form != "table":
        out.write(answer)
    else:
        _print_table(answer.removesuffix("\n").split("\n"), out)
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
            Text(_safe(name)), justify="right" if _NUMBERS.match(kind) else "left", overflow="fold"
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

    return Text("NULL", style="dim") if value == _NULL else Text(_safe(value))


def _safe(value: str) -> str:
    """Without control characters: a prompt that an agent has read may hold a terminal's escape sequences."""
    return value.translate(_CONTROLS)


def history_file() -> Path:
    """Where the prompt's history is kept, by the XDG rules."""
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "wakeline" / "sql_history"


def _prompt(client: "Client", form: Format, out: TextIO) -> int:
    """Read statements up to `;` until the end of input, `exit` or `quit`."""
    save = _load_history()
    buffer = ""
    try:
        while True:
            try:
                line = input(CONTINUED if buffer else PROMPT)
            except KeyboardInterrupt:
                buffer = ""
                print(file=out)
                continue
            except EOFError:
                print(file=out)
                return 0
            if not buffer and line.strip().rstrip(";").lower() in ("exit", "quit"):
                return 0
            statements, buffer = split_statements(f"{buffer}\n{line}" if buffer else line)
            try:
                _run_all(client, statements, form, out)
            except KeyboardInterrupt:
                print("Interrupted", file=sys.stderr)
    finally:
        save()


def _load_history() -> Callable[[], None]:
    try:
        import readline
    except ModuleNotFoundError:  # not built everywhere; the prompt works without
        return lambda: None
    path = history_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        readline.read_history_file(path)
    readline.set_history_length(HISTORY_LINES)

    def save() -> None:
        path.touch(mode=0o600)  # statements may hold what is private
        readline.write_history_file(path)

    return save
