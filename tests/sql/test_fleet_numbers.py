"""Are the numbers of the fleet's dashboard those of the events?"""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from dashboards.macros import ALL, Scope, Value
from dashboards.queries import load_query
from tests.sql.expected import cost_usd, duration_s, is_unpriced, quantile, rank_value
from tests.sql.fleet_events import AGENTS, ENVIRONMENTS, HOUR_NS, RUNS
from tests.sql.site import OFFERED, Site

# A bucket of durations is so wide at most.
BUCKET = 1 / 64
CHOICES: list[Value] = [ALL, ["planner"], ["it's"], ["planner", "coder"], [OFFERED["agent"][-1]]]


@pytest.mark.parametrize("namespace", ["live", "old"])
@pytest.mark.parametrize("agent", CHOICES, ids=str)
def test_numbers_are_those_of_the_events(site: Site, namespace: str, agent: Value) -> None:
    """Minutes for the fleet of today, hours for the old one."""
    scope = site.scope(namespace, agent=agent)
    fleet = site.choice(scope)
    assert site.one("fleet/runs", scope) == len(fleet.runs)
    assert site.one("fleet/success", scope) == pytest.approx(fleet.success_ratio)
    assert site.one("fleet/spend", scope) == pytest.approx(fleet.spend_usd, abs=1e-9)
    assert site.one("fleet/unpriced", scope) == sum(map(is_unpriced, fleet.events))
    p95 = rank_value((run.seconds for run in fleet.runs), 0.95)
    assert site.one("fleet/run_p95", scope) == pytest.approx(p95)
    assert site.one("fleet/agents", scope) == len({fleet.owner(event) for event in fleet.events})


@pytest.mark.parametrize("namespace", ["live", "old"])
def test_series_add_up_to_the_events(site: Site, namespace: str) -> None:
    scope = site.scope(namespace)
    fleet = site.choice(scope)
    spent = site.sums("fleet/spend_by_agent", scope)
    assert spent == pytest.approx(fleet.sums(fleet.owner, cost_usd))
    tokens = np.array([row[1:] for row in site.ask("fleet/tokens", scope)[1]]).sum(axis=0)
    cached = sum(event.cache_read_input_tokens or 0 for event in fleet.calls)
    given = sum(event.input_tokens or 0 for event in fleet.calls)
    assert tokens.tolist() == [given - cached, cached, sum(event.output_tokens or 0 for event in fleet.calls)]
    seconds = np.array([duration_s(event) for event in fleet.leaves])
    cells = np.array([row[1:] for row in site.ask("fleet/heatmap", scope)[1]])
    assert cells.sum() == len(seconds)
    edges = [0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, np.inf]
    # An edge falls into a bucket whose steps all go to the side of its middle.
    near = [int((np.abs(seconds / edge - 1) < 2 * BUCKET).sum()) for edge in edges[1:-1]]
    allowed = np.array([0, *near]) + np.array([*near, 0])
    assert (np.abs(cells.sum(axis=0) - np.histogram(seconds, edges)[0]) <= allowed).all()


def test_steps_have_the_percentiles_of_their_events(site: Site) -> None:
    scope = site.scope("old")
    fleet = site.choice(scope)
    _, rows = site.ask("fleet/steps", scope)
    assert len(rows) > len(AGENTS)
    for agent, step, count, p50, p95, p99, errors, spend, unpriced in rows:
        own = [
            event
            for event in fleet.leaves
            if fleet.owner(event) == agent and (event.step_name or event.tool_name) == step
        ]
        assert count == len(own)
        expected = [quantile(map(duration_s, own), share) for share in (0.5, 0.95, 0.99)]
        assert [p50, p95, p99] == pytest.approx(expected, rel=BUCKET, abs=1e-6)
        assert errors == pytest.approx(sum(event.error_type is not None for event in own) / count)
        assert spend == pytest.approx(float(sum(map(cost_usd, own))))
        assert unpriced == sum(map(is_unpriced, own))
    assert sum(row[2] for row in rows) == len(fleet.leaves)


def test_the_share_of_failed_steps_is_that_of_the_events(site: Site) -> None:
    scope = site.scope("live", agent=["planner"], interval_s=7 * 86_400)
    rows = site.ask("fleet/errors_by_agent", scope)[1]
    ratio = site.choice(scope).error_ratio
    if len(rows) == 1:
        assert rows[0][2] == pytest.approx(ratio)
    else:  # the fleet lies across the boundary of two buckets
        assert min(row[2] for row in rows) <= ratio <= max(row[2] for row in rows)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_without_a_name_can_be_chosen(site: Site, name: str) -> None:
    scope = site.scope("live", environment=[name or "(none)"])
    assert site.one("fleet/runs", scope) == len(site.choice(scope).runs) > 0


