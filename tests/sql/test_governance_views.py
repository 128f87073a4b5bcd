"""Who was seen with what, what was stored when and how late, and rare steps: are they what the rows say?"""

import math
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.columns import Kind
from streams.migrate import load_migrations, qualified
from streams.write.rows import CLASS_BIT, CORRECTED, EMITTED, STARTED
from tests.sql.rows import DAY0_NS, HOUR_NS, insert

DAY_NS = 24 * HOUR_NS
MINUTE_NS = 60 * 10**9
DAY0 = date(2026, 3, 1)
SEEN = "SELECT * FROM agent_sightings WHERE namespace = {n:String} ORDER BY ALL"
LATER_NS = 4_102_444_800 * 10**9


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    return connect(database())


def rows_of(client: Client, query: str, namespace: str) -> list[Any]:
    return [tuple(row) for row in client.query(query, {"n": namespace}).result_rows]


def window(minute: int, **columns: Any) -> dict[str, Any]:
    start_ns = DAY0_NS + minute * MINUTE_NS
    usual = {"width_s": 60, "window_start": start_ns, "epoch_start": start_ns, "kind": "llm", "steps": 1}
    return usual | {"agent_name": "planner", "step_name": "chat"} | columns


def step(number: int, **columns: Any) -> dict[str, Any]:
    at_ns = DAY0_NS + number * MINUTE_NS
    usual = {"event_id": f"e{number}", "run_id": "r", "kind": "tool", "state": "ended", "time": at_ns}
    return usual | {"start_time": at_ns, "append_time": LATER_NS, "agent_name": "planner"} | columns


def version(kind: int, number: int = 0) -> int:
    return kind << CLASS_BIT | number


def see(client: Client, namespace: str) -> None:
    """Two days of windows, a window of an hour, what has become nothing, and runs."""
    windows = [
        window(5, model="small", agent_version="1", environment="prod"),
        window(9, model="small", agent_version="2", environment="test"),
        window(24 * 60 + 7, model="small", agent_version="2", environment="test"),
        window(11, kind="tool", step_name="search", model=""),
        window(12, kind="guardrail", step_name="pii"),
        window(0, width_s=3600, model="only in hours"),
        window(13, steps=0, model="taken back"),
        window(14, kind="outcome", step_name="told weeks later", agent_name="forgotten"),
        window(0, window_start=0, agent_name="of 1970"),
    ]
    insert(client, Kind.WINDOWS, windows, namespace=namespace)
    run = {"run_id": "r", "part": 1, "opened_time": DAY0_NS + HOUR_NS, "start_time": DAY0_NS}
    team = {"team": "core", "agents": ["planner", "coder"], "append_time": LATER_NS}
    insert(client, Kind.RUNS, [run | team], namespace=namespace)


def test_an_agent_is_seen_with_what_its_windows_and_runs_say(client: Client) -> None:
    see(client, "seen")
    facts = {
        (day, agent, fact, value, detail): (int(first.timestamp()), int(last.timestamp()))
        for _, day, agent, fact, value, detail, first, last in rows_of(client, SEEN, "seen")
    }
    start_s = DAY0_NS // 10**9
    minutes = {
        (agent, fact, value, detail): ((first - start_s) / 60, (last - start_s) / 60)
        for (day, agent, fact, value, detail), (first, last) in facts.items()
        if day == DAY0
    }
    assert minutes == {
        ("planner", "agent", "planner", ""): (5, 12),
        ("planner", "version", "1", "prod"): (5, 5),
        ("planner", "version", "2", "test"): (9, 9),
        ("planner", "environment", "prod", ""): (5, 5),
        ("planner", "environment", "test", ""): (9, 9),
        ("planner", "model", "small", ""): (5, 9),
        ("planner", "tool", "search", ""): (11, 11),
        ("planner", "guardrail", "pii", ""): (12, 12),
        ("planner", "team", "core", ""): (60, 60),
        ("coder", "team", "core", ""): (60, 60),
    }
    next_day = {key[2:4] for key in facts if key[0] != DAY0}
    assert next_day == {("agent", "planner"), ("version", "2"), ("environment", "test"), ("model", "small")}


