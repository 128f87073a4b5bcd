"""What makes one machine a whole site? Kafka, ClickHouse, tables, topics and all roles, minded together.

Stands behind `wakeline up`, `demo`, `replay` and the functional tests. Servers that are named are used,
others are started; each role is a process of its own. One node, no replication.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.error import URLError
from urllib.request import urlopen

import msgspec
from rich.console import Console

from schemas.topics import SNAPSHOT_TOPICS
from streams.admin import create_topics, delete_topics
from streams.app import ROLES
from streams.clickhouse import connect, delete_rows
from streams.local.accounts import FULL_USER, Accounts, accounts_in
from streams.local.errors import LocalError
from streams.local.kafka import DEFAULT_PORT, LocalKafka, ask_cluster_id
from streams.local.ports import LOOPBACK, free_ports, require_free
from streams.local.processes import ChildSpec
from streams.local.supervisor import Supervisor
from streams.local.viewer import VIEWER, viewer_answers, viewer_child
from streams.migrate import migrate
from streams.settings import FIELDS, PREFIX, Settings

ENGINE_PORT = 8123
# NOTIFY may be waiting for an endpoint's answer (15 s).
ROLE_GRACE_S = 18.0
ENGINE_GRACE_S = 15.0
_ASK_S = 0.2

# Idle PSS of a role, measured: glibc keeps an arena for each thread, OpenBLAS buffers for each core.
_LEAN = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class NotReady(LocalError):
    """A server or a role did not become ready in time; the message says which and where its log is."""


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Which servers a site uses, and which it starts.

    Attributes:
        kafka: Bootstrap servers of a broker that runs; None starts one.
        clickhouse_url: Of a ClickHouse that runs; None starts the engine.
        kafka_port: Of a broker that is started.
        clickhouse_port: Of an engine that is started.
        viewer_port: Of a viewer of the dashboards that is started; None starts none.
    """

    kafka: str | None = None
    clickhouse_url: str | None = None
    kafka_port: int = DEFAULT_PORT
    clickhouse_port: int = ENGINE_PORT
    viewer_port: int | None = None


def running_servers(servers: Servers) -> Servers:
    """The same, with what already answers on the ports named instead of started (`wakeline up` runs)."""
    bootstrap = f"{LOOPBACK}:{servers.kafka_port}"
    url = f"http://{LOOPBACK}:{servers.clickhouse_port}"
    kafka = servers.kafka or (bootstrap if ask_cluster_id(bootstrap, 1.0) else None)
    clickhouse = servers.clickhouse_url or (url if _answers(f"{url}/ping") else None)
    return Servers(
        kafka=kafka,
        clickhouse_url=clickhouse,
        kafka_port=servers.kafka_port,
        clickhouse_port=servers.clickhouse_port,
        viewer_port=None if viewer_answers(servers.viewer_port) else servers.viewer_port,
    )


