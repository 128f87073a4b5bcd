"""Do alert rules keep what Grafana asks of them, in both shapes, and does each lead to a page and a panel?"""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from dashboards.__main__ import FOLDER, ROOT, files
from dashboards.alerts.objectives import (
    AgentObjective,
    BadObjectives,
    ContactPoint,
    DefaultObjective,
    Objectives,
    StepObjective,
    load_objectives,
    placeholders,
)
from dashboards.alerts.rules import GROUPS
from dashboards.alerts.shapes import api_groups, duration, file_contact_points, file_groups
from dashboards.macros import Scope, expand
from dashboards.provisioning import provisioning_files, to_yaml
from dashboards.queries import load_query, query_names
from dashboards.source import SOURCE_UID, Source
from tests.unit.dashboards import provisioning

EXAMPLE = ROOT / "deploy" / "grafana" / "alerts.example.toml"
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
RULES = [rule for group in GROUPS for rule in group.rules]
API: dict[str, dict[str, Any]] = {
    rule["uid"]: rule for group in api_groups(Objectives()) for rule in group["rules"]
}
HEADINGS = ["## What it means", "## First look", "## Likely causes", "## What to do", "## How to silence"]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.name))


def test_the_committed_files_are_what_the_code_makes_and_its_bytes_do_not_change() -> None:
    assert files() == files()
    for path, text in files().items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path}: run python -m dashboards"
    committed = {path.relative_to(ROOT) for path in PROVISIONING.rglob("*") if path.is_file()}
    assert committed == {path for path in files() if path.parts[0] == "deploy"}


@pytest.mark.parametrize("objectives", [Objectives(), load_objectives(EXAMPLE)], ids=["default", "example"])
def test_files_hold_keys_that_grafana_reads_and_no_others(objectives: Objectives) -> None:
    kinds: dict[str, type[msgspec.Struct]] = {
        "datasources/wakeline.yaml": provisioning.DataSources,
        "dashboards/wakeline.yaml": provisioning.Providers,
        "alerting/wakeline.yaml": provisioning.Alerting,
        "alerting/wakeline-contact-points.yaml": provisioning.Alerting,
    }
    made = provisioning_files(objectives, Source())
    for name, text in made.items():
        msgspec.convert(yaml.safe_load(text), kinds[name])
    assert ("alerting/wakeline-contact-points.yaml" in made) == bool(objectives.contact_points)


def test_an_unknown_key_would_be_found() -> None:
    content = file_groups(Objectives())
    content["groups"][0]["rules"][0]["keep_firing_for"] = "1m"
    with pytest.raises(msgspec.ValidationError, match="keep_firing_for"):
        msgspec.convert(content, provisioning.Alerting)


def test_yaml_holds_what_was_put_into_it() -> None:
    content = file_groups(load_objectives(EXAMPLE))
    assert yaml.safe_load(to_yaml(content)) == content


def test_both_shapes_hold_the_same_rules() -> None:
    objectives = load_objectives(EXAMPLE)
    in_files = {rule["uid"]: rule for group in file_groups(objectives)["groups"] for rule in group["rules"]}
    by_api = {rule["uid"]: rule for group in api_groups(objectives) for rule in group["rules"]}
    assert list(in_files) == list(by_api)
    for uid, rule in by_api.items():
        other = in_files[uid]
        assert rule["keep_firing_for"] == other["keepFiringFor"]
        assert rule["annotations"]["__dashboardUid__"] == other["dashboardUid"]
        assert rule["annotations"]["__panelId__"] == str(other["panelId"])
        for name in ("condition", "data", "noDataState", "execErrState", "for", "annotations"):
            assert rule[name] == other[name]
        assert rule["notification_settings"] == other["notification_settings"]


