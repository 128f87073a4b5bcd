"""Which commands are there, and how do they end? An error that a person can act on is one line and a code.

A bug shows its traceback. What commands do stands in modules of their own, imported when they run.
"""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli import dashboards
from streams.cli import options as opt
from streams.settings import ConfigError

app = typer.Typer(
    name="wakeline",
    help="Streaming observability and drift detection for AI agents.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXIT_INTERRUPTED = 130


class Role(StrEnum):
    """Roles of `worker`; the same as in `streams.app`, named here so that help needs no import."""

    INGEST = "ingest"
    WRITE = "write"
    RUNS = "runs"
    DRIFT = "drift"
    NOTIFY = "notify"


class Format(StrEnum):
    """How `sql` prints rows."""

    TABLE = "table"
    VERTICAL = "vertical"
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"


def main() -> None:
    """Run the command line; ends the process."""
    try:
        app()
    except Exception as error:
        code = _expected(error)
        if code is None:
            raise
        stopped = "stopped by " if code == EXIT_INTERRUPTED else ""
        sys.stderr.write(f"wakeline: {stopped}{error}\n")
        sys.exit(code)


def _expected(error: Exception) -> int | None:
    """Exit code of a condition that a person can act on; None for a bug."""
    from streams.app import EXIT_FAILED, EXIT_UNAVAILABLE, exit_code_of

    code = exit_code_of(error)
    if code is not None:
        return code
    names = {
        "streams.local.supervisor": ("StopRequested",),
        "streams.audit.lock": ("RepairBusy",),
        "streams.replay.files": ("UnknownFile",),
        "streams.replay.send": ("CannotSend",),
        "streams.settled": ("NotSettled",),
        "streams.pricing.own": ("BadPrices",),
        "streams.reprice.command": ("OpenRuns",),
        "dashboards.viewer.database": ("Unavailable",),
        "dashboards.viewer.serve": ("CannotServe",),
        "dashboards.publish.client": ("GrafanaUnavailable", "GrafanaRefused"),
    }
    codes = {"StopRequested": EXIT_INTERRUPTED, "GrafanaUnavailable": EXIT_UNAVAILABLE}
    name = type(error).__name__
    return codes.get(name, EXIT_FAILED) if name in names.get(type(error).__module__, ()) else None


@app.callback()
def before(
    context: typer.Context,
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    clickhouse: opt.ClickHouse = None,
    user: opt.User = None,
    namespace: opt.Namespace = None,
    partitions: opt.Partitions = None,
) -> None:
    """Settings come from options, then WAKELINE_... variables, then the file, then defaults."""
    given = {
        "kafka": kafka,
        "clickhouse_url": clickhouse,
        "clickhouse_user": user,
        "namespace": namespace,
        "partitions": partitions,
    }
    context.obj = opt.Given(config, {name: value for name, value in given.items() if value is not None})


@app.command()
def up(
    context: typer.Context,
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    clickhouse: opt.ClickHouse = None,
    namespace: opt.Namespace = None,
    data: opt.Data = None,
    kafka_port: opt.KafkaPort = opt.KAFKA_PORT,
    clickhouse_port: opt.ClickHousePort = opt.CLICKHOUSE_PORT,
    viewer_port: opt.ViewerPort = opt.VIEWER_PORT,
    health_port: Annotated[
        int, typer.Option("--health-port", metavar="PORT", help="Of the first role; the others follow.")
    ] = 9101,
) -> None:
    """Run everything on this machine: Kafka, ClickHouse, all roles and the dashboards, until Ctrl-C."""
    from streams.cli.up import run_up

    given = {"kafka": kafka, "clickhouse_url": clickhouse, "namespace": namespace}
    settings = _local(context, config, given)
    servers = _servers(context, config, kafka, clickhouse, kafka_port, clickhouse_port, viewer_port)
    raise typer.Exit(run_up(settings, opt.folder_of(data), servers, health_port))


@app.command()
def demo(
    context: typer.Context,
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    clickhouse: opt.ClickHouse = None,
    data: opt.Data = None,
    kafka_port: opt.KafkaPort = opt.KAFKA_PORT,
    clickhouse_port: opt.ClickHousePort = opt.CLICKHOUSE_PORT,
    viewer_port: opt.ViewerPort = opt.VIEWER_PORT,
    seed: Annotated[int, typer.Option(help="Of the simulated fleet: the same seed, the same traffic.")] = 1,
    hours: Annotated[
        float | None, typer.Option(min=0.1, help="Of traffic, sent in compressed time.", show_default=False)
    ] = None,
    keep: Annotated[
        bool | None,
        typer.Option("--keep/--exit", help="Stay up afterwards. Default: on a terminal.", show_default=False),
    ] = None,
) -> None:
    """Watch a simulated fleet from end to end: known changes go in, a table says what was found."""
    from streams.demo.command import run_demo

    settings = _local(context, config, {"kafka": kafka, "clickhouse_url": clickhouse})
    stay = sys.stdout.isatty() if keep is None else keep
    shown = viewer_port if stay else None
    servers = _servers(context, config, kafka, clickhouse, kafka_port, clickhouse_port, shown)
    given: dict[str, Any] = {} if hours is None else {"hours": hours}
    code = run_demo(settings, data=opt.folder_of(data), servers=servers, seed=seed, keep=stay, **given)
    raise typer.Exit(code)


@app.command()
def replay(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="OTLP .pb .binpb .json; native .jsonl .json; .gz")
    ],
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    clickhouse: opt.ClickHouse = None,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", metavar="NAME", help="Where to, never `live`. [default: replay]"),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="X", help="1 is real time. Absent: as fast as possible."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete first what the namespace has: topics and rows.")
    ] = False,
    data: opt.Data = None,
    kafka_port: opt.KafkaPort = opt.KAFKA_PORT,
    clickhouse_port: opt.ClickHousePort = opt.CLICKHOUSE_PORT,
) -> None:
    """Send files through the pipeline, in their own time and namespace, and account for every record."""
    from streams.replay.command import run_replay

    if namespace is None and not opt.was_given(context, "namespace", config):
        namespace = "replay"
    given = {"kafka": kafka, "clickhouse_url": clickhouse, "namespace": namespace}
    code = run_replay(
        _local(context, config, given),
        files,
        data=opt.folder_of(data),
        servers=_servers(context, config, kafka, clickhouse, kafka_port, clickhouse_port),
        speed=speed,
        fresh=fresh,
    )
    raise typer.Exit(code)


