"""Are the numbers of the inventory those of the events?"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboards.macros import ALL, Value
from schemas.event import Event
from tests.sql.expected import Choice, cost_usd, duration_s, is_unpriced, quantile
from tests.sql.fleet_events import AGENTS, HOUR_NS, MCP_SERVER, MCP_TOOL, REASONS
from tests.sql.site import Rows, Site
from tests.sql.through import Path

# A bucket of durations is so wide at most.
BUCKET = 1 / 64
MINUTE_NS = 60 * 10**9
HOUR_S = 3_600
# The seed has an agent "desk" whose steps were all taken back: it is nowhere below.
CHOICES: list[Value] = [ALL, ["planner"], ["it's", "coder"]]


def minute(event: Event) -> int:
    """Beginning of the minute in which it began, Unix seconds: sightings are no finer."""
    return event.start_time_unix_nano // MINUTE_NS * 60


def by(columns: list[str], rows: Rows, *keys: str) -> dict[Any, dict[str, Any]]:
    """Rows by some of their columns."""
    found = {}
    for row in rows:
        given = dict(zip(columns, row, strict=True))
        found[tuple(given[key] for key in keys) if len(keys) > 1 else given[keys[0]]] = given
    assert len(found) == len(rows)
    return found


def versions_of(fleet: Choice) -> dict[tuple[str, str], list[Event]]:
    """Agent and version to their steps; what a tool does not say, the step around it says."""
    by_id = {event.event_id: event for event in fleet.events}

    def version(event: Event) -> str:
        if event.agent_name:
            return event.agent_version or ""
        return version(by_id[event.parent_event_id or ""])

    found = defaultdict(list)
    for event in fleet.events:
        found[fleet.owner(event), version(event)].append(event)
    return found


@pytest.mark.parametrize("namespace", ["live", "old"])
@pytest.mark.parametrize("agent", CHOICES, ids=str)
def test_what_is_counted_is_what_the_events_have(site: Site, namespace: str, agent: Value) -> None:
    scope = site.scope(namespace, agent=agent)
    fleet = site.choice(scope)
    working = {fleet.owner(event) for event in fleet.events}
    assert site.one("inventory/agents_active", scope) == len(working)
    assert site.one("inventory/agents_new", scope) == len(working)
    assert site.one("inventory/models_used", scope) == len({event.request_model for event in fleet.calls})
    assert site.one("inventory/versions_new", scope) == len(versions_of(fleet))


def test_what_was_seen_before_the_range_is_not_new(site: Site) -> None:
    """Two agents have a new version in the later half."""
    start_s = site.fleets["live"].start_ns // 10**9
    late = site.scope("live", start_s=start_s + 2 * 3600)
    assert site.one("inventory/agents_new", late) == 0
    assert site.one("inventory/versions_new", late) == 2


@pytest.mark.parametrize("namespace", ["live", "old"])
def test_each_agent_has_its_own_numbers(site: Site, namespace: str) -> None:
    scope = site.scope(namespace)
    fleet = site.choice(scope)
    columns, rows = site.ask("inventory/agents", scope)
    agents = by(columns, rows, "agent")
    assert set(agents) == set(AGENTS)
    for name, row in agents.items():
        own = [event for event in fleet.events if fleet.owner(event) == name]
        leaves = [event for event in fleet.leaves if fleet.owner(event) == name]
        works = [event for event in own if event.kind not in ("outcome", "feedback", "report")]
        assert row["steps"] == len(own)
        assert row["spend"] == pytest.approx(float(sum(map(cost_usd, own))))
        assert row["errors"] == pytest.approx(sum(e.error_type is not None for e in leaves) / len(leaves))
        assert row["first_seen"].timestamp() == min(map(minute, works))
        assert row["last_seen"].timestamp() == pytest.approx(max(map(minute, works)), abs=60)
        models = {event.request_model for event in own if event.kind == "llm"}
        assert row["models"] == ", ".join(sorted(filter(None, models)))
        assert row["tools"] == len({event.tool_name for event in own if event.kind == "tool"})
        late = versions_of(fleet).get((name, "1.1"), [])
        assert row["version"] == ("1.1" if late else "1.0")


def test_a_version_has_its_share_and_its_beginning(site: Site) -> None:
    scope = site.scope("live")
    fleet = site.choice(scope)
    expected = versions_of(fleet)
    columns, rows = site.ask("inventory/versions", scope)
    found = by(columns, rows, "agent", "version")
    assert set(found) == set(expected)
    of_agent = Counter(fleet.owner(event) for event in fleet.events)
    for (agent, version), events in expected.items():
        row = found[agent, version]
        assert row["steps"] == len(events)
        assert row["share"] == pytest.approx(len(events) / of_agent[agent])
        assert row["spend"] == pytest.approx(float(sum(map(cost_usd, events))))
        seen = [event for event in events if event.kind not in ("outcome", "feedback", "report")]
        assert row["first_seen"].timestamp() == min(map(minute, seen))
    adopted: Counter[str] = Counter()
    for _, version, steps in site.ask("inventory/adoption", scope)[1]:
        adopted[version] += steps
    assert adopted == {f"{agent} {version}": len(events) for (agent, version), events in expected.items()}


@pytest.mark.parametrize("agent", CHOICES, ids=str)
def test_models_have_their_calls_tokens_and_providers(site: Site, agent: Value) -> None:
    scope = site.scope("live", agent=agent)
    fleet = site.choice(scope)
    columns, rows = site.ask("inventory/models", scope)
    found = by(columns, rows, "model")
    calls = defaultdict(list)
    for event in fleet.calls:
        calls[event.request_model].append(event)
    assert set(found) == set(calls)
    for model, events in calls.items():
        row = found[model]
        assert row["calls"] == len(events)
        assert row["agents"] == len({fleet.owner(event) for event in events})
        assert row["input"] == sum(event.input_tokens or 0 for event in events)
        assert row["output"] == sum(event.output_tokens or 0 for event in events)
        unpriced = sum(map(is_unpriced, events))
        assert row["unpriced"] == unpriced
        if unpriced == len(events):
            assert row["spend"] is None
        else:
            assert row["spend"] == pytest.approx(float(sum(map(cost_usd, events))))
        assert row["providers"] == events[0].provider_name
    shares: dict[str, int] = dict(site.ask("inventory/model_share", scope)[1])
    assert shares == {model: len(events) for model, events in calls.items()}


def test_an_agent_none_of_whose_calls_has_a_price_costs_nobody_knows_what(
    site: Site, connect: Callable[..., Client], database: Callable[[], str]
) -> None:
    name = database()
    own = replace(site, reader=connect(name, reader=True))
    start_ns = site.fleets["live"].start_ns
    fields: dict[str, Any] = {
        "run_id": "r",
        "agent_name": "frugal",
        "agent_version": "1",
        "start_time_unix_nano": start_ns + 1,
    }
    root = Event(event_id="root", kind="run", end_time_unix_nano=start_ns + 10**9, **fields)
    calls = [
        Event(
            event_id=f"call-{number}",
            kind="llm",
            parent_event_id="root",
            request_model="none-such",
            input_tokens=10,
            output_tokens=5,
            end_time_unix_nano=start_ns + 10**8,
            **fields,
        )
        for number in range(3)
    ]
    path = Path(connect(name), "live")
    path.send([*calls, root])
    path.end()
    scope = site.scope("live", end_s=start_ns // 10**9 + HOUR_S)
    for name in ("models", "agents", "versions", "unowned"):
        columns, rows = own.ask(f"inventory/{name}", scope)
        (row,) = rows
        told = dict(zip(columns, row, strict=True))
        assert (told["spend"], told["unpriced"]) == (None, 3), name
    assert [row[-1] for row in own.ask("fleet/spend_by_agent", scope)[1]] == [None]
    assert [row[-1] for row in own.ask("cost/spend_by_team", scope)[1]] == [None]


def test_tools_and_their_servers_are_those_that_were_called(site: Site) -> None:
    scope = site.scope("live")
    fleet = site.choice(scope)
    columns, rows = site.ask("inventory/tools", scope)
    tools = defaultdict(list)
    for event in fleet.events:
        if event.kind == "tool":
            tools[fleet.owner(event), event.tool_name].append(event)
    found = by(columns, rows, "agent", "tool")
    assert set(found) == set(tools)
    for key, events in tools.items():
        assert found[key]["calls"] == len(events)
        failed = sum(event.error_type is not None for event in events)
        assert found[key]["errors"] == pytest.approx(failed / len(events))
        assert found[key]["p95"] == pytest.approx(quantile(map(duration_s, events), 0.95), rel=BUCKET)
        assert found[key]["first_seen"].timestamp() == min(map(minute, events))
    columns, rows = site.ask("inventory/mcp_servers", scope)
    (server,) = by(columns, rows, "server").values()
    assert (server["server"], server["methods"], server["tools"]) == (MCP_SERVER, "tools/call", MCP_TOOL)
    assert server["agents"] == ", ".join(sorted({agent for agent, tool in tools if tool == MCP_TOOL}))


@pytest.mark.parametrize("agent", CHOICES, ids=str)
def test_guardrails_have_their_verdicts(site: Site, agent: Value) -> None:
    scope = site.scope("live", agent=agent)
    fleet = site.choice(scope)
    decided = [event for event in fleet.events if event.kind == "guardrail"]
    told = Counter(event.guardrail_verdict for event in decided)
    columns, rows = site.ask("inventory/verdicts", scope)
    sums = {name: sum(row[place] for row in rows) for place, name in enumerate(columns) if place}
    assert {name: count for name, count in sums.items() if count} == dict(told)
    columns, rows = site.ask("inventory/guardrails", scope)
    found = by(columns, rows, "agent", "guardrail")
    for (name, guardrail), row in found.items():
        own = [event for event in decided if fleet.owner(event) == name]
        verdicts = Counter(event.guardrail_verdict for event in own)
        assert guardrail == "pii"
        assert row["decisions"] == len(own)
        assert row["denied"] == verdicts["deny"]
        assert row["changed"] == verdicts["modify"]
        assert row["stepped_in"] == pytest.approx((verdicts["deny"] + verdicts["modify"]) / len(own))
        last = max((e for e in own if e.guardrail_reason), key=lambda event: event.start_time_unix_nano)
        assert row["last_reason"] == REASONS[str(last.guardrail_verdict)]
    assert sum(row["decisions"] for row in found.values()) == len(decided)


def test_an_agent_is_silent_against_its_own_habit(site: Site) -> None:
    """By minutes: the longest way from one with steps to the next, against the time since the last."""
    start_ns = site.fleets["live"].start_ns
    for hours in (4, 6):
        scope = site.scope("live", end_s=start_ns // 10**9 + hours * 3600)
        fleet = site.choice(scope)
        columns, rows = site.ask("inventory/silence", scope)
        found = by(columns, rows, "agent")
        silent = 0
        for agent in AGENTS:
            minutes = sorted(
                {
                    minute(event)
                    for event in fleet.events
                    if fleet.owner(event) == agent and event.kind not in ("outcome", "feedback", "report")
                }
            )
            pause = max(after - before for before, after in pairwise(minutes))
            still = scope.end_s - (minutes[-1] + 60)
            row = found[agent]
            assert (row["longest_pause"], row["still"]) == (pause, max(still, 0))
            is_silent = still >= 900 and still > 2 * pause
            assert row["state"] == (2 if is_silent else 1)
            silent += is_silent
        assert site.one("inventory/agents_silent", scope) == silent


def test_an_agent_is_gone_that_worked_in_the_range_before(site: Site) -> None:
    start_s = site.fleets["old"].start_ns // 10**9
    later = site.scope("old", start_s=start_s + 6 * 3600, end_s=start_s + 12 * 3600)
    columns, rows = site.ask("inventory/silence", later)
    assert {row[columns.index("agent")]: row[columns.index("state")] for row in rows} == dict.fromkeys(
        AGENTS, 3
    )
    assert site.one("inventory/agents_silent", later) == len(AGENTS)
    long_ago = site.scope("old", start_s=start_s + 12 * 3600, end_s=start_s + 18 * 3600)
    assert site.one("inventory/agents_silent", long_ago) == 0


def test_an_agent_without_a_team_of_its_own_is_named(site: Site) -> None:
    scope = site.scope("live")
    fleet = site.choice(scope)
    own = [run for run in fleet.runs if run.agent == AGENTS[3]]
    columns, rows = site.ask("inventory/unowned", scope)
    found = by(columns, rows, "agent")
    assert list(found) == [AGENTS[3]]
    assert found[AGENTS[3]]["missing"] == f"{len(own)} of its {len(own)} own runs name no team"
    assert site.one("inventory/agents_unowned", scope) == 1
    assert site.one("inventory/agents_unowned", site.scope("live", agent=["planner"])) == 0


def test_emitters_are_told_what_they_send(site: Site) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    scope = site.scope("live", start_s=start_s, end_s=start_s + 4 * 3600 - 1)
    fleet = site.choice(site.scope("live", start_s=start_s + 2 * 3600, end_s=start_s + 4 * 3600 - 1))
    columns, rows = site.ask("inventory/emitters", scope)
    found = by(columns, rows, "emitter")
    assert list(found) == ["sdk"]
    of_hours = [
        e for e in fleet.events if e.start_time_unix_nano < site.fleets["live"].start_ns + 4 * HOUR_NS
    ]
    assert found["sdk"]["sent"] == len(of_hours)
    assert found["sdk"]["llm_calls"] == sum(event.kind == "llm" for event in of_hours)
    assert found["sdk"]["with_usage"] == 1
    assert "models without a price" in found["sdk"]["advice"]
