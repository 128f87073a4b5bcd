"""Panels that show numbers of the whole range: one, a few side by side, or their distribution."""

from collections.abc import Mapping, Sequence
from typing import Literal

from dashboards.links import Link
from dashboards.panels.contract import (
    FORMAT_TABLE,
    FORMAT_TIMESERIES,
    Json,
    Panel,
    State,
    defaults_of,
    fixed_colors,
    panel_of,
)
from dashboards.queries import load_query
from dashboards.thresholds import PLAIN, Steps

# Is more of it good ("standard"), bad ("inverted"), or neither?
Change = Literal["standard", "inverted", "same_as_value"]


def _last_value() -> Json:
    return {"calcs": ["last"], "fields": "", "values": False}


def _each_row() -> Json:
    return {"calcs": ["lastNotNull"], "fields": "", "values": True}


def stat(
    name: str,
    *,
    steps: Steps = PLAIN,
    decimals: int | None = None,
    change: Change | None = None,
    no_value: str = "0",
    links: Sequence[Link] = (),
    states: Sequence[State] = (),
) -> Panel:
    """One number.

    Args:
        name: of the query; two rows, the first a range earlier, when `change` is given.
        steps: thresholds.
        decimals: None leaves it to Grafana.
        change: how a change against the range before is coloured; None shows none.
        no_value: what stands there when there is none.
        links: where it leads.
        states: texts and colours of single values.
    """
    options: Json = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": _last_value(),
        "textMode": "value",
        "wideLayout": True,
        "showPercentChange": change is not None,
    }
    if change is not None:
        options["percentChangeColorMode"] = change
    defaults = defaults_of(
        load_query(name).unit, steps=steps, decimals=decimals, no_value=no_value, links=links, states=states
    )
    answer = FORMAT_TABLE if change is None else FORMAT_TIMESERIES
    return panel_of(
        "stat", name, answer, options=options, defaults=defaults | {"color": {"mode": "thresholds"}}
    )


def gauge(
    name: str,
    *,
    steps: Steps,
    greatest: float,
    decimals: int | None = None,
    no_value: str = "–",
    links: Sequence[Link] = (),
) -> Panel:
    """One number on a scale from 0 to `greatest`."""
    options: Json = {
        "orientation": "auto",
        "reduceOptions": _last_value(),
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
        "sizing": "auto",
    }
    defaults = defaults_of(
        load_query(name).unit, steps=steps, decimals=decimals, no_value=no_value, links=links
    )
    bounds: Json = {"min": 0, "max": greatest, "color": {"mode": "thresholds"}}
    return panel_of("gauge", name, FORMAT_TABLE, options=options, defaults=defaults | bounds)


def bargauge(
    name: str,
    *,
    steps: Steps = PLAIN,
    decimals: int | None = None,
    no_value: str = "–",
    links: Sequence[Link] = (),
) -> Panel:
    """A bar for each row (a text, a number), the longest first when the query says so."""
    options: Json = {
        "displayMode": "gradient",
        "orientation": "horizontal",
        "reduceOptions": _each_row(),
        "showUnfilled": True,
        "valueMode": "color",
        "namePlacement": "auto",
        "sizing": "auto",
        "minVizHeight": 16,
        "minVizWidth": 8,
    }
    defaults = defaults_of(
        load_query(name).unit, steps=steps, decimals=decimals, no_value=no_value, links=links
    )
    color = {"mode": "thresholds"} if len(steps) > 1 else {"mode": "continuous-BlPu"}
    return panel_of(
        "bargauge", name, FORMAT_TABLE, options=options, defaults=defaults | {"color": color, "min": 0}
    )


def barchart(
    name: str,
    x: str,
    *,
    stack: Literal["none", "normal", "percent"] = "none",
    horizontal: bool = False,
    colors: Mapping[str, str] | None = None,
    no_value: str = "–",
    links: Sequence[Link] = (),
) -> Panel:
    """A bar for each row, or one for each number of it.

    Args:
        name: of the query: a text and one number or more.
        x: the text's column.
        stack: numbers of a row beside or upon each other.
        horizontal: bars lie; for long names.
        colors: of columns; else the palette's.
        no_value: what stands there when there are no rows.
        links: where a bar leads.
    """
    options: Json = {
        "barRadius": 0,
        "barWidth": 0.8,
        "fullHighlight": False,
        "groupWidth": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "orientation": "horizontal" if horizontal else "vertical",
        "showValue": "auto",
        "stacking": stack,
        "tooltip": {"mode": "multi", "sort": "desc"},
        "xField": x,
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 0,
    }
    defaults = defaults_of(load_query(name).unit, no_value=no_value, links=links)
    defaults |= {
        "color": {"mode": "palette-classic"},
        "custom": {"fillOpacity": 80, "gradientMode": "none", "lineWidth": 1, "axisSoftMin": 0},
    }
    return panel_of(
        "barchart",
        name,
        FORMAT_TABLE,
        options=options,
        defaults=defaults,
        overrides=fixed_colors(colors or {}),
    )


def piechart(
    name: str, *, decimals: int | None = None, no_value: str = "–", links: Sequence[Link] = ()
) -> Panel:
    """Shares of a whole, a slice for each row (a text, a number); for a few, of which none is negative."""
    options: Json = {
        "displayLabels": ["percent"],
        "legend": {"displayMode": "table", "placement": "right", "showLegend": True,
                   "values": ["value", "percent"]},
        "pieType": "donut",
        "reduceOptions": _each_row(),
        "tooltip": {"mode": "single", "sort": "none"},
    }  # fmt: skip
    defaults = defaults_of(load_query(name).unit, decimals=decimals, no_value=no_value, links=links)
    return panel_of(
        "piechart",
        name,
        FORMAT_TABLE,
        options=options,
        defaults=defaults | {"color": {"mode": "palette-classic"}, "custom": {}},
    )


def histogram(name: str, *, colors: Mapping[str, str] | None = None, no_value: str = "–") -> Panel:
    """Counts by bucket: columns xMin, xMax (in the query's unit) and one or more of counts, ascending."""
    options: Json = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "none"},
        "combine": False,
    }
    unit = load_query(name).unit
    defaults = defaults_of("short", no_value=no_value) | {
        "color": {"mode": "palette-classic"},
        "custom": {"fillOpacity": 50, "gradientMode": "none", "lineWidth": 1},
    }
    edges = [
        {"matcher": {"id": "byName", "options": edge}, "properties": [{"id": "unit", "value": unit}]}
        for edge in ("xMin", "xMax")
    ]
    return panel_of(
        "histogram",
        name,
        FORMAT_TABLE,
        options=options,
        defaults=defaults,
        overrides=[*edges, *fixed_colors(colors or {})],
    )
