"""How does a statement run on the embedded engine, beside others and without leaving traces?

One chdb connection serialises its statements, several run side by side (a point query beside a scan: 3 ms).
So connections are pooled by profile: user class, database and settings are fixed when a connection opens
(0.4 ms) and never changed, hence nothing leaks from one statement to the next. What fails in a way that may
leave state behind, or is meant to change state (SET, USE, temporary tables), takes its connection with it.

chdb's low-level module is used as it is: its Python wrapper would copy results once more.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlencode

from streams.local.engine.config import Limits
from streams.local.engine.errors import EngineError, from_engine, refused
from streams.local.engine.statement import from_file
from streams.local.errors import LocalError

_IDLE_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Profile:
    """What is fixed about a connection.

    Attributes:
        readonly: Whether the engine refuses writes, settings and table functions that need a grant.
        database: Current database.
        settings: Names and values in SQL, sorted.
    """

    readonly: bool
    database: str
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave.

    Attributes:
        data: The formatted rows, in the engine's memory as long as `owner` lives.
        owner: Keeps the memory of `data`.
        read_rows: Rows read. Likewise `read_bytes`, `written_rows`, `written_bytes`.
        elapsed_s: Time in the engine.
    """

    data: memoryview
    owner: object
    read_rows: int
    read_bytes: int
    written_rows: int
    written_bytes: int
    elapsed_s: float


class Engine:
    """The embedded engine on a folder. Thread-safe."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Opens the engine.

        Args:
            folder: Where its tables are; must exist. One engine a process.
            limits: Memory of the whole engine.

        Raises:
            LocalError: chdb is not installed, or cannot open the folder.
        """
        self._chdb = _load_chdb()
        options = {
            "user_files_path": str(folder / "user_files"),
            "max_server_memory_usage": limits.memory_bytes,
            # The defaults are those of a large server: 5 GB of marks, 16 merges at once.
            "mark_cache_size": 64 << 20,
            "background_pool_size": 2,
        }
        self._folder = folder
        self._address = f"{folder}?{urlencode(options, safe='/')}"
        self._lock = threading.Lock()
        self._idle: list[tuple[Profile, Any]] = []
        try:
            self._anchor = self._chdb.connect(self._address)  # keeps the engine open between statements
            facts = bytes(
                self._anchor.query("SELECT version(), timezone(), displayName()", "TSV").bytes()
            ).decode()
            names = bytes(
                self._anchor.query("SELECT name FROM system.table_functions", "TSV").bytes()
            ).decode()
        except RuntimeError as error:
            raise LocalError(f"The engine cannot open {folder}: {error}") from error
        self.version, self.timezone, self.display_name = facts.rstrip("\n").split("\t")
        self.table_functions = tuple(names.split())

    def query(self, profile: Profile, sql: bytes, output_format: str, params: Mapping[str, str]) -> Result:
        """Runs a statement.

        Args:
            profile: Of the connection.
            sql: The statement in UTF-8.
            output_format: For statements without a FORMAT clause.
            params: Values of `{name:Type}`, escaped as in TabSeparated (as HTTP clients send them).

        Raises:
            EngineError: The engine refused or failed.
        """
        text = sql_text(sql)
        with _Lease(self, profile) as lease:
            found = lease.connection.classify_query(text)
            kind = found["query_class"].name
            if profile.readonly and (kind != "READ_ONLY" or found["statement_count"] != 1):
                raise refused("the engine does not read this as one query")
            result = lease.connection.query(text, output_format, params=dict(params))
            lease.reusable = kind not in ("CONTROL", "UNKNOWN")
        return Result(
            result.get_memview().view() if result.size() else memoryview(b""),
            result,
            result.rows_read(),
            result.bytes_read(),
            result.rows_written(),
            result.bytes_written(),
            result.elapsed(),
        )

    def insert(
        self,
        profile: Profile,
        head: bytes,
        input_format: str,
        chunks: Sequence[bytes],
        params: Mapping[str, str],
    ) -> Result:
        """Feeds the rows of an INSERT, which are committed together or (within one block) not at all.

        Args:
            profile: Of the connection; never a read-only one.
            head: The INSERT up to, and without, VALUES or FORMAT.
            input_format: Format of the rows.
            chunks: The rows, in pieces of any size.
            params: Values of `{name:Type}` in the head.

        Raises:
            EngineError: The engine refused or failed.
        """
        # chdb's streaming insert (send_insert, 26.9) says "stored" also where writing the parts failed: full
        # disk, too many parts, a constraint. FROM INFILE goes through the engine's own insert, which raises.
        with _rows_file(chunks, self._folder) as path, _Lease(self, profile) as lease:
            text = from_file(head, path, input_format)
            result = lease.connection.query(sql_text(text), "TabSeparated", params=dict(params))
            lease.reusable = not params
        rows, size = result.rows_written(), result.bytes_written()
        return Result(memoryview(b""), result, rows, size, rows, size, result.elapsed())

    def reads_only(self, sql: bytes) -> bool:
        """Whether the engine's parser finds nothing but queries in a text."""
        found = self._anchor_call(lambda c: c.classify_query(sql_text(sql)))
        return bool(found["query_class"].name == "READ_ONLY")

    def kill_all(self) -> None:
        """Asks all running statements to end; does not wait for them."""
        connection = self._chdb.connect(self._address)
        try:
            connection.query("KILL QUERY WHERE query_id != queryID() ASYNC")
        finally:
            connection.close()

    def close(self) -> None:
        """Closes the engine; no statement may be running."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()
        self._anchor.close()

    def _anchor_call(self, call: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        with self._lock:
            return call(self._anchor)

    def acquire(self, profile: Profile) -> Any:
        """Takes an idle connection of a profile, or opens one."""
        with self._lock:
            for i in range(len(self._idle) - 1, -1, -1):
                if self._idle[i][0] == profile:
                    return self._idle.pop(i)[1]
        connection = self._chdb.connect(self._address)
        try:
            if profile.settings:
                connection.query("SET " + ", ".join(f"{name} = {value}" for name, value in profile.settings))
            if profile.database != "default":
                connection.query(f"USE {identifier(profile.database)}")
            if profile.readonly:
                connection.query("SET readonly = 1")
        except RuntimeError:
            connection.close()
            raise
        return connection

    def release(self, profile: Profile, connection: Any) -> None:
        """Gives a connection back; the longest idle one is closed when there are too many."""
        with self._lock:
            self._idle.append((profile, connection))
            surplus = self._idle.pop(0)[1] if len(self._idle) > _IDLE_CONNECTIONS else None
        if surplus is not None:
            surplus.close()


@contextmanager
def _rows_file(chunks: Sequence[bytes], folder: Path) -> Iterator[str]:
    """A path that rows can be read from: in memory on Linux, else a file in the engine's folder."""
    linux = sys.platform == "linux"
    file: IO[bytes] = (
        os.fdopen(os.memfd_create("rows"), "wb") if linux else NamedTemporaryFile(dir=folder, prefix="rows-")  # noqa: SIM115 - closed below
    )
    with file:
        try:
            file.writelines(chunks)
            file.flush()
        except OSError as error:
            raise EngineError(243, "NOT_ENOUGH_SPACE", f"No room for the rows: {error.strerror}") from error
        yield f"/proc/self/fd/{file.fileno()}" if linux else file.name


