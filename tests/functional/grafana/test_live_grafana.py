"""Publishing to a real Grafana: create, nothing, a change by hand, force. What it has written stays there.

`WAKELINE_TEST_GRAFANA_URL` and `WAKELINE_TEST_GRAFANA_TOKEN` (a service account, role Admin) name one for
tests; nothing of anybody's may be in its folder `wakeline`. The data source is written where the plugin is.
"""

import os
from pathlib import Path

import pytest

from dashboards.alerts.objectives import ContactPoint, Objectives
from dashboards.publish.check import grafana_findings
from dashboards.publish.client import Grafana
from dashboards.publish.export import write_export
from dashboards.publish.item import State
from dashboards.publish.items import Publication, items_of
from dashboards.publish.publish import Action, Decision, plan, publish
from dashboards.source import Source
from dashboards.target import PLUGIN

pytestmark = pytest.mark.functional

URL = os.environ.get("WAKELINE_TEST_GRAFANA_URL")
TOKEN = os.environ.get("WAKELINE_TEST_GRAFANA_TOKEN")
BOARD = "wakeline-fleet"


@pytest.fixture
def grafana() -> Grafana:
    if not URL or not TOKEN:
        pytest.skip("WAKELINE_TEST_GRAFANA_URL and WAKELINE_TEST_GRAFANA_TOKEN name no Grafana")
    return Grafana(URL, TOKEN)


def tell(decision: Decision) -> None:
    print(decision.item.kind, decision.item.name, decision.action)


def test_a_real_grafana_is_written_once_and_changes_by_hand_are_found(
    grafana: Grafana, tmp_path: Path
) -> None:
    has_plugin = grafana.find(f"/plugins/{PLUGIN}/settings") is not None
    point = ContactPoint(
        uid="wakeline-test", name="wakeline test", type="webhook", settings={"url": "https://hooks.invalid/x"}
    )
    site = Publication(
        Objectives(receiver=point.name, contact_points=(point,)),
        Source("clickhouse.invalid") if has_plugin else None,
        "password",
    )
    publish(grafana, items_of(site), force=True, told=tell)
    assert {decision.action for decision in plan(grafana, items_of(site))} == {Action.NOTHING}

    board = grafana.get(f"/dashboards/uid/{BOARD}")
    mine = board["dashboard"] | {"description": "changed by hand"}
    grafana.post(
        "/dashboards/db", {"dashboard": mine, "folderUid": board["meta"]["folderUid"], "overwrite": False}
    )
    [decision] = [
        decision for decision in plan(grafana, items_of(site)) if decision.action is not Action.NOTHING
    ]
    assert (decision.item.name, decision.found.state) == (BOARD, State.FOREIGN)
    publish(grafana, items_of(site), force=True, told=tell)
    assert {decision.action for decision in plan(grafana, items_of(site))} == {Action.NOTHING}

    names = {path.name for path in write_export(grafana, tmp_path)}
    assert {f"{BOARD}.json", "wakeline-agents.json", "contact-points.json"} <= names
    findings = {finding.what: finding.ok for finding in grafana_findings(grafana)}
    assert findings["grafana"]
    assert findings["plugin"] == has_plugin
