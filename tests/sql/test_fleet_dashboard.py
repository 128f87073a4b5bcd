"""Is the dashboard's JSON what the code makes, and does it keep the rules that Grafana does not enforce?"""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import fleet
from dashboards.__main__ import FOLDER, main, texts
from dashboards.builder import PLUGIN, SOURCE
from dashboards.queries import load_query, query_names

DEPLOY = Path(__file__).parents[2] / "deploy" / "grafana" / "provisioning"
CONTENT: dict[str, Any] = json.loads((FOLDER / f"{fleet.UID}.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = CONTENT["panels"]
VARIABLES: dict[str, dict[str, Any]] = {one["name"]: one for one in CONTENT["templating"]["list"]}
UNITS = {"short", "currencyUSD", "percentunit", "s", "dateTimeAsIso"}
each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))


def targets() -> list[dict[str, Any]]:
    found = [target for panel in PANELS for target in panel["targets"]]
    found += [one["target"] for one in CONTENT["annotations"]["list"] if "target" in one]
    return found + [one["query"] for one in VARIABLES.values() if one["type"] == "query"]


def test_the_committed_files_are_what_the_code_makes() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == texts()
    assert texts() == texts()


def test_a_check_names_what_differs_and_writing_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert f"{fleet.UID}.json is not what the code makes" in capsys.readouterr().err
    (tmp_path / "stranger.json").write_text("{}")
    assert main([], tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == [f"{fleet.UID}.json"]
    assert main(["--check"], tmp_path) == 0
    (tmp_path / f"{fleet.UID}.json").write_text("{}")
    assert main(["--check"], tmp_path) == 1


def test_every_query_file_is_used_and_has_its_question() -> None:
    used = {target["rawSql"] for target in targets()}
    for name in query_names("fleet"):
        query = load_query(name)
        assert query.sql in used, name
        assert query.question.endswith("?"), name
        assert query.unit in UNITS, name


def test_the_frame_is_that_of_all_our_dashboards() -> None:
    assert re.fullmatch(r"wakeline-[a-z-]{1,31}", CONTENT["uid"])
    assert CONTENT["editable"] is False
    assert CONTENT["graphTooltip"] == 1
    assert CONTENT["schemaVersion"] >= 39
    assert "wakeline" in CONTENT["tags"]
    assert "version" not in CONTENT
    assert "id" not in CONTENT
    (link,) = CONTENT["links"]
    assert link["includeVars"]
    assert link["keepTime"]


@each_panel
def test_a_panel_says_what_it_answers_and_asks_the_chosen_source(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith("?")
    assert panel["datasource"] == SOURCE
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"] == SOURCE


@each_panel
def test_a_panel_has_unit_thresholds_and_a_text_for_no_value(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] in UNITS
    assert defaults["noValue"]
    assert defaults["thresholds"]["steps"][0]["value"] is None
    values = [step["value"] for step in defaults["thresholds"]["steps"][1:]]
    assert values == sorted(values)
    for override in panel["fieldConfig"]["overrides"]:
        units = [one["value"] for one in override["properties"] if one["id"] == "unit"]
        assert set(units) <= UNITS


@each_panel
def test_a_series_is_named_by_its_field_or_label(panel: dict[str, Any]) -> None:
    if panel["type"] == "timeseries":
        assert panel["fieldConfig"]["defaults"]["displayName"].startswith("${__field.")
        assert panel["options"]["legend"]["showLegend"]
        assert panel["interval"] == "1m"


def test_panels_lie_side_by_side_with_ids_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or above, (one, other)
    first_row = [panel for panel in PANELS if panel["gridPos"]["y"] == 0]
    assert 4 <= len(first_row) <= 6
    assert {panel["type"] for panel in first_row} == {"stat"}


@pytest.mark.parametrize("target", targets(), ids=lambda target: str(target["rawSql"])[-30:])
def test_a_query_sets_its_format_and_is_limited_in_time_and_size(target: dict[str, Any]) -> None:
    sql = target["rawSql"]
    assert target["editorType"] == "sql"
    assert target["format"] in (0, 1)
    assert target["meta"]
    assert re.search(r"\$__(timeFilter|fromTime|toTime)", sql), "every query is limited in time"
    if target["format"] == 0:
        assert sql.rstrip().rsplit("ORDER BY", 1)[1].strip().startswith("time")
    elif "GROUP BY" in sql or "ORDER BY" in sql:
        assert "LIMIT" in sql or "DISTINCT" in sql or "count()" in sql


def test_what_queries_name_is_declared_and_what_is_declared_is_named() -> None:
    named: set[str] = set()
    for target in targets():
        assert not re.search(r"\$\{\w+\}", target["rawSql"]), "a variable without :sqlstring"
        found = re.findall(r"\$\{(\w+):sqlstring\}", target["rawSql"])
        assert not set(found) - set(VARIABLES)
        named |= set(found)
    assert named == set(VARIABLES) - {"datasource"}


def test_variables_follow_the_range_and_the_source() -> None:
    assert CONTENT["templating"]["list"][0]["type"] == "datasource"
    assert VARIABLES["datasource"]["query"] == PLUGIN
    assert list(VARIABLES) == ["datasource", "namespace", "environment", "agent"]
    for one in VARIABLES.values():
        if one["type"] == "query":
            assert one["datasource"] == SOURCE
            assert one["refresh"] == 2
            assert one["multi"] == one["includeAll"] == (one["name"] != "namespace")


def test_incidents_are_drawn_over_every_series() -> None:
    names = [one["name"] for one in CONTENT["annotations"]["list"]]
    assert names == ["Annotations & Alerts", "Incidents"]
    assert CONTENT["annotations"]["list"][1]["target"]["format"] == 1


def test_queries_ask_views_and_never_tables() -> None:
    for target in targets():
        asked = set(re.findall(r"FROM (\w+)", target["rawSql"]))
        assert asked <= {"agent_windows", "agent_durations", "run_parts", "agent_incidents"}


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