class _Lease:
    """A connection for one statement; it goes back to the pool only when declared reusable."""

    def __init__(self, engine: Engine, profile: Profile) -> None:
        self._engine = engine
        self._profile = profile
        self.reusable = False
        self.connection: Any = None

    def __enter__(self) -> "_Lease":
        try:
            self.connection = self._engine.acquire(self._profile)
        except RuntimeError as error:
            raise from_engine(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.reusable:
            self._engine.release(self._profile, self.connection)
        else:
            self.connection.close()
        if isinstance(error, RuntimeError):
            raise from_engine(error) from None


def literal(text: str) -> str:
    """Quotes a string for SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """Quotes a name for SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def sql_text(sql: bytes) -> str:
    """Decodes a statement.

    Raises:
        EngineError: It is not UTF-8 (62).
    """
    try:
        return sql.decode()
    except UnicodeDecodeError as error:
        raise EngineError(62, "SYNTAX_ERROR", f"The statement is not UTF-8: {error}") from error


def _load_chdb() -> Any:
    """Imports chdb's extension without what its package would bring along.

    chdb imports pyarrow (and numpy) where it finds them: 32 MB that the endpoint has no use for. Its own code
    copes with an absent pyarrow, so it is shown as absent while chdb is imported.
    """
    hidden = sys.modules.get("pyarrow")
    sys.modules["pyarrow"] = None  # type: ignore[assignment]  # None is how Python marks a module as absent
    os.environ["TZ"] = "UTC"  # times are UTC on every machine; the engine reads it when it opens
    try:
        from chdb import _chdb
    except ImportError as error:
        raise LocalError(
            f"The engine is not installed: pip install 'wakeline-server[local]' ({error})"
        ) from error
    finally:
        if hidden is None:
            del sys.modules["pyarrow"]
        else:
            sys.modules["pyarrow"] = hidden
    module: Any = _chdb
    module.set_signal_handlers_enabled(0)  # SIGTERM is ours
    return module
