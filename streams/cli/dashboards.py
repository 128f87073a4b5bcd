"""Options of `wakeline dashboards`: declared here, carried out in `streams.cli.dashboards_command`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import options as opt

if TYPE_CHECKING:
    from dashboards.publish.items import Publication

app = typer.Typer(
    no_args_is_help=True,
    help="Bring dashboards and alert rules into Grafana, or look at what it holds.",
)

Grafana = Annotated[
    str | None,
    typer.Option(
        "--grafana", metavar="URL", envvar="WAKELINE_GRAFANA_URL", help="Address of Grafana, path included."
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="With a service account's token. Absent: the variable WAKELINE_GRAFANA_TOKEN.",
        show_default=False,
    ),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, metavar="S", help="For an answer of Grafana.")]
Alerts = Annotated[
    Path | None,
    typer.Option(
        "--alerts", metavar="FILE", help="Budgets and objectives of agents, in TOML (docs/alerts.md)."
    ),
]
SourceUrl = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="URL",
        help="ClickHouse as Grafana reaches it. Absent: the setting clickhouse_url.",
        show_default=False,
    ),
]
SourceUser = Annotated[
    str, typer.Option("--source-user", metavar="NAME", help="User of ClickHouse that may only read.")
]
WithoutSource = Annotated[
    bool, typer.Option("--without-source", help="Leave the data source to somebody else.")
]
Editable = Annotated[
    bool, typer.Option("--editable", help="Let rules and contact points be changed in Grafana, too.")
]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="To write into.", file_okay=False)]

READER = "grafana_reader"
TIMEOUT_S = 30.0


@app.command()
def publish(
    context: typer.Context,
    grafana: Grafana = None,
    token_file: TokenFile = None,
    alerts: Alerts = None,
    source: SourceUrl = None,
    source_user: SourceUser = READER,
    without_source: WithoutSource = False,
    editable: Editable = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also overwrite what was changed by hand since.")
    ] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Also write passwords anew, which Grafana never shows.")
    ] = False,
    timeout: Timeout = TIMEOUT_S,
    config: opt.Config = None,
    data: opt.Data = None,
) -> None:
    """Write folder, data source, dashboards, contact points and alert rules; a second run writes nothing.

    What somebody has changed by hand is left alone and told, unless --force. Ends with 1 when something was
    left alone.
    """
    from streams.cli import dashboards_command as command

    publication = _publication(context, config, data, alerts, source, source_user, without_source, editable)
    client = command.connect(command.Where(grafana, token_file, timeout), sys.stderr)
    raise typer.Exit(command.run_publish(client, publication, sys.stdout, force=force, secrets=secrets))


@app.command()
def diff(
    context: typer.Context,
    grafana: Grafana = None,
    token_file: TokenFile = None,
    alerts: Alerts = None,
    source: SourceUrl = None,
    source_user: SourceUser = READER,
    without_source: WithoutSource = False,
    timeout: Timeout = TIMEOUT_S,
    config: opt.Config = None,
    data: opt.Data = None,
) -> None:
    """Show what publishing would change, line by line; writes nothing. Ends with 1 when something differs."""
    from streams.cli import dashboards_command as command

    publication = _publication(context, config, data, alerts, source, source_user, without_source, False)
    client = command.connect(command.Where(grafana, token_file, timeout), sys.stderr)
    raise typer.Exit(command.run_diff(client, publication, sys.stdout))


@app.command()
def export(
    folder: Folder,
    grafana: Grafana = None,
    token_file: TokenFile = None,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Write what Grafana holds in our folder, and its rules and contact points, into files."""
    from streams.cli import dashboards_command as command

    client = command.connect(command.Where(grafana, token_file, timeout), sys.stderr)
    raise typer.Exit(command.run_export(client, folder, sys.stdout))


@app.command()
def check(
    grafana: Grafana = None,
    token_file: TokenFile = None,
    alerts: Alerts = None,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Check dashboards and rules; with a Grafana also its health, the plugin and the data source.

    Ends with 1 when something is wrong.
    """
    from streams.cli import dashboards_command as command

    objectives = command.objectives_in(alerts)
    where = command.Where(grafana, token_file, timeout)
    client = command.connect(where, sys.stderr) if grafana else None
    raise typer.Exit(command.run_check(client, objectives, sys.stdout))


@app.command()
def files(
    context: typer.Context,
    folder: Folder,
    alerts: Alerts = None,
    source: SourceUrl = None,
    source_user: SourceUser = READER,
    config: opt.Config = None,
) -> None:
    """Write the same as provisioning files, for a Grafana that reads files at its start."""
    from streams.cli import dashboards_command as command

    settings = opt.settings_of(context, config)
    reached = command.source_at(source or settings.clickhouse_url, settings.clickhouse_database, source_user)
    raise typer.Exit(command.run_files(folder, command.objectives_in(alerts), reached, sys.stdout))


def _publication(
    context: typer.Context,
    config: Path | None,
    data: Path | None,
    alerts: Path | None,
    source: str | None,
    user: str,
    without_source: bool,
    editable: bool,
) -> "Publication":
    from dashboards.publish.items import Publication
    from streams.cli import dashboards_command as command

    objectives = command.objectives_in(alerts)
    if without_source:
        return Publication(objectives, None, "", os.environ, editable)
    settings = opt.settings_of(context, config)
    reached = command.source_at(source or settings.clickhouse_url, settings.clickhouse_database, user)
    password = command.reader_password(os.environ, _local_password(settings, data, user))
    return Publication(objectives, reached, password, os.environ, editable)


def _local_password(settings: Any, data: Path | None, user: str) -> str:
    """Of the reader of a local engine, when that is the one that is meant."""
    import msgspec

    from streams.local.accounts import with_local_password

    asked = msgspec.structs.replace(settings, clickhouse_user=user, clickhouse_password="")
    return str(with_local_password(asked, opt.folder_of(data)).clickhouse_password)