class Site:
    """A site on this machine. A context manager: entering starts everything, leaving stops what was started.

    Example:
        ``with Site(settings, folder) as site: site.wait_ready(); site.run()``

    Attributes:
        settings: As given, with the addresses and the user of the servers that are used.
        accounts: Users of the engine; None when ClickHouse is not ours.
    """

    def __init__(
        self,
        settings: Settings,
        data: Path,
        *,
        servers: Servers | None = None,
        roles: Sequence[str] = tuple(ROLES),
        health_port: int = 0,
        fresh: bool = False,
        console: Console | None = None,
    ) -> None:
        """Describe a site; nothing is started yet.

        Args:
            settings: Namespace, clock, partitions and what roles take. Addresses of servers that are started
                are filled in, and so are user and password when they are the engine's own.
            data: Folder of the servers' data, logs and passwords.
            servers: What is used and what is started.
            roles: Which roles run.
            health_port: Of the first role, the others follow; 0 takes free ones.
            fresh: Delete what the namespace has: topics, offsets, rows. Never for `live`.
            console: Where the first download's progress is shown; None: standard error.
        """
        self._fresh = fresh
        self._servers = servers or Servers()
        self._data = data.absolute()
        self._roles = tuple(roles)
        self._supervisor = Supervisor()
        self.accounts: Accounts | None = None
        self._kafka: LocalKafka | None = None
        if self._servers.kafka is None:
            self._kafka = LocalKafka(self._data, port=self._servers.kafka_port, console=console)
        self.settings = self._complete(settings)
        count = len(self._roles)
        ports = range(health_port, health_port + count) if health_port else free_ports(count)
        self.health_ports = dict(zip(self._roles, ports, strict=True))

    def start(self) -> None:
        """Start servers, make tables and topics, start roles.

        Raises:
            LocalError: A port is busy, a download failed, a server did not come up.
            TopicsRefused: The topics that exist have other partitions.
        """
        self._supervisor.__enter__()
        try:
            self._start_servers()
            self._prepare()
            self._start_roles()
            self._start_viewer()
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Look after the children once.

        Raises:
            StopRequested: A signal arrived.
            ChildFailed: One died too often.
        """
        self._supervisor.check()

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until every role has its partitions and the viewer answers.

        Raises:
            NotReady: One has not within the time.
            StopRequested, ChildFailed: As `check`.
        """
        until_s = time.monotonic() + timeout_s
        for role, port in self.health_ports.items():
            while not _answers(f"http://{LOOPBACK}:{port}/readyz"):
                self.check()
                if time.monotonic() > until_s:
                    raise NotReady(
                        f"The role {role} is not ready after {timeout_s:.0f} s; its log is {self._log(role)}."
                    )
                time.sleep(_ASK_S)
        while self._servers.viewer_port is not None and not viewer_answers(self._servers.viewer_port):
            self.check()
            if time.monotonic() > until_s:
                raise NotReady(
                    f"The viewer is not ready after {timeout_s:.0f} s; its log is {self._log(VIEWER)}."
                )
            time.sleep(_ASK_S)

    def run(self) -> None:
        """Mind everything until SIGTERM, SIGINT or SIGHUP.

        Raises:
            ChildFailed: One died too often.
        """
        self._supervisor.run()

    def stop(self) -> None:
        """Stop roles, engine and broker, in this order; a second call does nothing."""
        self._supervisor.__exit__(None, None, None)
        if self._kafka is not None:
            self._kafka.stop()

    def states(self) -> list[tuple[str, int | None]]:
        """Name and process id of each child."""
        return [(state.name, state.pid) for state in self._supervisor.states()]

    def __enter__(self) -> "Site":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- parts

    def _complete(self, settings: Settings) -> Settings:
        servers = self._servers
        url = servers.clickhouse_url or f"http://{LOOPBACK}:{servers.clickhouse_port}"
        own = f"http://{LOOPBACK}:{servers.clickhouse_port}"
        user, password = settings.clickhouse_user, settings.clickhouse_password
        if servers.clickhouse_url is None or (url == own and (self._data / "users.json").exists()):
            self.accounts = accounts_in(self._data)
            if not password:
                user, password = FULL_USER, self.accounts.password
        return msgspec.structs.replace(
            settings,
            kafka=servers.kafka or f"{LOOPBACK}:{servers.kafka_port}",
            clickhouse_url=url,
            clickhouse_user=user,
            clickhouse_password=password,
            prices=settings.prices or str(self._data / "prices"),
        )

    def _start_servers(self) -> None:
        if self._servers.viewer_port is not None:
            require_free(self._servers.viewer_port, "--viewer-port PORT")
        if self._servers.clickhouse_url is None:
            require_free(self._servers.clickhouse_port, "--clickhouse-port PORT")
        if self._kafka is not None:
            self._supervisor.start(self._kafka.prepare())
        if self._servers.clickhouse_url is None and self.accounts is not None:
            self._supervisor.start(self._engine(self.accounts))
        if self._kafka is not None:
            self._kafka.wait_ready(check=self.check)
        self._wait_for_clickhouse()

    def _engine(self, accounts: Accounts) -> ChildSpec:
        command = (sys.executable, "-m", "streams.local.engine", "--data", str(self._data / "clickhouse"))
        where = ("--port", str(self._servers.clickhouse_port), "--users", str(accounts.path))
        return ChildSpec(
            name="clickhouse",
            command=(*command, *where),
            log_path=self._data / "clickhouse.log",
            grace_s=ENGINE_GRACE_S,
        )

    def _wait_for_clickhouse(self, timeout_s: float = 60.0) -> None:
        until_s = time.monotonic() + timeout_s
        while not _answers(f"{self.settings.clickhouse_url}/ping"):
            self.check()
            if time.monotonic() > until_s:
                raise NotReady(
                    f"ClickHouse does not answer at {self.settings.clickhouse_url} after {timeout_s:.0f} s."
                )
            time.sleep(_ASK_S)

    def _prepare(self) -> None:
        client = connect(self.settings, with_database=False)
        try:
            migrate(client, self.settings.clickhouse_database)
            if self._fresh:
                delete_topics(self.settings)
                delete_rows(client, self.settings)
        finally:
            client.close()
        create_topics(self.settings)

    def _start_roles(self) -> None:
        for role in self._roles:
            settings = msgspec.structs.replace(self.settings, health_port=self.health_ports[role])
            if role in SNAPSHOT_TOPICS and settings.instance is None:
                # Named: one that died takes its partitions back at once. The others gain nothing by it.
                settings = msgspec.structs.replace(settings, instance="local")
            self._supervisor.start(
                ChildSpec(
                    name=role,
                    command=(sys.executable, "-m", "streams.app", role),
                    log_path=self._log(role),
                    env=_foreign(os.environ) | _LEAN | environment_of(settings),
                    grace_s=ROLE_GRACE_S,
                    stop_group="roles",
                )
            )

    def _start_viewer(self) -> None:
        if self._servers.viewer_port is not None:
            child = viewer_child(
                self.settings,
                self.accounts,
                self._servers.viewer_port,
                self._log(VIEWER),
                _foreign(os.environ),
            )
            self._supervisor.start(child)

    def _log(self, role: str) -> Path:
        return self._data / "logs" / f"{self.settings.namespace}-{role}.log"


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that `load_settings` makes the same settings from."""
    texts: dict[str, str] = {}
    for name in FIELDS:
        value = getattr(settings, name)
        if value is None:
            continue
        if isinstance(value, tuple):
            texts[PREFIX + name.upper()] = ",".join(value)
        elif isinstance(value, bool):
            texts[PREFIX + name.upper()] = str(value).lower()
        else:
            texts[PREFIX + name.upper()] = str(value)
    return texts


def _foreign(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings: a role's are exactly those of the site."""
    return {name: text for name, text in environ.items() if not name.startswith(PREFIX)}


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1.0) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
