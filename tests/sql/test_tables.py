"""Do the tables hold what frames carry, exactly, and does the right version of a row win?"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.columns import BUCKETS, COUNTS, CostStatus, Kind, TimeFlag, schema_of
from tests.sql.rows import DAY0_NS, HOUR_NS, STORED, TABLES, insert, random_rows, table_column

# `step_contents` holds what was stored before `contents` was there.
ALL_TABLES = {*TABLES.values(), "dead_letters", "repricings", "step_contents"}
# Fed by materialised views; they hold nothing that must be exact.
FED = {"sightings": "AggregatingMergeTree", "arrivals": "SummingMergeTree(rows)"}
DAYS = {
    "steps": [90],
    "contents": [30],
    "step_contents": [30],
    "runs": [400],
    "repricings": [400],
    "windows": [14, 400],
    "readings": [90],
    "incidents": [400],
    "dead_letters": [14],
    "ledger": [400],
    "sightings": [400],
    "arrivals": [90],
}
# Columns that are never absent where a frame has a row at all; times within what is stored.
NEVER_NULL = {
    "time": lambda number: DAY0_NS + number * HOUR_NS + 123_456_789,
    "start_time": lambda number: DAY0_NS + number * HOUR_NS + 1,
    "opened_time": lambda number: DAY0_NS + number * HOUR_NS + 7,
    "window_start": lambda number: DAY0_NS + number * HOUR_NS,
    "epoch_start": lambda _: DAY0_NS,
    # TTLs count from it.
    "append_time": lambda number: 4_102_444_800_000_000_000 + number,
    "event_id": lambda number: f"event {number:03d}",
    "run_id": lambda number: f"run {number:03d}",
    "incident_id": lambda number: f"incident {number:03d}",
    "ledger_id": lambda number: f"ledger {number:03d}",
    "name": lambda _: "input_messages",
    "agent_name": lambda number: f"agent {number:03d}",
    "step_name": lambda _: "plan",
    "part": lambda number: number,
    "n": lambda number: number,
    "width_s": lambda _: 60,
}


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    return connect(database())


def columns_of(client: Client, table: str) -> dict[str, str]:
    rows = client.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {t:String}",
        {"t": table},
    ).result_rows
    return {str(name): str(kind) for name, kind in rows}


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.name.lower())
def test_every_column_of_a_frame_is_one_of_its_table_and_the_other_way_round(
    client: Client, kind: Kind
) -> None:
    have = columns_of(client, TABLES[kind])
    want = {table_column(name) for name in schema_of(kind).names}
    assert want <= set(have)
    assert set(have) - want <= {"namespace", "row_version", "is_deleted", "stored_time"}
    assert {"namespace", "row_version", "is_deleted"} <= set(have)


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.name.lower())
def test_random_rows_come_back_exactly(client: Client, kind: Kind) -> None:
    fields = list(schema_of(kind))
    required = {name: make for name, make in NEVER_NULL.items() if name in schema_of(kind).names}
    rows = random_rows(kind, 60, 20_260_301 + int(kind), required)
    insert(client, kind, rows, namespace=kind.name)
    have = columns_of(client, TABLES[kind])
    asked = [_expression(field, have[table_column(field.name)]) for field in fields]
    key = "concat(" + ", ".join(f"toString({name})" for name in _order_key(kind)) + ")"
    found = client.query(
        f"SELECT {', '.join(asked)} FROM {TABLES[kind]} WHERE namespace = {{n:String}} ORDER BY {key}",
        {"n": kind.name},
    ).result_rows
    assert len(found) == len(rows)
    for row, answer in zip(rows, found, strict=True):
        for field, value in zip(fields, answer, strict=True):
            nullable = have[table_column(field.name)].startswith("Nullable(")
            assert _read(field, value) == _stored(field, row[field.name], nullable), field.name


def _order_key(kind: Kind) -> list[str]:
    for name in ("event_id", "run_id", "incident_id", "ledger_id", "agent_name"):
        if name in schema_of(kind).names:
            return [name]
    raise AssertionError(kind)


def _expression(field: Any, kind: str) -> str:
    name = table_column(field.name)
    if "DateTime64" in kind:
        return f"toUnixTimestamp64Nano({name})"
    if "Decimal" in kind and not kind.startswith("Map"):
        return f"toString({name})"
    return f"toInt8({name})" if kind.startswith("Enum8") else name


def _read(field: Any, value: Any) -> Any:
    if field.name.endswith("_pico_usd") and isinstance(value, dict):
        return sorted((key, int(one.scaleb(12))) for key, one in value.items())
    if field.name.endswith("_pico_usd") and value is not None:
        return int(Decimal(value).scaleb(12))
    if isinstance(value, dict):
        return sorted(value.items())
    return list(value) if isinstance(value, (list, tuple)) else value


def _stored(field: Any, value: Any, nullable: bool) -> Any:
    if value is None and not nullable:
        text = str(field.type)
        if text.startswith(("list", "map")):
            return []
        return "" if text == "string" else 0
    return sorted(value) if value is not None and field.type in (BUCKETS, COUNTS) else value


def test_the_enums_have_the_numbers_of_the_contract(client: Client) -> None:
    types = columns_of(client, "steps")
    for column, enum in (("cost_status", CostStatus), ("time_flag", TimeFlag)):
        named = {name: int(number) for name, number in re.findall(r"'(\w+)' = (\d+)", types[column])}
        assert named == {member.name.lower(): member.value for member in enum}


def test_a_number_that_may_be_absent_is_null_and_never_zero(client: Client) -> None:
    numbers = {
        "steps": "duration_ns time_to_first_chunk_s input_tokens output_tokens cache_read_input_tokens "
        "cache_write_input_tokens reasoning_output_tokens tool_call_hash outcome_success outcome_value "
        "evaluation_score_value dropped_events cost_usd cost_input_usd cost_cache_read_usd "
        "cost_cache_write_usd cost_output_usd cache_write_1h_input_tokens input_audio_tokens "
        "output_audio_tokens response_cached cost_audio_usd cost_requests_usd usage_cost_usd "
        "reported_cost_usd",
        "runs": "end_time outcome_success outcome_value "
        "critical_llm_ns critical_tool_ns critical_other_ns critical_waiting_ns",
        "readings": "last statistic threshold",
        "incidents": "confirmed_time closed_time statistic threshold reference_level reference_low "
        "reference_high current_level current_low current_high",
        "windows": "",
    }
    for table, names in numbers.items():
        nullable = {name for name, kind in columns_of(client, table).items() if kind.startswith("Nullable(")}
        assert nullable == set(names.split()), table
        assert not any("Nullable" in kind and "String" in kind for kind in columns_of(client, table).values())


def test_every_table_replaces_by_version_and_has_its_ttl(client: Client) -> None:
    rows = client.query(
        "SELECT name, engine_full FROM system.tables "
        "WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations'"
    ).result_rows
    assert {name for name, _ in rows} == ALL_TABLES | set(FED)
    for name, engine in rows:
        kind = FED.get(name, "ReplacingMergeTree(row_version, is_deleted)")
        assert engine.startswith(f"{kind} PARTITION BY toYYYYMM("), name
        ttl = engine.partition(" TTL ")[2].partition(" SETTINGS ")[0]
        assert [int(days) for days in re.findall(r"toIntervalDay\((\d+)\)", ttl)] == DAYS[name]
        assert re.findall(r"(\w+)\)? \+ toIntervalDay", ttl)[0] in ("append_time", "stored_time"), name


def test_what_is_partitioned_by_closes_the_key_so_final_may_skip_partitions(client: Client) -> None:
    rows = client.query(
        "SELECT name, partition_key, sorting_key FROM system.tables "
        "WHERE database = currentDatabase() AND name IN {t:Array(String)}",
        {"t": sorted(ALL_TABLES | set(FED))},
    ).result_rows
    for name, partition_key, sorting_key in rows:
        column = partition_key.removeprefix("toYYYYMM(").removesuffix(")")
        assert column in sorting_key.replace("`", "").split(", "), name
        assert sorting_key.startswith("namespace, "), name


def step(number: int, **columns: Any) -> dict[str, Any]:
    times = {"time": DAY0_NS + number, "start_time": DAY0_NS + number, "append_time": 4_102_444_800 * 10**9}
    return {"event_id": f"e{number}", "run_id": "r", "kind": "tool", "state": "ended"} | times | columns


def test_a_repeat_of_an_old_row_does_not_undo_a_correction(client: Client) -> None:
    emitted, corrected = step(1, agent_name=None), step(1, agent_name="planner", cost_pico_usd=7)
    for row, version in ((emitted, 1), (corrected, 2), (emitted, 1)):
        insert(client, Kind.STEPS, [row], namespace="versions", version=version)
    asked = "SELECT agent_name, cost_usd FROM agent_steps WHERE namespace = 'versions'"
    assert client.query(asked).result_rows == [("planner", Decimal("7E-12"))]
    client.command("OPTIMIZE TABLE steps FINAL")
    assert client.query(asked).result_rows == [("planner", Decimal("7E-12"))]


def test_a_deleted_row_is_gone_and_a_repeat_does_not_bring_it_back(client: Client) -> None:
    insert(client, Kind.STEPS, [step(1), step(2)], namespace="deleted", version=1)
    insert(client, Kind.STEPS, [step(1)], namespace="deleted", version=2, deleted=True)
    insert(client, Kind.STEPS, [step(1)], namespace="deleted", version=1)
    found = client.query("SELECT event_id FROM agent_steps WHERE namespace = 'deleted'").result_rows
    assert found == [("e2",)]


def test_a_minute_that_is_sent_again_replaces_itself_and_alarms_of_one_moment_stay(client: Client) -> None:
    stream = {"time": DAY0_NS, "agent_name": "a", "step_name": "s", "signal": "duration", "detector": "csr"}
    insert(client, Kind.READINGS, [stream | {"alarm": False, "n": 5}], namespace="again", version=1)
    insert(client, Kind.READINGS, [stream | {"alarm": False, "n": 9}], namespace="again", version=2)
    alarms = [stream | {"alarm": True, "n": n} for n in (6, 8)]
    insert(client, Kind.READINGS, alarms, namespace="again", version=2)
    found = client.query("SELECT alarm, n FROM agent_readings WHERE namespace = 'again' ORDER BY n")
    assert found.result_rows == [(True, 6), (True, 8), (False, 9)]


@pytest.mark.parametrize("nanoseconds", [-(2**63), -1, 0, 1, 2**63 - 1])
def test_a_start_that_is_out_of_range_is_stored_as_it_was_emitted(client: Client, nanoseconds: int) -> None:
    space = f"range {nanoseconds}"
    insert(client, Kind.STEPS, [step(1, time=0, start_time=nanoseconds, time_flag=1)], namespace=space)
    found = client.query(
        "SELECT toUnixTimestamp64Nano(time), toUnixTimestamp64Nano(start_time), toString(time_flag) "
        "FROM agent_steps WHERE namespace = {n:String}",
        {"n": space},
    ).result_rows
    assert found == [(0, nanoseconds, "before_2020")]


def test_an_expired_row_is_dropped_by_append_time_not_by_event_time(client: Client) -> None:
    old = step(1, time=1_600_000_000 * 10**9, append_time=4_102_444_800 * 10**9)
    gone = step(2, append_time=1_600_000_000 * 10**9)
    insert(client, Kind.STEPS, [old, gone], namespace="ttl")
    client.command("OPTIMIZE TABLE steps FINAL")
    found = client.query("SELECT event_id FROM agent_steps WHERE namespace = 'ttl'").result_rows
    assert found == [("e1",)]
