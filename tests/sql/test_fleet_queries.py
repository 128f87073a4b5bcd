"""Do the queries of the fleet's dashboard run as Grafana sends them, and are their numbers right?"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from dashboards import fleet as fleet_dashboard
from dashboards.macros import ALL, Scope, Value, expand
from dashboards.queries import load_query, query_names
from tests.sql.seed import AGENTS, ENVIRONMENTS, RUNS, Fleet, make_fleet, seed

QUERIES = [*query_names("fleet"), *query_names("variables"), *query_names("annotations")]
CONTENT = fleet_dashboard.build()
SERIES = [
    "fleet/spend_by_agent",
    "fleet/tokens",
    "fleet/percentiles",
    "fleet/heatmap",
    "fleet/errors_by_agent",
]
STATS = [
    "fleet/runs",
    "fleet/success",
    "fleet/spend",
    "fleet/p95",
    "fleet/unpriced",
    "fleet/open_incidents",
]
CHOICES: list[Value] = [ALL, ["planner"], ["it's"], ["planner", "coder"], ["nobody"]]


@dataclass(frozen=True)
class Site:
    """Two fleets in two namespaces of one database: of the last hours and of long ago."""

    reader: Client
    empty: Client
    fleets: dict[str, Fleet]

    def scope(self, namespace: str, **changes: Any) -> Scope:
        """Six hours of a fleet."""
        start_s = self.fleets[namespace].start_ns // 10**9
        given: dict[str, Any] = {"start_s": start_s, "end_s": start_s + 6 * 3600, "interval_s": 300}
        given |= {key: value for key, value in changes.items() if key in given}
        chosen = {"namespace": namespace, "environment": ALL, "team": ALL, "agent": ALL}
        chosen |= {key: value for key, value in changes.items() if key not in given}
        return Scope(**given, variables=chosen, options={"agent": AGENTS, "environment": ENVIRONMENTS})

    def ask(self, name: str, scope: Scope, *, empty: bool = False) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Columns and rows, asked as the reader."""
        client = self.empty if empty else self.reader
        answer = client.query(expand(load_query(name).sql, scope))
        assert all("AggregateFunction" not in kind.name for kind in answer.column_types)
        return list(answer.column_names), [tuple(row) for row in answer.result_rows]


@pytest.fixture(scope="module")
def site(connect: Callable[..., Client], database: Callable[[], str]) -> Site:
    name = database()
    hour = int(time.time()) // 3600 * 3600
    fleets = {
        "live": make_fleet((hour - 6 * 3600) * 10**9, 1),
        "old": make_fleet((hour - 200 * 24 * 3600) * 10**9, 2),
    }
    writer = connect(name)
    for namespace, fleet in fleets.items():
        seed(writer, fleet, namespace)
    return Site(connect(name, reader=True), connect(database(), reader=True), fleets)


def last(answer: tuple[list[str], list[tuple[Any, ...]]]) -> float:
    """What a stat shows."""
    return float(answer[1][-1][-1])


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("interval_s", [1, 86_400])
def test_every_query_runs_for_every_choice(site: Site, name: str, interval_s: int) -> None:
    for agent in CHOICES:
        for environment in (ALL, ["o'hare"], ["(none)"]):
            scope = site.scope("live", interval_s=interval_s, agent=agent, environment=environment)
            site.ask(name, scope)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_runs_on_a_database_without_rows(site: Site, name: str) -> None:
    _, rows = site.ask(name, site.scope("live"), empty=True)
    expected = {
        "variables/namespaces": [("live", "live")],
        "fleet/unpriced": [(0,)],
        "fleet/open_incidents": [(0,)],
    }
    if name in ("fleet/runs", "fleet/spend"):
        assert [row[1] for row in rows] == [0]
    else:
        assert rows == expected.get(name, [])


