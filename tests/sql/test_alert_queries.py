"""Do the queries of alert rules give the right numbers, and does each fire on what calls for it, and no more?

Rows are seeded, as RUNS, DRIFT and WRITE would store them; the demo's own events are in
`test_alerts_on_the_demo`, rhythms of weeks in `test_silent_agents`.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import log2, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from dashboards.alerts.objectives import AgentObjective, DefaultObjective, Objectives, StepObjective
from dashboards.alerts.shapes import api_groups
from dashboards.macros import Scope, expand
from schemas.columns import Kind
from streams.windows.buckets import bucket_of
from tests.sql.alerting import Evaluation, query, seconds
from tests.sql.rows import HOUR_NS, insert

SECOND_NS, MINUTE_NS = 10**9, 60 * 10**9
# A whole hour, not long ago: rows that are old go.
AT_S = int(datetime.now(UTC).timestamp()) // 3_600 * 3_600 - 48 * 3_600
AT_NS = AT_S * SECOND_NS
OBJECTIVES = Objectives(
    default=DefaultObjective(month_usd=720.0, error_ratio=0.05, run_p95_s=100.0, run_usd=2.0, run_steps=50),
    agents={
        "rich": AgentObjective(month_usd=72_000.0),
        "it's \\": AgentObjective(error_ratio=0.5, steps={"slow": StepObjective(p95_s=2.0)}),
    },
)
RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"


@pytest.fixture(scope="module")
def tables(connect: Callable[..., Client], database: Callable[[], str]) -> tuple[Client, Client]:
    name = database()
    return connect(name), connect(name, reader=True)


@pytest.fixture
def client(tables: tuple[Client, Client]) -> Client:
    """Empty tables."""
    writer, _ = tables
    for table in ("windows", "runs", "incidents", "dead_letters", "arrivals"):
        writer.command(f"TRUNCATE TABLE {table}")
    return writer


def rule(name: str) -> dict[str, Any]:
    return next(
        one for group in api_groups(OBJECTIVES) for one in group["rules"] if one["uid"] == f"wakeline-{name}"
    )


def numbers(tables: tuple[Client, Client], name: str, at_s: int = AT_S) -> dict[str, float]:
    """Labels to the number of each row."""
    found = query(tables[1], rule(name), at_s)
    return {" · ".join(text for _, text in labels): value for labels, value in found.items()}


def fires(tables: tuple[Client, Client], name: str, at_s: int = AT_S) -> set[str]:
    """What fires at a moment, after evaluations each minute for as long as it may be pending."""
    one = rule(name)
    evaluation = Evaluation(tables[1], one)
    for before_s in range(seconds(one["for"]), -60, -60):
        found = evaluation.firing(at_s - before_s)
    return set(found)


def window(minutes_ago: float, width_s: int = 60, **fields: Any) -> dict[str, Any]:
    start_ns = AT_NS - int(minutes_ago * MINUTE_NS)
    common = {"width_s": width_s, "window_start": start_ns // (width_s * SECOND_NS) * width_s * SECOND_NS}
    who = {"agent_name": "a", "step_name": "chat", "kind": "llm", "environment": "", "steps": 1, "errors": 0}
    return {"epoch_start": start_ns} | common | who | fields


def run(run_id: str, minutes_ago: float, duration_s: float | None, **fields: Any) -> dict[str, Any]:
    start_ns = AT_NS - int(minutes_ago * MINUTE_NS)
    ended = {} if duration_s is None else {"end_time": start_ns + int(duration_s * SECOND_NS)}
    state = {"state": "open" if duration_s is None else "closed", "part": 1, "agent_name": "a", "steps": 3}
    times = {"opened_time": start_ns, "start_time": start_ns, "append_time": start_ns}
    return {"run_id": run_id, "cost_pico_usd": 0} | state | times | ended | fields


def arrive(client: Client, stored_s: int, delay_s: float, namespace: str = "live", rows: int = 10) -> None:
    """Steps stored in a minute, so long after their append."""
    bucket = int(4 * log2(delay_s * 1_000))
    minute = datetime.fromtimestamp(stored_s // 60 * 60, UTC)
    for measure, where in (("pipeline_delay", bucket), ("steps", 0)):
        client.insert(
            "arrivals",
            [[namespace, minute, measure, "agent-events", where, rows]],
            column_names=["namespace", "stored_time", "measure", "source", "bucket", "rows"],
        )


def test_nothing_fires_on_empty_tables_but_that_they_are_empty(
    tables: tuple[Client, Client], client: Client
) -> None:
    told = {
        one["uid"].removeprefix("wakeline-")
        for group in api_groups(OBJECTIVES)
        for one in group["rules"]
        if fires(tables, one["uid"].removeprefix("wakeline-"))
    }
    assert told == {"pipeline-no-data"}


@pytest.mark.parametrize("name", [one["uid"] for group in api_groups(OBJECTIVES) for one in group["rules"]])
def test_an_answer_is_texts_and_one_number_whatever_is_stored(
    tables: tuple[Client, Client], name: str
) -> None:
    sql = rule(name.removeprefix("wakeline-"))["data"][0]["model"]["rawSql"]
    columns = tables[1].query(f"DESCRIBE ({expand(sql, Scope(AT_S - 3_600, AT_S))})").result_rows
    kinds = [kind for _, kind, *_ in columns]
    assert kinds[-1] in ("Float64", "Int64", "UInt64", "Int32"), columns
    assert set(kinds[:-1]) <= {"String"}, columns


def test_a_budget_burns_by_the_lower_pace_of_both_windows(
    tables: tuple[Client, Client], client: Client
) -> None:
    # 720 USD a month are 1 USD an hour.
    spent = {"steady": (59, 0.5), "over": (50, 30.0), "rich": (1, 30.0)}
    rows = [
        window(minute, agent_name=agent, cost_pico_usd=int(usd * 10**12))
        for agent, (minute, usd) in spent.items()
    ]
    rows += [window(minute, agent_name="burning", cost_pico_usd=10**12 // 3) for minute in range(1, 60)]
    rows += [window(2, agent_name="burning", namespace="live", cost_pico_usd=10**12, epoch_start=AT_NS)]
    insert(client, Kind.WINDOWS, [{k: v for k, v in row.items() if k != "namespace"} for row in rows])
    found = numbers(tables, "budget-burn-1h")
    assert found == {"burning": pytest.approx(59 / 3 + 1, abs=1e-9)}
    assert fires(tables, "budget-burn-1h") == {"burning"}
    # Of another namespace nobody is told.
    insert(client, Kind.WINDOWS, [window(1, agent_name="x", cost_pico_usd=10**15)], namespace="demo")
    assert fires(tables, "budget-burn-1h") == {"burning"}


def test_a_budget_that_burns_no_longer_has_recovered(tables: tuple[Client, Client], client: Client) -> None:
    insert(
        client,
        Kind.WINDOWS,
        [window(minute, agent_name="a", cost_pico_usd=10**12 // 2) for minute in range(1, 60)],
    )
    evaluation = Evaluation(tables[1], rule("budget-burn-1h"))
    assert evaluation.firing(AT_S) == {"a": "wakeline-budget-burn-1h"}
    assert evaluation.firing(AT_S + 60) != {}
    # Five minutes later nothing was spent in the last five.
    assert evaluation.firing(AT_S + 360) == {}


def test_six_hours_at_six_times_the_pace(tables: tuple[Client, Client], client: Client) -> None:
    rows = [
        window(minute, agent_name=agent, cost_pico_usd=int(usd / 60 * 10**12))
        for minute in range(1, 361)
        for agent, usd in (("steady", 5.9), ("burning", 6.2))
    ]
    insert(client, Kind.WINDOWS, rows)
    assert fires(tables, "budget-burn-6h") == {"burning"}
    assert set(numbers(tables, "budget-burn-6h")) == {"steady", "burning"}
    assert fires(tables, "budget-burn-1h") == set()


def wilson(failed: int, calls: int) -> float:
    share, z = failed / calls, 3
    middle = share + z * z / (2 * calls)
    return (middle - z * sqrt(share * (1 - share) / calls + z * z / (4 * calls**2))) / (1 + z * z / calls)


def test_failures_count_by_what_they_prove(tables: tuple[Client, Client], client: Client) -> None:
    seeded = {
        ("a", "few"): (4, 4),
        ("a", "unproved"): (10, 100),
        ("a", "proved"): (50, 500),
        ("a", "low"): (20, 500),
        ("it's \\", "allowed"): (200, 500),
        ("it's \\", "too many"): (300, 500),
    }
    rows = [
        window(5 + half, agent_name=agent, step_name=step, steps=calls / 2, errors=failed // 2)
        for (agent, step), (failed, calls) in seeded.items()
        for half in (0, 1)
    ]
    rows.append(window(5, agent_name="a", step_name="agent", kind="agent", steps=500, errors=500))
    insert(client, Kind.WINDOWS, rows)
    assert numbers(tables, "error-ratio") == {
        "a · proved": pytest.approx(wilson(50, 500) / 0.05),
        "a · unproved": pytest.approx(wilson(10, 100) / 0.05),
        "it's \\ · too many": pytest.approx(wilson(300, 500) / 0.5),
    }
    assert fires(tables, "error-ratio") == {"a · proved", "it's \\ · too many"}


def test_runs_are_slow_by_when_they_ended_and_steps_by_their_own_objective(
    tables: tuple[Client, Client], client: Client
) -> None:
    insert(
        client,
        Kind.RUNS,
        [
            # Began four hours ago, ended in the last: only by their ends are they seen.
            *(run(f"long-{n}", 240, 220 * 60.0, agent_name="late") for n in range(30)),
            *(run(f"quick-{n}", 30, 60.0, agent_name="quick") for n in range(30)),
            *(run(f"few-{n}", 30, 5_000.0, agent_name="few") for n in range(19)),
            *(run(f"open-{n}", 30, None, agent_name="open") for n in range(30)),
        ],
    )
    rows = [
        window(
            20, agent_name="it's \\", step_name=step, steps=40, durations=40, duration_buckets=[(bucket, 40)]
        )
        for step, seconds_ns in (("slow", 2_500_000_000), ("other", 9_000_000_000))
        for bucket in bucket_of(np.array([seconds_ns])).tolist()
    ]
    insert(client, Kind.WINDOWS, rows)
    # "other" has no objective; the middle of a bucket is off by 1.6 % at most.
    assert numbers(tables, "latency") == {
        "late · whole run": pytest.approx(132.0),
        "it's \\ · slow": pytest.approx(1.25, rel=0.017),
    }
    assert fires(tables, "latency") == {"late · whole run", "it's \\ · slow"}


def test_drift_fires_while_a_confirmed_incident_is_open(
    tables: tuple[Client, Client], client: Client
) -> None:
    seeded = [("open", None), ("confirmed", None), ("closed", 1), ("confirmed", 1), ("confirmed", -1)]
    incidents = [
        {
            "incident_id": f"i{number}",
            "opened_time": AT_NS - 5 * HOUR_NS,
            "closed_time": None if closed is None else AT_NS - closed * HOUR_NS,
            "state": state,
            "agent_name": f"{state} {closed}",
            "step_name": "chat",
            "signal": "duration_s",
            "detector": "csr",
        }
        for number, (state, closed) in enumerate(seeded)
    ]
    insert(client, Kind.INCIDENTS, incidents)
    assert fires(tables, "drift-incident") == {
        "confirmed None · duration_s · chat",
        "confirmed -1 · duration_s · chat",
    }
    assert fires(tables, "looping-run") == set()


def test_a_loop_fires_while_its_run_is_open_and_a_quarter_of_an_hour_after(
    tables: tuple[Client, Client], client: Client
) -> None:
    incidents = [
        {
            "incident_id": name,
            "opened_time": AT_NS - HOUR_NS,
            "closed_time": None if closed is None else AT_NS - closed * MINUTE_NS,
            "state": "closed" if closed else "open",
            "agent_name": "a",
            "step_name": "search",
            "signal": "identical_tool_calls",
            "detector": "repeated-tool-call",
            "run_id": name,
            "n": 10,
        }
        for name, closed in (("open", None), ("just closed", 10), ("closed", 20))
    ]
    insert(client, Kind.INCIDENTS, incidents)
    assert fires(tables, "looping-run") == {"a · open · search", "a · just closed · search"}
    assert fires(tables, "drift-incident") == set()


def test_a_run_is_a_runaway_by_steps_or_by_cost_over_all_its_parts(
    tables: tuple[Client, Client], client: Client
) -> None:
    dollar = 10**12
    insert(
        client,
        Kind.RUNS,
        [
            run("long", 30, None, steps=60),
            run("dear", 30, None, cost_pico_usd=3 * dollar),
            run("small", 30, None, steps=50, cost_pico_usd=2 * dollar),
            run("ended now", 30, 20 * 60.0, steps=100),
            run("ended long ago", 60, 20 * 60.0, steps=1_000),
            run("in parts", 30, 60.0, steps=30),
            run("in parts", 20, None, part=2, steps=30, agent_name="other"),
        ],
    )
    assert numbers(tables, "runaway-run") == {
        "a · long": 1.2,
        "a · dear": 1.5,
        "a · small": 1.0,
        "a · ended now": 2.0,
        "a · in parts": 1.2,
    }
    assert fires(tables, "runaway-run") == {"a · long", "a · dear", "a · ended now", "a · in parts"}


def test_calls_without_a_price_count_against_all_calls_of_the_agent(
    tables: tuple[Client, Client], client: Client
) -> None:
    insert(
        client,
        Kind.WINDOWS,
        [
            window(10, agent_name="a", model="known", steps=97),
            window(10, agent_name="a", model="new", steps=3, unpriced_steps=3),
            window(10, agent_name="b", model="known", steps=995),
            window(10, agent_name="b", model="new", steps=5, unpriced_steps=5),
            window(10, agent_name="b", kind="tool", step_name="t", steps=10**6),
            window(70, agent_name="c", model="new", steps=5, unpriced_steps=5),
        ],
    )
    assert numbers(tables, "unpriced-traffic") == {
        "a · new": pytest.approx(0.03),
        "b · new": pytest.approx(0.005),
    }
    assert fires(tables, "unpriced-traffic") == {"a · new"}


def test_every_dead_letter_is_told_by_its_reason(tables: tuple[Client, Client], client: Client) -> None:
    letters = [("invalid_event", 5), ("invalid_event", 14), ("internal", 1), ("too_large", 20)]
    client.insert(
        "dead_letters",
        [
            ["live", "agent-events", 0, number, 0, reason, datetime.fromtimestamp(AT_S - 60 * ago, UTC), 1]
            for number, (reason, ago) in enumerate(letters)
        ],
        column_names=[
            "namespace", "topic", "partition", "offset", "number", "reason", "append_time", "row_version",
        ],
    )  # fmt: skip
    assert numbers(tables, "dead-letters") == {"invalid_event": 2, "internal": 1}
    assert fires(tables, "dead-letters") == {"invalid_event", "internal"}
    assert fires(tables, "dead-letters", AT_S + 3_600) == set()


def test_lag_is_told_while_storing_goes_on_and_silence_when_it_does_not(
    tables: tuple[Client, Client], client: Client
) -> None:
    for minute in range(-30, 30):
        arrive(client, AT_S + 60 * minute, 2 if minute < 0 else 600)
        arrive(client, AT_S + 60 * minute, 9_000, "demo")
    # A bucket is a quarter of a doubling wide, and its upper end is told.
    before_s = AT_S - 60
    assert numbers(tables, "pipeline-lag", before_s) == {"": pytest.approx(2, rel=0.19)}
    assert fires(tables, "pipeline-lag", before_s) == set()
    at_s = AT_S + 30 * 60
    assert numbers(tables, "pipeline-lag", at_s) == {"": pytest.approx(600, rel=0.19)}
    assert fires(tables, "pipeline-lag", at_s) == {""}
    assert fires(tables, "pipeline-no-data", at_s) == set()
    later_s = at_s + 40 * 60
    assert fires(tables, "pipeline-lag", later_s) == set()
    assert fires(tables, "pipeline-no-data", later_s) == {""}
    assert numbers(tables, "pipeline-no-data", later_s) == {"": pytest.approx(41 * 60 / 1_800)}
    # Another namespace's rows are no sign of life.
    arrive(client, later_s - 60, 1, "demo")
    assert fires(tables, "pipeline-no-data", later_s) == {""}


def test_a_few_late_steps_are_no_lag(tables: tuple[Client, Client], client: Client) -> None:
    for minute in range(-30, 0):
        arrive(client, AT_S + 60 * minute, 2, rows=99)
        arrive(client, AT_S + 60 * minute, 9_000, rows=1)
    assert fires(tables, "pipeline-lag") == set()


def test_what_is_pending_does_not_fire_and_what_flaps_goes_on(
    tables: tuple[Client, Client], client: Client
) -> None:
    insert(client, Kind.WINDOWS, [window(5, steps=500, errors=50)])
    evaluation = Evaluation(tables[1], rule("error-ratio"))
    assert evaluation.firing(AT_S) == {}
    assert evaluation.firing(AT_S + 60) == {}
    assert evaluation.firing(AT_S + 120) != {}
    # No more than ten minutes after the failures have left the hour.
    assert evaluation.firing(AT_S + 3_200) != {}
    assert evaluation.firing(AT_S + 3_400) != {}
    assert evaluation.firing(AT_S + 3_200 + 600) == {}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: str(page.stem))
def test_the_queries_of_runbooks_run(tables: tuple[Client, Client], page: Path) -> None:
    blocks = re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    for block in blocks:
        assert "namespace = 'live'" in block
        tables[1].query(block)
