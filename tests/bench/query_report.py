"""What is written of a measurement of queries? A page with every query, the slowest first."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client

from tests.bench.query_asked import UIDS
from tests.bench.query_cost import TARGET_MS, Cost
from tests.bench.query_load import Load

_SIZES = """
SELECT table, sum(rows), count(), formatReadableSize(sum(bytes_on_disk))
FROM system.parts
WHERE database = currentDatabase() AND active
GROUP BY table
HAVING sum(rows) > 1000
ORDER BY sum(rows) DESC
"""


def read_sizes(client: Client) -> list[tuple[str, int, int, str]]:
    """Table, rows, parts and size on disk of the large ones."""
    return [
        (str(table), int(rows), int(parts), str(size))
        for table, rows, parts, size in client.query(_SIZES).result_rows
    ]


def make_report(
    load: Load, costs: Sequence[Cost], sizes: Sequence[tuple[str, int, int, str]], rounds: int
) -> str:
    """The page, in Markdown."""
    slow = [cost for cost in costs if cost.p95_ms > TARGET_MS]
    busy = [cost for cost in slow if cost.cpu_p95_ms / 2 > TARGET_MS]
    scans = [cost for cost in costs if cost.scanned]
    lines = [
        f"# What dashboards and alert rules cost, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"{load.steps:,} steps of {load.days:.1f} days, as dense as twenty million in two weeks, each stored",
        "twice: as emitted, and corrected. The older half is merged; the newer one, which is asked for, not.",
        "Made by `python -m tests.bench.query_cost`.",
        "",
        f"{len(costs)} queries, each in {rounds} rounds with other variables, over its dashboard's range (a",
        "rule's over its own), cold: a new process of the engine in each round, its caches dropped and",
        f"its files out of memory before each query. Embedded engine, {os.cpu_count()} cores; others were at",
        f"work on them (load {os.getloadavg()[2]:.0f}), which the processor time leaves out.",
        "",
        f"- Slower than {TARGET_MS:.0f} ms at the 95th percentile: {len(slow)} of {len(costs)}; "
        f"{len(busy)} of them take more processor time than two cores have in it.",
        f"- Queries that read nearly all of a large table: {len(scans)}.",
        "",
        "A granule is 8,192 rows; what a query asks for on its way, as one value, is not among its granules.",
        "",
        "| table | rows | parts | on disk |",
        "|---|---:|---:|---:|",
        *(f"| {table} | {rows:,} | {parts} | {size} |" for table, rows, parts, size in sizes),
        "",
    ]
    for uid in UIDS:
        own = sorted((cost for cost in costs if cost.asked.uid == uid), key=lambda cost: -cost.p95_ms)
        if own:
            lines += [*_section(uid, own), ""]
    return "\n".join(lines)


def _section(uid: str, costs: Sequence[Cost]) -> list[str]:
    lines = [f"## {uid}", "", "| query | p50 ms | p95 ms | CPU p95 ms | rows | granules read of all |"]
    lines.append("|---|---:|---:|---:|---:|---|")
    for cost in costs:
        granules = ", ".join(f"{table} {read}/{of}" for table, (read, of) in sorted(cost.granules.items()))
        name = f"{cost.asked.name} ({cost.asked.kind})".replace("|", "/")
        mark = " **scan**" if cost.scanned else ""
        lines.append(
            f"| {name} | {cost.p50_ms:.0f} | {cost.p95_ms:.0f} | {cost.cpu_p95_ms:.0f} | {max(cost.rows):,} "
            f"| {granules}{mark} |"
        )
    return lines
