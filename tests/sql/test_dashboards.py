"""Is every dashboard's JSON what the code makes, and does it keep the rules that Grafana does not enforce?"""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import links
from dashboards.__main__ import FOLDER, main, texts
from dashboards.panels import Json
from dashboards.queries import load_query, query_names
from dashboards.registry import DASHBOARDS
from dashboards.target import PLUGIN, SOURCE
from tests.sql.dashboard_json import CONTENTS, PLACEHOLDER, asked_of, links_of, variables_of

DEPLOY = Path(__file__).parents[2] / "deploy" / "grafana" / "provisioning"
KINDS = {
    "stat", "gauge", "bargauge", "timeseries", "barchart", "piechart", "histogram", "heatmap", "table",
    "state-timeline", "status-history", "nodeGraph", "traces", "logs", "text", "row",
}  # fmt: skip
WITHOUT_QUERY = {"text", "row"}
OVER_TIME = {"timeseries", "heatmap", "state-timeline", "status-history"}
UNITS = {
    "short", "none", "string", "currencyUSD", "percentunit", "s", "ms", "ns", "bytes", "reqps", "ops",
    "dateTimeAsIso",
}  # fmt: skip
VIEWS = re.compile(r"(?:FROM|JOIN)\s+(\w+)")

each_dashboard = pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
each_panel = pytest.mark.parametrize(
    "panel",
    [
        pytest.param(panel, id=f"{uid}-{panel['title']}")
        for uid, content in CONTENTS.items()
        for panel in content["panels"]
    ],
)


def targets_of(uid: str) -> list[Json]:
    return [asked.target for asked in asked_of(uid)]


def test_the_committed_files_are_what_the_code_makes() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == texts()
    assert texts() == texts()


def test_a_check_names_what_differs_and_writing_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "dashboards" / "json"
    assert main(["--check"], tmp_path) == 1
    assert f"{links.FLEET}.json is not what the code makes" in capsys.readouterr().err
    folder.mkdir(parents=True)
    (folder / "stranger.json").write_text("{}")
    assert main([], tmp_path) == 0
    assert {path.name for path in folder.iterdir()} == {f"{uid}.json" for uid in DASHBOARDS}
    assert main(["--check"], tmp_path) == 0
    (folder / f"{links.FLEET}.json").write_text("{}")
    assert main(["--check"], tmp_path) == 1


def test_every_query_file_is_used_and_has_its_question() -> None:
    used = {target["rawSql"] for uid in CONTENTS for target in targets_of(uid)}
    folders = {path.name for path in (FOLDER.parent / "queries").iterdir() if path.is_dir()}
    for folder in folders - {"shared", "__pycache__", "alerts"}:
        for name in query_names(folder):
            query = load_query(name)
            assert query.sql in used, f"{name} is in no dashboard"
            assert query.question.endswith("?"), name
            assert query.unit in UNITS, name


def test_uids_and_titles_are_the_dashboards_own() -> None:
    assert [content["uid"] for content in CONTENTS.values()] == list(DASHBOARDS)
    assert len({content["title"] for content in CONTENTS.values()}) == len(CONTENTS)


@each_dashboard
def test_the_frame_is_that_of_all_our_dashboards(content: Json) -> None:
    assert re.fullmatch(r"wakeline-[a-z-]{1,31}", content["uid"])
    assert content["description"]
    assert content["editable"] is False
    assert content["graphTooltip"] == 1
    assert content["schemaVersion"] >= 39
    assert content["time"]["to"] == "now"
    assert "wakeline" in content["tags"]
    assert not {"version", "id"} & set(content)
    siblings = content["links"][0]
    assert siblings["type"] == "dashboards"
    assert siblings["tags"] == ["wakeline"]
    assert siblings["includeVars"]
    assert siblings["keepTime"]


