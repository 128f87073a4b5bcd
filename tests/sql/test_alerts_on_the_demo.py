"""Does each change of the demo's fleet wake somebody, and does the healthy fleet let everybody sleep?

Both fleets send their own events through the SDK, INGEST, RUNS and DRIFT. Rules are those of the example file
of objectives, evaluated as Grafana does, from the first minutes on.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from dashboards.alerts.objectives import AgentObjective, Objectives, load_objectives
from dashboards.alerts.shapes import api_groups
from streams.demo.agents import EMBED_MODELS, RESEARCHER
from streams.demo.faults import COST, DURATION, IDENTICAL, MODEL_MIX, OUTPUT
from streams.demo.fleet import Fleet
from streams.drift.params import Params
from tests.sql.alerting import alarms
from tests.sql.demo import store_fleet

# Two fleets of 57,000 steps, and ten rules at 47 moments each: a minute and more on two cores that are free.
pytestmark = pytest.mark.timeout(1_800)

OBJECTIVES = load_objectives(Path(__file__).parents[2] / "deploy" / "grafana" / "alerts.example.toml")
# They ask when records came and rows were stored, which in a replay is not when things happened:
# test_alerts_on_storing.py.
BY_STORING = {"wakeline-pipeline-lag", "wakeline-pipeline-no-data", "wakeline-dead-letters"}
EVERY_S = 600

Told = dict[tuple[str, str], list[int]]


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    name = database()
    healthy = Fleet(seed=1)
    healthy.faults = ()
    store_fleet(connect(name), "demo", Fleet(seed=1))
    store_fleet(connect(name), "healthy", healthy)
    return connect(name, reader=True)


def told(
    client: Client, namespace: str, moments: range, objectives: Objectives = OBJECTIVES, only: str = ""
) -> Told:
    """Rule and labels to the moments at which it fired; of one rule alone, or of all but those of storing."""
    objectives = msgspec.structs.replace(objectives, namespace=namespace)
    rules = [
        rule
        for group in api_groups(objectives)
        for rule in group["rules"]
        if rule["uid"] not in BY_STORING and only in ("", rule["uid"].removeprefix("wakeline-"))
    ]
    found: Told = {}
    for rule, labels, at_s in alarms(client, rules, moments):
        found.setdefault((rule, labels), []).append(at_s)
    return found


def researcher(objective: AgentObjective) -> Objectives:
    """The example's objectives, with others for one agent."""
    return msgspec.structs.replace(OBJECTIVES, agents=OBJECTIVES.agents | {RESEARCHER.name: objective})


def day(fleet: Fleet) -> range:
    start_s = fleet.start_ns // 10**9
    return range(start_s + EVERY_S, start_s + int(fleet.hours * 3_600), EVERY_S)


def fault_s(fleet: Fleet, signal: str) -> int:
    """When a change of the demo comes."""
    return next(fault.at_ns for fault in fleet.faults if fault.signal == signal) // 10**9


def confirmed(client: Client, namespace: str, moments: range) -> set[tuple[str, str]]:
    """What the drift rule has to tell: streams with a confirmed incident that is open at a moment."""
    rows = client.query(
        "SELECT agent_name, signal, step_name, toUnixTimestamp(opened_time), toUnixTimestamp(closed_time) "
        "FROM agent_incidents WHERE namespace = {namespace:String} AND state = 'confirmed'",
        {"namespace": namespace},
    ).result_rows
    return {
        ("drift-incident", f"{agent} · {signal} · {step}")
        for agent, signal, step, opened_s, closed_s in rows
        if any(opened_s <= at_s and (closed_s is None or at_s < closed_s) for at_s in moments)
    }