@pytest.mark.parametrize("name", ["core", "o'hare's", ""])
def test_a_team_is_its_runs_and_the_agents_in_them(site: Site, name: str) -> None:
    scope = site.scope("live", team=[name or "(none)"])
    fleet = site.choice(scope)
    assert site.one("fleet/runs", scope) == len(fleet.runs) < RUNS
    assert site.one("fleet/spend", scope) == pytest.approx(fleet.spend_usd, abs=1e-9)


def test_the_range_before_is_compared_with(site: Site) -> None:
    start_ns = site.fleets["live"].start_ns
    late = site.scope("live", start_s=start_ns // 10**9 + 3 * 3600)
    early = site.scope("live", end_s=start_ns // 10**9 + 3 * 3600)
    runs = len(site.choice(early).runs)
    assert [row[1] for row in site.ask("fleet/runs", late)[1]] == [runs, RUNS - runs]
    expected = [site.choice(scope).spend_usd for scope in (early, late)]
    assert [row[1] for row in site.ask("fleet/spend", late)[1]] == pytest.approx(expected)


def test_the_most_expensive_runs_come_first_with_their_sums(site: Site) -> None:
    scope = site.scope("live")
    best = sorted(site.choice(scope).runs, key=lambda run: (-run.cost_usd, run.run_id))[:20]
    assert site.column("fleet/top_runs", "run", scope) == [run.run_id for run in best]
    costs = site.column("fleet/top_runs", "spend", scope)
    assert costs == pytest.approx([float(run.cost_usd) for run in best])
    assert site.column("fleet/top_runs", "duration", scope) == pytest.approx([run.seconds for run in best])
    assert site.column("fleet/top_runs", "errors", scope) == [run.errors for run in best]
    assert site.column("fleet/top_runs", "steps", scope) == [len(run.events) for run in best]


def test_incidents_are_open_until_they_close_and_false_ones_are_no_regions(site: Site) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    assert site.one("fleet/open_incidents", site.scope("live")) == 2
    at_half_past_three = site.scope("live", end_s=start_s + 7 * 1800)
    assert site.one("fleet/open_incidents", at_half_past_three) == 3
    assert site.one("fleet/open_incidents", site.scope("live", agent=["coder"])) == 0
    summaries = site.column("fleet/incidents", "summary", site.scope("live"))
    assert summaries == ["incident 1", "incident 0", "incident 2"]
    _, rows = site.ask("annotations/incidents", site.scope("live"))
    assert [row[3] for row in rows] == ["incident 0", "incident 1", "incident 2"]
    ends = [row[1].timestamp() - start_s for row in rows]
    assert ends == [6 * 3600, 6 * 3600, 4 * 3600]
    later = site.scope("live", start_s=start_s + 5 * 3600)
    assert site.column("annotations/incidents", "text", later) == ["incident 0", "incident 1"]


def test_a_version_that_is_new_is_a_deploy_and_an_agent_that_is_new_is_none(site: Site) -> None:
    scope = site.scope("live")
    fleet = site.choice(scope)
    assert set(site.column("annotations/deploys", "title", scope)) == {"planner 1.1", "coder 1.1"}
    for marked, title in zip(
        site.column("annotations/deploys", "time", scope),
        site.column("annotations/deploys", "title", scope),
        strict=True,
    ):
        first_ns = min(
            event.start_time_unix_nano
            for event in fleet.events
            if f"{event.agent_name} {event.agent_version}" == title
        )
        assert 0 <= first_ns / 1e9 - marked.timestamp() < 60
    before = site.scope("live", end_s=site.fleets["live"].start_ns // 10**9 + 2 * 3600)
    assert site.ask("annotations/deploys", before)[1] == []


def test_a_new_price_book_is_marked_where_it_begins(site: Site) -> None:
    (marked,) = site.column("annotations/prices", "time", site.scope("live"))
    priced = [event for event in site.fleets["live"].repriced if event.input_tokens]
    first_ns = min(event.start_time_unix_nano for event in priced)
    assert marked.timestamp() == pytest.approx(first_ns / 1e9, abs=1e-3)


def test_a_choice_from_the_list_finds_its_rows_whatever_its_name(site: Site) -> None:
    """Grafana doubles quotes alone, so values carry doubled backslashes: a name is no way into the query."""
    scope = site.scope("live")
    assert site.column("variables/agents", "text", scope) == sorted(AGENTS)
    for value in site.column("variables/agents", "value", scope):
        own = site.scope("live", agent=[value])
        assert site.one("fleet/runs", own) == len(site.choice(own).runs) > 0
    assert site.column("variables/environments", "text", scope) == ["(none)", "o'hare", "prod"]
    assert site.column("variables/teams", "text", scope) == ["(none)", "core", "o'hare's"]
    assert site.column("variables/namespaces", "text", scope) == ["live"]
    assert site.column("variables/namespaces", "text", site.scope("old")) == ["live", "old"]


def test_an_agent_is_silent_however_much_is_said_of_it(
    site: Site, connect: Callable[..., Client], database: Callable[[], str]
) -> None:
    """Thumbs, outcomes and reports are no work; an agent whose steps were taken back never worked."""
    name = database()
    start_s = site.fleets["live"].start_ns // 10**9
    rows = [
        ("live", 60, (start_s + minute * 60) * 10**9, (start_s + 3600 * epoch) * 10**9, agent, kind, steps)
        for agent, minute, epoch, kind, steps in (
            ("planner", 10, 0, "llm", 5),
            ("planner", 118, 0, "feedback", 1),
            ("planner", 118, 0, "outcome", 1),
            ("coder", 115, 0, "llm", 5),
            ("desk", 10, 0, "llm", 5),
            ("desk", 10, 1, "llm", -5),
            ("praised", 10, 0, "feedback", 1),
        )
    ]
    columns = ("namespace", "width_s", "window_start", "epoch_start", "agent_name", "kind", "steps")
    connect(name).insert("windows", rows, column_names=columns)
    own = replace(site, reader=connect(name, reader=True))
    found = own.ask("fleet/attention", site.scope("live", end_s=start_s + 2 * 3600))[1]
    assert [row[:4] for row in found] == [("planner", "silent", "critical", "109 min")]


def test_long_ranges_take_hours_and_do_not_count_twice(site: Site) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    week = site.scope("live", start_s=start_s - 6 * 86_400, interval_s=3_600)
    assert site.one("fleet/spend", week) == pytest.approx(site.choice(week).spend_usd)
    assert width_s(site, week) == 3_600
    assert HOUR_NS == 3_600 * 10**9


def test_minutes_are_taken_as_long_as_they_are_stored_however_old_the_range_is(
    site: Site, connect: Callable[..., Client]
) -> None:
    """A demonstration or a replay is of the past, and its minutes are as new as its storing."""
    assert width_s(site, site.scope("live")) == 60
    assert width_s(site, site.scope("old")) == 3_600
    start_s = site.fleets["old"].start_ns // 10**9
    writer = connect(site.database)
    columns = ("namespace", "width_s", "window_start", "agent_name", "steps")
    for namespace, minute_s in (("replayed", 600), ("half expired", 5 * 3_600)):
        rows = [
            (namespace, 3_600, start_s * 10**9, "a", 2),
            (namespace, 60, (start_s + minute_s) * 10**9, "a", 2),
        ]
        writer.insert("windows", rows, column_names=columns)
    scope = site.scope("old")
    found = {
        name: width_s(site, replace(scope, variables={**scope.variables, "namespace": name}))
        for name in ("replayed", "half expired", "not there")
    }
    assert found == {"replayed": 60, "half expired": 3_600, "not there": 3_600}


def test_a_change_takes_hours_where_the_minutes_of_the_range_before_have_expired(
    site: Site, connect: Callable[..., Client]
) -> None:
    """The range begins less than 13 days ago, the one before it over 14, which is when minutes go."""
    start_s = int(time.time()) // 3600 * 3600 - 12 * 86_400 - 18 * 3600
    hours = range(-46, 48, 2)
    minutes_kept_s = int(time.time()) - 14 * 86_400
    rows = [
        ("fading", width_s, (start_s + hour * 3600) * 10**9, "a", 1, 2)
        for hour in hours
        for width_s in (60, 3_600)
        if width_s == 3_600 or start_s + hour * 3600 > minutes_kept_s
    ]
    columns = ("namespace", "width_s", "window_start", "agent_name", "steps", "cost_usd")
    connect(site.database).insert("windows", rows, column_names=columns)
    scope = site.scope("old", start_s=start_s, end_s=start_s + 48 * 3600)
    fading = replace(scope, variables={**scope.variables, "namespace": "fading"})
    spent = [2 * sum(hour < 0 for hour in hours), 2 * sum(hour >= 0 for hour in hours)]
    assert [row[1] for row in site.ask("fleet/spend", fading)[1]] == spent


def width_s(site: Site, scope: Scope) -> int:
    """Of the windows that a query takes."""
    condition = re.search(r"width_s = (if\(.*?3600,\s+60\s+\))", load_query("fleet/spend").sql, re.DOTALL)
    assert condition is not None
    return int(site.ask_sql(f"SELECT {condition[1]}", scope)[2][0][0])
