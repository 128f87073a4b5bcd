"""Do the views say what the rows mean, and do filters on time reach the key through them?"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from schemas.columns import Kind
from streams.windows.buckets import bounds_us, bucket_of, middle_ns
from tests.sql.rows import DAY0_NS, HOUR_NS, insert

LATER = 4_102_444_800 * 10**9
DAY_NS = 24 * HOUR_NS


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    return connect(database())


def rows_of(client: Client, query: str) -> list[Any]:
    return list(client.query(query).result_rows)


@pytest.fixture(scope="module")
def spread(client: Client) -> None:
    """Rows over ten months in every table; 120 k steps, in more than one granule a month."""
    times = "toDateTime64('2026-01-01', 9, 'UTC') + number * 200 AS t"
    steps = "namespace, event_id, run_id, time, start_time, append_time, row_version"
    client.command(
        f"INSERT INTO steps ({steps}) SELECT 'spread', toString(number), toString(intDiv(number, 10)), "
        f"t, t, '2100-01-01', 1 FROM (SELECT number, {times} FROM numbers(120000))"
    )
    runs = "namespace, run_id, part, opened_time, start_time, append_time, row_version"
    client.command(
        f"INSERT INTO runs ({runs}) SELECT 'spread', toString(number), number, t, t, '2100-01-01', 1 "
        f"FROM (SELECT number, {times} FROM numbers(120000))"
    )
    for width in (60, 3600):
        client.command(
            "INSERT INTO windows (namespace, width_s, window_start, epoch_start, agent_name, steps, "
            f"durations, duration_buckets, row_version) SELECT 'spread', {width}, t, t, 'a', 1, 1, "
            f"map(toInt16(number % 900), 1::Int64), 1 FROM (SELECT number, {times} FROM numbers(120000))"
        )
    client.command(
        "INSERT INTO readings (namespace, time, agent_name, n, row_version) "
        f"SELECT 'spread', t, 'a', number, 1 FROM (SELECT number, {times} FROM numbers(120000))"
    )
    client.command(
        "INSERT INTO incidents (namespace, opened_time, incident_id, row_version) SELECT 'spread', t, "
        f"toString(number), 1 FROM (SELECT number, {times} FROM numbers(120000))"
    )


@pytest.mark.parametrize(
    ("view", "column"),
    [
        ("agent_steps", "time"),
        ("run_parts", "time"),
        ("agent_minutes", "time"),
        ("agent_hours", "time"),
        ("agent_windows", "time"),
        ("agent_durations", "time"),
        ("window_parts", "time"),
        ("duration_parts", "time"),
        ("agent_readings", "time"),
        ("agent_incidents", "time"),
        ("otel_traces", "Timestamp"),
    ],
)
def test_a_range_of_time_reaches_partitions_and_key_through_the_view(
    client: Client, spread: None, view: str, column: str
) -> None:
    """Six hours of ten months: one partition, and of it a part."""
    where = f"{column} >= toDateTime('2026-05-10 00:00:00') AND {column} <= toDateTime('2026-05-10 06:00:00')"
    if view in ("agent_windows", "agent_durations", "window_parts", "duration_parts"):
        where += " AND width_s = 60"
    plan = "\n".join(
        line
        for (line,) in rows_of(
            client, f"EXPLAIN indexes = 1 SELECT count() FROM {view} WHERE namespace = 'spread' AND {where}"
        )
    )
    read = [tuple(map(int, found)) for found in re.findall(r"(?:Parts|Granules): (\d+)/(\d+)", plan)]
    parts, granules = read[0::2], read[1::2]
    assert "PrimaryKey" in plan
    assert granules[-1][0] <= 2, plan
    assert granules[0][1] >= 10, plan
    assert parts[-1][0] <= 2, plan
    assert parts[0][1] >= 10, plan
    assert rows_of(client, f"SELECT count() FROM {view} WHERE namespace = 'spread' AND {where}")[0][0] >= 100


@pytest.mark.parametrize("view", ["agent_steps", "run_parts", "agent_runs"])
def test_one_run_is_found_without_reading_all(client: Client, spread: None, view: str) -> None:
    plan = rows_of(client, f"EXPLAIN indexes = 1 SELECT count() FROM {view} WHERE run_id = '4711'")
    granules = re.findall(r"Granules: (\d+)/(\d+)", "\n".join(line for (line,) in plan))
    assert int(granules[-1][0]) <= 3
    assert int(granules[0][1]) >= 10


def part(number: int, **columns: Any) -> dict[str, Any]:
    opened = DAY0_NS + number * HOUR_NS
    given = {"run_id": "r", "part": number, "opened_time": opened, "start_time": opened, "append_time": LATER}
    return given | {"steps": 1, "cost_pico_usd": 5, "state": "closed"} | columns


def test_parts_of_a_run_are_added_up_and_its_labels_are_those_of_the_first(client: Client) -> None:
    first = part(1, end_time=DAY0_NS + HOUR_NS + 10**9, agent_name="planner", agents=["a", "b"], errors=2)
    second = part(2, agent_name="late", agents=["c", "a"], repeated_tool_calls=4, state="open")
    third = part(
        3, end_time=DAY0_NS + 4 * HOUR_NS, outcome_name="solved", outcome_success=True, outcome_value=0.5
    )
    insert(client, Kind.RUNS, [third, first, second], namespace="parts")
    names = (
        "steps, cost_usd, agent_name, agents, errors, repeated_tool_calls, outcome_name, outcome_success, "
        "outcome_value, state, duration_s"
    )
    found = rows_of(client, f"SELECT {names} FROM agent_runs WHERE namespace = 'parts'")
    expected = (
        3,
        Decimal("15E-12"),
        "planner",
        ["a", "b", "c"],
        2,
        4,
        "solved",
        True,
        0.5,
        "closed",
        10_800.0,
    )
    assert found == [expected]
    assert rows_of(client, "SELECT sum(steps) FROM run_parts WHERE namespace = 'parts'") == [(3,)]


def test_an_outcome_of_an_earlier_part_is_kept(client: Client) -> None:
    insert(
        client, Kind.RUNS, [part(1, outcome_name="solved", outcome_success=False), part(2)], namespace="kept"
    )
    found = rows_of(client, "SELECT outcome_name, outcome_success FROM agent_runs WHERE namespace = 'kept'")
    assert found == [("solved", False)]


def test_shares_of_parts_are_added_up_and_their_paths_with_them(client: Client) -> None:
    first = part(
        1,
        depth=3,
        orphans=1,
        critical_llm_ns=2_000_000_000,
        critical_steps=[("plan", 5), ("act", 1)],
        steps_by_agent=[("a", 2), ("b", 1)],
        cost_by_agent_pico_usd=[("a", 7)],
        agents_started=[("a -> b", 1)],
    )
    second = part(
        2,
        depth=2,
        truncated=True,
        critical_llm_ns=500_000_000,
        critical_steps=[("plan", 1)],
        steps_by_agent=[("b", 4)],
        cost_by_agent_pico_usd=[("a", 1), ("b", 10**15)],
        agents_started=[("a -> b", 2)],
    )
    older = part(3)  # of a writer that knew none of these columns
    insert(client, Kind.RUNS, [first, second, older], namespace="shares")
    names = (
        "depth, orphans, truncated, critical_llm_s, critical_tool_s, critical_steps, steps_by_agent, "
        "cost_by_agent_usd, agents_started"
    )
    found = rows_of(client, f"SELECT {names} FROM agent_runs WHERE namespace = 'shares'")
    costs = {"a": Decimal("8E-12"), "b": Decimal(1000)}
    assert found == [(3, 1, True, 2.5, None, {"plan": 6, "act": 1}, {"a": 2, "b": 5}, costs, {"a -> b": 3})]


def window(epoch: int, width_s: int = 60, **columns: Any) -> dict[str, Any]:
    given = {"width_s": width_s, "window_start": DAY0_NS, "epoch_start": DAY0_NS + epoch, "agent_name": "a"}
    return given | {"kind": "tool", "step_name": "s"} | columns


def test_epochs_are_added_up_corrections_in_later_ones_included(client: Client) -> None:
    insert(
        client,
        Kind.WINDOWS,
        [
            window(1, steps=3, cost_pico_usd=9, durations=3, duration_buckets=[(5, 2), (700, 1)]),
            window(2, steps=0, cost_pico_usd=-4, durations=0, duration_buckets=[(5, -1), (800, 1)]),
            window(1, width_s=3600, steps=100, cost_pico_usd=100, duration_buckets=[(5, 100)]),
        ],
        namespace="epochs",
    )
    asked = "SELECT steps, cost_usd, duration_buckets FROM agent_minutes WHERE namespace = 'epochs'"
    assert rows_of(client, asked) == [(3, Decimal("5E-12"), {5: 1, 700: 1, 800: 1})]
    assert rows_of(client, "SELECT steps FROM agent_hours WHERE namespace = 'epochs'") == [(100,)]
    where = "namespace = 'epochs' AND width_s = 60"
    asked = f"SELECT bucket, steps FROM agent_durations WHERE {where} ORDER BY bucket"
    assert rows_of(client, asked) == [(5, 1), (700, 1), (800, 1)]


def test_what_a_later_epoch_took_back_is_in_no_percentile(client: Client) -> None:
    rows = [window(1, duration_buckets=[(5, 1)]), window(2, duration_buckets=[(5, -1), (900, 1)])]
    insert(client, Kind.WINDOWS, rows, namespace="back")
    asked = "SELECT bucket FROM agent_durations WHERE namespace = 'back' AND width_s = 60"
    assert rows_of(client, asked) == [(900,)]


def test_parts_of_windows_have_the_sums_and_percentiles_of_windows(client: Client) -> None:
    """Random windows, of whose steps later epochs take some back, wherever they were."""
    rng = np.random.default_rng(7)
    first = [
        {
            bucket: int(count)
            for bucket, count in zip(
                rng.choice(1_500, 6, replace=False).tolist(), rng.integers(1, 9, 6), strict=True
            )
        }
        for _ in range(400)
    ]
    rows = []
    for number, buckets in enumerate(first):
        own = {"window_start": DAY0_NS + number // 4 * 60 * 10**9, "step_name": f"s{number % 4}"}
        rows.append(
            window(
                1, steps=sum(buckets.values()), cost_pico_usd=number, duration_buckets=list(buckets.items())
            )
            | own
        )
        back = {
            bucket: -int(rng.integers(0, count + 1))
            for bucket, count in buckets.items()
            if rng.random() < 0.7
        }
        rows.append(
            window(
                2 + number % 3,
                steps=sum(back.values()),
                cost_pico_usd=-number // 2,
                duration_buckets=list(back.items()),
            )
            | own
        )
    insert(client, Kind.WINDOWS, rows, namespace="both")
    where = "WHERE namespace = 'both' AND width_s = 60"
    sums = "step_name, sum(steps), sum(cost_usd), sum(errors)"
    for group in ("step_name", "step_name, time"):
        asked = f"SELECT {sums} FROM {{view}} {where} GROUP BY {group} ORDER BY {group}"
        whole, parts = (
            rows_of(client, asked.format(view=view)) for view in ("agent_windows", "window_parts")
        )
        assert whole == parts
        levels = ", ".join(
            f"quantileExactWeighted({level})(middle_s, toUInt64(steps))" for level in (0.01, 0.5, 0.95, 0.99)
        )
        asked = (
            f"SELECT {group}, {levels}, sum(steps) AS counted FROM {{view}} {where} "
            f"GROUP BY {group} HAVING counted > 0 ORDER BY {group}"
        )
        whole, parts = (
            rows_of(client, asked.format(view=view)) for view in ("agent_durations", "duration_parts")
        )
        assert whole == parts
        assert len(whole) >= 4
    negative = rows_of(client, f"SELECT count() FROM duration_parts {where} AND steps < 0")
    assert negative[0][0] > 100


def test_bounds_of_every_bucket_are_those_that_durations_were_put_in_by(client: Client) -> None:
    buckets = np.arange(1_600)
    insert(
        client,
        Kind.WINDOWS,
        [window(1, duration_buckets=[(int(bucket), 1) for bucket in buckets])],
        namespace="bounds",
    )
    found = rows_of(
        client,
        "SELECT bucket, lower_s, upper_s, middle_s FROM agent_durations "
        "WHERE namespace = 'bounds' ORDER BY bucket",
    )
    low, high = bounds_us(buckets)
    assert [row[0] for row in found] == buckets.tolist()
    np.testing.assert_allclose([row[1] for row in found], low / 1e6, rtol=1e-15)
    np.testing.assert_allclose([row[2] for row in found], high / 1e6, rtol=1e-15)
    np.testing.assert_allclose([row[3] for row in found], middle_ns(buckets) / 1e9, rtol=1e-15)


@pytest.mark.parametrize("seed", range(4))
def test_percentiles_are_within_a_64th_of_numpys(client: Client, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spreads = [rng.lognormal(19, 2, 5_000), rng.pareto(1.1, 5_000) * 1e8, rng.uniform(32e3, 9e12, 5_000)]
    durations = np.concatenate([spread[: int(rng.integers(500, 5_000))] for spread in spreads]).astype(
        np.int64
    )
    durations = np.maximum(durations, 32_000)
    rows = []
    for epoch, chunk in enumerate(np.array_split(durations, 5)):
        buckets, counts = np.unique(bucket_of(chunk), return_counts=True)
        rows.append(window(epoch, duration_buckets=list(zip(buckets.tolist(), counts.tolist(), strict=True))))
    insert(client, Kind.WINDOWS, rows, namespace=f"q{seed}")
    levels = (0.01, 0.5, 0.95, 0.99)
    asked = ", ".join(f"quantileExactWeighted({level})(middle_s, steps)" for level in levels)
    (found,) = rows_of(client, f"SELECT {asked} FROM agent_durations WHERE namespace = 'q{seed}'")
    # quantileExactWeighted takes the first value whose cumulated weight reaches level * total.
    exact = np.quantile(durations / 1e9, levels, method="inverted_cdf")
    np.testing.assert_allclose(found, exact, rtol=1 / 64)


def test_trace_tools_find_a_run_by_its_trace_id(client: Client) -> None:
    trace, span, root = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"
    start = DAY0_NS + 123_456_789
    step = {
        "event_id": f"{trace}-{span}",
        "parent_event_id": f"{trace}-{root}",
        "run_id": trace,
        "kind": "llm",
        "step_name": "chat gpt",
        "service_name": "shop",
        "agent_name": "planner",
        "request_model": "gpt",
        "input_tokens": 7,
        "time": start,
        "start_time": start,
        "duration_ns": 5 * 10**9,
        "error_type": "timeout",
        "error_message": "late",
        "attributes": [("own", "1")],
        "resource_attributes": [("service.name", "shop")],
        "append_time": LATER,
    }
    insert(client, Kind.STEPS, [step], namespace="otel")
    times = {"opened_time": start, "start_time": start, "end_time": start + 5 * 10**9}
    insert(client, Kind.RUNS, [part(1, run_id=trace) | times], namespace="otel")
    # As Grafana's plugin asks for one trace.
    query = f"""
        WITH '{trace}' AS trace_id,
            (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_start,
            (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_end
        SELECT TraceId AS traceID, SpanId AS spanID, ParentSpanId AS parentSpanID, ServiceName AS serviceName,
            SpanName AS operationName, multiply(toUnixTimestamp64Nano(Timestamp), 0.000001) AS startTime,
            multiply(Duration, 0.000001) AS duration, StatusCode, StatusMessage, SpanKind,
            arrayMap(key -> map('key', key, 'value', SpanAttributes[key]), mapKeys(SpanAttributes)) AS tags,
            arrayMap(k -> map('key', k, 'value', ResourceAttributes[k]), mapKeys(ResourceAttributes)) AS s
        FROM otel_traces
        WHERE traceID = trace_id AND Timestamp >= trace_start AND Timestamp <= trace_end
    """
    (found,) = rows_of(client, query)
    expected = (trace, span, root, "shop", "chat gpt", start / 1e6, 5_000.0, "Error", "late", "Client")
    assert found[:10] == expected
    tags = {tag["key"]: tag["value"] for tag in found[10]}
    assert tags["own"] == "1"
    assert tags["gen_ai.request.model"] == "gpt"
    assert tags["gen_ai.usage.input_tokens"] == "7"
    assert "gen_ai.tool.name" not in tags
    assert [tag["value"] for tag in found[11]] == ["shop"]


def test_the_trace_view_has_the_exporters_columns_and_types(client: Client) -> None:
    text, labels = "String", "LowCardinality(String)"
    pairs = f"Map({labels}, String)"
    expected = {
        "Timestamp": "DateTime64(9, 'UTC')",
        "TraceId": text,
        "SpanId": text,
        "ParentSpanId": text,
        "TraceState": text,
        "SpanName": labels,
        "SpanKind": labels,
        "ServiceName": labels,
        "ResourceAttributes": pairs,
        "ScopeName": text,
        "ScopeVersion": text,
        "SpanAttributes": pairs,
        "Duration": "UInt64",
        "StatusCode": labels,
        "StatusMessage": text,
        "Events.Timestamp": "Array(DateTime64(9))",
        "Events.Name": f"Array({labels})",
        "Events.Attributes": f"Array({pairs})",
        "Links.TraceId": "Array(String)",
        "Links.SpanId": "Array(String)",
        "Links.TraceState": "Array(String)",
        "Links.Attributes": f"Array({pairs})",
    }
    have = {row[0]: row[1] for row in rows_of(client, "DESCRIBE otel_traces")}
    assert {name: have[name] for name in expected} == expected
    lookup = {row[0]: row[1] for row in rows_of(client, "DESCRIBE otel_traces_trace_id_ts")}
    assert (lookup["TraceId"], lookup["Start"], lookup["End"]) == (text, "DateTime('UTC')", "DateTime('UTC')")


def test_a_step_that_has_only_begun_is_seen_with_its_state(client: Client) -> None:
    begun = {"event_id": "e", "run_id": "r", "state": "started", "time": DAY0_NS, "start_time": DAY0_NS}
    ended = begun | {"state": "ended", "duration_ns": 10**9, "error_type": "timeout", "append_time": LATER}
    insert(client, Kind.STEPS, [begun | {"append_time": LATER}], namespace="begun", version=1)
    asked = "SELECT state, duration_s, failed FROM agent_steps WHERE namespace = 'begun'"
    assert rows_of(client, asked) == [("started", None, 0)]
    insert(client, Kind.STEPS, [ended], namespace="begun", version=2)
    assert rows_of(client, asked) == [("ended", 1.0, 1)]


def test_a_dead_letter_keeps_its_bytes(client: Client) -> None:
    payload = bytes(range(256))
    names = "namespace topic partition offset number reason detail payload append_time row_version"
    row = ["dead", "agent-events", 1, 2, 0, "invalid_event", "no JSON", payload, LATER, 7]
    client.insert("dead_letters", [row] * 2, column_names=names.split())
    asked = "SELECT hex(payload), reason FROM agent_dead_letters WHERE namespace = 'dead'"
    assert rows_of(client, asked) == [(payload.hex().upper(), "invalid_event")]


@pytest.mark.parametrize("view", ["agent_steps", "agent_runs", "agent_windows", "agent_incidents"])
def test_the_reader_sees_views_and_every_answer_is_plain_json(
    connect: Callable[..., Client], client: Client, spread: None, view: str
) -> None:
    reader = connect(str(client.database), reader=True)
    answer = reader.raw_query(f"SELECT * FROM {view} LIMIT 1", fmt="JSONEachRow")
    assert "AggregateFunction" not in str(rows_of(client, f"DESCRIBE {view}"))
    assert json.loads(answer)["namespace"]
