"""What does `wakeline reprice` do? Shows what stored steps would cost, asks, and writes it."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import msgspec
from rich.console import Console
from rich.table import Table

from streams.audit.lock import RepairLock
from streams.audit.settle import wait_until_passed
from streams.audit.source import count_partitions, cut
from streams.clickhouse import connect
from streams.pricing.book import PriceBook
from streams.reprice.plan import Difference, Plan, make_plan
from streams.reprice.write import follow, write
from streams.settings import Settings
from streams.write.sink import ClickHouseSink

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EXIT_NOTHING_WRITTEN = 1
WAIT_S = 60.0
_SHOWN = 30


class OpenRuns(RuntimeError):
    """Steps of the range are of runs that may still change, or that RUNS has not seen."""


def run_reprice(
    settings: Settings,
    book: PriceBook,
    since_s: int,
    until_s: int,
    *,
    settled_s: float,
    wait_s: float = WAIT_S,
    yes: bool,
    as_json: bool,
    out: TextIO,
) -> int:
    """Show the difference and write it.

    Args:
        settings: of the namespace.
        book: new prices.
        since_s, until_s: range of the steps' time, Unix seconds, the end not included.
        settled_s: how long ago a run must have changed last; RUNS remembers it until then, and may send
            it again.
        wait_s: how long the pipeline may take to pass what has been sent.
        yes: write without asking.
        as_json: the difference as one JSON object, and nothing asked.
        out: where to print.

    Returns:
        0; 1 when there was something to write and it was not.

    Raises:
        OpenRuns: a run of the range is open, has just changed, or the pipeline has not passed it.
        RepairBusy: another repair or repricing is running.
    """
    settings = msgspec.structs.replace(settings, partitions=count_partitions(settings))
    behind = wait_until_passed(settings, cut(settings), wait_s, lambda _: None)
    if behind:
        raise OpenRuns(f"The costs of this range may still change: {'; '.join(behind)}")
    client = connect(settings)
    try:
        check_closed(client, settings.namespace, since_s, until_s, settled_s)
        plan = make_plan(client, settings.namespace, since_s, until_s, book)
        if as_json:
            out.write(msgspec.json.format(msgspec.json.encode(_described(plan, book))).decode() + "\n")
        else:
            _print(plan, book, out)
        if plan.changes and not yes and not _agreed(out, as_json=as_json):
            out.write("" if as_json else "Nothing is written. To write it: --yes\n")
            return EXIT_NOTHING_WRITTEN
        sink = ClickHouseSink(lambda: connect(settings), settings.clickhouse_database)
        with RepairLock(settings) as lock:
            steps = write(settings, client, plan, sink.write, lock.check) if plan.changes else 0
            # Also what an interrupted one left behind.
            rest = follow(settings, client, since_s, until_s, sink.write, lock.check)
    finally:
        client.close()
    if not as_json:
        written = ", ".join(f"{count:,} {table}" for table, count in {"steps": steps, **rest}.items())
        out.write(f"Written: {written}. The costs before are in `repricings`.\n")
    return 0


def check_closed(client: "Client", namespace: str, since_s: int, until_s: int, settled_s: float) -> None:
    """See that no run of a range can change any more.

    Raises:
        OpenRuns: how many can, and until when.
    """
    given = {"namespace": namespace, "since": since_s, "until": until_s, "settled": settled_s}
    # Steps reach the table without RUNS. Were one repriced before RUNS has seen it, what RUNS says of it (a
    # duplicate, a roll-up, whose it is) would have a lower version, and be lost.
    unseen = client.query(
        "SELECT uniqExact(run_id) FROM steps FINAL WHERE namespace = {namespace:String} "
        "AND time >= toDateTime({since:Int64}) AND time < toDateTime({until:Int64}) AND run_id NOT IN "
        "(SELECT run_id FROM runs WHERE namespace = {namespace:String})",
        given,
    ).result_rows[0][0]
    if unseen:
        raise OpenRuns(
            f"{unseen} runs with steps in this range are not in `runs`: RUNS has not come to them. "
            "Is it running? `wakeline doctor` says more"
        )
    runs, opened, recent, last = client.query(
        "SELECT count(), countIf(state != 'closed'), countIf(append > now() - {settled:Float64}), "
        "max(append) "
        "FROM (SELECT run_id, argMax(state, part) AS state, max(append_time) AS append FROM runs FINAL "
        "WHERE namespace = {namespace:String} AND start_time < toDateTime({until:Int64}) "
        "AND ifNull(end_time, start_time) >= toDateTime({since:Int64}) GROUP BY run_id)",
        given,
    ).result_rows[0]
    if opened:
        raise OpenRuns(
            f"{opened} of {runs} runs of this range are open: their costs may still change. Choose a range "
            "that ends before them, or wait until they close"
        )
    if recent:
        raise OpenRuns(
            f"{recent} of {runs} runs of this range had a step in the last {settled_s:.0f} s (the last at "
            f"{last:%Y-%m-%d %H:%M:%S} UTC): they are remembered, and would be sent again as they were. "
            "Wait, or say --settle S when nothing more comes"
        )


def _agreed(out: TextIO, *, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        return False
    out.write("Write this? [y/N] ")
    out.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _described(plan: Plan, book: PriceBook) -> dict[str, object]:
    def of(difference: Difference) -> dict[str, object]:
        return {
            "steps": difference.steps,
            "old_usd": str(difference.old_usd),
            "new_usd": str(difference.new_usd),
            "newly_priced": difference.priced,
            "newly_unpriced": difference.unpriced,
        }

    parts = [{"agent_name": agent, "model": model, **of(each)} for (agent, model), each in _sorted(plan)]
    return {"price_book": book.version, "seen": plan.seen, **of(plan.total()), "by": parts}


def _sorted(plan: Plan) -> list[tuple[tuple[str, str], Difference]]:
    return sorted(plan.by.items(), key=lambda pair: -abs(pair[1].new_usd - pair[1].old_usd))


def _print(plan: Plan, book: PriceBook, out: TextIO) -> None:
    total = plan.total()
    out.write(f"{plan.seen:,} steps with usage; {total.steps:,} would differ under {book.version}\n")
    if not plan.changes:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("agent", "model", "steps", "USD now", "USD then", "difference", "newly priced"):
        table.add_column(name, justify="left" if name in ("agent", "model") else "right", overflow="fold")
    for (agent, model), each in _sorted(plan)[:_SHOWN]:
        table.add_row(agent, model, *_cells(each))
    if len(plan.by) > _SHOWN:
        table.add_row(f"and {len(plan.by) - _SHOWN} more", "", "", "", "", "", "")
    table.add_row("all", "", *_cells(total))
    Console(file=out, width=None if out.isatty() else 140, no_color=not out.isatty()).print(table)


def _cells(each: Difference) -> list[str]:
    change = each.new_usd - each.old_usd
    return [
        f"{each.steps:,}",
        f"{each.old_usd:,.6f}",
        f"{each.new_usd:,.6f}",
        f"{change:+,.6f}",
        f"{each.priced:,}" if each.priced else "",
    ]


def seconds(day: datetime) -> int:
    """Unix seconds of a time in UTC."""
    return int(day.replace(tzinfo=UTC).timestamp())
