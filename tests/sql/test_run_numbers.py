"""Does the dashboard of runs find the runs that were meant, and tell of one what its events say?"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboards.macros import Scope, Value, expand
from dashboards.queries import load_query
from tests.sql.expected import Run, cost_parts, cost_usd, duration_s, is_unpriced, rank_value
from tests.sql.fleet_events import LOOP_CALLS, LOOP_RUN, NEEDLE
from tests.sql.site import Site


def status(run: Run) -> str:
    """As the dashboard says it; all runs have closed."""
    return "succeeded" if run.succeeded else "failed"


def matching(site: Site, scope: Scope) -> list[Run]:
    """Runs that the choices leave, the newest first."""
    given = scope.variables
    runs = [
        run
        for run in site.choice(scope).runs
        if (given["status"] == "$__all" or status(run) in given["status"])
        and float(run.cost_usd) >= float(str(given["min_cost"]) or 0)
        and run.seconds >= float(str(given["min_duration"]) or 0)
        and (given["model"] == "$__all" or any(event.request_model in given["model"] for event in run.events))
    ]
    return sorted(runs, key=lambda run: (-run.start_ns, run.run_id))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": ["failed"]},
        {"min_cost": "0.4"},
        {"min_duration": "20", "status": ["succeeded"]},
        {"model": ["none-such"]},
        {"agent": ["it's"], "team": ["core"]},
    ],
    ids=str,
)
def test_runs_that_match_are_listed_and_counted(site: Site, changes: dict[str, Value]) -> None:
    scope = site.scope("live", **changes)
    runs = matching(site, scope)
    assert len(runs) > 0
    columns, rows = site.ask("runs/list", scope)
    assert [row[0] for row in rows] == [run.run_id for run in runs[:200]]
    for row, run in zip(rows, runs, strict=False):
        told = dict(zip(columns, row, strict=True))
        unpriced = sum(map(is_unpriced, run.events))
        assert told["status"] == status(run)
        assert told["agent"] == run.agent
        assert told["steps"] == len(run.events)
        assert told["errors"] == run.errors
        assert told["unpriced"] == unpriced
        assert told["duration"] == pytest.approx(run.seconds)
        if not run.cost_usd and unpriced:
            assert told["spend"] is None
        else:
            assert told["spend"] == pytest.approx(float(run.cost_usd))
    assert site.one("runs/count", scope) == len(runs)
    assert site.one("runs/success", scope) == pytest.approx(sum(run.succeeded for run in runs) / len(runs))
    assert site.one("runs/p50", scope) == pytest.approx(rank_value((run.seconds for run in runs), 0.5))
    assert site.one("runs/p95", scope) == pytest.approx(rank_value((run.seconds for run in runs), 0.95))
    assert site.one("runs/spend", scope) == pytest.approx(float(sum(run.cost_usd for run in runs)))
    assert site.one("runs/step_count", scope) == pytest.approx(
        sum(len(run.events) for run in runs) / len(runs)
    )
    over_time = site.ask("runs/over_time", scope)[1]
    assert sum(row[1] for row in over_time) == sum(run.succeeded for run in runs)
    assert sum(row[2] for row in over_time) == sum(not run.succeeded for run in runs)
    assert sum(row[2] + row[3] for row in site.ask("runs/durations", scope)[1]) == len(runs)
    for low, high, succeeded, failed in site.ask("runs/durations", scope)[1]:
        assert succeeded + failed == sum(low <= run.seconds < high for run in runs)


def one_run(site: Site, run_id: str) -> Run:
    return next(run for run in site.choice(site.scope("live")).runs if run.run_id == run_id)


@pytest.mark.parametrize("run_id", ["run-10", f"run-{LOOP_RUN}", "run-299"])
def test_a_run_is_its_events(site: Site, run_id: str) -> None:
    """Whatever range is shown: a run has its own."""
    far = site.fleets["live"].start_ns // 10**9 - 40 * 86_400
    for scope in (
        site.scope("live", run=run_id),
        site.scope("live", run=run_id, start_s=far, end_s=far + 60),
    ):
        run = one_run(site, run_id)
        columns, (row,) = site.ask("runs/run", scope)
        told = dict(zip(columns, row, strict=True))
        assert told["agent"] == run.agent
        assert told["status"] == status(run)
        assert told["steps"] == len(run.events)
        assert told["duration"] == pytest.approx(run.seconds)
        assert told["repeated"] >= (LOOP_CALLS if run_id == f"run-{LOOP_RUN}" else 1)
        assert (told["spend"] or 0) == pytest.approx(float(run.cost_usd))
        steps = _by_event(site, "runs/steps", scope)
        assert steps.keys() == {event.event_id for event in run.events}
        for event in run.events:
            step, parts = steps[event.event_id], cost_parts(event)
            begun = datetime.fromtimestamp(event.start_time_unix_nano / 1e9, UTC).replace(tzinfo=None)
            assert abs((step["started"] - begun).total_seconds()) < 1e-3
            assert step["kind"] == event.kind
            assert step["duration"] == pytest.approx(duration_s(event), abs=1e-9)
            assert step["error"] == (event.error_type or "")
            if event.kind == "llm" and parts is None:
                assert step["spend"] is None
                assert step["cost_status"] == "unpriced"
            elif parts is not None:
                costs = [step[name] for name in ("input_cost", "cached_cost", "output_cost")]
                assert costs == pytest.approx([float(part) for part in parts], abs=1e-12)
                assert step["spend"] == pytest.approx(float(cost_usd(event)), abs=1e-12)
        lines = _by_event(site, "runs/log", scope)
        assert lines.keys() == steps.keys()
        assert {lines[event.event_id]["level"] for event in run.events if event.error_type} <= {"error"}


def test_the_waterfall_has_every_step_with_what_it_asked_and_answered(site: Site) -> None:
    scope = site.scope("live", run="run-10")
    run = one_run(site, "run-10")
    columns, rows = site.ask("runs/trace", scope)
    spans = {row[columns.index("spanID")]: dict(zip(columns, row, strict=True)) for row in rows}
    assert spans.keys() == {event.event_id for event in run.events}
    for event in run.events:
        span = spans[event.event_id]
        assert span["parentSpanID"] == (event.parent_event_id or "")
        assert span["startTime"] == pytest.approx(event.start_time_unix_nano / 1e6, abs=1e-3)
        assert span["duration"] == pytest.approx(duration_s(event) * 1e3, abs=1e-3)
        assert span["statusCode"] == (2 if event.error_type else 0)
        tags = {tag["key"]: tag["value"] for tag in span["tags"]}
        assert tags["wakeline.kind"] == event.kind
        if bytes(event.reasoning):
            assert NEEDLE in tags["input_messages"]
            assert tags["reasoning"] == "The cellar was asked; it's empty."
    assert any(bytes(event.reasoning) for event in run.events)


def test_contents_are_those_of_the_run(site: Site) -> None:
    scope = site.scope("live", run="run-10")
    told = [
        (event.event_id, name)
        for event in one_run(site, "run-10").events
        for name in ("input_messages", "output_messages", "reasoning", "tool_call_arguments")
        if bytes(getattr(event, name))
    ]
    columns, rows = site.ask("runs/contents", scope)
    assert sorted((row[columns.index("event")], row[columns.index("name")]) for row in rows) == sorted(told)


@pytest.mark.parametrize("needle", [NEEDLE, NEEDLE.upper(), "100%", "alert('x')"])
def test_a_text_is_found_wherever_it_stands(site: Site, needle: str) -> None:
    scope = site.scope("live", search=needle)
    expected = {
        run.run_id
        for run in site.choice(scope).runs
        if any(needle.lower() in bytes(event.input_messages).decode().lower() for event in run.events)
    }
    assert len(expected) == 30
    assert set(site.column("runs/search", "run", scope)) == expected
    assert all(needle.lower() in found.lower() for found in site.column("runs/search", "found", scope))


@pytest.mark.parametrize("needle", ["", "nowhere to be found", "\\", "' OR 1=1 --", "%"])
def test_a_text_that_is_not_there_is_not_found(site: Site, needle: str) -> None:
    rows = site.ask("runs/search", site.scope("live", search=needle))[1]
    assert len(rows) == (30 if needle == "%" else 0), "a percent sign is a character, not a pattern"


def test_a_search_stays_with_the_agents_that_are_chosen(site: Site) -> None:
    scope = site.scope("live", search=NEEDLE, agent=["planner"])
    own = {run.run_id for run in site.choice(scope).runs}
    found = set(site.column("runs/search", "run", scope))
    assert found
    assert found <= own


def test_a_search_reads_the_hours_of_its_range(site: Site) -> None:
    plan = site.reader.query(
        f"EXPLAIN indexes = 1 {expand(load_query('runs/search').sql, site.scope('live'))}"
    )
    lines = [str(row[0]) for row in plan.result_rows]
    at = next(place for place, line in enumerate(lines) if re.search(r"\(\w+\.contents\)", line))
    assert any("toStartOfHour(time)" in line for line in lines[at : at + 25])


def test_contents_of_before_the_table_was_there_are_found(
    connect: Callable[..., Client], database: Callable[[], str]
) -> None:
    client = connect(database())
    for table, run_id in (("step_contents", "old"), ("contents", "new")):
        client.command(
            f"INSERT INTO {table} (namespace, event_id, run_id, time, append_time, name, content)"
            f" VALUES ('live', 'e', '{run_id}', now(), now(), 'reasoning', 'why')"
        )
    found = client.query(
        "SELECT run_id, content FROM agent_contents WHERE namespace = 'live' ORDER BY run_id"
    )
    assert found.result_rows == [("new", "why"), ("old", "why")]


def _by_event(site: Site, name: str, scope: Scope) -> dict[str, dict[str, Any]]:
    columns, rows = site.ask(name, scope)
    return {row[columns.index("event")]: dict(zip(columns, row, strict=True)) for row in rows}
