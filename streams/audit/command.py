"""What does `wakeline audit` do? Waits for the pipeline to pass, compares, prints, and repairs if told to."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from schemas.topics import LIVE
from streams.audit.adjustments import adjust
from streams.audit.lock import RepairLock
from streams.audit.lost import Wanted, insert_again
from streams.audit.records import Finding, Records, Tally, totals_of
from streams.audit.settle import wait_until_passed
from streams.audit.source import Place, count_partitions, cut, read
from streams.audit.totals import SUMS, Row, Totals, compare
from streams.clickhouse import connect
from streams.settings import Settings
from streams.write.sink import ClickHouseSink

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EXIT_EXACT, EXIT_DIFFERENT, EXIT_BEHIND = 0, 1, 3
SETTLE_S = 60.0
FIRST_FINDINGS = 20
_NANOS = 1_000_000_000
_LAST_S = 4_102_444_800  # 2100-01-01


@dataclass
class Report:
    """What an audit found.

    Attributes:
        namespace: that was audited.
        places: partitions of the source topics, and how far they were read.
        behind: what had not passed the cut in time.
        tallies: by topic, partition, hour.
        findings: records that are not accounted for.
        dropped: events that SDKs say they dropped, by hour of append time (Unix seconds).
        totals: sums over steps, runs and windows.
        repaired: rows written, by table; None when it was not asked for.
    """

    namespace: str
    places: list[Place]
    behind: list[str]
    tallies: dict[tuple[str, int, int], Tally]
    findings: list[Finding]
    dropped: dict[int, int]
    totals: Totals
    repaired: dict[str, int] | None = None

    @property
    def exact(self) -> bool:
        """Everything that was sent is stored once, and all sums agree."""
        return not self.findings and self.totals.exact and all(t.exact for t in self.tallies.values())


def run_audit(
    settings: Settings,
    *,
    since_s: int = 0,
    until_s: int = _LAST_S,
    wait_s: float = 120.0,
    settle_s: float = SETTLE_S,
    repair: bool = False,
    as_json: bool = False,
    all_findings: bool = False,
    console: Console | None = None,
) -> int:
    """Audit a namespace and print the report.

    Args:
        settings: of the namespace.
        since_s: first second of event time whose sums are compared, Unix.
        until_s: second behind the last.
        wait_s: how long the pipeline may take to pass what has been sent.
        settle_s: sums of hours and runs with a step that arrived in so many last seconds are not judged.
        repair: write what is missing and can be found, and adjust what differs.
        as_json: print one object instead of tables.
        all_findings: print all, not the first 20.
        console: where the tables go; None: standard output.

    Returns:
        0 when everything is exact (after the repair), 1 when not, 3 when the pipeline is behind.

    Raises:
        KafkaException, ClickHouseUnavailable: one of them does not answer.
        RepairBusy: another repair is running.
    """
    settings = msgspec.structs.replace(settings, partitions=count_partitions(settings))
    client = connect(settings)
    audit = _Audit(settings, client, since_s, until_s, wait_s, settle_s, Console(stderr=True))
    try:
        report = audit.compare()
        if repair:
            repaired = audit.repair(report)
            report = audit.compare()
            report.repaired = repaired
    finally:
        client.close()
    shown = console or Console()
    if as_json:
        shown.print_json(_as_json(report))
    else:
        _print(shown, report, None if all_findings else FIRST_FINDINGS)
    if report.behind:
        return EXIT_BEHIND
    return EXIT_EXACT if report.exact else EXIT_DIFFERENT


@dataclass(frozen=True)
class _Audit:
    """An audit's subject and limits: see `run_audit`."""

    settings: Settings
    client: "Client"
    since_s: int
    until_s: int
    wait_s: float
    settle_s: float
    console: Console

    def compare(self) -> Report:
        settings, places = self.settings, cut(self.settings)
        with self.console.status("Waiting for the pipeline") as status:
            behind = wait_until_passed(settings, places, self.wait_s, status.update)
        records = Records(settings, self.client)
        columns = (
            TextColumn("{task.description:10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task("records", total=sum(place.end - place.first for place in places))
            for place in places:
                records.compare(place, read(settings, place), lambda count: bar.advance(task, count))
        with self.console.status("Adding up steps, runs and windows"):
            totals = self.totals()
            dropped = _dropped(settings, self.client)
        found = (records.tallies, records.findings)
        return Report(settings.namespace, places, behind, *found, dropped, totals)

    def totals(self) -> Totals:
        settled_s = time.time() - self.settle_s + 1
        return compare(self.settings, self.client, self.since_s, self.until_s, settled_s)

    def repair(self, report: Report) -> dict[str, int]:
        """Write what is missing; rows by table. Steps first, because windows are adjusted to them."""
        settings = self.settings
        sink = ClickHouseSink(lambda: connect(settings), settings.clickhouse_database)
        with RepairLock(settings) as lock:
            with self.console.status("Reading frames for what is missing"):
                counts = insert_again(settings, sink, _wanted(report), lock.check)
            hours = [hour.hour for hour in self.totals().hours if hour.judged and not hour.exact]
            for table in adjust(settings, self.client, hours).values():
                lock.check()
                sink.write("windows", table)
                counts["adjustments"] = counts.get("adjustments", 0) + table.num_rows
            if counts:
                _note(settings, self.client, counts)
        return counts


def _dropped(settings: Settings, client: "Client") -> dict[int, int]:
    rows = client.query(
        "SELECT toUnixTimestamp(toStartOfHour(append_time)) AS hour, sum(dropped_events) FROM agent_steps "
        "WHERE namespace = {namespace:String} AND dropped_events > 0 GROUP BY hour",
        {"namespace": settings.namespace},
    ).result_rows
    return {hour: int(count) for hour, count in rows}


def _wanted(report: Report) -> Wanted:
    missing = [finding for finding in report.findings if finding.what == "missing"]
    letters = [finding for finding in report.findings if finding.what == "missing letter"]
    return Wanted(
        events={finding.event_id for finding in missing},
        runs={run.run_id for run in report.totals.runs} | {finding.run_id for finding in missing},
        hours={hour.hour for hour in report.totals.hours if hour.judged and not hour.exact},
        letters={(one.topic, str(one.partition), str(one.offset)) for one in letters},
    )


def _note(settings: Settings, client: "Client", counts: dict[str, int]) -> None:
    """A row of the ledger: numbers of this namespace were repaired."""
    now = datetime.now(UTC).replace(microsecond=0)
    detail = ", ".join(f"{count} rows of {table}" for table, count in sorted(counts.items()))
    row = [
        settings.namespace,
        f"audit.{now:%Y%m%dT%H%M%S}",
        now,
        "audit",
        "repair",
        sum(counts.values()),
        detail,
    ]
    names = ["namespace", "ledger_id", "time", "role", "entry", "count", "detail"]
    client.insert("ledger", [row], column_names=names)


# -- printing


def _print(console: Console, report: Report, limit: int | None) -> None:
    console.print(_records_table(report))
    console.print(_sums_table(report.totals))
    for place in report.places:
        if place.first:
            console.print(
                f"{place.topic}/{place.partition}: records before offset {place.first} are deleted; nothing "
                "is said of them"
            )
    for sentence in report.behind:
        console.print(sentence, style="bold red", markup=False)
    said = [str(finding) for finding in report.findings] + [str(run) for run in report.totals.runs]
    for sentence in said[:limit]:
        console.print(sentence, markup=False, soft_wrap=True)
    if limit is not None and len(said) > limit:
        console.print(f"... and {len(said) - limit:,} more; --all shows them")
    if report.repaired is not None:
        rows = ", ".join(f"{count:,} rows of {table}" for table, count in sorted(report.repaired.items()))
        console.print(f"Repaired: {rows}" if rows else "Nothing was left to repair")
    console.print(_verdict(report), style="bold", markup=False)


def _verdict(report: Report) -> str:
    total = totals_of(report.tallies.values())
    if report.behind:
        return "The pipeline is behind: what is on its way is not told from what is missing"
    if report.exact:
        return f"Exact: {total['received']:,} records, each accounted for; steps = runs = windows"
    return f"Different: {len(report.findings):,} records and {len(report.totals.runs):,} runs differ"


def _records_table(report: Report) -> Table:
    title = f"Records of the namespace {report.namespace}, by hour of append time"
    table = Table(title=title, box=None, padding=(0, 2, 0, 0), title_style="bold")
    table.add_column("from", no_wrap=True)
    table.add_column("hour (UTC)", no_wrap=True)
    names = ("received", "stored", "duplicate", "dead", "missing", "surplus")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    prefix = "" if report.namespace == LIVE else f"{report.namespace}."
    for (topic, partition, hour), tally in sorted(report.tallies.items()):
        if not tally.received and tally.exact:
            continue  # marks of a replay's end alone
        numbers = [f"{getattr(tally, name):,}" for name in names]
        style = None if tally.exact else "bold red"
        place = f"{topic.removeprefix(prefix)}/{partition}"
        table.add_row(place, _utc(hour // _NANOS)[5:], *numbers, style=style)
    table.add_row()
    total = totals_of(report.tallies.values())
    table.add_row("all", "", *(f"{total[name]:,}" for name in names))
    if dropped := sum(report.dropped.values()):
        table.caption = f"SDKs report {dropped:,} events that they dropped before Kafka"
    return table


def _sums_table(totals: Totals) -> Table:
    title = "Sums by hour of event time, and over runs"
    table = Table(title=title, box=None, padding=(0, 2, 0, 0), title_style="bold")
    table.add_column("hour (UTC)", no_wrap=True)
    table.add_column("over", no_wrap=True)
    shown = {
        name: SUMS.index(name) for name in ("steps", "errors", "input_tokens", "output_tokens", "cost_usd")
    }
    for name in ("steps", "errors", "tokens in", "out", "USD"):
        table.add_column(name, justify="right", no_wrap=True)

    def add(when: str, over: str, row: Row, style: str | None) -> None:
        numbers = [
            f"{row[place]:,.6f}" if name == "cost_usd" else f"{row[place]:,}" for name, place in shown.items()
        ]
        table.add_row(when, over, *numbers, style=style)

    for hour in totals.hours:
        style = "dim" if not hour.judged else None if hour.exact else "bold red"
        add(_utc(hour.hour), "steps, windows" if hour.exact else "steps", hour.steps, style)
        for width, row in hour.windows.items():
            if row != hour.steps:
                add("" if hour.judged else "(still open)", f"windows, {width} s", row, style)
    table.add_row()
    agree = totals.run_steps == totals.run_rows
    add(
        "all judged runs",
        "steps, runs" if agree else "steps",
        totals.run_steps,
        None if agree else "bold red",
    )
    if not agree:
        add("", "runs", totals.run_rows, "bold red")
    if totals.waiting_runs:
        table.caption = f"{totals.waiting_runs:,} runs got a step a moment ago and are not judged"
    return table


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def _as_json(report: Report) -> str:
    tallies = [
        {
            "topic": topic,
            "partition": partition,
            "hour": _utc(hour // _NANOS),
            **vars(tally),
            "exact": tally.exact,
        }
        for (topic, partition, hour), tally in sorted(report.tallies.items())
    ]
    hours = [
        {
            "hour": _utc(hour.hour),
            "judged": hour.judged,
            "exact": hour.exact,
            "steps": _named(hour.steps),
            **{f"windows_{width}_s": _named(row) for width, row in hour.windows.items()},
        }
        for hour in report.totals.hours
    ]
    found = {
        "namespace": report.namespace,
        "exact": report.exact and not report.behind,
        "behind": report.behind,
        "records": tallies,
        "findings": [vars(finding) for finding in report.findings],
        "dropped_by_sdks": {_utc(hour): count for hour, count in report.dropped.items()},
        "hours": hours,
        "runs": {"steps": _named(report.totals.run_steps), "rows": _named(report.totals.run_rows)},
        "run_differences": [
            {"run_id": run.run_id, "steps": _named(run.steps), "row": _named(run.run)}
            for run in report.totals.runs
        ],
        "repaired": report.repaired,
    }
    return msgspec.json.encode(found).decode()


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(SUMS, row, strict=True))
