"""`wakeline replay FILE...`: sends files through a namespace of their own, and accounts for each record.

The namespace has the event clock, so windows and detectors see the time of the events; live detectors and
people's pagers are never touched. Servers of a running `wakeline up` are used, else they are started.
"""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from schemas.topics import LIVE
from streams.clickhouse import connect
from streams.local.site import Servers, Site, running_servers
from streams.replay.files import kind_of, read_pieces
from streams.replay.order import in_order
from streams.replay.send import Sender, Sent
from streams.settings import ConfigError, Settings
from streams.settled import ends_of_results, source_partitions, wait_until_done

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EXIT_UNACCOUNTED = 2
_STAGES = {"ingest": "decoded", "settle": "settled", "write": "stored"}


class Counts(NamedTuple):
    """Rows of a namespace in ClickHouse."""

    steps: int
    dead_letters: int


class Account(NamedTuple):
    """Where each record that was sent is.

    Attributes:
        received: records sent: events, and what is none.
        stored: of the distinct events sent, how many are in the table `steps`.
        duplicates: events that were sent under an id once more.
        dead_lettered: rows that the table `dead_letters` has gained.
    """

    received: int
    stored: int
    duplicates: int
    dead_lettered: int

    @property
    def complete(self) -> bool:
        """Is every record somewhere?"""
        return self.received == self.stored + self.duplicates + self.dead_lettered


def run_replay(
    settings: Settings,
    files: Sequence[Path],
    *,
    data: Path,
    servers: Servers,
    speed: float | None = None,
    fresh: bool = False,
    console: Console | None = None,
) -> int:
    """Replay files and wait until all is stored.

    Args:
        settings: the namespace, and what roles take.
        files: see `read_pieces`.
        data: folder of the local servers.
        servers: which to use or to start.
        speed: seconds of event time a second; None: as fast as possible.
        fresh: delete first what the namespace has.
        console: where the table is printed; progress goes to standard error.

    Returns:
        0 when every record is accounted for, else 2.

    Raises:
        ConfigError: the namespace is `live`.
        UnknownFile: a file cannot be read.
        CannotSend: Kafka does not take a record.
        NotSettled: the roles stand still.
        LocalError: a server or a role does not start.
    """
    if settings.namespace == LIVE:
        raise ConfigError("A replay into the namespace live would mix history with the present; name another")
    for path in files:
        kind_of(path)  # now, not after all has been started
    settings = msgspec.structs.replace(settings, clock="event")
    site = Site(settings, data, servers=running_servers(servers), fresh=fresh)
    with site:
        site.wait_ready()
        client = connect(site.settings)
        try:
            before = count_rows(client, site.settings)
            sent = _send_and_wait(site, files, speed)
            account = settle_account(client, site.settings, sent, before)
        finally:
            client.close()
    _print(console or Console(), settings.namespace, account, sent)
    return 0 if account.complete else EXIT_UNACCOUNTED


def count_rows(client: "Client", settings: Settings) -> Counts:
    """Rows of the namespace, each key once."""
    parameters = {"namespace": settings.namespace}
    [row] = client.query(
        """
        SELECT
            (SELECT count() FROM steps FINAL WHERE namespace = {namespace:String}),
            (SELECT count() FROM dead_letters FINAL WHERE namespace = {namespace:String})
        """,
        parameters,
    ).result_rows
    return Counts(int(row[0]), int(row[1]))


def settle_account(client: "Client", settings: Settings, sent: Sent, before: Counts) -> Account:
    """Look for everything that was sent in ClickHouse.

    Costs one scan of the namespace's ids; `sent` holds them all (about 120 bytes each).
    """
    found = 0
    with client.query_row_block_stream(
        "SELECT event_id FROM steps FINAL WHERE namespace = {namespace:String}",
        {"namespace": settings.namespace},
    ) as blocks:
        for block in blocks:
            found += sum(event_id in sent.event_ids for (event_id,) in block)
    letters = count_rows(client, settings).dead_letters - before.dead_letters
    return Account(sent.received, found, sent.events - len(sent.event_ids), letters)


def _send_and_wait(site: Site, files: Sequence[Path], speed: float | None) -> Sent:
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    since = ends_of_results(site.settings)
    sender = Sender(site.settings, source_partitions(site.settings), speed, site.check)
    with Bar(*columns, console=Console(stderr=True)) as bar:
        sending = bar.add_task("sent", total=None)
        pieces = in_order(chain.from_iterable(map(read_pieces, files)))
        sender.send(pieces, lambda sent: bar.update(sending, completed=sent.received))
        sender.end()
        bar.update(sending, total=sender.sent.received, completed=sender.sent.received)
        tasks = {stage: bar.add_task(name, total=None) for stage, name in _STAGES.items()}

        def progress(stage: str, done: int, total: int) -> None:
            bar.update(tasks[stage], completed=done, total=total)

        wait_until_done(site.settings, progress=progress, since=since, check=site.check)
    return sender.sent


def _print(console: Console, namespace: str, account: Account, sent: Sent) -> None:
    table = Table(title=f"Replayed into the namespace {namespace}")
    table.add_column("records")
    table.add_column("number", justify="right")
    rows = {
        f"received ({sent.messages} messages)": account.received,
        "stored": account.stored,
        "duplicates": account.duplicates,
        "dead-lettered": account.dead_lettered,
    }
    for name, number in rows.items():
        table.add_row(name, f"{number:,}")
    if not account.complete:
        missing = account.received - account.stored - account.duplicates - account.dead_lettered
        table.add_row("not accounted for", f"{missing:,}", style="bold red")
    console.print(table)
