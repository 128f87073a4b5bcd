"""How is one panel made? Plain dictionaries for Grafana, each from a query's name.

Each function sets what Grafana would else guess: format, unit, thresholds, the text for no value. Where
panels stand, and what is around them, is `dashboards.builder`'s business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dashboards.queries import Query, load_query

Json = dict[str, Any]
Format = Literal[0, 1]
FORMAT_TIMESERIES: Format = 0
FORMAT_TABLE: Format = 1

GREEN, YELLOW, ORANGE, RED, NEUTRAL = "green", "yellow", "orange", "red", "text"
# Colour from a value on; the first has none.
Steps = Sequence[tuple[float | None, str]]
PLAIN: Steps = ((None, NEUTRAL),)


@dataclass(frozen=True)
class Panel:
    """One panel without its place and id.

    Attributes:
        kind: Grafana's name of the visualisation.
        query: behind it.
        format: of the query's answer.
        options: of the visualisation.
        defaults: of all fields.
        overrides: for fields by name.
        min_interval: least width of a bucket, such as "1m".
    """

    kind: str
    query: Query
    format: Format
    options: Json
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    min_interval: str | None = None


def stat(
    name: str,
    *,
    steps: Steps,
    decimals: int | None = None,
    change: str | None = None,
    no_value: str = "0",
) -> Panel:
    """One number.

    Args:
        name: of the query; two rows, the first a range earlier, when `change` is given.
        steps: thresholds.
        decimals: None leaves it to Grafana.
        change: None, or how a change is coloured: "standard" (more is good), "inverted", "same_as_value".
        no_value: what stands there when there is none.
    """
    query = load_query(name)
    options: Json = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "value",
        "wideLayout": True,
        "showPercentChange": change is not None,
    }
    if change is not None:
        options["percentChangeColorMode"] = change
    defaults = _defaults(query, steps, decimals) | {"color": {"mode": "thresholds"}, "noValue": no_value}
    return Panel("stat", query, FORMAT_TABLE if change is None else FORMAT_TIMESERIES, options, defaults)


def timeseries(
    name: str,
    *,
    label: str | None = None,
    stacked: bool = False,
    steps: Steps = PLAIN,
    greatest: float | None = None,
    calcs: Sequence[str] = ("mean", "max"),
) -> Panel:
    """Lines over time, or stacked bars.

    Args:
        name: of the query: time, then one number, or a text and a number, or several numbers.
        label: the text column that names the series; None when columns do.
        stacked: bars on top of each other, for what can be added.
        steps: thresholds, drawn as lines where there are several.
        greatest: soft maximum of the axis.
        calcs: columns of the legend.
    """
    query = load_query(name)
    custom: Json = {
        "drawStyle": "bars" if stacked else "line",
        "fillOpacity": 70 if stacked else 0,
        "lineWidth": 0 if stacked else 2,
        "pointSize": 4,
        "showPoints": "never" if stacked else "auto",
        "spanNulls": False,
        "insertNulls": False,
        "axisSoftMin": 0,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if len(steps) > 1 else "off"},
    }
    if greatest is not None:
        custom["axisSoftMax"] = greatest
    shown = "${__field.labels." + label + "}" if label else "${__field.name}"
    defaults = _defaults(query, steps, None) | {
        "color": {"mode": "palette-classic"},
        "custom": custom,
        "displayName": shown,
        "min": 0,
    }
    options: Json = {
        "legend": {"displayMode": "table", "placement": "right", "showLegend": True, "calcs": list(calcs)},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel("timeseries", query, FORMAT_TIMESERIES, options, defaults, min_interval="1m")


def heatmap(name: str) -> Panel:
    """Counts over time by row; each number column is a row, the first at the bottom."""
    query = load_query(name)
    options: Json = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "fill": "dark-blue", "scale": "exponential",
                  "exponent": 0.5, "steps": 64, "reverse": False},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto", "value": "steps"},
        "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
        "yAxis": {"axisPlacement": "left", "reverse": False},
    }  # fmt: skip
    defaults = _defaults(query, PLAIN, 0)
    return Panel("heatmap", query, FORMAT_TIMESERIES, options, defaults, min_interval="1m")


@dataclass(frozen=True)
class Column:
    """How a column of a table is shown.

    Attributes:
        name: in the query's answer.
        unit: Grafana's id.
        decimals: None leaves it to Grafana.
        width: pixels.
        steps: thresholds that colour the cell's text.
    """

    name: str
    unit: str | None = None
    decimals: int | None = None
    width: int | None = None
    steps: Steps = ()


def table(name: str, *columns: Column, no_value: str) -> Panel:
    """Rows. `no_value` is what a cell without one shows, and the panel when there are no rows."""
    query = load_query(name)
    defaults = _defaults(query, PLAIN, None) | {
        "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True},
        "noValue": no_value,
    }
    options: Json = {"cellHeight": "sm", "footer": {"show": False}, "showHeader": True}
    overrides = [_override(column) for column in columns]
    return Panel("table", query, FORMAT_TABLE, options, defaults, overrides)


def _override(column: Column) -> Json:
    properties: list[Json] = []
    if column.unit is not None:
        properties.append({"id": "unit", "value": column.unit})
    if column.decimals is not None:
        properties.append({"id": "decimals", "value": column.decimals})
    if column.width is not None:
        properties.append({"id": "custom.width", "value": column.width})
    if column.steps:
        properties.append({"id": "thresholds", "value": _thresholds(column.steps)})
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
        properties.append({"id": "color", "value": {"mode": "thresholds"}})
    return {"matcher": {"id": "byName", "options": column.name}, "properties": properties}


def _thresholds(steps: Steps) -> Json:
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in steps]}


def _defaults(query: Query, steps: Steps, decimals: int | None) -> Json:
    defaults: Json = {"unit": query.unit, "noValue": "0", "mappings": [], "thresholds": _thresholds(steps)}
    return defaults if decimals is None else defaults | {"decimals": decimals}
