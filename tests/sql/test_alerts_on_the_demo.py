"""Does each change of the demo's fleet wake somebody, and does the healthy fleet let everybody sleep?

Both fleets send their own events through the SDK, INGEST, RUNS and DRIFT. Rules are those of the example file of
objectives, evaluated as Grafana does, from the first hour on.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from dashboards.alerts.objectives import load_objectives
from dashboards.alerts.shapes import api_groups
from streams.demo.fleet import Fleet
from tests.sql.alerting import alarms
from tests.sql.demo import store_fleet

OBJECTIVES = load_objectives(Path(__file__).parents[2] / "deploy" / "grafana" / "alerts.example.toml")
# They ask when rows were stored, which in a replay is not when things happened: see test_alert_queries.py.
BY_STORING = {"wakeline-pipeline-lag", "wakeline-pipeline-no-data"}
EVERY_S = 300

Told = dict[tuple[str, str], list[int]]


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    name = database()
    healthy = Fleet(seed=1)
    healthy.faults = ()
    store_fleet(connect(name), "demo", Fleet(seed=1))
    store_fleet(connect(name), "healthy", healthy)
    return connect(name, reader=True)


def told(client: Client, namespace: str, moments: range) -> Told:
    """Rule and labels to the moments at which it fired."""
    objectives = msgspec.structs.replace(OBJECTIVES, namespace=namespace)
    rules = [
        rule for group in api_groups(objectives) for rule in group["rules"] if rule["uid"] not in BY_STORING
    ]
    found: Told = {}
    for rule, labels, at_s in alarms(client, rules, moments):
        found.setdefault((rule, labels), []).append(at_s)
    return found


def day(fleet: Fleet) -> range:
    start_s = fleet.start_ns // 10**9
    return range(start_s + EVERY_S, start_s + int(fleet.hours * 3_600), EVERY_S)


@pytest.mark.timeout(900)
def test_each_change_of_the_demo_fires_its_rule_and_nothing_fires_before_it(client: Client) -> None:
    fleet = Fleet(seed=1)
    fires = told(client, "demo", day(fleet))
    at_s = {fault.name.split(" ×")[0].split(" .")[0]: fault.at_ns // 10**9 for fault in fleet.faults}
    expected = {
        ("drift-incident", "support-resolver · duration_s · lookup_order"): at_s["lookup_order slower"],
        ("latency", "support-resolver · lookup_order"): at_s["lookup_order slower"],
        ("drift-incident", "sales-researcher · cost_usd · summarize"): at_s["summarize cost"],
        ("drift-incident", "invoice-extractor · output_tokens · extract"): at_s["extract output"],
        ("drift-incident", "invoice-extractor · cost_usd · extract"): at_s["extract output"],
        ("looping-run", "sales-researcher · research-1-01650 · web_search"): at_s["web_search in a loop"],
        ("error-ratio", "code-reviewer · run_tests"): at_s["run_tests fails"],
    }
    assert set(fires) == set(expected)
    for key, changed_s in expected.items():
        assert min(fires[key]) >= changed_s, key


@pytest.mark.timeout(900)
def test_the_healthy_fleet_wakes_nobody(client: Client) -> None:
    assert told(client, "healthy", day(Fleet(seed=1))) == {}


def test_agents_that_stop_are_silent_after_their_habit_and_not_before(client: Client) -> None:
    fleet = Fleet(seed=1)
    end_s = fleet.start_ns // 10**9 + int(fleet.hours * 3_600)
    silent = told(client, "healthy", range(end_s, end_s + 3 * 3_600, EVERY_S))
    assert {rule for rule, _ in silent} == {"silent-agent"}
    assert {labels for _, labels in silent} == {agent for agent in AGENTS}
    for moments in silent.values():
        assert end_s + 5_000 < min(moments) < end_s + 6_000
        assert max(moments) == end_s + 3 * 3_600 - EVERY_S


AGENTS = {"support-triage", "support-resolver", "code-reviewer", "invoice-extractor", "sales-researcher"}
