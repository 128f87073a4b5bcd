"""How do new costs come into the tables? The old ones into a log, then steps, then what is made of steps.

Each part is made from what is stored when it begins, so a repricing that was interrupted is completed by the
next one: steps that have their new cost differ no more, runs and windows are brought to the sum of their
steps. Rows of a repricing have a version above any that a frame has, so a replay of what was sent before
changes nothing.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from schemas.columns import TIME
from streams.audit.adjustments import adjust
from streams.reprice.plan import Plan
from streams.settings import Settings
from streams.write.rows import CLASS_BIT

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Above the classes of `streams.write.rows` and the adjustments of the audit.
REPRICED = 4
NANOS = 1_000_000_000
_BATCH = 100_000
_RUNS_AT_ONCE = 10_000
_SAID = (
    "cost_usd",
    "cost_input_usd",
    "cost_cache_read_usd",
    "cost_cache_write_usd",
    "cost_output_usd",
    "cost_audio_usd",
    "cost_requests_usd",
    "usage_cost_usd",
    "cost_status",
    "price_status",
    "cost_reason",
    "price_id",
    "price_book",
)
_OLD = ("cost_usd", "usage_cost_usd", "cost_status", "price_id", "price_book")


def write(
    settings: Settings,
    client: "Client",
    plan: Plan,
    insert: Callable[[str, pa.Table], None],
    check: Callable[[], None],
) -> int:
    """Write the steps of a plan, and log what they cost before.

    Args:
        settings: of the namespace.
        client: of ClickHouse.
        plan: what changes.
        insert: of a table's rows; returns when they are stored.
        check: raises when somebody else repairs.

    Returns:
        How many steps.
    """
    moment_ms = time.time_ns() // 1_000_000
    for first in range(0, len(plan.changes), _BATCH):
        check()
        insert("repricings", _log(settings.namespace, moment_ms, plan, first))
    # By seconds, because the parameters are; the key has the hour, so other hours are not read.
    times_s = [old["time_ns"] // NANOS for old, _ in plan.changes]
    given = {
        "namespace": settings.namespace,
        "moment": moment_ms,
        "version": _version(client, settings.namespace, "steps", moment_ms),
        "since": min(times_s),
        "until": max(times_s) + 1,
    }
    check()
    client.command(_steps(_columns(client, "steps")), given)
    return len(plan.changes)


def follow(
    settings: Settings,
    client: "Client",
    since_s: int,
    until_s: int,
    insert: Callable[[str, pa.Table], None],
    check: Callable[[], None],
) -> dict[str, int]:
    """Bring runs and windows to the sum of their steps, for all that was ever repriced in a range.

    Args:
        settings, client, insert, check: as in `write`.
        since_s, until_s: range of the steps' time, Unix seconds.

    Returns:
        Rows written, by table.
    """
    given = {"namespace": settings.namespace, "since": since_s, "until": until_s}
    runs, hours = client.query(
        "SELECT groupUniqArray(run_id), groupUniqArray(toUnixTimestamp(toStartOfHour(time))) FROM repricings "
        "WHERE namespace = {namespace:String} AND time >= toDateTime({since:Int64}) "
        "AND time < toDateTime({until:Int64})",
        given,
    ).result_rows[0]
    check()
    counts = {"runs": _bring_runs(client, settings.namespace, sorted(runs)), "windows": 0}
    for table in adjust(settings, client, sorted(hours)).values():
        check()
        insert("windows", table)
        counts["windows"] += table.num_rows
    return counts


def _log(namespace: str, moment_ms: int, plan: Plan, first: int) -> pa.Table:
    changes = plan.changes[first : first + _BATCH]
    moment = datetime.fromtimestamp(moment_ms / 1e3, UTC)
    money = pa.decimal128(18, 12)
    columns: dict[str, pa.Array] = {
        "namespace": pa.repeat(namespace, len(changes)),
        "repricing_time": pa.array([moment] * len(changes), pa.timestamp("ms", "UTC")),
        "run_id": pa.array([old["run_id"] for old, _ in changes]),
        "event_id": pa.array([old["event_id"] for old, _ in changes]),
        "time": pa.array([old["time_ns"] for old, _ in changes], pa.int64()).cast(TIME),
    }
    for name in _OLD:
        kind = money if name.endswith("_usd") else pa.string()
        columns[f"old_{name}"] = pa.array([old[name] for old, _ in changes], kind)
    for name in _SAID:
        kind = money if name.endswith("_usd") else pa.string()
        columns[name] = pa.array([new[name] for _, new in changes], kind)
    return pa.table(columns)


def _version(client: "Client", namespace: str, table: str, moment_ms: int) -> int:
    """A version above those of all former repricings, though the clock may have gone back since."""
    last = client.query(
        f"SELECT max(row_version) FROM {table} WHERE namespace = {{namespace:String}}",
        {"namespace": namespace},
    ).result_rows[0][0]
    return max((REPRICED << CLASS_BIT) + moment_ms, int(last) + 1)


def _columns(client: "Client", table: str) -> list[str]:
    rows = client.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
        "ORDER BY position",
        {"table": table},
    ).result_rows
    return [name for (name,) in rows]


def _steps(columns: list[str]) -> str:
    """The rows of the log, with all other columns as they are stored."""
    taken = {name: f"p.{name}" for name in _SAID} | {"row_version": "{version:UInt64}", "is_deleted": "0"}
    values = ", ".join(taken.get(name, f"s.{name}") for name in columns)
    return (
        f"INSERT INTO steps ({', '.join(columns)}) SELECT {values} FROM steps AS s FINAL "
        "INNER JOIN repricings AS p ON s.namespace = p.namespace AND s.run_id = p.run_id "
        "AND s.event_id = p.event_id AND s.time = p.time "
        "WHERE p.namespace = {namespace:String} AND s.namespace = {namespace:String} "
        "AND s.time >= toDateTime({since:Int64}) AND s.time < toDateTime({until:Int64}) "
        "AND p.repricing_time = fromUnixTimestamp64Milli({moment:Int64}, 'UTC')"
    )


_RUNS = """
INSERT INTO runs ({columns})
SELECT {values}
FROM
(
    SELECT * FROM runs FINAL WHERE namespace = {{namespace:String}} AND run_id IN {{runs:Array(String)}}
) AS r
INNER JOIN
(
    SELECT run_id, max(part) AS part, sum(cost_usd) AS cost_usd, sum(unpriced_steps) AS unpriced_steps,
        sumMap(cost_by_agent_usd) AS by_agent
    FROM runs FINAL
    WHERE namespace = {{namespace:String}} AND run_id IN {{runs:Array(String)}}
    GROUP BY run_id
) AS have ON have.run_id = r.run_id AND have.part = r.part
INNER JOIN
(
    SELECT run_id, sum(cost) AS cost_usd, sum(unpriced) AS unpriced_steps,
        mapFromArrays(groupArray(agent), groupArray(cost)) AS by_agent
    FROM
    (
        SELECT run_id, if(agent_name != '', agent_name, 'unattributed') AS agent,
            toDecimal128(ifNull(sum(cost_usd), 0), 12) AS cost, countIf(cost_status = 'unpriced') AS unpriced
        FROM agent_steps
        WHERE namespace = {{namespace:String}} AND run_id IN {{runs:Array(String)}} AND state = 'ended'
        GROUP BY run_id, agent
    )
    GROUP BY run_id
) AS truth ON truth.run_id = r.run_id
WHERE truth.cost_usd != have.cost_usd OR truth.unpriced_steps != have.unpriced_steps
    OR arrayExists(
        (agent, cost) -> cost != have.by_agent[agent], mapKeys(truth.by_agent), mapValues(truth.by_agent)
    )
