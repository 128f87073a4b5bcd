"""What does a panel, a variable or an annotation send? One target of grafana-clickhouse-datasource 4."""

from dashboards.panels import FORMAT_LOGS, FORMAT_TABLE, FORMAT_TIMESERIES, FORMAT_TRACES, Format, Json
from dashboards.queries import Query

PLUGIN = "grafana-clickhouse-datasource"
PLUGIN_VERSION = "4.8.0"
SOURCE: Json = {"type": PLUGIN, "uid": "${datasource}"}
_TYPES: dict[Format, str] = {
    FORMAT_TIMESERIES: "timeseries",
    FORMAT_TABLE: "table",
    FORMAT_LOGS: "logs",
    FORMAT_TRACES: "traces",
}


def target(query: Query, answer: Format, ref_id: str = "A") -> Json:
    """The JSON of one target."""
    return {
        "refId": ref_id,
        "datasource": SOURCE,
        "editorType": "sql",
        "format": answer,
        "meta": {"timezone": "UTC"},
        "pluginVersion": PLUGIN_VERSION,
        "queryType": _TYPES[answer],
        "rawSql": query.sql,
    }
