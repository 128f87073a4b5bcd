"""What is one panel? The types that every kind of panel is made of, and the settings that all share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dashboards.links import Link
from dashboards.queries import Query, load_query
from dashboards.thresholds import PLAIN, Steps

Json = dict[str, Any]
# How the plugin shapes an answer; always set, because it guesses a time series where nothing is said.
Format = Literal[0, 1, 2, 3]
FORMAT_TIMESERIES: Format = 0
FORMAT_TABLE: Format = 1
FORMAT_LOGS: Format = 2
FORMAT_TRACES: Format = 3


@dataclass(frozen=True)
class Ask:
    """One target: a query, the shape of its answer, and the name that the panel knows it by."""

    query: Query
    format: Format
    ref_id: str = "A"


@dataclass(frozen=True)
class Panel:
    """One panel without its place and id.

    Attributes:
        kind: Grafana's name of the visualisation.
        title: of the panel.
        description: the question that it answers.
        asks: its targets; none for text and rows.
        options: of the visualisation.
        defaults: of all fields.
        overrides: for fields by name.
        min_interval: least width of a bucket, such as "1m".
    """

    kind: str
    title: str
    description: str
    asks: Sequence[Ask] = ()
    options: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    min_interval: str | None = None


@dataclass(frozen=True)
class State:
    """How one value is shown: a number that stands for a state, or a text.

    Attributes:
        value: in the query's answer.
        text: shown instead; empty: the value itself.
        color: of it.
    """

    value: float | str
    text: str
    color: str


@dataclass(frozen=True)
class Column:
    """How a column of a table is shown.

    Attributes:
        name: in the query's answer.
        unit: Grafana's id.
        decimals: None leaves it to Grafana.
        width: pixels.
        steps: thresholds that colour the cell's text.
        states: colours and texts of single values.
        link: where a cell leads.
        hidden: there for links alone.
        no_value: what a cell without one shows; None: what the panel shows.
    """

    name: str
    unit: str | None = None
    decimals: int | None = None
    width: int | None = None
    steps: Steps = ()
    states: Sequence[State] = ()
    link: Link | None = None
    hidden: bool = False
    no_value: str | None = None


def panel_of(kind: str, name: str, answer: Format, **fields: Any) -> Panel:
    """A panel of one query, whose title and question are the panel's."""
    query = load_query(name)
    return Panel(kind, query.title, query.question, (Ask(query, answer),), **fields)


def defaults_of(
    unit: str,
    *,
    steps: Steps = PLAIN,
    decimals: int | None = None,
    no_value: str = "0",
    links: Sequence[Link] = (),
    states: Sequence[State] = (),
) -> Json:
    """What holds for all fields of a panel: unit, thresholds, the text for no value, links, states."""
    made: Json = {
        "unit": unit,
        "noValue": no_value,
        "mappings": mappings(states),
        "thresholds": thresholds(steps),
    }
    if decimals is not None:
        made["decimals"] = decimals
    if links:
        made["links"] = [link.json() for link in links]
    return made


def override(column: Column) -> Json:
    """A column's settings by its name."""
    properties: list[Json] = []
    settings = {
        "unit": column.unit,
        "decimals": column.decimals,
        "custom.width": column.width,
        "noValue": column.no_value,
    }
    properties += [{"id": name, "value": value} for name, value in settings.items() if value is not None]
    if column.states:
        properties.append({"id": "mappings", "value": mappings(column.states)})
    if column.steps:
        properties.append({"id": "thresholds", "value": thresholds(column.steps)})
        properties.append({"id": "color", "value": {"mode": "thresholds"}})
    if column.steps or column.states:
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    if column.link is not None:
        properties.append({"id": "links", "value": [column.link.json()]})
    if column.hidden:
        properties.append({"id": "custom.hidden", "value": True})
    return by_name(column.name, properties)


def by_name(name: str, properties: Sequence[Json]) -> Json:
    """Settings of the field of this name."""
    return {"matcher": {"id": "byName", "options": name}, "properties": list(properties)}


def fixed_colors(colors: Mapping[str, str]) -> list[Json]:
    """Fields that always have the same colour, because it judges them or they are looked for by it."""
    return [
        by_name(name, [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}])
        for name, color in colors.items()
    ]


def thresholds(steps: Steps) -> Json:
    """Colours from a value on."""
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in steps]}


def mappings(states: Sequence[State]) -> list[Json]:
    """Texts and colours of single values."""
    if not states:
        return []
    options: Json = {}
    for number, state in enumerate(states):
        options[str(state.value)] = {"color": state.color, "index": number}
        if state.text:
            options[str(state.value)]["text"] = state.text
    return [{"type": "value", "options": options}]
