"""Are the tables what they should be? Against an undisturbed run, and against fresh processors.

Against the undisturbed run of the same input these are left out, because faults may change them rightly:

- `append_time`, `source_*`: when and where the copy of a step that was kept came in. Copies are equal but for
  these, and which of them is written last depends on how INGEST's frames meet.
- `agent_runs.time`: the time of the step that RUNS met first, so a matter of arrival.
- windows in which all sums are 0: a step that waited longer than 30 s of clock for its agent was counted
  under its service, and taken back; how long it waited is a matter of arrival.
- `dead_letters.topic` carries the namespace; `offset` and `append_time` are the broker's.
- of `contents` too, `append_time`.

Against fresh processors nothing is left out but `namespace` and `stored_time`, the moment of the insert.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from schemas.columns import Kind
from schemas.frame import decode_batch, decode_header
from schemas.topics import STEP_CONTENTS, STEP_FRAMES
from streams.clickhouse import connect
from streams.settings import Settings
from streams.write.rows import TABLES, to_table
from streams.write.sink import ClickHouseSink
from tests.crash.fresh import Made, read_topic

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]

# How a step was told, which is another thing at each door, and not what it is.
_TOLD = "span_name, dialect, token_convention, sources"
_DELIVERY = f"append_time, source_topic, source_partition, source_offset, source_index, {_TOLD}"
_KEY = "time, width_s, agent_name, agent_version, environment, kind, step_name, model"
_SUMS = (
    "steps, errors, input_tokens, output_tokens, cache_read_input_tokens, cache_write_input_tokens, "
    "reasoning_output_tokens, cost_usd, unpriced_steps, durations, duration_ns"
)
TOTALS = {
    "steps": f"SELECT * EXCEPT (namespace, {_DELIVERY}) FROM agent_steps",
    "contents": "SELECT * EXCEPT (namespace, append_time) FROM agent_contents",
    "runs": "SELECT * EXCEPT (namespace, time) FROM agent_runs",
    "windows": f"SELECT {_KEY}, {_SUMS}, mapFilter((k, v) -> v != 0, duration_buckets) FROM agent_windows",
    "dead letters": "SELECT `partition`, number, reason, detail, payload FROM agent_dead_letters",
}
_NOT_EMPTY = {
    "windows": " AND (" + " OR ".join(f"{name} != 0" for name in _SUMS.split(", ")) + ")",
}
STORED = ("steps", "contents", "runs", "windows", "readings", "incidents", "ledger")


def totals(settings: Settings) -> Rows:
    """What must be equal to an undisturbed run of the same input."""
    return {
        name: _ask(settings, f"{sql} WHERE namespace = {{namespace:String}}{_NOT_EMPTY.get(name, '')}")
        for name, sql in TOTALS.items()
    }


def stored(settings: Settings) -> Rows:
    """Every row of every table, its newest version, with the version."""
    rows: Rows = {}
    for table in STORED:
        hidden = (
            "namespace, stored_time"
            if table in ("windows", "readings", "incidents", "ledger")
            else "namespace"
        )
        sql = f"SELECT * EXCEPT ({hidden}) FROM {table} FINAL WHERE namespace = {{namespace:String}}"
        rows[table] = _ask(settings, sql)
    return rows


def store_fresh(settings: Settings, made: Made) -> Settings:
    """Write step-frames as recorded and what fresh processors made into a namespace beside it.

    Returns:
        Settings of that namespace.
    """
    beside = msgspec.structs.replace(settings, namespace=f"{settings.namespace}-fresh")

    def client() -> "Client":
        return connect(settings)

    sink = ClickHouseSink(client, settings.clickhouse_database)
    frames = [
        (m.offset, m.value) for topic in (STEP_FRAMES, STEP_CONTENTS) for m in read_topic(settings, topic)
    ]
    frames += [(-1, value) for chain, value in made.frames.items() if chain.topic == "result-frames"]
    by_table: dict[str, list[pa.Table]] = {}
    for offset, value in frames:
        header = decode_header(value)
        if header.kind is not Kind.TICK:
            rows = to_table(header, decode_batch(header, value), offset, beside.namespace)
            by_table.setdefault(TABLES[header.kind], []).append(rows)
    for table, parts in by_table.items():
        sink.write(table, pa.concat_tables(parts, promote_options="default"))
    return beside


def differences(expected: Rows, found: Rows) -> list[str]:
    """A line for each table that differs, with some of its rows; empty when all are equal."""
    lines: list[str] = []
    for name, rows in expected.items():
        if rows == found[name]:
            continue
        missing, more = _without(rows, found[name]), _without(found[name], rows)
        lines.append(
            f"{name}: {len(rows)} rows expected, {len(found[name])} found; {len(missing)} missing, "
            f"{len(more)} too many\n  missing {missing[:2]}\n  too many {more[:2]}"
        )
    return lines


def _without(rows: Iterable[Row], others: Iterable[Row]) -> list[str]:
    had = {repr(row) for row in others}
    return [text for row in rows if (text := repr(row)) not in had]


def _ask(settings: Settings, sql: str) -> list[Row]:
    client = connect(settings)
    try:
        found = client.query(f"{sql} ORDER BY ALL", {"namespace": settings.namespace})
        return [tuple(row) for row in found.result_rows]
    finally:
        client.close()