@app.command()
def audit(
    context: typer.Context,
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    clickhouse: opt.ClickHouse = None,
    namespace: opt.Namespace = None,
    data: opt.Data = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", metavar="TIME", help="Compare sums from then on (UTC).", show_default=False),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", metavar="TIME", help="And before then.", show_default=False)
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="S", help="For the pipeline to pass what was sent.")
    ] = 120.0,
    settle: Annotated[
        float, typer.Option(min=0, metavar="S", help="Sums with a step of the last S seconds are not judged.")
    ] = 60.0,
    repair: Annotated[
        bool, typer.Option("--repair", help="Write what is missing, and adjust windows that differ.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Name all that is missing, not the first 20.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Re-read what was sent, compare with what is stored, and name what is missing.

    Ends with 0 when everything is exact, 1 when not, 3 when the pipeline is behind.
    """
    from streams.audit.command import run_audit
    from streams.local.accounts import with_local_password

    given = {"kafka": kafka, "clickhouse_url": clickhouse, "namespace": namespace}
    folder = opt.folder_of(data)
    settings = with_local_password(_examined(context, config, given, folder), folder)
    between: dict[str, Any] = {
        name: int(time.replace(tzinfo=UTC).timestamp())
        for name, time in (("since_s", since), ("until_s", until))
        if time is not None
    }
    code = run_audit(
        settings, wait_s=wait, settle_s=settle, repair=repair, as_json=as_json, all_findings=every, **between
    )
    raise typer.Exit(code)


@app.command()
def sql(
    context: typer.Context,
    query: Annotated[
        str | None, typer.Argument(help="Statements, or @FILE. Absent: a prompt, or standard input.")
    ] = None,
    config: opt.Config = None,
    clickhouse: opt.ClickHouse = None,
    user: opt.User = None,
    namespace: opt.Namespace = None,
    data: opt.Data = None,
    output: Annotated[Format, typer.Option("--format", "-f", help="How rows are printed.")] = Format.TABLE,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="Of {NAME:Type} in statements."),
    ] = None,
) -> None:
    """Ask ClickHouse; without a query, at a prompt with completion and history.

    '\\d' lists tables and views, '\\d TABLE' its columns and what they mean, '\\questions' examples.
    {namespace:String} is the namespace of the settings. Users and passwords of a local engine are found by
    themselves.
    """
    from streams.clickhouse import connect
    from streams.local.accounts import with_local_password
    from streams.sql_shell import run_sql

    given = {"clickhouse_url": clickhouse, "clickhouse_user": user, "namespace": namespace}
    settings = with_local_password(opt.settings_of(context, config, **given), opt.folder_of(data))
    parameters = {"namespace": settings.namespace} | opt.pairs_of("--param", param or [])
    client = connect(settings)
    try:
        code = run_sql(client, query, format=output.value, out=sys.stdout, parameters=parameters)
    finally:
        client.close()
    raise typer.Exit(code)


@app.command()
def view(
    context: typer.Context,
    config: opt.Config = None,
    clickhouse: opt.ClickHouse = None,
    user: opt.User = None,
    namespace: opt.Namespace = None,
    data: opt.Data = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="To listen on. Who reaches it reads everything.")
    ] = "127.0.0.1",
    viewer_port: opt.ViewerPort = opt.VIEWER_PORT,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A further name by which browsers may call it."),
    ] = None,
) -> None:
    """Show the dashboards in a browser, from a ClickHouse that runs already; `up` does so by itself."""
    from streams.cli.view import run_view

    given = {"clickhouse_url": clickhouse, "clickhouse_user": user, "namespace": namespace}
    settings = opt.settings_of(context, config, **given)
    has_user = user is not None or opt.was_given(context, "clickhouse_user", config)
    code = run_view(
        settings,
        opt.folder_of(data),
        is_reader=not has_user,
        host=host,
        port=viewer_port,
        names=allow_host or [],
    )
    raise typer.Exit(code)


@app.command()
def reprice(
    context: typer.Context,
    since: Annotated[datetime, typer.Option("--from", metavar="TIME", help="Steps from then on (UTC).")],
    until: Annotated[datetime, typer.Option("--to", metavar="TIME", help="And before then.")],
    book: Annotated[
        Path | None,
        typer.Option(
            "--book", metavar="FILE", help="Prices of your own to take.", exists=True, dir_okay=False
        ),
    ] = None,
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    clickhouse: opt.ClickHouse = None,
    namespace: opt.Namespace = None,
    data: opt.Data = None,
    settle: Annotated[
        float, typer.Option(min=0, metavar="S", help="Refuse runs that had a step in the last S seconds.")
    ] = 1_800.0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The difference as one JSON object.")] = False,
) -> None:
    """Price what is stored again, under the prices in force or a book: the difference first, then a question.

    Old costs are kept in `repricings`; runs and windows follow. Ends with 1 when nothing was written.
    """
    from streams.local.accounts import with_local_password
    from streams.pricing.shelf import load_book
    from streams.reprice.command import run_reprice, seconds

    given = {"kafka": kafka, "clickhouse_url": clickhouse, "namespace": namespace}
    folder = opt.folder_of(data)
    settings = with_local_password(_examined(context, config, given, folder), folder)
    prices_book = load_book(_prices_of(settings, data), own=book)
    since_s, until_s = seconds(since), seconds(until)
    if until_s <= since_s:
        raise ConfigError(f"--to {until} is not after --from {since}")
    code = run_reprice(
        settings, prices_book, since_s, until_s, settled_s=settle, yes=yes, as_json=as_json, out=sys.stdout
    )
    raise typer.Exit(code)


app.add_typer(dashboards.app, name="dashboards")
prices = typer.Typer(no_args_is_help=True, help="Look at prices, check a file of your own, and update them.")
app.add_typer(prices, name="prices")

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def _prices_of(settings: Any, data: Path | None) -> Path:
    """The folder of prices: the one that is set, else that of the local site."""
    return Path(settings.prices) if settings.prices else opt.folder_of(data) / "prices"


@prices.command("show")
def prices_show(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="As a call names it.")],
    provider: Annotated[str | None, typer.Option(metavar="NAME", help="As OpenTelemetry names it.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", help="At what time (UTC); default: now.", show_default=False),
    ] = None,
    tier: Annotated[
        str | None, typer.Option(metavar="NAME", help="Tier of service: batch, flex, ...")
    ] = None,
    host: Annotated[str | None, typer.Option(metavar="NAME", help="That was called.")] = None,
    config: opt.Config = None,
    data: opt.Data = None,
    as_json: Json = False,
) -> None:
    """Show what a model costs, and how that was found. Ends with 1 when there is no price."""
    from streams.cli.prices_command import Asked, show

    moment = (at or datetime.now(UTC)).replace(tzinfo=UTC)
    folder = _prices_of(opt.settings_of(context, config), data)
    asked = Asked(model, provider, moment, tier, host)
    raise typer.Exit(show(folder, asked, sys.stdout, as_json=as_json))


@prices.command("check")
def prices_check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Prices of your own, in TOML.", exists=True, dir_okay=False)],
    config: opt.Config = None,
    data: opt.Data = None,
) -> None:
    """Check a file of your own prices; says which entry is wrong, and why."""
    from streams.cli.prices_command import check

    raise typer.Exit(check(_prices_of(opt.settings_of(context, config), data), file, sys.stdout))


@prices.command("unpriced")
def prices_unpriced(
    context: typer.Context,
    config: opt.Config = None,
    clickhouse: opt.ClickHouse = None,
    namespace: opt.Namespace = None,
    data: opt.Data = None,
    as_json: Json = False,
) -> None:
    """Show models whose usage has no price, or not all of it, and what to do."""
    from streams.cli.prices_command import unpriced
    from streams.clickhouse import connect
    from streams.local.accounts import with_local_password

    settings = opt.settings_of(context, config, clickhouse_url=clickhouse, namespace=namespace)
    settings = with_local_password(settings, opt.folder_of(data))
    client = connect(settings)
    try:
        code = unpriced(client, settings.namespace, _prices_of(settings, data), sys.stdout, as_json=as_json)
    finally:
        client.close()
    raise typer.Exit(code)


@prices.command("update")
def prices_update(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="URL|FILE", help="Data file of genai-prices; default: its own."),
    ] = None,
    config: opt.Config = None,
    data: opt.Data = None,
) -> None:
    """Fetch the newest prices and put them in force, without a release or a restart."""
    from streams.cli.prices_command import bring
    from streams.cli.prices_update import URL

    raise typer.Exit(bring(_prices_of(opt.settings_of(context, config), data), source or URL, sys.stdout))


@app.command()
def worker(
    context: typer.Context,
    role: Annotated[Role, typer.Option("--role", help="Which one.")],
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    clickhouse: opt.ClickHouse = None,
    namespace: opt.Namespace = None,
) -> None:
    """Run one role until SIGTERM. Several of one role share its partitions."""
    from streams.app import run_role

    given = {"kafka": kafka, "clickhouse_url": clickhouse, "namespace": namespace}
    raise typer.Exit(run_role(role.value, opt.settings_of(context, config, **given)))


@app.command()
def migrate(
    context: typer.Context,
    config: opt.Config = None,
    clickhouse: opt.ClickHouse = None,
    user: opt.User = None,
    data: opt.Data = None,
) -> None:
    """Bring ClickHouse's tables to this version. A second time does nothing."""
    from streams.clickhouse import connect
    from streams.local.accounts import with_local_password
    from streams.migrate import migrate as bring_up

    settings = opt.settings_of(context, config, clickhouse_url=clickhouse, clickhouse_user=user)
    client = connect(with_local_password(settings, opt.folder_of(data)), with_database=False)
    try:
        done = bring_up(client, settings.clickhouse_database)
    finally:
        client.close()
    typer.echo(f"{len(done)} migration(s) applied to the database {settings.clickhouse_database}.")


@app.command()
def topics(
    context: typer.Context,
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    namespace: opt.Namespace = None,
    partitions: opt.Partitions = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 on a difference.")] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Also set up source topics that exist. May delete records.")
    ] = False,
) -> None:
    """Create Kafka's topics as declared, and set right what differs."""
    from streams.cli.topics import run_topics

    given = {"kafka": kafka, "namespace": namespace, "partitions": partitions}
    settings = opt.settings_of(context, config, **given)
    raise typer.Exit(run_topics(settings, check=check, sources=sources))


