"""Does the check name what is missing for dashboards and alerts to work, and what to do about it?"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dashboards.__main__ import ROOT
from dashboards.alerts.objectives import Objectives, load_objectives
from dashboards.publish.check import Finding, grafana_findings, local_findings, require_plugin
from dashboards.publish.client import Grafana, GrafanaRefused
from dashboards.publish.items import Publication, committed_dashboards, items_of
from dashboards.publish.publish import Decision, publish
from dashboards.source import Source
from tests.unit.publish.double import Answer, Fault, GrafanaDouble

BOARD = "wakeline-fleet"


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {finding.what: finding.text for finding in findings if not finding.ok}


def ready(grafana: Grafana) -> None:
    done: list[Decision] = []
    publish(grafana, items_of(Publication(Objectives(), Source())), told=done.append)


def test_what_is_committed_is_in_order() -> None:
    findings = list(local_findings(Objectives()))
    assert wrong(findings) == {}
    assert {finding.what for finding in findings} == {"dashboards", "alert rules"}


def test_a_receiver_that_the_file_does_not_make_is_told() -> None:
    example = load_objectives(ROOT / "deploy" / "grafana" / "alerts.example.toml")
    assert {finding.what for finding in local_findings(example)} == {"dashboards", "alert rules"}
    other = msgspec.structs.replace(example, receiver="somebody")
    assert "must be in Grafana" in list(local_findings(other))[-1].text


def same_ids(content: dict[str, Any]) -> None:
    content["panels"][1]["id"] = content["panels"][0]["id"]


def no_query(content: dict[str, Any]) -> None:
    panel = next(panel for panel in content["panels"] if panel.get("targets"))
    panel["targets"][0]["rawSql"] = " "


def dead_link(content: dict[str, Any]) -> None:
    content["panels"][0]["links"] = [{"title": "x", "url": "/d/wakeline-nowhere?x=1"}]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (same_ids, "two panels have one id"),
        (no_query, "has no query"),
        (dead_link, "links to wakeline-nowhere"),
        (lambda content: content.update(title="x"), "is not what the code makes"),
    ],
)
def test_what_is_wrong_with_a_dashboard_is_named(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[[dict[str, Any]], None], says: str
) -> None:
    contents = committed_dashboards()
    spoil(contents[BOARD])
    monkeypatch.setattr("dashboards.publish.check.committed_dashboards", lambda: contents)
    texts = [finding.text for finding in local_findings(Objectives()) if not finding.ok]
    assert any(says in text and BOARD in text for text in texts), texts


def test_a_panel_that_a_rule_points_to_and_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboards.alerts.shapes.DASHBOARDS", {})
    assert "which is not there" in wrong(list(local_findings(Objectives())))["alert rules"]


def test_all_is_well_in_a_grafana_that_has_everything(grafana: Grafana) -> None:
    ready(grafana)
    findings = list(grafana_findings(grafana))
    assert wrong(findings) == {}
    assert [finding.what for finding in findings] == ["grafana", "plugin", "data source"]
    assert findings[0].text.startswith("12.4.0")


@pytest.mark.parametrize(
    ("plugin", "version", "says"),
    [
        (None, "12.4.0", "grafana cli plugins install grafana-clickhouse-datasource"),
        ("3.3.0", "12.4.0", "version 4 or newer"),
        ("4.15.0", "11.5.2", "4.15.0 needs Grafana 11.6 or newer, not 11.5.2"),
        ("4.11.4", "9.4.0", "needs Grafana 9.5"),
        ("4.15.0", "11.6.0", None),
        ("4.14.1", "9.5.0", None),
        ("4.8.0", "9.0.1", None),
        ("10.0.0", "13.0.0", None),
    ],
)
def test_the_plugin_is_there_and_fits_grafana(
    double: GrafanaDouble, grafana: Grafana, plugin: str | None, version: str, says: str | None
) -> None:
    ready(grafana)
    double.state.plugin, double.state.version = plugin, version
    found = wrong(list(grafana_findings(grafana)))
    assert (says is None and found == {}) or (says is not None and says in found["plugin"])


def test_a_missing_plugin_ends_a_publication_before_it_writes(
    double: GrafanaDouble, grafana: Grafana
) -> None:
    double.state.plugin = None
    with pytest.raises(GrafanaRefused, match="is not installed in Grafana"):
        require_plugin(grafana)
    assert double.writes == []


def test_a_source_that_does_not_reach_clickhouse_is_told_in_its_words(
    double: GrafanaDouble, grafana: Grafana
) -> None:
    assert "is not there" in wrong(list(grafana_findings(grafana)))["data source"]
    ready(grafana)
    double.state.source_health = Answer(400, {"status": "ERROR", "message": "dial tcp: connection refused"})
    assert "connection refused" in wrong(list(grafana_findings(grafana)))["data source"]
    double.state.source_health = Answer(200, {"status": "ERROR", "message": "no such user"})
    assert "no such user" in wrong(list(grafana_findings(grafana)))["data source"]


def test_a_token_that_may_not_ask_is_an_error_and_no_finding(double: GrafanaDouble, grafana: Grafana) -> None:
    ready(grafana)
    double.faults.append(Fault("GET /api/datasources", Answer(403, {"message": "datasources:read"})))
    with pytest.raises(GrafanaRefused, match="role Admin"):
        list(grafana_findings(grafana))


def test_a_database_that_fails_is_told(double: GrafanaDouble, grafana: Grafana) -> None:
    double.state.database = "failing"
    with pytest.raises(GrafanaRefused, match="failing"):
        list(grafana_findings(grafana))


def test_there_is_a_file_for_each_dashboard() -> None:
    folder = Path(ROOT / "dashboards" / "json")
    assert {path.stem for path in folder.glob("*.json")} == set(committed_dashboards())
