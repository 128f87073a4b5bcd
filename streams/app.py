"""How does a role become a process? Settings, logs, signals, health, then the role; its end as an exit code.

`python -m streams.app ROLE` is what a site starts (without the command line's imports: a few MB each), and
`wakeline worker --role ROLE` is the same for people. Only the role that is asked for is imported.
"""

import gc
import importlib
import logging
import signal
import sys
import threading
from collections.abc import MutableMapping
from importlib.abc import MetaPathFinder
from types import FrameType
from typing import Any, Protocol

import structlog

from streams import health as health_of
from streams.settings import ConfigError, Settings, load_settings
from streams.watchdog import Watchdog

ROLES: dict[str, str] = {
    "ingest": "streams.ingest.role",
    "write": "streams.write.role",
    "runs": "streams.runs.role",
    "drift": "streams.drift.role",
    "notify": "streams.notify.role",
}

EXIT_OK = 0
EXIT_FAILED = 1  # an expected condition: one line says what to do
EXIT_UNAVAILABLE = 69  # Kafka or ClickHouse refuses us; a supervisor may try again
EXIT_BUG = 70  # a traceback says where
# 75: `streams.watchdog` found the process stuck
EXIT_CONFIG = 78  # nothing changes until somebody edits a setting

log = structlog.get_logger()


class Role(Protocol):
    """The module of a role."""

    def run(self, settings: Settings, health: health_of.Health, stop: threading.Event) -> None:
        """Work until `stop` is set."""


def run_role(role: str, settings: Settings) -> int:
    """Run one role in this process until SIGTERM or SIGINT, or until it fails.

    Args:
        role: a key of `ROLES`.
        settings: of the process.

    Returns:
        Exit code: 0 after a signal, 78 for a setting that cannot be used, 69 when Kafka or ClickHouse refuses
        us for good, 1 for other expected conditions; each with one line of error.

    Raises:
        Exception: a bug, as it was raised.
    """
    configure_logs(role)
    stop = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        log.info("Stopping", signal=signal.Signals(number).name)
        stop.set()

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    try:
        _run(role, settings, stop)
    except Exception as error:
        code = exit_code_of(error)
        if code is None:
            raise
        log.error(str(error) or type(error).__name__)
        return code
    return EXIT_OK


def _run(role: str, settings: Settings, stop: threading.Event) -> None:
    if role not in ROLES:
        raise ConfigError(f"There is no role {role!r}. Roles: {', '.join(ROLES)}")
    state = health_of.Health(role)
    try:
        server = health_of.serve(state, settings.health_port)
    except OSError as error:
        raise ConfigError(
            f"health_port = {settings.health_port} cannot be used: {error.strerror}. Choose another, or 0"
        ) from error
    _keep_small()
    module: Role = importlib.import_module(ROLES[role])
    log.info("Starting", namespace=settings.namespace, kafka=settings.kafka)
    try:
        with Watchdog(state):
            module.run(settings, state, stop)
    finally:
        if server is not None:
            server.shutdown()
    log.info("Stopped")


class WithoutPandas(MetaPathFinder):
    """Makes pandas look absent (None in `sys.modules` does not: Arrow's compiled import takes the None)."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002
        if fullname.partition(".")[0] == "pandas":
            raise ModuleNotFoundError("pandas is not used in a role")


def _keep_small() -> None:
    """Arrow and clickhouse-connect import pandas where it is there (river brings it): 50 MB for nothing.

    A block of events is 20,000 objects that live for 200 ms, so the collector's default of 700 would look at
    each of them many times for nothing.
    """
    sys.meta_path.insert(0, WithoutPandas())
    gc.set_threshold(50_000, 20, 50)


def exit_code_of(error: BaseException) -> int | None:
    """Exit code of an expected condition; None for a bug."""
    if isinstance(error, ConfigError):
        return EXIT_CONFIG
    if isinstance(error, _expected("confluent_kafka", "KafkaException")):
        return EXIT_UNAVAILABLE
    if isinstance(error, _expected("streams.admin", "KafkaUnavailable")):
        return EXIT_UNAVAILABLE
    if isinstance(error, _expected("streams.clickhouse", "ClickHouseUnavailable")):
        return EXIT_UNAVAILABLE
    if isinstance(error, _expected("clickhouse_connect.driver.exceptions", "Error")):
        return EXIT_UNAVAILABLE
    if isinstance(error, _expected("schemas.frame", "NewerFrame")):
        return EXIT_FAILED
    if isinstance(error, _expected("streams.migrate", "MigrationChanged")):
        return EXIT_FAILED
    if isinstance(error, _expected("streams.admin", "TopicsRefused", "NamespaceBusy")):
        return EXIT_FAILED
    if isinstance(error, _expected("streams.local.errors", "LocalError")):
        return EXIT_FAILED
    return None


def _expected(module: str, *names: str) -> tuple[type[BaseException], ...]:
    """Exceptions of a module, none when it was not imported: then nothing of it can have been raised."""
    loaded = sys.modules.get(module)
    return () if loaded is None else tuple(getattr(loaded, name) for name in names)


def configure_logs(role: str) -> None:
    """One line an event on standard error: time, level, role, sentence, key=value; a traceback below."""

    def add_role(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["role"] = role
        return event

    structlog.configure(
        processors=[
            add_role,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries that use the standard library's logging: Faust, aiokafka, clickhouse-connect.
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format=f"%(asctime)s level=%(levelname)s role={role} logger=%(name)s event=%(message)r",
    )


_pairs = structlog.processors.KeyValueRenderer(key_order=["time", "level", "role", "event"])


def _render(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    traceback = event.pop("exception", None)
    line = str(_pairs(logger, method, event))
    return line if traceback is None else f"{line}\n{traceback}"


def main(arguments: list[str] | None = None) -> int:
    """`python -m streams.app ROLE`, settings from the environment."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        sys.stderr.write(f"Usage: python -m streams.app ROLE\nRoles: {', '.join(ROLES)}\n")
        return EXIT_CONFIG
    try:
        settings = load_settings()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    return run_role(given[0], settings)


if __name__ == "__main__":
    sys.exit(main())
