"""Does every query of every dashboard run as Grafana sends it, whatever is chosen, and fit its panel?

Seeded and empty, all and one, names that are SQL, ranges without data, the narrowest and the widest bucket.
Whether the numbers are right is asked elsewhere, a file for each dashboard.
"""

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from dashboards.macros import ALL, Scope, Value, expand
from tests.sql.dashboard_json import CONTENTS, PLACEHOLDER, Asked, asked_of, links_of, variables_of
from tests.sql.site import OFFERED, Site

# What several dashboards ask in the same way is tried once.
ASKED = list(
    {
        (one.kind, str(one.owner | {"id": 0, "gridPos": 0})): one for uid in CONTENTS for one in asked_of(uid)
    }.values()
)
NUMBERS = re.compile(r"(Nullable\()?(U?Int|Float|Decimal)")
TIMES = re.compile(r"(Nullable\()?DateTime")
WILD = "\\' OR 1=1 -- % it's ${namespace} $__fromTime"
# Chosen at the same time, beside all: a value, several with quotes, a name that is SQL, names that are none.
CHOICES: list[dict[str, Value]] = [
    {"agent": ["planner"], "environment": ["prod"], "team": ["core"], "model": ["gpt-4o-mini"]},
    {"agent": ["it's", "coder"], "environment": ["o'hare", "(none)"], "team": ["o'hare's", "(none)"]},
    {"agent": [OFFERED["agent"][-1]], "namespace": "it's"},
    {"agent": ["nobody"], "environment": ["nowhere"], "team": ["none"], "model": ["it's"]},
]
# What is written into boxes at the same time: nothing, a number, and what is neither.
WRITTEN = ["", "12.5", "it's", WILD]
# Views of few rows, which need no key.
SMALL = {
    "agent_incidents",
    "step_repricings",
    "telemetry_health",
    "agent_dead_letters",
    "agent_readings",
    "agent_sightings",
    "agent_ledger",
}

each = pytest.mark.parametrize("asked", ASKED, ids=str)


def of_kinds(*kinds: str) -> pytest.MarkDecorator:
    """The queries of panels of these kinds."""
    return pytest.mark.parametrize("asked", [one for one in ASKED if one.kind in kinds], ids=str)


def scope_of(site: Site, asked: Asked, of: str = "live", **changes: Any) -> Scope:
    """The dashboard's own variables at what they begin with, where there is no example for them."""
    begun = {
        name: one["current"]["value"]
        for name, one in variables_of(asked.uid).items()
        if not one.get("multi") and name not in ("datasource", "namespace")
    }
    begun |= {
        name: ALL
        for name, one in variables_of(asked.uid).items()
        if name not in begun and name not in ("datasource", "namespace")
    }
    known = site.scope(of).variables
    return site.scope(of, **(begun | {name: known[name] for name in known if name in begun} | changes))


def scopes(site: Site, asked: Asked) -> list[Scope]:
    """All that differs in what is sent."""
    start_s = site.fleets["live"].start_ns // 10**9
    changes: list[dict[str, Any]] = [
        {"interval_s": 1, "start_s": start_s + 5 * 3600, "end_s": start_s + 5 * 3600 + 900},
        {"interval_s": 86_400, "start_s": start_s - 30 * 86_400},
        {"start_s": start_s - 10 * 86_400, "end_s": start_s - 10 * 86_400 + 3600},
    ]
    variables = variables_of(asked.uid)
    boxes = [name for name, one in variables.items() if one["type"] == "textbox"]
    lists = {name: one["options"] for name, one in variables.items() if one["type"] == "custom"}
    for choice, written in zip(CHOICES, WRITTEN, strict=True):
        known = {name: value for name, value in choice.items() if name in variables}
        changes.append(known | dict.fromkeys(boxes, written))
    for name, options in lists.items():
        values = [[one["value"]] if variables[name]["multi"] else one["value"] for one in options]
        changes += [{name: value} for value in values]
    return [scope_of(site, asked, **change) for change in changes]


