"""What SQL does Grafana send for a panel? Its variables and the ClickHouse plugin's macros, expanded here.

For tests, which run every query on the engine, and for whoever draws panels without Grafana. Rules are those
of grafana-clickhouse-datasource 4: `$__conditionalAll` first and in the browser, then variables, then, in the
backend, comments go and macros expand. What is not in the list of macros raises: a query that only looks
right is worse than an error. Variables stand between quotes and in two formats alone: one value as
`'${name:percentencode}'`, several as `'${name:queryparam}'`. Both leave letters, digits, `-_.~&=` and `%`, so
that nothing in a value, whoever made the link, ends its text or looks like a macro; ClickHouse decodes it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

ALL = "$__all"
Value = str | Sequence[str]


class UnknownMacro(ValueError):
    """A query holds something that would not be expanded, or not safely. The message quotes it."""


@dataclass(frozen=True)
class Scope:
    """What a query is expanded for.

    Attributes:
        start_s: beginning of the range, Unix seconds.
        end_s: its end.
        interval_s: width of a bucket; Grafana derives it from range and width of the panel, at least 1.
        variables: the dashboard's variables; `ALL` is for `$__conditionalAll` alone.
    """

    start_s: int
    end_s: int
    interval_s: int = 60
    variables: Mapping[str, Value] = field(default_factory=dict)


_COMMENT = re.compile(r"('(?:[^'\\]|\\.|'')*'|`[^`]*`|\"[^\"]*\")|--[^\n]*|/\*.*?\*/", re.DOTALL)
_VARIABLE = re.compile(r"'\$\{(\w+):(percentencode|queryparam)\}'")
_UNQUOTED = re.compile(r"\$\{(\w+)[^}]*\}")
_MACRO = re.compile(r"\$__(\w+)")
_NAME = re.compile(r"\$\{?(\w+)")
_CONDITIONAL = "$__conditionalAll("


def percentencode(value: Value) -> str:
    """Grafana's format of this name for one value: all but letters, digits and `-_.~` as hexadecimal UTF-8.

    Raises:
        UnknownMacro: there are several values; Grafana joins them so that they cannot be told apart.
    """
    if not isinstance(value, str):
        raise UnknownMacro(f"percentencode takes one value, not {len(value)}")
    return quote(value, safe="")


def queryparam(name: str, value: Value) -> str:
    """Grafana's format of this name: `var-name=value` for each value, joined by `&`, values encoded.

    Raises:
        UnknownMacro: all are chosen, which is no list.
    """
    if value == ALL or list(value) == [ALL]:
        raise UnknownMacro(f"All of {name} is no value: put it into $__conditionalAll")
    values = [value] if isinstance(value, str) else value
    return "&".join(f"var-{name}={percentencode(one)}" for one in values)


def expand(sql: str, scope: Scope) -> str:
    """The SQL that reaches ClickHouse.

    Args:
        sql: a panel's, variable's or annotation's.
        scope: range, interval and variables.

    Raises:
        UnknownMacro: a macro or variable that is not known, a variable that could leave its text, all of a
            variable outside of `$__conditionalAll`, or a `$` left.
    """
    text = _conditional_all(sql, scope)
    text = _VARIABLE.sub(lambda match: f"'{_written(match[1], match[2], scope)}'", text)
    text = _COMMENT.sub(lambda match: match[1] or " ", text)
    if unquoted := _UNQUOTED.search(text):
        raise UnknownMacro(f"{unquoted[0]} is not quoted: write '${{{unquoted[1]}:percentencode}}'")
    text = _expand_macros(text, scope)
    if "$" in text:
        at = text.index("$")
        raise UnknownMacro(f"Not expanded: {text[at : at + 40]!r}")
    return text.strip()


def _written(name: str, form: str, scope: Scope) -> str:
    if name not in scope.variables:
        raise UnknownMacro(f"There is no variable {name}")
    value = scope.variables[name]
    return percentencode(value) if form == "percentencode" else queryparam(name, value)


def _conditional_all(sql: str, scope: Scope) -> str:
    """`$__conditionalAll(expression, $variable)`: 1=1 where the variable is empty or all."""
    while (at := sql.rfind(_CONDITIONAL)) >= 0:
        arguments, end = _arguments(sql, at + len(_CONDITIONAL) - 1)
        name = _NAME.match(arguments[1]) if len(arguments) == 2 else None
        if name is None:
            raise UnknownMacro(f"$__conditionalAll takes an expression and a variable: {sql[at:end]!r}")
        if name[1] not in scope.variables:
            raise UnknownMacro(f"There is no variable {name[1]}")
        value = scope.variables[name[1]]
        joined = value if isinstance(value, str) else ",".join(value)
        sql = sql[:at] + ("1=1" if joined in ("", ALL) else arguments[0]) + sql[end:]
    return sql


def _arguments(sql: str, at: int) -> tuple[list[str], int]:
    """Arguments of the parenthesis at `at`, cut at its own commas, and its end. Quotes count for nothing."""
    depth, begin, found = 0, at + 1, list[str]()
    for place in range(at, len(sql)):
        character = sql[place]
        depth += (character == "(") - (character == ")")
        if depth == 0 or (depth == 1 and character == ","):
            found.append(sql[begin:place].strip())
            begin = place + 1
        if depth == 0:
            return [argument for argument in found if argument], place + 1
    raise UnknownMacro(f"An open parenthesis: {sql[at : at + 40]!r}")


def _expand_macros(text: str, scope: Scope) -> str:
    """From the last to the first, so that what is nested expands before what it stands in."""
    macros = _macros(scope)
    while matches := list(_MACRO.finditer(text)):
        match = matches[-1]
        macro = macros.get(match[1])
        if macro is None:
            raise UnknownMacro(f"There is no macro $__{match[1]}")
        arguments, end = (
            _arguments(text, match.end()) if text[match.end() : match.end() + 1] == "(" else ([], match.end())
        )
        count, template = macro
        if len(arguments) != count:
            raise UnknownMacro(f"$__{match[1]} takes {count} arguments, not {len(arguments)}")
        text = text[: match.start()] + template(arguments) + text[end:]
    return text


Template = Callable[[list[str]], str]


def _macros(scope: Scope) -> dict[str, tuple[int, Template]]:
    """Name to number of arguments and expansion."""
    since, until = f"toDateTime({scope.start_s})", f"toDateTime({scope.end_s})"
    since_ms = f"fromUnixTimestamp64Milli({scope.start_s * 1000})"
    until_ms = f"fromUnixTimestamp64Milli({scope.end_s * 1000})"
    seconds = max(1, scope.interval_s)
    return {
        "timeFilter": (1, lambda a: f"{a[0]} >= {since} AND {a[0]} <= {until}"),
        "timeFilter_ms": (1, lambda a: f"{a[0]} >= {since_ms} AND {a[0]} <= {until_ms}"),
        "timeFrom": (1, lambda a: f"{a[0]} >= {since}"),
        "timeTo": (1, lambda a: f"{a[0]} <= {until}"),
        "fromTime": (0, lambda _: since),
        "toTime": (0, lambda _: until),
        "fromTime_ms": (0, lambda _: since_ms),
        "toTime_ms": (0, lambda _: until_ms),
        "timeInterval": (1, lambda a: f"toStartOfInterval(toDateTime({a[0]}), INTERVAL {seconds} second)"),
        "interval_s": (0, lambda _: str(seconds)),
    }
