"""What happens with a text of statements? Each is run in order; the first that fails ends it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from schemas.topics import LIVE
from streams.sql_shell.answers import Format, answer, safe
from streams.sql_shell.backslash import Ask, BadCommand, Change, Say, understand
from streams.sql_shell.errors import describe
from streams.sql_shell.statements import Statement, split_statements

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_LAST_DAYS = "SELECT now('UTC') - INTERVAL 7 DAY AS since, now('UTC') + 1 AS until"
# A namespace that is not live ends some time ago: all of it is asked for.
_WHOLE = """
SELECT
    toDateTime(min(opened_time), 'UTC') AS since,
    toDateTime(
        max(least(greatest(opened_time, ifNull(end_time, append_time)), append_time + INTERVAL 1 DAY)), 'UTC'
    ) + 1 AS until
FROM runs
WHERE namespace = {namespace:String}
"""


class Shell:
    """Runs statements and commands, and remembers what was set.

    Attributes:
        client: whose user and database apply.
        format: of rows.
        parameters: values of `{name:Type}` in statements.
    """

    def __init__(
        self,
        client: "Client",
        *,
        format: Format,  # noqa: A002  # named by the option
        out: TextIO,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        """
        Args:
            client: whose user and database apply.
            format: of rows.
            out: where rows go; errors go to standard error.
            parameters: values of `{name:Type}` in statements.
        """
        self.client = client
        self.format = format
        self.parameters = dict(parameters or {})
        self._out = out

    def run(self, statements: list[Statement]) -> bool:
        """Run them in order; the first that fails is told on standard error, and those behind it are not run.

        Returns:
            Whether all went well.
        """
        from clickhouse_connect.driver.exceptions import Error

        for statement in statements:
            try:
                if statement.is_command:
                    self._obey(statement.text)
                else:
                    form: Format = "vertical" if statement.vertical else self.format
                    answer(self.client, statement.text, form, self._out, self.parameters)
            except Error as error:
                print(describe(error, statement.text), file=sys.stderr)
                return False
            except BadCommand as error:
                print(error, file=sys.stderr)
                return False
        return True

    def _obey(self, command: str) -> None:
        meaning = understand(command, self.parameters)
        if isinstance(meaning, Say):
            self._say(meaning)
        elif isinstance(meaning, Change):
            self._change(meaning)
        else:
            self._ask(meaning)

    def _say(self, meaning: Say) -> None:
        from rich.console import Console
        from rich.table import Table

        table = Table.grid(padding=(0, 3))
        for row in meaning.rows:
            table.add_row(*(safe(text) for text in row))
        console = Console(
            file=self._out, width=None if self._out.isatty() else 200, highlight=False, markup=False
        )
        console.print(table)
        if meaning.foot:
            console.print(f"\n{meaning.foot}")

    def _change(self, meaning: Change) -> None:
        if not meaning.is_parameter:
            self.format = cast(Format, meaning.value)
        elif meaning.value is None:
            self.parameters.pop(meaning.name, None)
        else:
            self.parameters[meaning.name] = meaning.value

    def _ask(self, meaning: Ask) -> None:
        parameters = {**self.parameters, **meaning.parameters}
        if meaning.is_question:
            parameters = {**self._range(), **parameters}
        title = meaning.title
        if meaning.about:
            title = self._about(meaning, parameters)
        if title and self.format in ("table", "vertical"):
            print(safe(title), file=self._out)
        answer(self.client, meaning.sql, self.format, self._out, parameters)

    def _about(self, meaning: Ask, parameters: Mapping[str, str]) -> str:
        found = self.client.query(meaning.about, dict(parameters)).result_rows
        if not found:
            raise BadCommand(f"There is no table or view {meaning.title}: \\d lists them")
        is_view, comment, key = found[0]
        sort = "view" if is_view else f"table, sorted by {key}" if key else "table"
        return f"{meaning.title} ({sort})" + (f": {comment}" if comment else "")

    def _range(self) -> dict[str, str]:
        """`since` and `until` of the namespace; what was set goes before."""
        if self.parameters.keys() >= {"since", "until"}:
            return {}
        namespace = self.parameters.get("namespace", LIVE)
        query = _LAST_DAYS if namespace == LIVE else _WHOLE
        since, until = self.client.query(query, {"namespace": namespace}).result_rows[0]
        return {"since": f"{since:%Y-%m-%d %H:%M:%S}", "until": f"{until:%Y-%m-%d %H:%M:%S}"}


def run_sql(
    client: "Client",
    query: str | None,
    *,
    format: Format,  # noqa: A002  # named by the option
    out: TextIO,
    parameters: Mapping[str, str] | None = None,
) -> int:
    """Run statements and print what they answer.

    Args:
        client: whose user and database apply.
        query: statements separated by `;`, or `@PATH` for those of a file; None for a prompt, or for standard
            input when that is no terminal.
        format: of rows; `table` prints the first 1,000.
        out: where rows go; errors go to standard error.
        parameters: values of `{name:Type}` in statements.

    Returns:
        0, or 1 when a statement failed (those behind it are not run) or the file cannot be read.
    """
    shell = Shell(client, format=format, out=out, parameters=parameters)
    if query is None and sys.stdin.isatty():
        from streams.sql_shell.prompt import run_prompt

        return run_prompt(shell)
    try:
        text = sys.stdin.read() if query is None else _text_of(query)
    except (OSError, UnicodeDecodeError) as error:
        print(f"Cannot read {(query or '')[1:]}: {error}", file=sys.stderr)
        return 1
    statements, rest = split_statements(text)
    return 0 if shell.run([*statements, Statement(rest)] if rest else statements) else 1


def _text_of(query: str) -> str:
    return Path(query[1:]).read_text(encoding="utf-8") if query.startswith("@") else query
