"""What can one ask of the shell itself? Commands that begin with a backslash.

Each becomes a statement to ask, rows to print, or a change; `Shell` obeys. One that cannot be understood
raises `BadCommand`, whose message says what it takes.
"""

from dataclasses import dataclass
from typing import get_args

from schemas.questions import find_question, load_questions
from streams.sql_shell.answers import Format

HELP = {
    "\\d [TABLE]": "tables and views; of one: columns, types, what they mean",
    "\\questions [NUMBER|NAME]": "example questions; runs one",
    "\\set [NAME [VALUE]]": "parameters of queries such as {namespace:String}; sets one, or takes it back",
    "\\format [FORMAT]": f"how rows are printed: {', '.join(get_args(Format))}",
    "\\?": "this list",
    "\\q": "leave (also exit, quit, Ctrl-D)",
}
NAMES = tuple(usage.split()[0] for usage in HELP)
FOOT = (
    "Statements end with ; or with \\G, which prints a line a value. Tab completes, Ctrl-R searches history."
)

_TABLES = """
SELECT name, if(engine LIKE '%View', 'view', 'table') AS sort, comment AS meaning
FROM system.tables
WHERE database = currentDatabase() AND engine != 'MaterializedView'
ORDER BY sort DESC, name
"""
_COLUMNS = """
SELECT name AS column, type, comment AS meaning
FROM system.columns
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}
ORDER BY position
"""
_ABOUT = """
SELECT engine LIKE '%View' AS is_view, comment, sorting_key
FROM system.tables
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND name = {table:String}
"""


class BadCommand(ValueError):
    """A command that there is not, or that takes something else. The message says what."""


@dataclass(frozen=True)
class Ask:
    """Run a statement.

    Attributes:
        sql: the statement.
        parameters: its values beside those of the shell.
        title: printed above, for people.
        about: a statement whose one row (is_view, comment, sorting_key) is printed above for people.
        is_question: it takes `since` and `until`.
    """

    sql: str
    parameters: dict[str, str]
    title: str = ""
    about: str = ""
    is_question: bool = False


@dataclass(frozen=True)
class Say:
    """Print rows of names and texts.

    Attributes:
        rows: to print.
        foot: a sentence below.
    """

    rows: tuple[tuple[str, ...], ...]
    foot: str = ""


@dataclass(frozen=True)
class Change:
    """Change the shell.

    Attributes:
        name: `format`, or of a parameter.
        value: None takes it back.
        is_parameter: of queries.
    """

    name: str
    value: str | None
    is_parameter: bool


Meaning = Ask | Say | Change


def understand(command: str, parameters: dict[str, str]) -> Meaning:
    """What a command asks for.

    Args:
        command: with its backslash.
        parameters: that are set.

    Raises:
        BadCommand: see there.
    """
    name, *words = command.split(maxsplit=1)
    argument = words[0].strip() if words else ""
    if name == "\\d":
        return _describe(argument)
    if name == "\\questions":
        return _question(argument)
    if name == "\\set":
        return _set(argument, parameters)
    if name == "\\format":
        return _format(argument)
    if name == "\\?":
        return Say(tuple(HELP.items()), FOOT)
    raise BadCommand(f"There is no command {name}: \\? lists them")


def _describe(argument: str) -> Meaning:
    if not argument:
        return Ask(_TABLES, {})
    database, _, table = argument.replace("`", "").rpartition(".")
    return Ask(_COLUMNS, {"database": database, "table": table}, title=table, about=_ABOUT)


def _question(argument: str) -> Meaning:
    if not argument:
        rows = tuple((str(one.number), one.name, one.question) for one in load_questions())
        return Say(rows, "\\questions NUMBER runs one; docs/questions.md has their SQL.")
    found = find_question(argument)
    if found is None:
        raise BadCommand(f"There is no question {argument}: \\questions lists them")
    return Ask(found.sql, {}, title=f"{found.question}\n\n{found.sql}\n", is_question=True)


def _set(argument: str, parameters: dict[str, str]) -> Meaning:
    if not argument:
        return Say(tuple(sorted(parameters.items())))
    name, *value = argument.split(maxsplit=1)
    if not name.isidentifier():
        raise BadCommand(f"{name} is no name of a parameter: \\set NAME VALUE")
    return Change(name, value[0].strip("'\"") if value else None, True)


def _format(argument: str) -> Meaning:
    if not argument:
        return Say(tuple((name,) for name in get_args(Format)))
    if argument not in get_args(Format):
        raise BadCommand(f"There is no format {argument}: {', '.join(get_args(Format))}")
    return Change("format", argument, False)
