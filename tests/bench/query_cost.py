"""What do dashboards and alert rules cost over twenty million steps? Each query, cold, over its own range.

`make bench ARGS="query_cost"` takes half a million steps; `python -m tests.bench.query_cost --steps 20000000
--report FILE` writes the report. Cold: a new process of the engine for each round of choices, and before each
query its caches are dropped and the pages of its files given back.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import clickhouse_connect
import numpy as np
import psutil
from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.progress import track

from dashboards.macros import expand
from streams.local.ports import free_port
from streams.local.processes import Child, ChildSpec, last_words
from streams.migrate import migrate
from tests.bench.clock import Row
from tests.bench.query_asked import UIDS, questions, scope_of
from tests.bench.query_load import CHUNKS, Load, check, fill
from tests.sql.dashboard_json import Asked

STEPS = 500_000
TARGET_MS = 500.0
DATABASE = "bench"
_USERS = {"wakeline": "WAKELINE_CLICKHOUSE_PASSWORD", "grafana_reader": "WAKELINE_CLICKHOUSE_READER_PASSWORD"}
_PASSWORD = "of-a-benchmark"
_LARGE_MEMORY = 8 << 30
_SHIFT_S = 420
_FOLDERS = """
SELECT arrayJoin(data_paths)
FROM system.tables
WHERE database = currentDatabase() AND has({tables:Array(String)}, name)
"""
# What a query asks for on its way, as one value, is in no plan.
_IN_NO_PLAN = ("runs", "incidents")
_READ = re.compile(r"ReadFromMergeTree \((?:\w+\.)?(\w+)\)")
_GRANULES = re.compile(r"Granules: (\d+)/(\d+)")


@dataclass
class Cost:
    """What a query cost in each round.

    Attributes:
        asked: the query.
        wall_ms: of the whole answer, at the client.
        cpu_ms: of the engine's process.
        rows: answered.
        granules: table to what is read of it while all is chosen, and how many it has.
    """

    asked: Asked
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    granules: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def p50_ms(self) -> float:
        """Half of the rounds took at most so long."""
        return float(np.median(self.wall_ms))

    @property
    def p95_ms(self) -> float:
        """95 % of the rounds took at most so long."""
        return float(np.quantile(self.wall_ms, 0.95))

    @property
    def cpu_p95_ms(self) -> float:
        """Of processor time: what does not depend on who else is at work on the machine."""
        return float(np.quantile(self.cpu_ms, 0.95))

    @property
    def scanned(self) -> list[str]:
        """Large tables of which nearly all is read."""
        return [table for table, (read, of) in self.granules.items() if of >= 50 and read > 0.9 * of]


class Engine:
    """The local engine over a folder, as a process that can be started anew."""

    def __init__(self, folder: Path, *, memory_bytes: int | None = None) -> None:
        """
        Args:
            folder: of its data and its log.
            memory_bytes: that it may take; None: its default.
        """
        self.port = free_port()
        self._folder = folder
        large = () if memory_bytes is None else ("--max-memory-bytes", str(memory_bytes))
        self._command = (sys.executable, "-m", "streams.local.engine", "--data", str(folder / "data"))
        self._command += ("--port", str(self.port), *large)

    @contextmanager
    def running(self) -> Iterator[None]:
        """It answers meanwhile."""
        passwords = dict.fromkeys(_USERS.values(), _PASSWORD)
        spec = ChildSpec(
            name="engine",
            command=self._command,
            log_path=self._folder / "engine.log",
            env=dict(os.environ) | passwords,
        )
        child = Child(spec)
        try:
            self._wait(child)
            self._process = psutil.Process(child.pid)
            yield
        finally:
            child.stop()

    def _wait(self, child: Child) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if child.poll() is not None:
                raise RuntimeError(last_words(child.spec))
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"The engine does not answer. {last_words(child.spec)}")

    def client(self, database: str = DATABASE) -> Client:
        """Of the user that may write."""
        return clickhouse_connect.get_client(
            host="127.0.0.1",
            port=self.port,
            username="wakeline",
            password=_PASSWORD,
            database=database,
            autogenerate_session_id=False,
            send_receive_timeout=3_600,
        )

    def make_cold(self, client: Client, tables: Iterable[str]) -> None:
        """Drop the engine's caches, and give the pages of these tables' files back."""
        for cache in ("MARK", "UNCOMPRESSED", "PRIMARY INDEX", "INDEX MARK", "INDEX UNCOMPRESSED", "QUERY"):
            client.command(f"SYSTEM DROP {cache} CACHE")
        folders = client.query(_FOLDERS, {"tables": list(tables)}).result_rows
        for parent, _, names in (found for (folder,) in folders for found in os.walk(folder)):
            for name in names:
                # The engine removes parts that were merged away while we look.
                with suppress(FileNotFoundError):
                    file = os.open(Path(parent, name), os.O_RDONLY)
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                    os.close(file)

    def ask(self, sql: str) -> tuple[float, float, int]:
        """Ask as Grafana's user. Returns wall and processor time in milliseconds, and rows answered."""
        where = f"http://127.0.0.1:{self.port}/?database={DATABASE}&default_format=JSONCompactEachRow"
        user = {"X-ClickHouse-User": "grafana_reader", "X-ClickHouse-Key": _PASSWORD}
        before, begun = self._cpu_s(), time.perf_counter()
        try:
            with urlopen(Request(where, sql.encode(), user), timeout=600) as answer:
                rows = answer.read().count(b"\n")
        except HTTPError as error:
            raise RuntimeError(f"{error.read()[:500]!r}\n{sql}") from error
        wall_ms = (time.perf_counter() - begun) * 1e3
        return wall_ms, (self._cpu_s() - before) * 1e3, rows

    def _cpu_s(self) -> float:
        spent = self._process.cpu_times()
        return float(spent.user + spent.system)