def test_a_block_that_is_stored_twice_is_seen_once(client: Client) -> None:
    see(client, "once")
    once = rows_of(client, SEEN, "once")
    see(client, "once")
    assert rows_of(client, SEEN, "once") == once
    client.command("OPTIMIZE TABLE sightings FINAL")
    assert rows_of(client, SEEN, "once") == once


def test_what_was_stored_before_the_migration_is_seen_too(client: Client) -> None:
    see(client, "before")
    fed = rows_of(client, SEEN, "before")
    client.command("TRUNCATE TABLE sightings")
    inserts = [
        statement
        for migration in load_migrations()
        for statement in migration.statements()
        if statement.startswith("INSERT INTO {db}.sightings")
    ]
    assert len(inserts) == 2
    for _ in range(2):
        for statement in inserts:
            client.command(qualified(statement, str(client.database)))
        assert rows_of(client, SEEN, "before") == fed


def test_steps_are_counted_as_they_are_stored_with_how_late_they_are(client: Client) -> None:
    now_ns = time.time_ns()
    lasted_ns, waited_ns = 4 * 10**9, 7 * 10**9

    def emitted(number: int, delay_ns: int, **columns: Any) -> dict[str, Any]:
        append_ns = now_ns - delay_ns
        began_ns = append_ns - waited_ns - lasted_ns
        times = {"time": began_ns, "start_time": began_ns, "append_time": append_ns, "duration_ns": lasted_ns}
        return step(number, **times, source_topic=1, **columns)

    steps = [emitted(0, 100 * 10**9), emitted(1, 100 * 10**9), emitted(2, -3600 * 10**9)]
    insert(client, Kind.STEPS, steps, namespace="late", version=version(EMITTED))
    insert(client, Kind.STEPS, [emitted(3, 0)], namespace="late", version=version(STARTED))
    insert(client, Kind.STEPS, [emitted(0, 0)], namespace="late", version=version(CORRECTED))
    found = rows_of(
        client,
        "SELECT measure, source, bucket < 0, min(upper_s), max(upper_s), sum(rows) FROM agent_arrivals "
        "WHERE namespace = {n:String} AND time >= now() - 600 GROUP BY ALL ORDER BY ALL",
        "late",
    )
    counts = {(measure, negative): rows for measure, _, negative, _, _, rows in found}
    assert {source for _, source, *_ in found} == {"otlp_spans"}
    assert counts == {
        ("steps", 0): 3,
        ("started_steps", 0): 1,
        ("corrected_steps", 0): 1,
        ("pipeline_delay", 0): 2,
        ("pipeline_delay", 1): 1,
        ("emitter_delay", 0): 3,
    }
    bounds = {(measure, negative): (low, high) for measure, _, negative, low, high, _ in found}
    assert bounds["pipeline_delay", 1] == (0, 0)
    # A bucket is a quarter of a doubling wide; the upper end of it is shown.
    widest = 2**0.25
    assert 7 < bounds["emitter_delay", 0][0] == bounds["emitter_delay", 0][1] <= 7 * widest
    since_s = (time.time_ns() - now_ns) / 1e9
    low, high = bounds["pipeline_delay", 0]
    assert 100 < low <= high <= (100 + since_s) * widest
    assert math.log2(high * 1000) * 4 == pytest.approx(round(math.log2(high * 1000) * 4))


