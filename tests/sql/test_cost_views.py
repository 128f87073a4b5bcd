"""Do the views of costs add up, cent for cent, to what the steps say?"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.event import Event
from tests.sql.through import Path
from tests.unit.runs.frames import make_event

SECOND_NS = 10**9
# gpt-4o-mini: 0.15 USD a million in, 0.075 cached, 0.60 out.
# Not long ago: what is old goes.
START = (datetime.now(UTC) - timedelta(days=20)).replace(hour=12, minute=0, second=0, microsecond=0)


def at(seconds: float, start: datetime = START) -> dict[str, int]:
    begin = int(start.timestamp()) * SECOND_NS + int(seconds * SECOND_NS)
    return {"start_time_unix_nano": begin, "end_time_unix_nano": begin + SECOND_NS}


def call(event_id: str, run_id: str, seconds: float = 0, **fields: Any) -> Event:
    return make_event(event_id, run_id, **({"output_tokens": 0, "scope_name": "sdk"} | at(seconds) | fields))


def root(run_id: str, seconds: float = 50, **fields: Any) -> Event:
    nothing = {"input_tokens": None, "output_tokens": None, "request_model": None, "kind": "run"}
    return call(f"{run_id}-root", run_id, seconds, **(nothing | fields))


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    client = connect(database())
    path = Path(client, "n")
    million = 1_000_000
    path.send(
        [
            # A run of three calls that succeeds, under an agent that sums them up.
            call(
                "a1", "a", 1, input_tokens=million, parent_event_id="a-agent", cache_read_input_tokens=400_000
            ),
            call("a2", "a", 2, input_tokens=3 * million, parent_event_id="a-agent"),
            call(
                "a3",
                "a",
                3,
                input_tokens=None,
                output_tokens=million,
                parent_event_id="a-agent",
                error_type="timeout",
            ),
            call(
                "a-agent",
                "a",
                1,
                kind="agent",
                input_tokens=5 * million,
                output_tokens=million,
                parent_event_id="a-root",
            ),
            root("a"),
            call(
                "a-outcome",
                "a",
                40,
                kind="outcome",
                outcome_name="ticket",
                outcome_success=True,
                input_tokens=None,
                output_tokens=None,
                request_model=None,
            ),
            # One that fails.
            call("b1", "b", 1, input_tokens=2 * million, team="blue"),
            root("b"),
            call(
                "b-outcome",
                "b",
                40,
                kind="outcome",
                outcome_name="ticket",
                outcome_success=False,
                input_tokens=None,
                output_tokens=None,
                request_model=None,
            ),
            # One call that a gateway tells of in a trace of its own, and one with an unknown model.
            call("c1", "c", 1, input_tokens=million, response_id="resp_9", output_tokens=7),
            call(
                "c2",
                "d",
                1,
                input_tokens=million,
                response_id="resp_9",
                output_tokens=7,
                scope_name="gateway",
            ),
            call("c3", "d", 2, input_tokens=million, request_model="none-such"),
            call("c4", "d", 3, input_tokens=million, response_cached=True),
            call("c5", "d", 4, input_tokens=million, reported_cost_usd=0.3),
        ]
    )
    path.end()
    return client


def ask(client: Client, query: str) -> list[Any]:
    return [row[0] if len(row) == 1 else row for row in client.query(query).result_rows]


MILLION_IN, CACHED, OUT = Decimal("0.15"), Decimal("0.075"), Decimal("0.60")
A = Decimal("0.6") * MILLION_IN + Decimal("0.4") * CACHED + 3 * MILLION_IN + OUT
B = 2 * MILLION_IN
SMALL = 7 * Decimal("0.0000006")
TOTAL = A + B + MILLION_IN + SMALL + MILLION_IN


def test_costs_add_up_whoever_they_are_cut_by_and_one_call_is_billed_once(client: Client) -> None:
    for by in ("agent_name", "model", "team", "hour", "user_id", "task", "agent_version"):
        sums = ask(client, f"SELECT sum(cost_usd) FROM agent_costs GROUP BY {by}")
        assert sum(value for value in sums if value is not None) == TOTAL, by
    found = ask(
        client,
        "SELECT sum(calls), sum(unpriced_calls), sum(duplicate_calls), sum(duplicate_cost_usd) "
        "FROM agent_costs",
    )
    assert found == [(8, 1, 1, MILLION_IN + SMALL)]
    assert ask(client, "SELECT event_id FROM agent_calls WHERE is_duplicate") == ["c2"], (
        "the greater event id"
    )
    assert ask(client, "SELECT sum(cost_usd) FROM agent_costs WHERE team = 'blue'") == [B]


def test_a_sum_that_an_agent_tells_is_checked_against_its_calls(client: Client) -> None:
    (found,) = ask(
        client, "SELECT told_tokens, summed_tokens, missing_share FROM agent_rollups WHERE run_id = 'a'"
    )
    assert found == (6_000_000, 5_000_000, 1 / 6)


def test_a_runs_cost_against_its_first_call(client: Client) -> None:
    first = Decimal("0.6") * MILLION_IN + Decimal("0.4") * CACHED
    (found,) = ask(
        client, "SELECT cost_usd, first_call_cost_usd, multiplier FROM run_multipliers WHERE run_id = 'a'"
    )
    assert found[:2] == (A, first)
    assert found[2] == pytest.approx(float(A / first))


def test_what_a_success_costs_has_the_failures_in_it(client: Client) -> None:
    columns = "runs, successes, cost_usd, cost_per_success_usd"
    (found,) = ask(client, f"SELECT {columns} FROM agent_outcome_costs WHERE outcome_name = 'ticket'")
    assert found == (2, 1, A + B, pytest.approx(float(A + B)))
    apart = ask(client, "SELECT sum(runs_without_outcome) FROM agent_outcome_costs WHERE outcome_name = ''")
    assert apart == [2]


def test_waste_counts_each_cent_once(client: Client) -> None:
    columns = "sum(failed_runs_cost_usd), sum(loops_cost_usd), sum(failed_calls_cost_usd)"
    assert ask(client, f"SELECT {columns} FROM agent_waste") == [(B, 0, OUT)]


def test_the_share_of_waste_is_known_where_no_call_failed(client: Client) -> None:
    path = Path(client, "waste")
    nothing: dict[str, Any] = {"input_tokens": None, "output_tokens": None, "request_model": None}
    outcome = {"kind": "outcome", "outcome_name": "ticket", "outcome_success": False}
    path.send(
        [
            call("w1", "w", 1, input_tokens=1_000_000),
            root("w"),
            call("w2", "w", 40, **(nothing | outcome)),
        ]
    )
    path.end()
    columns = "failed_runs_cost_usd, failed_calls_cost_usd, waste_share"
    found = ask(client, f"SELECT {columns} FROM agent_waste WHERE namespace = 'waste'")
    assert found == [(MILLION_IN, 0, 1.0)]


def test_caches_save_the_difference_to_the_uncached_price(client: Client) -> None:
    (found,) = ask(
        client,
        "SELECT sum(saved_usd), sum(cached_responses_saved_usd), sum(cached_responses) "
        "FROM agent_cache_savings",
    )
    assert found == (pytest.approx(0.4 * 0.075), pytest.approx(0.15), 1)


def test_cached_tokens_without_a_price_are_counted_as_unknown(client: Client) -> None:
    path = Path(client, "unknown")
    path.send(
        [
            call("u1", "u", input_tokens=1_000, cache_read_input_tokens=600, request_model="none-such"),
            root("u"),
        ]
    )
    path.end()
    columns = "cached_tokens, saved_usd, tokens_of_unknown_saving"
    found = ask(client, f"SELECT {columns} FROM agent_cache_savings WHERE namespace = 'unknown'")
    assert (600, None, 600) in found


def test_a_cost_is_the_sum_of_its_parts_and_tokens_without_a_price_are_counted(client: Client) -> None:
    path = Path(client, "parts")
    million = 1_000_000
    path.send(
        [
            call(
                "p1",
                "p",
                1,
                input_tokens=million,
                input_audio_tokens=million // 4,
                request_model="gpt-4o-realtime-preview",
            ),
            call("p2", "p", 2, input_tokens=million, cache_read_input_tokens=million // 2, output_tokens=9),
            call("p3", "p", 3, input_tokens=70, output_tokens=8, request_model="none-such"),
            call("p4", "p", 4, input_tokens=70, request_model="none-such", reported_cost_usd=0.3),
            root("p"),
        ]
    )
    path.end()
    parts = ("input", "cache_read", "cache_write", "output", "audio", "requests")
    sums = ", ".join(f"ifNull(sum(cost_{part}_usd), 0)" for part in parts)
    (found,) = ask(
        client,
        f"SELECT sum(cost_usd), sum(reported_cost_usd), {sums} FROM agent_costs WHERE namespace = 'parts'",
    )
    total, told, *each = found
    assert each[parts.index("audio")] > 0
    assert total == told + sum(each)
    columns = "sum(unpriced_calls), sum(unpriced_input_tokens), sum(unpriced_output_tokens)"
    assert ask(client, f"SELECT {columns} FROM agent_costs WHERE namespace = 'parts'") == [(1, 70, 8)]


def test_a_reported_cost_is_held_against_ours(client: Client) -> None:
    (found,) = ask(client, "SELECT scope_name, told_usd, ours_usd, ratio FROM agent_reported_costs")
    assert found == ("sdk", Decimal("0.3"), MILLION_IN, 2.0)


def test_a_month_is_projected_from_its_last_seven_days(client: Client) -> None:
    path = Path(client, "today")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for days in (1, 2, 3):
        path.send(
            [
                call(
                    f"t{days}",
                    f"t{days}",
                    input_tokens=days * 1_000_000,
                    **at(0, today - timedelta(days=days)),
                )
            ]
        )
    path.end()
    (found,) = ask(
        client,
        "SELECT days_usd, days_left, month_low_usd, month_so_far_usd, month_usd, month_high_usd "
        "FROM agent_projections WHERE namespace = 'today'",
    )
    days, left, low, so_far, month, high = found
    assert sorted(days) == pytest.approx([0, 0, 0, 0, 0.15, 0.30, 0.45])
    assert month == pytest.approx(so_far + left * 0.9 / 7)
    assert low == pytest.approx(so_far)
    assert high == pytest.approx(so_far + left * 0.45)


def projected(client: Client, namespace: str, now: datetime) -> list[Any]:
    """What the view says at another time."""
    (made,) = ask(
        client,
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() "
        "AND name = 'agent_projections'",
    )
    query = made[made.index(" AS SELECT") + 4 :]
    assert "now('UTC')" in query
    query = query.replace("now('UTC')", f"toDateTime('{now:%Y-%m-%d %H:%M:%S}', 'UTC')")
    columns = "month_so_far_usd, days_left, month_usd, unpriced_calls"
    return ask(client, f"SELECT {columns} FROM ({query}) WHERE namespace = '{namespace}'")


def test_a_month_that_has_just_begun_is_projected_from_the_one_before(client: Client) -> None:
    path = Path(client, "first")
    # A month's first day, at six.
    first = (START.replace(day=1) - timedelta(days=1)).replace(day=1, hour=6)
    path.send([call("f1", "f1", input_tokens=7_000_000, **at(0, first - timedelta(days=2)))])
    path.end()
    (found,) = projected(client, "first", first)
    so_far, left, month, unpriced = found
    days = (first + timedelta(days=32)).replace(day=1) - first.replace(day=1)
    assert (so_far, unpriced) == (0, 0)
    assert left == pytest.approx(days.days - 0.25)
    assert month == pytest.approx(left * 0.15)


def test_a_month_that_has_nearly_ended_costs_what_it_has_cost(client: Client) -> None:
    path = Path(client, "last")
    last = START.replace(day=1) - timedelta(hours=12, minutes=1)  # 23:59
    path.send(
        [call(f"l{n}", f"l{n}", input_tokens=1_000_000, **at(n, last - timedelta(days=n))) for n in range(8)]
    )
    path.end()
    (found,) = projected(client, "last", last)
    so_far, _, month, _ = found
    assert so_far == pytest.approx(8 * 0.15)
    assert month == pytest.approx(so_far, rel=1e-3), "the day that runs is not projected a second time"


def test_nothing_is_projected_for_calls_without_a_price(client: Client) -> None:
    path = Path(client, "none")
    path.send([call("n1", "n1", request_model="none-such", input_tokens=5, **at(0))])
    path.end()
    ((so_far, _, month, unpriced),) = projected(client, "none", START + timedelta(days=1))
    assert (so_far, month, unpriced) == (None, None, 1)


def test_the_health_of_telemetry_says_what_to_change(client: Client) -> None:
    path = Path(client, "health")
    path.send(
        [
            call(
                f"h{n}",
                f"h{n}",
                n,
                dialect="otel-deprecated",
                scope_name="old",
                scope_version="1",
                agent_name=None,
                input_tokens=100 if n % 2 else None,
                output_tokens=None,
                cache_read_input_tokens=300 if n == 1 else None,
                token_convention="exclusive_detected" if n == 1 else None,
                request_model="none-such" if n == 3 else "gpt-4o-mini",
                sources={"provider_name": "gen_ai.system"},
            )
            for n in range(10)
        ]
    )
    path.end()
    columns = (
        "steps, calls, dialects, usage_share, first_chunk_share, priced_share, unpriced_models, agent_share, "
        "token_conventions, names_used, advice"
    )
    (found,) = ask(client, f"SELECT {columns} FROM telemetry_health WHERE namespace = 'health'")
    steps, calls, dialects, usage, chunk, priced, unpriced, agent, conventions, names, advice = found
    assert (steps, calls, dialects, usage, chunk, unpriced, agent) == (
        10,
        10,
        ["otel-deprecated"],
        0.5,
        0,
        ["none-such"],
        0,
    )
    assert priced == pytest.approx(0.8)
    assert conventions == {"nothing cached": 9, "exclusive_detected": 1}
    assert names == {"gen_ai.system": 10}
    words = " ".join(advice)
    for said in (
        "former names",
        "without usage",
        "without a price",
        "name no agent",
        "counted apart",
        "OTEL_SERVICE_NAME",
    ):
        assert said in words
