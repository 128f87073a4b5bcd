"""How does a list of panels become a dashboard that Grafana imports? Plain dictionaries, in a fixed order.

A dashboard's module says which panels there are, `dashboards.panels` makes one, `dashboards.queries` holds
the SQL, `dashboards.registry` lists the dashboards. JSON is for Grafana 9.5 and newer with
grafana-clickhouse-datasource 4.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.annotations import shared_annotations
from dashboards.panels import Json, Panel, heading
from dashboards.target import SOURCE, target

SCHEMA_VERSION = 39
WIDTH = 24
TAG = "wakeline"


@dataclass(frozen=True)
class Row:
    """Panels side by side.

    Attributes:
        height: of each, in Grafana's units of 30 px and a gap.
        panels: from the left.
        widths: of each, of 24 columns; None shares them out evenly.
    """

    height: int
    panels: Sequence[Panel]
    widths: Sequence[int] | None = None


def section(title: str, question: str) -> Row:
    """A line across with a title."""
    return Row(1, (heading(title, question),))


def place(rows: Sequence[Row]) -> list[Json]:
    """Panels with id and place.

    Raises:
        ValueError: the widths of a row are not as many as its panels, or do not add up to 24.
    """
    made: list[Json] = []
    y = 0
    for row in rows:
        for panel, (x, width) in zip(row.panels, _columns(row), strict=True):
            made.append(_panel(panel, len(made) + 1, {"x": x, "y": y, "w": width, "h": row.height}))
        y += row.height
    return made


def _columns(row: Row) -> list[tuple[int, int]]:
    count = len(row.panels)
    widths = row.widths or [WIDTH * (n + 1) // count - WIDTH * n // count for n in range(count)]
    if len(widths) != count or sum(widths) != WIDTH:
        titles = ", ".join(panel.title for panel in row.panels)
        raise ValueError(f"Widths {list(widths)} do not fill {WIDTH} columns with {count} panels: {titles}")
    return [(sum(widths[:number]), width) for number, width in enumerate(widths)]


def _panel(panel: Panel, number: int, grid: Mapping[str, int]) -> Json:
    made: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "gridPos": dict(grid),
    }
    if panel.kind == "row":
        return made | {"collapsed": False, "panels": []}
    made["options"] = panel.options
    if panel.asks:
        made |= {
            "datasource": SOURCE,
            "fieldConfig": {"defaults": panel.defaults, "overrides": list(panel.overrides)},
            "targets": [target(ask.query, ask.format, ask.ref_id) for ask in panel.asks],
        }
    return made if panel.min_interval is None else made | {"interval": panel.min_interval}


def dashboard(
    uid: str,
    title: str,
    description: str,
    *,
    tags: Sequence[str],
    variables: Sequence[Json],
    rows: Sequence[Row],
    since: str = "now-6h",
) -> Json:
    """A whole dashboard: not editable in place, because it is made from files.

    Args:
        uid: in its address; never changes.
        title: a name.
        description: what it is for.
        tags: areas, beside the one that all share.
        variables: choices, in their order.
        rows: of panels, from the top.
        since: beginning of the range that is shown at first.
    """
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG, *tags],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": since, "to": "now"},
        "timepicker": {},
        "links": [_siblings()],
        "templating": {"list": list(variables)},
        "annotations": {"list": shared_annotations()},
        "panels": place(rows),
    }


def _siblings() -> Json:
    return {
        "type": "dashboards",
        "title": "Agent Observability",
        "icon": "external link",
        "asDropdown": True,
        "tags": [TAG],
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }


def to_json(content: Json) -> str:
    """The file's text: the same bytes for the same content."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