@each_panel
def test_a_panel_says_what_it_answers_and_asks_the_chosen_source(panel: Json) -> None:
    assert panel["type"] in KINDS
    assert panel["title"]
    assert panel["description"].endswith("?")
    if panel["type"] in WITHOUT_QUERY:
        assert "targets" not in panel
        return
    assert panel["datasource"] == SOURCE
    assert panel["targets"]
    ids = [target["refId"] for target in panel["targets"]]
    assert len(set(ids)) == len(ids)
    if panel["type"] == "nodeGraph":
        assert ids == ["nodes", "edges"]
    for target in panel["targets"]:
        assert target["datasource"] == SOURCE


@each_panel
def test_a_panel_has_unit_thresholds_and_a_text_for_no_value(panel: Json) -> None:
    if panel["type"] in WITHOUT_QUERY:
        return
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] in UNITS
    assert defaults["noValue"]
    assert defaults["thresholds"]["steps"][0]["value"] is None
    values = [step["value"] for step in defaults["thresholds"]["steps"][1:]]
    assert values == sorted(values)
    for override in panel["fieldConfig"]["overrides"]:
        units = [one["value"] for one in override["properties"] if one["id"] == "unit"]
        assert set(units) <= UNITS
    if panel["type"] == "gauge":
        assert defaults["min"] < defaults["max"]
        assert len(values) == 2


@each_panel
def test_a_series_is_named_by_its_field_or_label(panel: Json) -> None:
    if panel["type"] in OVER_TIME:
        assert panel["interval"], "the width of a bucket has a floor"
    if panel["type"] in OVER_TIME - {"heatmap"}:
        assert panel["fieldConfig"]["defaults"]["displayName"].startswith("${__field.")
        assert panel["options"]["legend"]["showLegend"]
    if panel["type"] in ("state-timeline", "status-history"):
        assert panel["fieldConfig"]["defaults"]["mappings"], "a state is a word, not a number"


