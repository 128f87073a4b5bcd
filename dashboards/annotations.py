"""What is drawn across every series of every dashboard? What may explain a change, asked from ClickHouse."""

from dashboards.panels import FORMAT_TABLE, Json
from dashboards.queries import load_query
from dashboards.target import SOURCE, target
from dashboards.thresholds import BLUE, GREEN, RED


def shared_annotations() -> list[Json]:
    """Grafana's own alerts, deploys, incidents and changes of prices."""
    return [
        _alerts(),
        annotation("annotations/deploys", color=GREEN),
        annotation("annotations/incidents", color=RED),
        annotation("annotations/prices", color=BLUE),
    ]


def annotation(query_name: str, *, color: str) -> Json:
    """Marks or regions from a query's rows: time, timeEnd, title, text, tags."""
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


def _alerts() -> Json:
    return {
        "name": "Annotations & Alerts",
        "type": "dashboard",
        "builtIn": 1,
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    }
