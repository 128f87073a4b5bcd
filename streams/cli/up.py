"""What does `wakeline up` do and print? Starts a site, says how to use it, and minds it until a signal."""

from pathlib import Path

from rich.console import Console

from streams.local.accounts import FULL_USER, READER
from streams.local.site import Servers, Site
from streams.local.supervisor import StopRequested
from streams.local.viewer import viewer_url
from streams.settings import Settings

QUERIES = (
    "SELECT agent_name, count() AS steps FROM steps FINAL GROUP BY agent_name",
    "SELECT * FROM incidents FINAL ORDER BY opened_time DESC LIMIT 10",
)


def run_up(settings: Settings, data: Path, servers: Servers, health_port: int) -> int:
    """Run everything until SIGTERM or Ctrl-C.

    Returns:
        0: being told to stop is no error.

    Raises:
        LocalError: a port is busy, a download failed, or a child died too often.
        TopicsRefused: topics of other partitions exist.
    """
    console = Console(stderr=True)
    try:
        with Site(settings, data, servers=servers, health_port=health_port, console=console) as site:
            site.wait_ready()
            print(_guide(site, servers, data), flush=True)
            site.run()
            console.print("Stopping")
    except StopRequested:
        console.print("Stopped before everything was up")
    return 0


def _guide(site: Site, servers: Servers, data: Path) -> str:
    settings = site.settings
    lines = [f"wakeline is up in the namespace {settings.namespace}."]
    if servers.viewer_port is not None:
        lines.append(f"  dashboards   {viewer_url(servers.viewer_port, settings.namespace)}")
    lines += [
        f"  Kafka        {settings.kafka}   topics agent-events (JSON), otlp_spans and otlp_logs (OTLP)",
        f"  ClickHouse   {settings.clickhouse_url}   database {settings.clickhouse_database}",
    ]
    if site.accounts is not None:
        lines.append(f"  users        {FULL_USER}, {READER} (read-only); passwords in {site.accounts.path}")
    lines += [f"  {role:12} http://127.0.0.1:{port}/readyz" for role, port in site.health_ports.items()]
    lines += [f"  logs         {data}", "Ask it something:"]
    lines += [f'  wakeline sql "{query}"' for query in QUERIES]
    lines.append("Ctrl-C stops everything; the data stays.")
    return "\n".join(lines)
