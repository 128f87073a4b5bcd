"""What can be chosen at the top of a dashboard?"""

from collections.abc import Sequence

from dashboards.panels import FORMAT_TABLE, Json
from dashboards.queries import load_query
from dashboards.target import PLUGIN, SOURCE


def datasource_variable() -> Json:
    """Which ClickHouse; every other variable and every panel refers to it."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "description": "ClickHouse with wakeline's tables",
        "query": PLUGIN,
        "refresh": 1,
        "regex": "",
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "skipUrlSync": False,
        "options": [],
        "current": {},
    }


def query_variable(name: str, query_name: str, *, default: str | None = None) -> Json:
    """A choice from a query's rows (value, text): several with All, or one when there is a `default`."""
    query = load_query(query_name)
    multi = default is None
    current = {"text": ["All"], "value": ["$__all"]} if multi else {"text": default, "value": default}
    return {
        "type": "query",
        "name": name,
        "label": query.title,
        "description": query.question,
        "datasource": SOURCE,
        "definition": query.sql,
        "query": {"refId": name, "editorType": "sql", "format": FORMAT_TABLE, "meta": {"timezone": "UTC"},
                  "queryType": "sql", "rawSql": query.sql},
        "refresh": 2,
        "regex": "",
        "sort": 0,
        "multi": multi,
        "includeAll": multi,
        "hide": 0,
        "skipUrlSync": False,
        "options": [],
        "current": {"selected": False} | current,
    }  # fmt: skip


def text_variable(name: str, title: str, question: str, *, default: str = "") -> Json:
    """A box to write in."""
    current = {"selected": True, "text": default, "value": default}
    return _given("textbox", name, title, question) | {
        "query": default,
        "options": [current],
        "current": current,
    }


def custom_variable(
    name: str, title: str, question: str, options: Sequence[tuple[str, str]], *, multi: bool = False
) -> Json:
    """A choice from a fixed list of (value, text): the first, or with `multi` several, at first all."""
    made: list[Json] = [{"selected": False, "text": text, "value": value} for value, text in options]
    current: Json = {"selected": False, "text": ["All"], "value": ["$__all"]} if multi else made[0]
    return _given("custom", name, title, question) | {
        "query": ", ".join(f"{text} : {value}" for value, text in options),
        "options": made,
        "current": current,
        "multi": multi,
        "includeAll": multi,
    }


def constant_variable(name: str, question: str, value: str) -> Json:
    """A value that queries share and nobody chooses."""
    current = {"selected": True, "text": value, "value": value}
    hidden: Json = {"hide": 2, "skipUrlSync": True}
    return (
        _given("constant", name, name, question)
        | {"query": value, "options": [current], "current": current}
        | hidden
    )


def _given(kind: str, name: str, title: str, question: str) -> Json:
    return {
        "type": kind,
        "name": name,
        "label": title,
        "description": question,
        "hide": 0,
        "skipUrlSync": False,
    }


def shared_variables() -> list[Json]:
    """The choices of every dashboard, in their order; a dashboard's own come after them."""
    return [
        datasource_variable(),
        query_variable("namespace", "variables/namespaces", default="live"),
        query_variable("environment", "variables/environments"),
        query_variable("team", "variables/teams"),
        query_variable("agent", "variables/agents"),
    ]


def model_variable() -> Json:
    """Which models; for dashboards whose panels know the model."""
    return query_variable("model", "variables/models")
