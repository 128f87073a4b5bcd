"""Are the numbers of the dashboard of costs those of the events, cent for cent?"""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from dashboards.macros import ALL, Scope, Value
from dashboards.thresholds import REPEATED_TOOL_CALLS
from tests.sql.expected import Choice, Run, cost_parts, cost_usd, is_unpriced, rank_value
from tests.sql.fleet_events import MODELS
from tests.sql.site import Site

CHOICES: list[dict[str, Value]] = [
    {},
    {"agent": ["planner"]},
    {"environment": ["o'hare"], "agent": ["it's", "coder"]},
    {"model": ["gpt-4o-mini"]},
]


def of_models(fleet: Choice, scope: Scope) -> Choice:
    """Without steps of other models than the chosen ones; runs stay whole."""
    chosen = scope.variables["model"]
    if chosen != ALL:
        fleet.events = [event for event in fleet.events if event.request_model in chosen]
    return fleet


@pytest.mark.parametrize("namespace", ["live", "old"])
@pytest.mark.parametrize("changes", CHOICES, ids=str)
def test_money_is_that_of_the_calls(site: Site, namespace: str, changes: dict[str, Value]) -> None:
    scope = site.scope(namespace, **changes)
    fleet = of_models(site.choice(scope), scope)
    assert site.one("cost/spend", scope) == pytest.approx(fleet.spend_usd, abs=1e-9)
    assert site.one("cost/unpriced", scope) == sum(map(is_unpriced, fleet.events))
    by_agent = site.sums("cost/spend_by_agent", scope)
    assert by_agent == pytest.approx(fleet.sums(fleet.owner, cost_usd))
    by_model = site.sums("cost/spend_by_model", scope)
    assert by_model == pytest.approx(fleet.sums(lambda event: event.request_model or "", cost_usd))


@pytest.mark.parametrize("changes", CHOICES, ids=str)
def test_parts_and_tokens_add_up(site: Site, changes: dict[str, Value]) -> None:
    scope = site.scope("live", **changes)
    fleet = of_models(site.choice(scope), scope)
    parts = [parts for event in fleet.calls if (parts := cost_parts(event))]
    expected = [float(sum(part)) for part in zip(*parts, strict=True)]
    found = site.sums("cost/parts", scope)
    assert [found[name] for name in ("New input", "Cached input", "Output")] == pytest.approx(expected)
    assert sum(found.values()) == pytest.approx(fleet.spend_usd)
    sums = site.totals("cost/tokens", scope)
    given, cached, written, thought = (
        sum(getattr(event, name) or 0 for event in fleet.calls)
        for name in (
            "input_tokens",
            "cache_read_input_tokens",
            "output_tokens",
            "reasoning_output_tokens",
        )
    )
    assert sums["New input"] == given - cached
    assert sums["Cached input"] == cached
    assert sums["Reasoning"] == thought
    assert sums["Answer"] == written - thought
    assert sum(site.sums("cost/model_share", scope).values()) == given + written


def test_agents_and_models_have_their_sums(site: Site) -> None:
    scope = site.scope("live")
    fleet = site.choice(scope)
    columns, rows = site.ask("cost/agents", scope)
    assert sum(row[columns.index("share")] for row in rows) == pytest.approx(1)
    for row in rows:
        told = dict(zip(columns, row, strict=True))
        own = [
            event
            for event in fleet.calls
            if fleet.owner(event) == told["agent"] and event.request_model == told["model"]
        ]
        assert told["calls"] == len(own)
        assert told["input"] == sum(event.input_tokens or 0 for event in own)
        assert told["output"] == sum(event.output_tokens or 0 for event in own)
        if told["model"] == MODELS[2][1]:
            assert told["spend"] is None, "unpriced is not free"
            assert told["unpriced"] == len(own)
        else:
            assert told["spend"] == pytest.approx(float(sum(map(cost_usd, own))))
            assert told["unpriced"] == 0


def test_the_month_is_that_of_the_end_of_the_range(site: Site) -> None:
    """The old fleet may lie across the end of a month; so does its expectation."""
    for namespace in ("live", "old"):
        scope = site.scope(namespace)
        end = datetime.fromtimestamp(scope.end_s, UTC)
        month = end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        day = end.replace(hour=0, minute=0, second=0, microsecond=0)
        spent = _spend(site, scope, month, end)
        assert site.one("cost/month", scope) == pytest.approx(spent)
        assert site.one("cost/budget", scope) == pytest.approx(spent / 100)
        following = (month + timedelta(days=32)).replace(day=1)
        week = _spend(site, scope, day - timedelta(days=7), day)
        left = (following - end) / timedelta(days=1)
        assert site.one("cost/projection", scope) == pytest.approx(spent + left * week / 7)


def _spend(site: Site, scope: Scope, start: datetime, end: datetime) -> float:
    whole = site.scope(
        str(scope.variables["namespace"]), start_s=int(start.timestamp()), end_s=int(end.timestamp())
    )
    return site.choice(whole).spend_usd