def measure(folder: Path, load: Load, *, uids: list[str] | None = None, rounds: int = 8) -> list[Cost]:
    """Ask every query of every dashboard and of every alert rule in each round, cold.

    Args:
        folder: filled by `prepare`.
        load: that it was filled with.
        uids: of dashboards, `ALERTS` for the rules; None: all.
        rounds: each with the next choice of variables, and a range that ends a few minutes earlier.
    """
    engine = Engine(folder)
    costs = [Cost(one) for one in questions(uids or UIDS)]
    for number in range(rounds):
        with engine.running():
            client = engine.client()
            end_s = load.end_s - number * _SHIFT_S
            run_id = _run_of(client, end_s)
            for cost in track(costs, f"Round {number + 1} of {rounds}", console=Console(stderr=True)):
                sql = expand(cost.asked.sql, scope_of(cost.asked, end_s, number, run_id))
                if number == 0:
                    _explain(client, sql, cost)
                engine.make_cold(client, {*cost.granules, *_IN_NO_PLAN})
                wall_ms, cpu_ms, rows = engine.ask(sql)
                cost.wall_ms.append(wall_ms)
                cost.cpu_ms.append(cpu_ms)
                cost.rows.append(rows)
            client.close()
    return costs


def _run_of(client: Client, end_s: int) -> str:
    found = client.query(
        "SELECT max(run_id) FROM runs WHERE namespace = 'live' "
        f"AND opened_time >= toDateTime({end_s - 7_200}) AND opened_time < toDateTime({end_s - 3_600})"
    )
    return str(found.result_rows[0][0])


def _explain(client: Client, sql: str, cost: Cost) -> None:
    reads: list[tuple[str, int, int]] = []
    for (line,) in client.query(f"EXPLAIN indexes = 1 {sql}").result_rows:
        if found := _READ.search(line):
            reads.append((found[1], 0, 0))
        elif reads and (found := _GRANULES.search(line)):
            # The first index of a read says how many there are, the last one what is left.
            table, _, of = reads[-1]
            reads[-1] = table, int(found[1]), of or int(found[2])
    for table, selected, of in reads:
        cost.granules[table] = max(cost.granules.get(table, (0, 0)), (selected, of))


def prepare(folder: Path, steps: int) -> Load:
    """Make the tables and fill them."""
    engine = Engine(folder, memory_bytes=_LARGE_MEMORY)
    load = Load(steps, int(time.time()) // 60 * 60)
    with engine.running():
        client = engine.client("default")
        migrate(client, DATABASE)
        client.close()
        client = engine.client()
        console = Console(stderr=True)
        fill(
            client, load, lambda done: console.print(f"{done} of {CHUNKS} parts of {steps:,} steps are there")
        )
        check(client, load)
        client.close()
    return load


def run(steps: int = STEPS) -> list[Row]:
    """Rows of the table: the slowest queries of each dashboard and of the alert rules."""
    with tempfile.TemporaryDirectory(prefix="wakeline-bench-") as folder:
        costs = measure(Path(folder), prepare(Path(folder), steps), rounds=4)
    rows: list[Row] = []
    for uid in UIDS:
        own = sorted((c for c in costs if c.asked.uid == uid), key=lambda cost: -cost.p95_ms)
        rows += [(f"query cost: {cost.asked}", cost.p95_ms, "ms p95, cold") for cost in own[:3]]
    return rows


def main() -> int:
    """Measure, and write the report."""
    from tests.bench.query_report import make_report, read_sizes

    parser = argparse.ArgumentParser(prog="python -m tests.bench.query_cost", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help="distinct ones (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=8, help="default %(default)s")
    parser.add_argument("--report", type=Path, metavar="FILE", help="Markdown; default: printed")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="kept and used again; default: a temporary one"
    )
    parser.add_argument(
        "--dashboard", action="append", choices=UIDS, metavar="UID", help="only this one; may be repeated"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wakeline-bench-") as temporary:
        folder = options.data or Path(temporary)
        noted = folder / "load"
        if noted.exists():
            steps, end_s = map(int, noted.read_text().split())
            load = Load(steps, end_s)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            load = prepare(folder, options.steps)
            noted.write_text(f"{load.steps} {load.end_s}\n")
        costs = measure(folder, load, uids=options.dashboard, rounds=options.rounds)
        engine = Engine(folder)
        with engine.running():
            text = make_report(load, costs, read_sizes(engine.client()), options.rounds)
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