@each_dashboard
def test_panels_lie_side_by_side_with_ids_of_their_own(content: Json) -> None:
    panels = content["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or above, (one, other)
    for y in {place["y"] for place in places}:
        assert sum(place["w"] for place in places if place["y"] == y) == 24, "a row has a hole"


@each_dashboard
def test_the_first_row_is_a_few_numbers(content: Json) -> None:
    first_row = [panel for panel in content["panels"] if panel["gridPos"]["y"] == 0]
    assert 4 <= len(first_row) <= 6
    assert {panel["type"] for panel in first_row} <= {"stat", "gauge"}


@each_dashboard
def test_a_query_sets_its_format_and_is_limited_in_time_and_size(content: Json) -> None:
    for asked in asked_of(content["uid"]):
        target, sql = asked.target, asked.sql
        assert target["editorType"] == "sql"
        assert target["format"] in (0, 1, 2, 3)
        assert target["meta"]
        # A run has a time of its own, prices of a month one of theirs, and parts are those of now.
        assert re.search(r"\$__(timeFilter|fromTime|toTime)|\$\{run:|toStartOfMonth|storage_parts", sql), sql
        if target["format"] == 0:
            assert re.findall(r"^ORDER BY (\w+)", sql, re.MULTILINE) == ["time"], sql
        elif asked.kind not in ("stat", "gauge") and ("GROUP BY" in sql or "ORDER BY" in sql):
            assert re.search(r"\bLIMIT \d+$|SELECT DISTINCT|count\(\)", sql), sql


@each_dashboard
def test_what_queries_name_is_declared_and_what_is_declared_is_named(content: Json) -> None:
    declared = set(variables_of(content["uid"]))
    named: set[str] = set()
    for target in targets_of(content["uid"]):
        sql = target["rawSql"]
        for found in PLACEHOLDER.findall(sql):
            name, _, form = found.partition(":")
            assert form in ("percentencode", "queryparam"), f"${{{found}}} may leave its text"
            if form == "percentencode":
                assert f"decodeURLComponent('${{{found}}}')" in sql
            else:
                assert f"extractAll('${{{name}:queryparam}}', '=([^&]*)')" in sql
        named |= {found.split(":")[0] for found in PLACEHOLDER.findall(sql)}
    assert named == declared - {"datasource"}


@each_dashboard
def test_variables_follow_the_range_and_the_source(content: Json) -> None:
    variables = variables_of(content["uid"])
    assert list(variables)[:5] == ["datasource", "namespace", "environment", "team", "agent"]
    assert variables["datasource"]["query"] == PLUGIN
    for one in variables.values():
        assert one["label"]
        assert one["description"]
        if one["type"] == "query":
            assert one["datasource"] == SOURCE
            assert one["refresh"] == 2
            assert one["multi"] == one["includeAll"]
            assert one["multi"] or one["current"]["value"]


@each_dashboard
def test_what_may_explain_a_change_is_drawn_over_every_series(content: Json) -> None:
    drawn = content["annotations"]["list"]
    assert [one["name"] for one in drawn] == ["Annotations & Alerts", "Deploys", "Incidents", "Prices"]
    assert all(one["target"]["format"] == 1 for one in drawn[1:])


# What says in a panel's question that a choice does not apply to it.
DOES_NOT_APPLY = {
    "environment": "all environments|whole namespace|all namespaces",
    "team": "all teams|whole namespace|all namespaces",
    "agent": "all agents|whole namespace|all namespaces",
    "model": "all models|whatever the model",
}


@pytest.mark.parametrize("uid", CONTENTS)
def test_a_panel_keeps_to_every_choice_or_says_that_it_does_not(uid: str) -> None:
    for asked in asked_of(uid):
        if asked.kind in ("annotation", "variable") or "${run:" in asked.sql:
            continue
        for name, words in DOES_NOT_APPLY.items():
            if name in variables_of(uid) and f"${{{name}:" not in asked.sql:
                assert re.search(words, asked.owner["description"]), f"{asked} ignores {name}"


@each_dashboard
def test_queries_ask_views_and_never_tables(content: Json) -> None:
    tables = {"steps", "contents", "step_contents", "runs", "windows", "readings", "incidents",
              "dead_letters", "ledger", "repricings", "sightings", "arrivals"}  # fmt: skip
    # Which window is the first that is stored needs no newest version; a view would read all of them for it.
    stored = re.compile(r"SELECT window_start\s+FROM windows\s.*?LIMIT 1", re.DOTALL)
    for target in targets_of(content["uid"]):
        asked = set(VIEWS.findall(stored.sub("", target["rawSql"])))
        assert asked
        assert not asked & tables


@each_dashboard
def test_links_lead_to_dashboards_that_take_what_they_bring(content: Json) -> None:
    own = set(variables_of(content["uid"]))
    for panel in content["panels"]:
        for url in links_of(panel):
            path, _, query = url.partition("?")
            uid = path.removeprefix("/d/")
            assert uid in CONTENTS, url
            taken = set(variables_of(uid))
            brought = re.findall(r"(?:^|&)(?:\$\{(\w+):queryparam\}|var-(\w+)=)", query)
            for kept, chosen in brought:
                assert (kept or chosen) in taken, url
                assert not kept or kept in own, url
            for placeholder in PLACEHOLDER.findall(query):
                assert re.fullmatch(
                    r"\w+:queryparam|__url_time_range|__value\.raw:percentencode"
                    r"|__(data\.fields|field\.labels)\.\w+(:percentencode)?",
                    placeholder,
                ), url
            assert "${datasource:queryparam}" in query
            assert "${namespace:queryparam}" in query


def read_yaml(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_the_provisioned_source_is_the_plugin_and_finds_traces() -> None:
    (source,) = read_yaml("datasources/wakeline.yaml")["datasources"]
    assert source["type"] == PLUGIN
    assert source["jsonData"]["username"] == "grafana_reader"
    assert source["jsonData"]["traces"]["defaultTable"] == "otel_traces"
    assert source["jsonData"]["defaultDatabase"] == source["jsonData"]["traces"]["defaultDatabase"]
    assert re.fullmatch(r"\$\{\w+\}", source["secureJsonData"]["password"])


def test_the_provisioned_folder_is_named_and_not_edited() -> None:
    (provider,) = read_yaml("dashboards/wakeline.yaml")["providers"]
    assert provider["folder"] == "Agent Observability"
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"].startswith("/var/lib/grafana/")
