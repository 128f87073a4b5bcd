"""What does each variable of a dashboard offer, and what is it set to? In order: later ones use earlier.

A link's value wins over the default also where it is not on offer: a link to an agent that was silent in this
range means that agent. `$__all` is Grafana's word for all, `All` is what its links say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from dashboards.macros import ALL, Value, expand
from dashboards.viewer.asked import Question
from dashboards.viewer.catalogue import Content, Json, NotThere
from dashboards.viewer.database import Answer, Refused

Ask = Callable[[str], Answer]


@dataclass(frozen=True)
class Choice:
    """One variable.

    Attributes:
        name: in SQL and links.
        label: beside its control.
        description: of the control; may be empty.
        type: `query`, `custom`, `textbox`, `constant`, `interval` or `datasource`.
        is_hidden: it has no control.
        multi: several may be chosen.
        all_too: `$__all` may be chosen.
        options: value and text of each that is on offer.
        value: what is chosen.
        error: why there is nothing on offer, in the database's words; else empty.
    """

    name: str
    label: str
    description: str
    type: str
    is_hidden: bool
    multi: bool
    all_too: bool
    options: list[tuple[str, str]] = field(default_factory=list)
    value: Value = ""
    error: str = ""


def choices(content: Content, question: Question, ask: Ask, defaults: Mapping[str, str]) -> list[Choice]:
    """All variables of a dashboard.

    Args:
        content: the dashboard.
        question: range, and what the link says of variables.
        ask: SQL, of the database.
        defaults: of variables by name; they win over the dashboard's.

    Raises:
        UnknownMacro: a variable's SQL cannot be expanded.
        Unavailable: the database does not answer.
    """
    found: list[Choice] = []
    values: dict[str, Value] = {}
    for variable in content.variables():
        name, error = str(variable["name"]), ""
        options = _listed(variable)
        if variable["type"] == "query":
            scoped = msgspec.structs.replace(question, variables=values)
            try:
                options = _pairs(ask(expand(sql_of(variable), scoped.scope())))
            except Refused as refused:
                error = str(refused)
        offered = [value for value, _ in options]
        values[name] = _chosen(variable, question.variables.get(name), defaults.get(name), offered)
        found.append(_choice(variable, options, values[name], error))
    return found


def sql_of(variable: Json) -> str:
    """The SQL of a variable of type `query`.

    Raises:
        NotThere: it has none.
    """
    query = variable.get("query")
    sql = query.get("rawSql") if isinstance(query, dict) else query
    if not isinstance(sql, str) or not sql:
        raise NotThere(f"The variable {variable.get('name')} has no SQL")
    return sql


def _choice(variable: Json, options: list[tuple[str, str]], value: Value, error: str) -> Choice:
    return Choice(
        name=str(variable["name"]),
        label=str(variable.get("label") or variable["name"]),
        description=str(variable.get("description") or ""),
        type=str(variable["type"]),
        # 2 hides all of it; a data source is what this server was started with.
        is_hidden=variable.get("hide") == 2 or variable["type"] in ("datasource", "constant"),
        multi=bool(variable.get("multi")),
        all_too=bool(variable.get("includeAll")),
        options=options,
        value=value,
        error=error,
    )


def _pairs(answer: Answer) -> list[tuple[str, str]]:
    """Value and text: one column is both; of two, the first is the value, unless they are named otherwise."""
    names = [column.name.lower() for column in answer.columns]
    if not names:
        return []
    value = names.index("value") if "value" in names else 0
    text = names.index("text") if "text" in names else min(1, len(names) - 1)
    return [
        (str(one), str(two))
        for one, two in zip(answer.values[value], answer.values[text], strict=True)
        if one is not None and two is not None
    ]


def _listed(variable: Json) -> list[tuple[str, str]]:
    """What stands in the dashboard itself: options, or `text : value` or values alone, between commas."""
    if variable["type"] not in ("custom", "interval"):
        return []
    listed = [
        (str(option["value"]), str(option["text"]))
        for option in variable.get("options", ())
        if option["value"] != ALL
    ]
    if listed:
        return listed
    parts = [part.strip() for part in str(variable.get("query", "")).split(",") if part.strip()]
    pairs = [part.rsplit(" : ", 1) for part in parts]
    return [(pair[-1].strip(), pair[0].strip()) for pair in pairs]


def _chosen(variable: Json, given: Value | None, default: str | None, offered: list[str]) -> Value:
    multi, all_too = bool(variable.get("multi")), bool(variable.get("includeAll"))
    if variable["type"] == "constant":
        return str(variable.get("query", ""))
    current = (variable.get("current") or {}).get("value")
    if current is None and variable["type"] == "textbox":
        current = variable.get("query")
    for value in (given, default, current):
        texts = [value] if isinstance(value, str) else [str(one) for one in value or ()]
        if all_too and (ALL in texts or (texts == ["All"] and "All" not in offered)):
            return [ALL] if multi else ALL
        texts = [text for text in texts if text not in ("", ALL)]
        if texts:
            return texts if multi else texts[0]
        if value == "" and variable["type"] == "textbox":
            return ""
    if all_too:
        return [ALL] if multi else ALL
    return offered[:1] if multi else next(iter(offered), "")


def as_json(choice: Choice) -> dict[str, Any]:
    """For the browser."""
    return {name: getattr(choice, name) for name in choice.__dataclass_fields__}