def test_rows_of_every_role_are_counted_by_the_minute(client: Client) -> None:
    insert(client, Kind.WINDOWS, [window(1), window(2)], namespace="roles")
    insert(client, Kind.RUNS, [{"run_id": "r", "part": 1, "opened_time": DAY0_NS}], namespace="roles")
    insert(client, Kind.READINGS, [{"time": DAY0_NS, "agent_name": "planner", "n": 1}], namespace="roles")
    found = rows_of(
        client,
        "SELECT measure, sum(rows) FROM agent_arrivals WHERE namespace = {n:String} GROUP BY 1 ORDER BY 1",
        "roles",
    )
    assert found == [("readings", 1), ("runs", 1), ("windows", 2)]


def test_rare_steps_are_those_of_agent_steps(client: Client) -> None:
    """Emitted, then corrected; deleted; and one that is not rare."""
    first = [step(n, kind="guardrail", agent_name=None, guardrail_verdict="deny") for n in range(4)]
    insert(client, Kind.STEPS, [*first, step(9)], namespace="rare", version=version(EMITTED))
    insert(client, Kind.STEPS, [first[0] | {"agent_name": "coder"}], namespace="rare", version=version(2))
    corrected = [row | {"agent_name": "planner", "guardrail_reason": "a name"} for row in first[:2]]
    insert(client, Kind.STEPS, corrected, namespace="rare", version=version(CORRECTED))
    insert(client, Kind.STEPS, [first[2]], namespace="rare", version=version(CORRECTED), deleted=True)
    names = "event_id, agent_name, guardrail_verdict, guardrail_reason"
    asked = (
        f"SELECT {names} FROM {{}} WHERE namespace = {{n:String}} AND kind = 'guardrail' ORDER BY event_id"
    )
    found = rows_of(client, asked.replace("{}", "rare_steps"), "rare")
    assert found == rows_of(client, asked.replace("{}", "agent_steps"), "rare")
    assert found == [
        ("e0", "planner", "deny", "a name"),
        ("e1", "planner", "deny", "a name"),
        ("e3", "", "deny", ""),
    ]
    labels = "SELECT count(), groupUniqArray(agent_name) FROM step_labels WHERE namespace = {n:String}"
    ((count, agents),) = rows_of(client, labels, "rare")
    assert count == 8
    assert set(agents) == {"", "coder", "planner"}


def test_the_health_of_an_hour_is_that_of_all_where_there_is_but_one(client: Client) -> None:
    call = {"kind": "llm", "scope_name": "sdk", "price_status": 3, "duration_ns": 10**9, "time_flag": 0}
    steps = [step(n, **call, input_tokens=5 if n % 2 else None) for n in range(40)]
    insert(client, Kind.STEPS, steps, namespace="health", version=version(EMITTED))
    asked = "SELECT * {} FROM {} WHERE namespace = {{n:String}}"
    of_all = rows_of(client, asked.format("", "telemetry_health"), "health")
    of_hours = rows_of(client, asked.format("EXCEPT hour", "telemetry_health_hours"), "health")
    assert len(of_all) == 1
    assert of_hours == of_all
    assert any(text.startswith("calls without usage") for text in of_all[0][-1])
    insert(client, Kind.STEPS, [step(61, scope_name="sdk")], namespace="health", version=version(EMITTED))
    assert len(rows_of(client, asked.format("", "telemetry_health_hours"), "health")) == 2


def test_the_parts_of_our_own_tables_are_shown_to_a_reader(
    connect: Callable[..., Client], client: Client
) -> None:
    insert(client, Kind.LEDGER, [{"ledger_id": "one", "time": DAY0_NS}], namespace="parts")
    reader = connect(str(client.database), reader=True)
    tables = {str(row[0]) for row in reader.query("SELECT DISTINCT table FROM storage_parts").result_rows}
    assert {"ledger", "steps"} <= tables
    assert not tables & {"query_log", "text_log"}
    ((rows,),) = reader.query("SELECT sum(rows) FROM storage_parts WHERE table = 'ledger'").result_rows
    assert rows >= 1
    assert reader.query("SELECT count() FROM storage_merges").result_rows[0][0] >= 0