def test_a_dollar_in_the_name_of_a_receiver_is_no_variable_of_grafanas() -> None:
    point = ContactPoint(uid="u", name="on $call", type="webhook", settings={"url": "$HOOK"})
    objectives = Objectives(receiver="on $call", contact_points=(point,))
    [rule, *_] = file_groups(objectives)["groups"][0]["rules"]
    [made] = file_contact_points(objectives.contact_points)["contactPoints"]
    assert rule["notification_settings"]["receiver"] == made["name"] == "on $$call"
    assert made["receivers"][0]["settings"]["url"] == "$HOOK"
    [rule, *_] = api_groups(objectives)[0]["rules"]
    assert rule["notification_settings"]["receiver"] == "on $call"


def test_names_and_uids_are_unique() -> None:
    assert len(API) == len(RULES) == len({rule.title for rule in RULES})
    assert len({group.name for group in GROUPS}) == len(GROUPS)


@each_rule
def test_a_rule_points_to_a_panel_that_is_there(rule: Any) -> None:
    annotations = API[rule.uid]["annotations"]
    file = FOLDER / f"{annotations['__dashboardUid__']}.json"
    panels = {str(panel["id"]): panel for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]}
    assert panels[annotations["__panelId__"]]["title"] == load_query(rule.panel[1]).title


@each_rule
def test_a_rule_has_a_runbook_that_answers_five_questions(rule: Any) -> None:
    assert API[rule.uid]["annotations"]["runbook_url"] == f"docs/runbooks/{rule.name}.md"
    page = (ROOT / "docs" / "runbooks" / f"{rule.name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {rule.title}\n")
    assert [line for line in page.splitlines() if line.startswith("## ")] == HEADINGS
    parts = re.split(r"^## .*$", page, flags=re.MULTILINE)
    assert all(len(part.split()) >= 10 for part in parts[1:]), "a part says nothing"
    assert rule.uid in parts[-1], "how to silence names the rule"


def test_there_is_no_runbook_without_a_rule() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert pages == {rule.name for rule in RULES}


@each_rule
def test_a_query_holds_macros_of_the_backend_alone_and_is_limited_in_time(rule: Any) -> None:
    query, reduce, threshold = API[rule.uid]["data"]
    sql = query["model"]["rawSql"]
    assert not re.search(r"\$__(conditionalAll|adHocFilters)|\$\{|\$[a-z]", sql)
    assert "$__timeFilter" in sql or ("$__fromTime" in sql and "$__toTime" in sql)
    assert not re.search(r"\{\w+\}|now\(\)", sql), "a placeholder is left, or the clock is asked"
    expand(sql, Scope(0, 60))
    assert query["model"]["format"] == 1
    assert query["datasourceUid"] == query["model"]["datasource"]["uid"] == SOURCE_UID
    assert query["relativeTimeRange"]["from"] > 0
    for expression in (reduce, threshold):
        assert expression["datasourceUid"] == expression["model"]["datasource"]["uid"] == "__expr__"
    for one in (query, reduce, threshold):
        assert one["model"]["intervalMs"] >= 60_000
        assert one["model"]["refId"] == one["refId"]


@each_rule
def test_dollars_survive_files_and_templates_name_labels_of_the_query(rule: Any) -> None:
    [other] = [
        one
        for group in file_groups(Objectives())["groups"]
        for one in group["rules"]
        if one["uid"] == rule.uid
    ]
    for text in (other["title"], *other["labels"].values()):
        assert "$" not in text.replace("$$", "")
    for text in other["annotations"].values():
        assert "${" not in text, "newer Grafana replaces it by its environment"
    named = set(re.findall(r"\$labels\.(\w+)", rule.summary))
    assert named <= set(re.findall(r"AS (\w+)", load_query(rule.query).sql))
    assert not named or rule.empty == "OK", "an alert for no data has no labels"
    assert set(re.findall(r"\$values\.(\w+)", rule.summary)) <= {"B"}


