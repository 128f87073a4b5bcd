"""Panels that show what changes over time: lines, bars, counts by size, states."""

from collections.abc import Mapping, Sequence
from typing import Literal

from dashboards.links import Link
from dashboards.panels.contract import (
    FORMAT_TIMESERIES,
    Json,
    Panel,
    State,
    by_name,
    defaults_of,
    fixed_colors,
    panel_of,
)
from dashboards.queries import load_query
from dashboards.thresholds import PLAIN, Steps


def timeseries(
    name: str,
    *,
    label: str | None = None,
    stack: Literal["none", "normal", "percent"] = "none",
    steps: Steps = PLAIN,
    greatest: float | None = None,
    calcs: Sequence[str] = ("mean", "max"),
    colors: Mapping[str, str] | None = None,
    dashed: Sequence[str] = (),
    band: tuple[str, str] | None = None,
    links: Sequence[Link] = (),
    min_interval: str = "1m",
    no_value: str = "No data",
) -> Panel:
    """Lines over time, or stacked bars.

    Args:
        name: of the query: time, then one number, or a text and a number, or several numbers.
        label: the text column that names the series; None when columns do.
        stack: bars on top of each other, for what can be added; "percent" shows shares.
        steps: thresholds, drawn as lines where there are several.
        greatest: soft maximum of the axis.
        calcs: columns of the legend.
        colors: of series; else the palette's.
        dashed: series that are drawn with dashes: what others are held against.
        band: (lower, upper), series between which the area is filled.
        links: where a point leads.
        min_interval: least width of a bucket.
        no_value: what stands there when there are no rows.
    """
    bars = stack != "none"
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 70 if bars else 0,
        "lineWidth": 0 if bars else 2,
        "pointSize": 4,
        "showPoints": "never" if bars else "auto",
        "spanNulls": False,
        "insertNulls": False,
        "axisSoftMin": 0,
        "stacking": {"mode": stack, "group": "A"},
        "thresholdsStyle": {"mode": "line" if len(steps) > 1 else "off"},
    }
    if greatest is not None:
        custom["axisSoftMax"] = greatest
    defaults = defaults_of(load_query(name).unit, steps=steps, no_value=no_value, links=links) | {
        "color": {"mode": "palette-classic"},
        "custom": custom,
        "displayName": "${__field.labels." + label + "}" if label else "${__field.name}",
        "min": 0,
    }
    options: Json = {
        "legend": {"displayMode": "table", "placement": "right", "showLegend": True, "calcs": list(calcs)},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    overrides = [*fixed_colors(colors or {}), *map(_dashes, dashed), *(_band(*band) if band else ())]
    return panel_of(
        "timeseries",
        name,
        FORMAT_TIMESERIES,
        options=options,
        defaults=defaults,
        overrides=overrides,
        min_interval=min_interval,
    )


def _dashes(name: str) -> Json:
    return by_name(name, [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}}])


def _band(lower: str, upper: str) -> tuple[Json, Json]:
    thin: Json = {"id": "custom.lineWidth", "value": 0}
    filled = [thin, {"id": "custom.fillBelowTo", "value": lower}, {"id": "custom.fillOpacity", "value": 15}]
    return by_name(lower, [thin]), by_name(upper, filled)


def heatmap(name: str, *, no_value: str = "No data") -> Panel:
    """Counts over time by row; each number column is a row, the first at the bottom."""
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
    defaults = defaults_of(load_query(name).unit, decimals=0, no_value=no_value)
    return panel_of("heatmap", name, FORMAT_TIMESERIES, options=options, defaults=defaults, min_interval="1m")


def state_timeline(
    name: str,
    label: str,
    states: Sequence[State],
    *,
    links: Sequence[Link] = (),
    min_interval: str = "1m",
    no_value: str = "No data",
) -> Panel:
    """A lane for each text, in which a state lasts until the next one.

    Args:
        name: of the query: time, a text, and a number that stands for a state.
        label: the text's column.
        states: their numbers, words and colours.
        links: where a state leads.
        min_interval: least width of a bucket.
        no_value: what stands there when there are no rows.
    """
    options: Json = {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.9,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _states("state-timeline", name, label, states, options, links, min_interval, no_value)


def status_history(
    name: str,
    label: str,
    states: Sequence[State],
    *,
    links: Sequence[Link] = (),
    min_interval: str = "1m",
    no_value: str = "No data",
) -> Panel:
    """A lane for each text with a box for each bucket of time; takes what `state_timeline` takes."""
    options: Json = {
        "colWidth": 0.9,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "rowHeight": 0.9,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _states("status-history", name, label, states, options, links, min_interval, no_value)


def _states(
    kind: str,
    name: str,
    label: str,
    states: Sequence[State],
    options: Json,
    links: Sequence[Link],
    min_interval: str,
    no_value: str,
) -> Panel:
    defaults = defaults_of(load_query(name).unit, states=states, no_value=no_value, links=links) | {
        "color": {"mode": "thresholds"},
        "custom": {"fillOpacity": 80, "lineWidth": 0},
        "displayName": "${__field.labels." + label + "}",
    }
    return panel_of(
        kind, name, FORMAT_TIMESERIES, options=options, defaults=defaults, min_interval=min_interval
    )
