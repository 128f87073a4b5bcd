"""How does a list of panels become a dashboard that Grafana imports? Plain dictionaries, in a fixed order.

`dashboards.fleet` says which panels there are, `dashboards.panels` makes one, `dashboards.queries` holds the
SQL. JSON is for Grafana 9.5 and newer with grafana-clickhouse-datasource 4.
"""

import json
from collections.abc import Mapping, Sequence

from dashboards.panels import FORMAT_TABLE, FORMAT_TIMESERIES, Format, Json, Panel
from dashboards.queries import Query, load_query

PLUGIN = "grafana-clickhouse-datasource"
PLUGIN_VERSION = "4.8.0"
SCHEMA_VERSION = 39
SOURCE: Json = {"type": PLUGIN, "uid": "${datasource}"}
WIDTH = 24


def target(query: Query, answer: Format) -> Json:
    """What a panel asks."""
    return {
        "refId": "A",
        "datasource": SOURCE,
        "editorType": "sql",
        "format": answer,
        "meta": {"timezone": "UTC"},
        "pluginVersion": PLUGIN_VERSION,
        "queryType": "timeseries" if answer == FORMAT_TIMESERIES else "table",
        "rawSql": query.sql,
    }


def variable(name: str, query_name: str, *, default: str | None = None) -> Json:
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


def annotation(query_name: str, *, color: str) -> Json:
    """Regions from a query's rows: time, timeEnd, title, text, tags."""
    query = load_query(query_name)
    return {
        "name": query.title,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "datasource": SOURCE,
        "preset": "custom",
        "target": target(query, FORMAT_TABLE),
    }


def alerts_annotation() -> Json:
    """Grafana's own."""
    return {
        "name": "Annotations & Alerts",
        "type": "dashboard",
        "builtIn": 1,
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    }


def place(rows: Sequence[tuple[int, Sequence[Panel]]]) -> list[Json]:
    """Panels with id and place: rows of (height, panels), each row shared out evenly.

    Raises:
        ValueError: a row cannot be shared out evenly.
    """
    made: list[Json] = []
    y = 0
    for height, panels in rows:
        if WIDTH % len(panels):
            raise ValueError(f"{len(panels)} panels do not fill {WIDTH} columns evenly")
        width = WIDTH // len(panels)
        for number, panel in enumerate(panels):
            grid = {"x": number * width, "y": y, "w": width, "h": height}
            made.append(_panel(panel, len(made) + 1, grid))
        y += height
    return made


def _panel(panel: Panel, number: int, grid: Mapping[str, int]) -> Json:
    made: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.query.title,
        "description": panel.query.question,
        "datasource": SOURCE,
        "gridPos": dict(grid),
        "fieldConfig": {"defaults": panel.defaults, "overrides": list(panel.overrides)},
        "options": panel.options,
        "targets": [target(panel.query, panel.format)],
    }
    return made if panel.min_interval is None else made | {"interval": panel.min_interval}


def dashboard(
    uid: str,
    title: str,
    description: str,
    *,
    tags: Sequence[str],
    variables: Sequence[Json],
    annotations: Sequence[Json],
    panels: Sequence[Json],
) -> Json:
    """A whole dashboard: not editable in place, because it is made from files."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["wakeline", *tags],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "links": [_siblings()],
        "templating": {"list": list(variables)},
        "annotations": {"list": list(annotations)},
        "panels": list(panels),
    }


def _siblings() -> Json:
    return {
        "type": "dashboards",
        "title": "Agent Observability",
        "icon": "external link",
        "asDropdown": True,
        "tags": ["wakeline"],
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }


def to_json(content: Json) -> str:
    """The file's text: the same bytes for the same content."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
