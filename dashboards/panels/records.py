"""Panels that show single things: rows, lines of a log, the steps of a trace, who calls whom; and text."""

from collections.abc import Sequence

from dashboards.links import Link
from dashboards.panels.contract import (
    FORMAT_LOGS,
    FORMAT_TABLE,
    FORMAT_TRACES,
    Ask,
    Column,
    Json,
    Panel,
    defaults_of,
    override,
    panel_of,
)
from dashboards.queries import load_query


def table(name: str, *columns: Column, no_value: str) -> Panel:
    """Rows. `no_value` is what a cell without one shows, and the panel when there are no rows."""
    defaults = defaults_of(load_query(name).unit, no_value=no_value) | {
        "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True},
    }
    options: Json = {"cellHeight": "sm", "footer": {"show": False}, "showHeader": True}
    overrides = [override(column) for column in columns]
    return panel_of("table", name, FORMAT_TABLE, options=options, defaults=defaults, overrides=overrides)


def node_graph(nodes: str, edges: str, *, links: Sequence[Link] = ()) -> Panel:
    """Who calls whom. Title and question are those of the nodes.

    Args:
        nodes: query with id, title, subtitle, mainstat, secondarystat, arc__* (shares that add up to 1).
        edges: query with id, source, target, mainstat.
        links: where a node leads.
    """
    first, second = load_query(nodes), load_query(edges)
    options: Json = {
        "edges": {"mainStatUnit": second.unit},
        "nodes": {
            "mainStatUnit": first.unit,
            "arcs": [{"field": "arc__ok", "color": "green"}, {"field": "arc__failed", "color": "red"}],
        },
        "zoomMode": "cooperative",
    }
    # Grafana tells nodes from edges by these names.
    asks = (Ask(first, FORMAT_TABLE, "nodes"), Ask(second, FORMAT_TABLE, "edges"))
    defaults = defaults_of(first.unit, no_value="No data", links=links)
    return Panel("nodeGraph", first.title, first.question, asks, options, defaults)


def traces(name: str) -> Panel:
    """The steps of one run as bars below each other: columns traceID, spanID, parentSpanID, serviceName,
    operationName, startTime and duration (ms), and what else the plugin knows."""
    return panel_of("traces", name, FORMAT_TRACES, defaults=defaults_of("ms", no_value="No run chosen"))


def logs(name: str) -> Panel:
    """Lines, the newest first: columns timestamp, body, level; others are labels."""
    options: Json = {
        "dedupStrategy": "none",
        "enableLogDetails": True,
        "prettifyLogMessage": False,
        "showCommonLabels": False,
        "showLabels": False,
        "showTime": True,
        "sortOrder": "Descending",
        "wrapLogMessage": True,
    }
    return panel_of("logs", name, FORMAT_LOGS, options=options, defaults=defaults_of("short", no_value="–"))


def text(title: str, question: str, markdown: str) -> Panel:
    """Words."""
    return Panel("text", title, question, options={"mode": "markdown", "content": markdown})


def heading(title: str, question: str) -> Panel:
    """A line across, above panels that belong together."""
    return Panel("row", title, question)