@each
def test_a_query_runs_whatever_is_chosen(site: Site, asked: Asked) -> None:
    sent = {expand(asked.sql, scope): scope for scope in scopes(site, asked)}
    for scope in sent.values():
        _, kinds, rows = site.ask_sql(asked.sql, scope)
        assert not [kind for kind in kinds if "AggregateFunction" in kind]
        assert len(rows) <= 20_000


@each
def test_a_query_runs_on_a_database_without_rows(site: Site, asked: Asked) -> None:
    """Nothing is No data or 0, never an error; what is 0 must be a count or a sum of what would be there."""
    _, _, rows = site.ask_sql(asked.sql, scope_of(site, asked), empty=True)
    if asked.kind in ("stat", "gauge"):
        assert len(rows) <= 1
        assert all(row[-1] in (0, None, "") for row in rows), rows
    elif asked.name == "namespace":
        assert rows == [("live", "live")]
    elif asked.name == "stream":
        assert rows == [("(loudest)", "(most evidence)")]
    else:
        assert rows == []


@each
@pytest.mark.parametrize("namespace", ["live", "old"])
def test_a_query_finds_something_where_there_is_something(site: Site, asked: Asked, namespace: str) -> None:
    if namespace == "old" and "agent_dead_letters" in asked.sql:
        pytest.skip("Dead letters are kept for 14 days")
    columns, _, rows = site.ask_sql(asked.sql, scope_of(site, asked, namespace))
    assert rows
    # A column that is never filled is a bug of the seed or of the query.
    for place, column in enumerate(columns):
        assert any(row[place] is not None for row in rows), column


@of_kinds("timeseries", "heatmap", "state-timeline", "status-history")
def test_series_begin_with_time_in_order_and_are_few_enough_to_draw(site: Site, asked: Asked) -> None:
    columns, kinds, rows = site.ask_sql(asked.sql, scope_of(site, asked, interval_s=60))
    assert columns[0] == "time"
    assert TIMES.match(kinds[0])
    assert any(NUMBERS.match(kind) for kind in kinds[1:])
    assert not any(TIMES.match(kind) for kind in kinds[1:])
    times = [row[0] for row in rows]
    assert times == sorted(times)
    assert len(rows) <= 5_000
    texts = [place for place, kind in enumerate(kinds[1:], 1) if not NUMBERS.match(kind)]
    keys = [(row[0], *(row[place] for place in texts)) for row in rows]
    assert len(set(keys)) == len(keys), "two values of one series at one time"
    if asked.kind == "heatmap":
        assert not texts


@of_kinds("state-timeline", "status-history")
def test_every_state_has_a_word(site: Site, asked: Asked) -> None:
    known = {key for one in asked.owner["fieldConfig"]["defaults"]["mappings"] for key in one["options"]}
    _, _, rows = site.ask_sql(asked.sql, scope_of(site, asked))
    assert {f"{row[-1]:g}" for row in rows if row[-1] is not None} <= known


@of_kinds("stat", "gauge")
def test_a_stat_is_one_number_with_at_most_one_before_it(site: Site, asked: Asked) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    _, kinds, rows = site.ask_sql(asked.sql, scope_of(site, asked))
    assert len(rows) == 1
    assert NUMBERS.match(kinds[-1]) or asked.owner["fieldConfig"]["defaults"]["mappings"]
    changes = asked.owner["options"].get("showPercentChange", False)
    columns, _, rows = site.ask_sql(asked.sql, scope_of(site, asked, start_s=start_s + 3 * 3600))
    assert len(rows) == (2 if changes else 1)
    assert asked.target["format"] == (0 if changes else 1)
    if changes:
        assert columns[0] == "time"
        assert rows[0][0] < rows[1][0]


# Two rows: the first may be missing, the second never, whatever there is to tell of it.
NOW_AND_BEFORE = re.compile(
    r"^SELECT\n    point\.1 AS time,\n    point\.2.* AS (\w+)\nFROM\n.*"
    r"\nWHERE time = \$__toTime OR \1 > 0\nORDER BY time$",
    re.DOTALL,
)
CHANGES = [one for one in ASKED if one.kind == "stat" and one.owner["options"].get("showPercentChange")]
# Sums and counts are 0 where nothing happened; all else has no value there.
COUNTED = {"0", "Unpriced"}


