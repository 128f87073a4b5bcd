"""What does `wakeline demo` do? Starts everything, sends a fleet's day through it, and tells what was found.

The fleet goes through the SDK into a namespace of its own on the event clock. What is watched meanwhile comes
from ClickHouse, as it would for a person. Exit code 0 says that the path worked: everything that was sent is
stored, the one broken record is a dead letter, and the sums over steps, runs and windows agree.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.live import Live

from schemas.topics import AGENT_EVENTS, topic_name
from streams.clickhouse import connect
from streams.demo.fleet import CORRUPT_LINE, Fleet, FleetSummary
from streams.demo.results import Totals, read_sightings, read_steps, read_totals
from streams.demo.tables import found_table, live_view, steps_table, totals_lines
from streams.demo.verdicts import judge
from streams.local.site import Servers, Site, running_servers
from streams.local.supervisor import StopRequested
from streams.local.viewer import viewer_url
from streams.replay.files import Piece
from streams.replay.send import Sender
from streams.settings import ConfigError, Settings
from streams.settled import source_partitions, wait_until_done

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NAMESPACE = "demo"
PARTITIONS = 4
SEND_S = 25.0
LOOK_S = 1.0
EXIT_BROKEN = 1
# The one record that is no event.
DEAD_LETTERS = 1


def run_demo(
    settings: Settings,
    *,
    data: Path,
    servers: Servers,
    seed: int = 1,
    hours: float = 8.0,
    keep: bool = False,
) -> int:
    """Run the demonstration and print what was found.

    Args:
        settings: of the command line; namespace and clock are the demonstration's own.
        data: folder of the local servers.
        servers: which to use or to start.
        seed: of the fleet: the same seed, the same traffic.
        hours: of event time.
        keep: stay up afterwards, until Ctrl-C.

    Returns:
        0 when everything that was sent is stored, but for the broken record, and the sums agree.

    Raises:
        ConfigError: the SDK is not installed here.
        LocalError: a server or a role does not start.
        NotSettled: the roles stand still.
    """
    settings = msgspec.structs.replace(settings, namespace=NAMESPACE, clock="event", partitions=PARTITIONS)
    console = Console()
    fleet = Fleet(seed=seed, hours=hours)
    console.print("Starting Kafka, ClickHouse and the roles (the first run downloads Kafka)")
    try:
        with Site(settings, data, servers=running_servers(servers), fresh=True) as site:
            site.wait_ready()
            if servers.viewer_port is not None:
                console.print(f"Dashboards: {viewer_url(servers.viewer_port, NAMESPACE)}", soft_wrap=True)
            client = connect(site.settings)
            try:
                summary = _watch(site, client, fleet, console)
                totals = _report(site, client, fleet, console)
            finally:
                client.close()
            if keep:
                _stay(site, servers, console)
    except StopRequested:
        console.print("Stopped")
        return EXIT_BROKEN
    whole = totals.agree and totals.steps == summary.steps and totals.dead_letters == DEAD_LETTERS
    if not whole:
        console.print(f"[red]Sent {summary.steps} steps, but {totals}: the path is broken")
    return 0 if whole else EXIT_BROKEN


def _watch(site: Site, client: "Client", fleet: Fleet, console: Console) -> FleetSummary:
    """Send the fleet from a thread; show what ClickHouse knows until all is stored."""
    try:
        from wakeline import Emitter
    except ImportError as error:
        raise ConfigError("The demonstration sends through the SDK: pip install ./sdk") from error
    topic = topic_name(AGENT_EVENTS, site.settings.namespace)
    sent = [0, fleet.runs]
    result: list[FleetSummary] = []
    failure: list[BaseException] = []

    def send() -> None:
        try:
            emitter = Emitter(site.settings.kafka, topic, block=True)
            result.append(fleet.emit(emitter, _Sent(sent), seconds=SEND_S))
            emitter.close(60)
            sender = Sender(site.settings, source_partitions(site.settings), None, site.check)
            sender.send([Piece(AGENT_EVENTS, "", CORRUPT_LINE, (), DEAD_LETTERS, None)], lambda _: None)
            sender.end()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            failure.append(error)

    thread = threading.Thread(target=send, name="fleet", daemon=True)
    with Live(console=console, refresh_per_second=4, transient=True) as live:

        def look() -> None:
            site.check()
            totals = read_totals(client, site.settings.namespace)
            sightings = read_sightings(client, site.settings.namespace)
            live.update(live_view("sending", sent[0], sent[1], totals, sightings))

        thread.start()
        while thread.is_alive():
            look()
            thread.join(LOOK_S)
        if failure:
            raise failure[0]

        def settling(stage: str, done: int, total: int) -> None:
            live.update(live_view(f"{stage} {done}/{total}", sent[0], sent[1], None, []))

        wait_until_done(site.settings, progress=settling, check=site.check)
    return result[0]


class _Sent:
    """Called by the fleet with how many runs have gone out; read by the view."""

    def __init__(self, sent: list[int]) -> None:
        self._sent = sent

    def __call__(self, done: int, total: int) -> None:
        self._sent[:] = [done, total]


def _report(site: Site, client: "Client", fleet: Fleet, console: Console) -> Totals:
    namespace = site.settings.namespace
    totals = read_totals(client, namespace)
    judgement = judge([fault.change for fault in fleet.faults], read_sightings(client, namespace))
    console.print(steps_table(read_steps(client, namespace)))
    console.print(found_table(judgement))
    for line in totals_lines(totals, judgement):
        console.print(line)
    return totals


def _stay(site: Site, servers: Servers, console: Console) -> None:
    settings = site.settings
    if servers.viewer_port is not None:
        console.print(f"\nDashboards: {viewer_url(servers.viewer_port, NAMESPACE)}", soft_wrap=True)
    console.print(f"\nEverything is still up. ClickHouse: {settings.clickhouse_url}, Kafka: {settings.kafka}")
    console.print("  wakeline sql \"SELECT * FROM agent_incidents WHERE namespace = 'demo' ORDER BY time\"")
    console.print(
        "  wakeline sql \"SELECT * FROM agent_runs WHERE namespace = 'demo' ORDER BY cost_usd DESC LIMIT 10\""
    )
    console.print("Ctrl-C stops it; the data stays.")
    site.run()
