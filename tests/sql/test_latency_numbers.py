"""Are the numbers of the dashboard of latencies those of the events?"""

from collections import Counter, defaultdict

import pytest

from dashboards.macros import Value
from schemas.event import Event
from tests.sql.expected import duration_s, quantile, rank_value
from tests.sql.fleet_events import LOOP_CALLS
from tests.sql.site import Site

# A bucket of durations is so wide at most.
BUCKET = 1 / 64
CHOICES: list[dict[str, Value]] = [{}, {"agent": ["planner"]}, {"environment": ["(none)"]}]


def speed(event: Event) -> float:
    """Output tokens a second after the first one."""
    return (event.output_tokens or 0) / (duration_s(event) - (event.time_to_first_chunk_s or 0))


@pytest.mark.parametrize("namespace", ["live", "old"])
@pytest.mark.parametrize("changes", CHOICES, ids=str)
def test_numbers_are_those_of_the_events(site: Site, namespace: str, changes: dict[str, Value]) -> None:
    scope = site.scope(namespace, **changes)
    fleet = site.choice(scope)
    p95 = quantile(map(duration_s, fleet.leaves), 0.95)
    assert site.one("latency/step_p95", scope) == pytest.approx(p95, rel=BUCKET)
    runs = rank_value((run.seconds for run in fleet.runs), 0.95)
    assert site.one("latency/run_p95", scope) == pytest.approx(runs)
    waits = rank_value((event.time_to_first_chunk_s or 0 for event in fleet.calls), 0.95)
    assert site.one("latency/first_chunk_p95", scope) == pytest.approx(waits)
    assert site.one("latency/speed_median", scope) == pytest.approx(
        rank_value(map(speed, fleet.calls), 0.5), rel=1e-6
    )
    assert site.one("latency/errors", scope) == pytest.approx(fleet.error_ratio)
    refused = sum(event.error_type in ("rate_limit_exceeded", "500") for event in fleet.calls)
    assert site.one("latency/throttled", scope) == refused


def test_a_model_leaves_the_steps_that_asked_it(site: Site) -> None:
    scope = site.scope("live", model=["gpt-4o-mini"])
    own = [event for event in site.choice(scope).calls if event.request_model == "gpt-4o-mini"]
    p95 = quantile(map(duration_s, own), 0.95)
    assert site.one("latency/step_p95", scope) == pytest.approx(p95, rel=BUCKET)
    waits = rank_value((event.time_to_first_chunk_s or 0 for event in own), 0.95)
    assert site.one("latency/first_chunk_p95", scope) == pytest.approx(waits)


def test_errors_are_sorted_by_what_was_told(site: Site) -> None:
    scope = site.scope("live")
    found = site.totals("latency/errors_by_sort", scope)
    told = Counter(event.error_type for event in site.choice(scope).leaves if event.error_type)
    assert found == {
        "Rate limit": told["rate_limit_exceeded"],
        "Timeout": told["timeout"],
        "Provider": told["500"],
        "Other": 0,
    }


def test_runs_wait_for_models_and_tools_and_the_whole_is_their_duration(site: Site) -> None:
    """Steps of a run follow each other here, so each of them is waited for."""
    scope = site.scope("live")
    fleet = site.choice(scope)
    found = site.totals("latency/waited_for", scope)
    assert sum(found.values()) == pytest.approx(sum(run.seconds for run in fleet.runs))
    for name, kind in (("Models", "llm"), ("Tools", "tool")):
        steps = [event for run in fleet.runs for event in run.events if event.kind == kind]
        assert found[name] == pytest.approx(sum(map(duration_s, steps)))
    waited = site.sums("latency/critical_steps", scope)
    calls = sum(duration_s(event) for event in fleet.calls)
    assert waited["chat"] == pytest.approx(calls)


def test_time_is_shared_out_among_all_steps(site: Site) -> None:
    scope = site.scope("live")
    fleet = site.choice(scope)
    expected: dict[str, float] = defaultdict(float)
    for event in fleet.leaves:
        expected[event.step_name or event.tool_name or ""] += duration_s(event)
    assert site.sums("latency/time_by_step", scope) == pytest.approx(dict(expected))


def test_tools_have_their_calls_repeats_errors_and_percentiles(site: Site) -> None:
    scope = site.scope("live")
    fleet = site.choice(scope)
    columns, rows = site.ask("latency/tools", scope)
    assert {row[0] for row in rows} == {"search", "lookup", "deploy"}
    for row in rows:
        told = dict(zip(columns, row, strict=True))
        own = [event for event in fleet.events if event.tool_name == told["tool"]]
        seconds = [duration_s(event) for event in own]
        assert told["calls"] == len(own)
        assert told["p50"] == pytest.approx(rank_value(seconds, 0.5))
        assert told["p95"] == pytest.approx(rank_value(seconds, 0.95))
        errors = Counter(event.error_type for event in own if event.error_type)
        assert told["errors"] == pytest.approx(errors.total() / len(own))
        assert set(told["mostly"].split(", ")) == set(errors)
        assert told["repeated"] == (LOOP_CALLS - 1 if told["tool"] == "search" else 0)


def test_the_slowest_steps_are_in_order(site: Site) -> None:
    scope = site.scope("live")
    slowest = sorted(map(duration_s, site.choice(scope).leaves), reverse=True)[:50]
    assert site.column("latency/slowest", "duration", scope) == pytest.approx(slowest)


def test_steps_have_the_sum_of_their_time(site: Site) -> None:
    scope = site.scope("old")
    fleet = site.choice(scope)
    columns, rows = site.ask("latency/steps", scope)
    for row in rows:
        told = dict(zip(columns, row, strict=True))
        own = [
            event
            for event in fleet.leaves
            if fleet.owner(event) == told["agent"] and (event.step_name or event.tool_name) == told["step"]
        ]
        assert told["steps"] == len(own)
        assert told["total"] == pytest.approx(sum(map(duration_s, own)))
        assert told["p95"] == pytest.approx(quantile(map(duration_s, own), 0.95), rel=BUCKET, abs=1e-6)