@of_kinds("stat", "gauge")
def test_a_stat_shows_its_last_row_even_when_that_has_no_value(asked: Asked) -> None:
    assert asked.owner["options"]["reduceOptions"]["calcs"] == ["last"]
    if asked in CHANGES:
        assert NOW_AND_BEFORE.match(asked.sql)


@pytest.mark.parametrize("asked", CHANGES, ids=str)
def test_a_range_in_which_nothing_happened_never_shows_the_number_before(site: Site, asked: Asked) -> None:
    start_s = site.fleets["old"].start_ns // 10**9
    busy = scope_of(site, asked, "old", start_s=start_s + 3600, end_s=start_s + 7 * 3600)
    still = scope_of(site, asked, "old", start_s=start_s + 7 * 3600, end_s=start_s + 13 * 3600)
    _, _, rows = site.ask_sql(asked.sql, busy)
    before = rows[-1][1]
    _, _, rows = site.ask_sql(asked.sql, still)
    time, now = rows[-1]
    assert time.replace(tzinfo=UTC).timestamp() == still.end_s
    if asked.owner["fieldConfig"]["defaults"]["noValue"] in COUNTED:
        assert now == 0
    else:
        assert now is None
    assert [row[1] for row in rows[:-1]] == ([pytest.approx(before)] if before else [])


@of_kinds("bargauge", "piechart", "barchart")
def test_bars_and_slices_have_a_name_and_a_number(site: Site, asked: Asked) -> None:
    columns, kinds, rows = site.ask_sql(asked.sql, scope_of(site, asked))
    numbers = [place for place, kind in enumerate(kinds) if NUMBERS.match(kind)]
    assert not NUMBERS.match(kinds[0])
    assert numbers == list(range(1, len(kinds)))
    assert asked.kind == "barchart" or len(numbers) == 1
    assert len({row[0] for row in rows}) == len(rows) <= 50
    assert all((row[place] or 0) >= 0 for row in rows for place in numbers)
    if asked.kind == "barchart":
        assert asked.owner["options"]["xField"] == columns[0]


@of_kinds("histogram")
def test_a_histogram_has_edges_that_meet_in_order(site: Site, asked: Asked) -> None:
    columns, _, rows = site.ask_sql(asked.sql, scope_of(site, asked))
    assert columns[:2] == ["xMin", "xMax"]
    assert all(row[0] < row[1] for row in rows)
    assert all(one[1] <= other[0] + 1e-9 for one, other in pairwise(rows))


@of_kinds("nodeGraph")
def test_edges_join_nodes_whose_arcs_are_whole(site: Site, asked: Asked) -> None:
    targets = asked.owner["targets"]
    answers = [site.ask_sql(target["rawSql"], scope_of(site, asked)) for target in targets]
    (nodes, _, node_rows), (edges, _, edge_rows) = answers
    assert nodes[:3] == ["id", "title", "subtitle"]
    assert edges[:3] == ["id", "source", "target"]
    ids = [row[0] for row in node_rows]
    assert len(set(ids)) == len(ids)
    assert {end for row in edge_rows for end in row[1:3]} <= set(ids)
    arcs = [place for place, name in enumerate(nodes) if name.startswith("arc__")]
    assert all(sum(row[place] for place in arcs) == pytest.approx(1) for row in node_rows)


@of_kinds("traces")
def test_a_trace_has_the_columns_that_the_panel_needs(site: Site, asked: Asked) -> None:
    columns, kinds, rows = site.ask_sql(asked.sql, scope_of(site, asked))
    needed = {"traceID", "spanID", "parentSpanID", "serviceName", "operationName", "startTime", "duration"}
    assert needed <= set(columns)
    assert asked.target["format"] == 3
    spans = {row[columns.index("spanID")] for row in rows}
    parents = {row[columns.index("parentSpanID")] for row in rows} - {""}
    assert len(spans) == len(rows)
    assert parents <= spans
    assert kinds[columns.index("startTime")] == kinds[columns.index("duration")] == "Float64"


