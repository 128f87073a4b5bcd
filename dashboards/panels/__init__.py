"""How is one panel made? Plain dictionaries for Grafana, each from a query's name.

Each function sets what Grafana would else guess: format, unit, thresholds, the text for no value. Where
panels stand, and what is around them, is `dashboards.builder`'s business.
"""

from dashboards.panels.contract import (
    FORMAT_LOGS,
    FORMAT_TABLE,
    FORMAT_TIMESERIES,
    FORMAT_TRACES,
    Ask,
    Column,
    Format,
    Json,
    Panel,
    State,
)
from dashboards.panels.records import heading, logs, node_graph, table, text, traces
from dashboards.panels.series import heatmap, state_timeline, status_history, timeseries
from dashboards.panels.values import barchart, bargauge, gauge, histogram, piechart, stat

__all__ = [
    "FORMAT_LOGS",
    "FORMAT_TABLE",
    "FORMAT_TIMESERIES",
    "FORMAT_TRACES",
    "Ask",
    "Column",
    "Format",
    "Json",
    "Panel",
    "State",
    "barchart",
    "bargauge",
    "gauge",
    "heading",
    "heatmap",
    "histogram",
    "logs",
    "node_graph",
    "piechart",
    "stat",
    "state_timeline",
    "status_history",
    "table",
    "text",
    "timeseries",
    "traces",
]