"""
_RUN_VALUES = {
    "cost_usd": "r.cost_usd + truth.cost_usd - have.cost_usd",
    "unpriced_steps": "r.unpriced_steps + truth.unpriced_steps - have.unpriced_steps",
    "cost_by_agent_usd": "mapAdd(r.cost_by_agent_usd, mapSubtract("
    "CAST(truth.by_agent, 'Map(String, Decimal(38, 12))'), "
    "CAST(have.by_agent, 'Map(String, Decimal(38, 12))')))",
    "row_version": "{version:UInt64}",
    "is_deleted": "0",
}


def _bring_runs(client: "Client", namespace: str, runs: list[str]) -> int:
    """Bring the last part of each run to the sum of its steps, where it differs; how many rows that took."""
    columns = _columns(client, "runs")
    values = ", ".join(_RUN_VALUES.get(name, f"r.{name}") for name in columns)
    version = _version(client, namespace, "runs", time.time_ns() // 1_000_000)
    sql = _RUNS.format(columns=", ".join(columns), values=values)
    for first in range(0, len(runs), _RUNS_AT_ONCE):
        given = {"namespace": namespace, "version": version, "runs": runs[first : first + _RUNS_AT_ONCE]}
        client.command(sql, given)
    written = client.query(
        "SELECT count() FROM runs WHERE namespace = {namespace:String} AND row_version = {version:UInt64}",
        {"namespace": namespace, "version": version},
    ).result_rows[0][0]
    return int(written)