@of_kinds("logs")
def test_a_log_has_the_columns_that_the_panel_needs(site: Site, asked: Asked) -> None:
    columns, _, rows = site.ask_sql(asked.sql, scope_of(site, asked))
    assert columns[:2] == ["timestamp", "body"]
    assert asked.target["format"] == 2
    times = [row[0] for row in rows]
    assert times == sorted(times, reverse=True)


@of_kinds("annotation")
def test_an_annotation_is_a_moment_or_a_span_with_words(site: Site, asked: Asked) -> None:
    columns, _, rows = site.ask_sql(asked.sql, scope_of(site, asked))
    assert [name for name in columns if name != "timeEnd"] == ["time", "title", "text", "tags"]
    for row in rows:
        given = dict(zip(columns, row, strict=True))
        assert isinstance(given["time"], datetime)
        assert given["title"]
        assert given["text"]
        assert given.get("timeEnd", given["time"]) >= given["time"]


@of_kinds("variable")
def test_a_choice_from_the_list_is_a_value_and_its_name(site: Site, asked: Asked) -> None:
    columns, _, rows = site.ask_sql(asked.sql, scope_of(site, asked))
    assert columns == ["value", "text"]
    assert all(text for _, text in rows)


@of_kinds("table", "timeseries", "barchart", "bargauge", "state-timeline", "status-history", "nodeGraph")
def test_what_a_panel_names_is_in_its_answer(site: Site, asked: Asked) -> None:
    columns, kinds, _ = site.ask_sql(asked.sql, scope_of(site, asked))
    config = asked.owner["fieldConfig"]
    assert {override["matcher"]["options"] for override in config["overrides"]} <= set(columns)
    named = {found for url in links_of(asked.owner) for found in PLACEHOLDER.findall(url)}
    named.add(config["defaults"].get("displayName", "").removeprefix("${").removesuffix("}"))
    for placeholder in named:
        place = placeholder.split(":")[0]
        if place.startswith(("__data.fields.", "__field.labels.")) and asked.target["refId"] != "edges":
            column = place.rsplit(".", 1)[1]
            assert column in columns, placeholder
            if place.startswith("__field.labels."):
                assert "String" in kinds[columns.index(column)]
    if asked.kind == "table":
        shown = {override["matcher"]["options"] for override in config["overrides"] if override["properties"]}
        plain = {
            name
            for name, kind in zip(columns, kinds, strict=True)
            if NUMBERS.match(kind) or TIMES.match(kind)
        }
        assert plain <= shown, "a number or time without a unit of its own"


@each
def test_a_query_reads_a_range_of_the_key(site: Site, asked: Asked) -> None:
    """Of every big table: the primary key and partitions, or what the index of run ids finds."""
    scope = scope_of(site, asked, "old")
    plan = site.reader.query(f"EXPLAIN indexes = 1 {expand(asked.sql, scope)}")
    reads = _reads([str(row[0]) for row in plan.result_rows])
    for table, conditions in reads:
        if f"agent_{table}" in SMALL or table in ("repricings",):
            continue
        text = "\n".join(conditions)
        if "Name: by_run" in text:
            continue
        assert "PrimaryKey" in text, f"{table}: {text}"
        # A range of hours is one of the key itself.
        of_hours = "telemetry_health_hours" in asked.sql and "toStartOfHour(time) in" in text
        assert of_hours or "toYYYYMM" in text, f"{table}: partitions are not pruned: {text}"


def _reads(plan: list[str]) -> list[tuple[str, list[str]]]:
    """Each table that a plan reads, and the lines about how."""
    found: list[tuple[str, list[str]]] = []
    for line in plan:
        if match := re.search(r"ReadFromMergeTree \(\S+\.(\w+)\)", line):
            found.append((match[1], []))
        elif found:
            found[-1][1].append(line)
    return found