def test_a_projection_goes_on_like_the_seven_days_before(site: Site) -> None:
    """A day after the fleet all of its spend lies in the week before, or in it and the month."""
    scope = site.scope("old", end_s=site.fleets["old"].start_ns // 10**9 + 2 * 86_400)
    end = datetime.fromtimestamp(scope.end_s, UTC)
    month = end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    left = ((month + timedelta(days=32)).replace(day=1) - end) / timedelta(days=1)
    whole = site.choice(scope).spend_usd
    expected = _spend(site, scope, month, end) + left * whole / 7
    assert site.one("cost/projection", scope) == pytest.approx(expected)


def test_a_budget_that_is_not_set_is_not_used(site: Site) -> None:
    for written in ("", "0", "much"):
        assert site.ask("cost/budget", site.scope("live", budget=written))[1] == [(None,)]


def test_a_success_costs_what_failures_cost_too(site: Site) -> None:
    scope = site.scope("live")
    told = [run for run in site.choice(scope).runs if run.outcome is not None]
    successes = sum(bool(run.outcome) for run in told)
    spent = float(sum((run.cost_usd for run in told), Fraction(0)))
    assert site.one("cost/per_success", scope) == pytest.approx(spent / successes)


def wasted(run: Run) -> tuple[Fraction, Fraction, Fraction]:
    """USD of the run that bought nothing: failed run, loop, failed calls."""
    nothing = Fraction(0)
    if run.outcome is False:
        return run.cost_usd, nothing, nothing
    same = Counter(
        (event.tool_name, bytes(event.tool_call_arguments)) for event in run.events if event.kind == "tool"
    )
    if max(same.values(), default=0) >= REPEATED_TOOL_CALLS.critical:
        return nothing, run.cost_usd, nothing
    return nothing, nothing, sum((cost_usd(event) for event in run.events if event.error_type), nothing)


def test_waste_counts_each_cent_once(site: Site) -> None:
    scope = site.scope("live")
    runs = site.choice(scope).runs
    by_agent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for run in runs:
        for place, usd in enumerate(wasted(run)):
            by_agent[run.agent][place] += float(usd)
    found = {row[0]: list(row[1:]) for row in site.ask("cost/waste_by_agent", scope)[1]}
    assert found.keys() == by_agent.keys()
    for agent, parts in found.items():
        assert parts == pytest.approx(by_agent[agent])
    assert sum(parts[1] for parts in found.values()) > 0, "the loop is missing"
    whole = sum(sum(parts) for parts in by_agent.values())
    spent = float(sum((run.cost_usd for run in runs), Fraction(0)))
    assert site.one("cost/waste", scope) == pytest.approx(whole / spent)


def test_caches_save_the_difference_to_the_price_of_new_tokens(site: Site) -> None:
    scope = site.scope("live")
    saved = Fraction(0)
    for event in site.choice(scope).calls:
        parts, cached = cost_parts(event), event.cache_read_input_tokens or 0
        if parts:
            saved += parts[0] / ((event.input_tokens or 0) - cached) * cached - parts[1]
    assert site.one("cost/cache_savings", scope) == pytest.approx(float(saved))


def test_teams_and_users_have_the_cost_of_their_runs(site: Site) -> None:
    scope = site.scope("live")
    runs = site.choice(scope).runs
    teams: dict[str, Fraction] = defaultdict(Fraction)
    users: dict[str, Fraction] = defaultdict(Fraction)
    for run in runs:
        teams[run.root.team or "(none)"] += run.cost_usd
        users[run.root.user_id or ""] += run.cost_usd
    expected = {name: float(usd) for name, usd in teams.items()}
    assert site.sums("cost/spend_by_team", scope) == pytest.approx(expected)
    best = sorted(users.items(), key=lambda item: (-item[1], item[0]))[:15]
    rows = site.ask("cost/spend_by_user", scope)[1]
    assert [row[0] for row in rows] == [name for name, _ in best]
    assert [row[1] for row in rows] == pytest.approx([float(usd) for _, usd in best])


def test_the_burn_rate_is_the_spend_of_the_hours_before(site: Site) -> None:
    scope = site.scope("live", interval_s=60)
    fleet = site.choice(scope)
    columns, rows = site.ask("cost/burn", scope)
    assert columns == ["time", "Last hour", "Last six hours", "Budget"]
    for row in rows[::37]:
        end_ns = int(row[0].replace(tzinfo=UTC).timestamp() + 60) * 10**9
        for hours, found in ((1, row[1]), (6, row[2] * 6)):
            own = [
                event
                for event in fleet.events
                if end_ns - hours * 3600 * 10**9 <= event.start_time_unix_nano < end_ns
            ]
            assert found == pytest.approx(float(sum(map(cost_usd, own))), abs=1e-9)
    days = (rows[0][0].replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    assert rows[0][3] == pytest.approx(100 / 24 / days.day)


def test_runs_cost_what_their_calls_cost(site: Site) -> None:
    scope = site.scope("live", interval_s=7 * 86_400)
    rows = site.ask("cost/run_percentiles", scope)[1]
    if len(rows) > 1:
        pytest.skip("The fleet lies across two weeks today")
    costs = [
        float(run.cost_usd)
        for run in site.choice(scope).runs
        if run.cost_usd or not any(map(is_unpriced, run.events))
    ]
    assert rows[0][1:] == pytest.approx((rank_value(costs, 0.5), rank_value(costs, 0.95)))


def test_prices_and_their_gaps_are_counted(site: Site) -> None:
    scope = site.scope("live")
    fleet = site.choice(scope)
    (gap,) = site.ask("cost/priceless", scope)[1]
    without = [event for event in fleet.calls if is_unpriced(event)]
    assert gap[:2] == ("nobody", "none-such")
    assert gap[3] == len(without)
    assert gap[4] == sum(event.input_tokens or 0 for event in without)
    assert sum(site.column("cost/price_books", "calls", scope)) == len(fleet.calls)
    assert len(site.column("cost/price_books", "book", scope)) == 2