@app.command()
def doctor(
    context: typer.Context,
    config: opt.Config = None,
    kafka: opt.Kafka = None,
    clickhouse: opt.ClickHouse = None,
    namespace: opt.Namespace = None,
    data: opt.Data = None,
    json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Look at broker, topics, roles, clocks, snapshots, engine and disks, and say what to do."""
    from streams.cli.doctor_command import run_doctor
    from streams.local.accounts import with_local_password

    given = {"kafka": kafka, "clickhouse_url": clickhouse, "namespace": namespace}
    folder = opt.folder_of(data)
    settings = with_local_password(_examined(context, config, given, folder), folder)
    raise typer.Exit(run_doctor(settings, folder, as_json=json))


@app.command("check-config")
def check_config(context: typer.Context, config: opt.Config = None) -> None:
    """Print every setting: its value, where it comes from, and what it is."""
    from streams.cli.config import print_config

    print_config(opt.settings_of(context, config), lambda name: opt.source_of(context, name, config))


def _local(context: typer.Context, config: Path | None, given: dict[str, Any]) -> Any:
    """Settings of a site on one machine: fewer partitions, bounded disk, unless somebody said otherwise."""
    settings = opt.settings_of(context, config, **given)
    defaults: dict[str, Any] = {"partitions": 4}
    if settings.namespace == "live":
        defaults["kafka_disk_bytes"] = 10_000_000_000
    small = {name: value for name, value in defaults.items() if not opt.was_given(context, name, config)}
    return opt.settings_of(context, config, **given, **small)


def _examined(context: typer.Context, config: Path | None, given: dict[str, Any], folder: Path) -> Any:
    """Settings of the site that is looked at: those of `up`, where the folder is one of its sites'."""
    if (folder / "users.json").exists():
        return _local(context, config, given)
    return opt.settings_of(context, config, **given)


def _servers(
    context: typer.Context,
    config: Path | None,
    kafka: str | None,
    clickhouse: str | None,
    kafka_port: int,
    clickhouse_port: int,
    viewer_port: int | None = None,
) -> Any:
    """What is named, by option, variable or file, is used; the rest is started."""
    from streams.local.site import Servers

    if (kafka or clickhouse) and (kafka_port, clickhouse_port) != (opt.KAFKA_PORT, opt.CLICKHOUSE_PORT):
        named = "--kafka-port" if kafka and kafka_port != opt.KAFKA_PORT else None
        named = named or (
            "--clickhouse-port" if clickhouse and clickhouse_port != opt.CLICKHOUSE_PORT else None
        )
        if named:
            raise ConfigError(f"{named} is of a server that is started; one was named that runs already")
    settings = opt.settings_of(context, config, kafka=kafka, clickhouse_url=clickhouse)
    given_kafka = kafka is not None or opt.was_given(context, "kafka", config)
    given_clickhouse = clickhouse is not None or opt.was_given(context, "clickhouse_url", config)
    return Servers(
        kafka=settings.kafka if given_kafka else None,
        clickhouse_url=settings.clickhouse_url if given_clickhouse else None,
        kafka_port=kafka_port,
        clickhouse_port=clickhouse_port,
        viewer_port=viewer_port,
    )