# The seed has one version of each agent and one price book.
@pytest.mark.parametrize("name", sorted({*QUERIES} - {"annotations/deploys", "annotations/prices"}))
@pytest.mark.parametrize("namespace", ["live", "old"])
def test_every_query_finds_something_where_there_is_something(site: Site, name: str, namespace: str) -> None:
    columns, rows = site.ask(name, site.scope(namespace))
    assert columns
    assert rows


@pytest.mark.parametrize("name", [*SERIES, "annotations/incidents"])
def test_series_are_in_order_of_time_and_few_enough_to_draw(site: Site, name: str) -> None:
    columns, rows = site.ask(name, site.scope("live", interval_s=60))
    assert columns[0] == "time"
    times = [row[0] for row in rows]
    assert times == sorted(times)
    assert len(rows) <= 5_000


@pytest.mark.parametrize("name", STATS)
def test_a_stat_is_one_number_with_at_most_one_before_it(site: Site, name: str) -> None:
    scope = site.scope("live", start_s=site.fleets["live"].start_ns // 10**9 + 3 * 3600)
    assert len(site.ask(name, site.scope("live"))[1]) == 1
    rows = site.ask(name, scope)[1]
    assert len(rows) == (1 if name in ("fleet/unpriced", "fleet/open_incidents") else 2)


def chosen(fleet: Fleet, agent: Value, environment: Value = ALL) -> np.ndarray[Any, np.dtype[np.bool_]]:
    of = np.ones(len(fleet.run), np.bool_)
    if agent != ALL:
        of &= np.isin(fleet.agent, [AGENTS.index(name) for name in agent if name in AGENTS])
    if environment != ALL:
        names = ["" if name == "(none)" else name for name in environment]
        of &= np.isin(fleet.environment, [ENVIRONMENTS.index(name) for name in names])
    return of


@pytest.mark.parametrize("namespace", ["live", "old"])
@pytest.mark.parametrize("agent", CHOICES[:4], ids=str)
def test_numbers_are_those_of_the_rows(site: Site, namespace: str, agent: Value) -> None:
    """Minutes for the fleet of today, hours for the old one."""
    fleet = site.fleets[namespace]
    scope = site.scope(namespace, agent=agent)
    of = chosen(fleet, agent)
    leaf = of & fleet.leaf
    runs = np.unique(fleet.run[of])
    failed = np.bincount(fleet.run, fleet.error, RUNS)[runs]
    outcome = fleet.outcome[runs]
    spend = fleet.cost_pico[of].sum() / 1e12

    assert last(site.ask("fleet/runs", scope)) == len(runs)
    succeeded = np.where(outcome >= 0, outcome == 1, failed == 0)
    assert last(site.ask("fleet/success", scope)) == pytest.approx(succeeded.mean())
    assert last(site.ask("fleet/spend", scope)) == pytest.approx(spend, rel=1e-12)
    p95 = np.quantile(fleet.duration_ns[leaf] / 1e9, 0.95, method="inverted_cdf")
    assert last(site.ask("fleet/p95", scope)) == pytest.approx(p95, rel=1 / 64)
    assert last(site.ask("fleet/unpriced", scope)) == fleet.unpriced[of].sum()

    by_agent = site.ask("fleet/spend_by_agent", scope)[1]
    for number in np.unique(fleet.agent[of]):
        own = sum(row[2] for row in by_agent if row[1] == AGENTS[number])
        assert own == pytest.approx(fleet.cost_pico[fleet.agent == number].sum() / 1e12)
    tokens = np.array([row[1:] for row in site.ask("fleet/tokens", scope)[1]]).sum(axis=0)
    new = fleet.tokens_in[of].sum() - fleet.cached[of].sum()
    assert tokens.tolist() == [new, fleet.cached[of].sum(), fleet.tokens_out[of].sum()]
    cells = np.array([row[1:] for row in site.ask("fleet/heatmap", scope)[1]])
    assert cells.sum() == leaf.sum()
    edges = [0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, np.inf]
    expected = np.histogram(fleet.duration_ns[leaf] / 1e9, edges)[0]
    # An edge falls into a bucket whose steps all go to the side of its middle.
    near = [int((np.abs(fleet.duration_ns[leaf] / 1e9 / e - 1) < 1 / 32).sum()) for e in edges[1:-1]]
    allowed = np.array([0, *near]) + np.array([*near, 0])
    assert (np.abs(cells.sum(axis=0) - expected) <= allowed).all()


def test_a_day_as_one_bucket_has_the_percentiles_of_all(site: Site) -> None:
    fleet = site.fleets["old"]
    # The fleet may lie across midnight, where a bucket of a day begins.
    _, rows = site.ask("fleet/percentiles", site.scope("old", interval_s=86_400))
    _, wide = site.ask("fleet/steps", site.scope("old"))
    assert 1 <= len(rows) <= 2
    for agent, step, count, p50, p95, p99, errors, spend in wide:
        of = (fleet.agent == AGENTS.index(agent)) & (fleet.what == (0 if step == "chat" else 1))
        seconds = fleet.duration_ns[of] / 1e9
        assert count == of.sum()
        expected = np.quantile(seconds, (0.5, 0.95, 0.99), method="inverted_cdf")
        np.testing.assert_allclose((p50, p95, p99), expected, rtol=1 / 64)
        assert errors == pytest.approx(fleet.error[of].mean())
        assert spend == pytest.approx(fleet.cost_pico[of].sum() / 1e12)
    assert len(wide) == 2 * len(AGENTS)


def test_the_share_of_failed_steps_is_that_of_the_rows(site: Site) -> None:
    fleet = site.fleets["live"]
    scope = site.scope("live", agent=["planner"], interval_s=7 * 86_400)
    rows = site.ask("fleet/errors_by_agent", scope)[1]
    of = fleet.leaf & (fleet.agent == 0)
    if len(rows) == 1:
        assert rows[0][2] == pytest.approx(fleet.error[of].mean())
    else:
        assert min(row[2] for row in rows) <= fleet.error[of].mean() <= max(row[2] for row in rows)


def test_an_environment_without_a_name_can_be_chosen(site: Site) -> None:
    fleet = site.fleets["live"]
    for name in ("(none)", "o'hare", "prod"):
        of = chosen(fleet, ALL, [name])
        assert last(site.ask("fleet/runs", site.scope("live", environment=[name]))) == len(
            np.unique(fleet.run[of])
        )


def test_the_range_before_is_compared_with(site: Site) -> None:
    fleet = site.fleets["live"]
    middle_s = fleet.start_ns // 10**9 + 3 * 3600
    scope = site.scope("live", start_s=middle_s)
    began = np.array([fleet.time[fleet.run == run].min() for run in range(RUNS)])
    before = int((began < middle_s * 10**9).sum())
    assert [row[1] for row in site.ask("fleet/runs", scope)[1]] == [before, RUNS - before]
    early = fleet.cost_pico[fleet.time < middle_s * 10**9].sum() / 1e12
    late = fleet.cost_pico.sum() / 1e12 - early
    assert [row[1] for row in site.ask("fleet/spend", scope)[1]] == pytest.approx([early, late])


def test_the_most_expensive_runs_come_first_with_their_sums(site: Site) -> None:
    fleet = site.fleets["live"]
    columns, rows = site.ask("fleet/top_runs", site.scope("live"))
    costs = np.bincount(fleet.run, fleet.cost_pico, RUNS) / 1e12
    best = np.argsort(-costs)[:20]
    assert [row[columns.index("run_id")] for row in rows] == [f"run-{run}" for run in best]
    assert [row[columns.index("cost")] for row in rows] == pytest.approx(costs[best].tolist())
    first = fleet.run == best[0]
    seconds = ((fleet.time + fleet.duration_ns)[first].max() - fleet.time[first].min()) / 1e9
    assert rows[0][columns.index("duration")] == pytest.approx(seconds)
    assert rows[0][columns.index("errors")] == fleet.error[first].sum()


def test_incidents_are_open_until_they_close_and_false_ones_are_no_regions(site: Site) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    assert last(site.ask("fleet/open_incidents", site.scope("live"))) == 2
    at_half_past_three = site.scope("live", end_s=start_s + 7 * 1800)
    assert last(site.ask("fleet/open_incidents", at_half_past_three)) == 3
    assert last(site.ask("fleet/open_incidents", site.scope("live", agent=["coder"]))) == 0
    columns, rows = site.ask("fleet/incidents", site.scope("live"))
    assert [row[columns.index("summary")] for row in rows] == ["incident 1", "incident 0", "incident 2"]
    columns, rows = site.ask("annotations/incidents", site.scope("live"))
    assert columns == ["time", "timeEnd", "title", "text", "tags"]
    assert [row[3] for row in rows] == ["incident 0", "incident 1", "incident 2"]
    ends = [row[1].timestamp() - start_s for row in rows]
    assert ends == [6 * 3600, 6 * 3600, 4 * 3600]
    assert [
        row[3] for row in site.ask("annotations/incidents", site.scope("live", start_s=start_s + 5 * 3600))[1]
    ] == [
        "incident 0",
        "incident 1",
    ]


def test_a_choice_from_the_list_finds_its_rows_whatever_its_name(site: Site) -> None:
    """Grafana doubles quotes alone, so values carry doubled backslashes: a name is no way into the query."""
    fleet = site.fleets["live"]
    columns, rows = site.ask("variables/agents", site.scope("live"))
    assert columns == ["value", "text"]
    assert [row[1] for row in rows] == sorted(AGENTS)
    for value, text in rows:
        of = fleet.agent == AGENTS.index(text)
        count = last(site.ask("fleet/runs", site.scope("live", agent=[value])))
        assert count == len(np.unique(fleet.run[of]))
    assert [row[1] for row in site.ask("variables/environments", site.scope("live"))[1]] == [
        "(none)",
        "o'hare",
        "prod",
    ]
    assert site.ask("variables/namespaces", site.scope("live"))[1] == [("live", "live")]
    assert [row[1] for row in site.ask("variables/namespaces", site.scope("old"))[1]] == ["live", "old"]


def test_long_ranges_take_hours_and_do_not_count_twice(site: Site) -> None:
    fleet = site.fleets["live"]
    week = site.scope("live", start_s=fleet.start_ns // 10**9 - 6 * 86_400, interval_s=3_600)
    assert last(site.ask("fleet/spend", week)) == pytest.approx(fleet.cost_pico.sum() / 1e12)
    assert "3600, 60)" in load_query("fleet/spend").sql


@pytest.mark.parametrize("name", [*SERIES, "fleet/runs", "fleet/spend", "fleet/p95", "fleet/top_runs"])
def test_every_panel_reads_a_range_of_the_key(site: Site, name: str) -> None:
    plan = site.reader.query(f"EXPLAIN indexes = 1 {expand(load_query(name).sql, site.scope('old'))}")
    text = "\n".join(row[0] for row in plan.result_rows)
    assert "PrimaryKey" in text
    assert "toYYYYMM" in text, "partitions are not pruned"


def test_tables_columns_are_those_that_their_panels_name(site: Site) -> None:
    for panel in CONTENT["panels"]:
        name = next(n for n in QUERIES if load_query(n).sql == panel["targets"][0]["rawSql"])
        columns, _ = site.ask(name, site.scope("live"))
        named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
        assert named <= set(columns), panel["title"]
        shown = panel["fieldConfig"]["defaults"].get("displayName", "")
        if "labels." in shown:
            assert shown.removeprefix("${__field.labels.").removesuffix("}") in columns