def test_each_change_of_the_demo_fires_its_rule_and_nothing_fires_before_it(client: Client) -> None:
    fleet = Fleet(seed=1)
    fires = told(client, "demo", day(fleet))
    at_s = {fault.stream: fault.at_ns // 10**9 for fault in fleet.faults}
    slower_s = at_s["support-resolver", "lookup_order", "duration_s"]
    others = {
        ("latency", "support-resolver · lookup_order"): slower_s,
        ("looping-run", "sales-researcher · research-1-01650 · web_search"): at_s[
            "sales-researcher", "web_search", "identical_tool_calls"
        ],
        ("error-ratio", "code-reviewer · run_tests"): at_s["code-reviewer", "run_tests", "error_ratio"],
        ("unpriced-traffic", f"invoice-extractor · {EMBED_MODELS[1][1]}"): at_s[
            "invoice-extractor", "", MODEL_MIX
        ],
    }
    drifted = {
        ("drift-incident", f"{fault.agent} · {fault.signal} · {fault.step}"): fault.at_ns // 10**9
        for fault in fleet.faults
        if fault.signal in (DURATION, OUTPUT, COST)
    }
    assert len(drifted) == 3
    assert set(fires) == set(others) | confirmed(client, "demo", day(fleet))
    for key, changed_s in others.items():
        assert min(fires[key]) >= changed_s, key
    # A stream may have had a false alarm before, as often as the detectors promise.
    for key, changed_s in drifted.items():
        assert max(fires[key]) >= changed_s, key


def test_the_healthy_fleet_wakes_nobody_more_than_the_detectors_promise(client: Client) -> None:
    """All rules are silent; drift is told as often as a stated rate of false alarms allows."""
    moments = day(Fleet(seed=1))
    fires = told(client, "healthy", moments)
    assert set(fires) == confirmed(client, "healthy", moments)
    [(observations,)] = client.query(
        "SELECT sum(observed) FROM (SELECT max(n) AS observed FROM agent_readings "
        "WHERE namespace = 'healthy' GROUP BY agent_name, step_name, signal, detector)"
    ).result_rows
    assert observations > 50_000
    assert len(fires) <= observations / Params("healthy").detector_arl


@pytest.mark.parametrize(("rule", "month_usd"), [("budget-burn-1h", 500.0), ("budget-burn-6h", 850.0)])
def test_a_budget_that_a_healthy_day_fits_in_burns_when_a_cache_is_lost(
    client: Client, rule: str, month_usd: float
) -> None:
    """The healthy day's fastest pace is 12.0 and 5.4 times these budgets', the demo's 17.9 and 6.6 times."""
    fleet = Fleet(seed=1)
    tight = researcher(AgentObjective(month_usd=month_usd))
    assert told(client, "healthy", day(fleet), tight, rule) == {}
    fires = told(client, "demo", day(fleet), tight, rule)
    assert set(fires) == {(rule, RESEARCHER.name)}
    assert min(fires[rule, RESEARCHER.name]) >= fault_s(fleet, COST)


def test_the_run_that_loops_is_a_runaway_where_runs_are_short(client: Client) -> None:
    """Runs of this agent have eleven steps at most, and the one that loops twenty."""
    fleet = Fleet(seed=1)
    tight = researcher(AgentObjective(run_steps=15.0))
    assert told(client, "healthy", day(fleet), tight, "runaway-run") == {}
    fires = told(client, "demo", day(fleet), tight, "runaway-run")
    assert set(fires) == {("runaway-run", "sales-researcher · research-1-01650")}
    [moments] = fires.values()
    assert min(moments) >= fault_s(fleet, IDENTICAL)


def test_a_fleet_that_stops_is_one_alert_after_ten_minutes(client: Client) -> None:
    fleet = Fleet(seed=1)
    end_s = fleet.start_ns // 10**9 + int(fleet.hours * 3_600)
    silent = told(client, "healthy", range(end_s, end_s + 3 * 3_600, EVERY_S))
    assert set(silent) == {("silent-agent", "all agents")}
    [moments] = silent.values()
    # Ten minutes after the epoch of five in which the last step came, at the next evaluation.
    assert end_s + 600 < min(moments) <= end_s + 900 + EVERY_S
    assert max(moments) == end_s + 3 * 3_600 - EVERY_S