@each_rule
def test_an_alert_ends_below_where_it_begins(rule: Any) -> None:
    condition = API[rule.uid]["data"][2]["model"]["conditions"][0]
    assert condition["evaluator"] == {"type": "gt", "params": [rule.fires_above]}
    if rule.recovers_below < rule.fires_above:
        assert condition["unloadEvaluator"] == {"type": "lt", "params": [rule.recovers_below]}
    else:
        assert rule.recovers_below == rule.fires_above
        assert "unloadEvaluator" not in condition


def test_silence_is_a_fault_of_one_rule_alone() -> None:
    assert {rule["uid"] for rule in API.values() if rule["noDataState"] == "Alerting"} == {
        "wakeline-pipeline-no-data"
    }
    assert {rule["execErrState"] for rule in API.values()} == {"Error", "Alerting"}


def test_every_query_is_a_rule_and_has_its_question() -> None:
    assert set(query_names("alerts")) == {rule.query for rule in RULES}
    assert all(load_query(name).question.endswith("?") for name in query_names("alerts"))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (90, "90s"), (120, "2m"), (7_200, "2h"), (172_800, "2d")]
)
def test_a_duration_is_written_in_the_greatest_unit_that_divides_it(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_the_most_special_objective_comes_first() -> None:
    values = placeholders(load_objectives(EXAMPLE))
    assert values["step_p95_s"] == (
        "multiIf(agent_name = 'support-resolver' AND step_name = 'lookup_order', toFloat64(1.3), "
        "toFloat64(0.0))"
    )
    assert values["run_p95_s"] == "toFloat64(300.0)"
    assert values["namespace"] == "'demo'"


def test_names_of_agents_are_quoted(tmp_path: Path) -> None:
    file = tmp_path / "alerts.toml"
    file.write_text('[agents."it\'s \\\\"]\nmonth_usd = 1.0\n')
    assert placeholders(load_objectives(file))["month_usd"] == (
        "multiIf(agent_name = 'it\\'s \\\\', toFloat64(1.0), toFloat64(1000.0))"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x =", "Invalid"),
        ("budget = 3", "unknown field `budget`"),
        ("[default]\nmonth_usd = 0", "month_usd"),
        ("[default]\nerror_ratio = 1.5", "error_ratio"),
        ("[agents.a]\nmonth = 3", "unknown field `month`"),
        ("[agents.a.steps.b]\np95_s = 'x'", "p95_s"),
        ('namespace = "Not one"', "namespace"),
        ('runbooks = "https://x/"', "runbooks"),
        ('[agents."a$__b"]\nmonth_usd = 1', "macro"),
        ('[agents.a.steps."b--c"]\np95_s = 1', "comment"),
        ('[[contact_points]]\nuid = "a b"\nname = "n"\ntype = "webhook"\nsettings = {}', "uid"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_key(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "alerts.toml"
    file.write_text(text)
    with pytest.raises(BadObjectives, match=says) as error:
        load_objectives(file)
    assert str(file) in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadObjectives, match=r"none\.toml cannot be read: No such file"):
        load_objectives(tmp_path / "none.toml")


def test_the_page_names_every_rule_with_its_severity_and_every_key() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    for rule in RULES:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{rule.uid}` |"))
        assert f"| {rule.severity} |" in row
        assert f"(runbooks/{rule.name}.md)" in row
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`(?:[\w.]+\.)?(\w+)`", " ".join(row.split("|")[1] for row in rows)))
    keys = {
        name
        for table in (Objectives, DefaultObjective, AgentObjective, StepObjective)
        for name in table.__struct_fields__
    }
    assert keys - {"default", "agents", "steps"} <= named


def test_defaults_on_the_page_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    default = Objectives()
    for name, value in (
        ("no_data_s", default.no_data_s),
        ("default.month_usd", default.default.month_usd),
        ("default.error_ratio", default.default.error_ratio),
        ("default.run_p95_s", default.default.run_p95_s),
        ("default.run_usd", default.default.run_usd),
        ("default.run_steps", default.default.run_steps),
    ):
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert float(row.split("|")[2]) == value, name
