"""How do blocks reach ClickHouse? One insert each; what is wrong is sorted into wait, reject and give up."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, Protocol

import pyarrow as pa

from streams.loop import SinkUnavailable
from streams.settings import ConfigError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# ClickHouse's codes (src/Common/ErrorCodes.cpp) for what passes, by what an operator would look at.
PASSING: dict[str, frozenset[int]] = {
    "memory": frozenset({173, 241}),
    "disk": frozenset({74, 75, 76, 243}),
    "parts": frozenset({252}),
    "load": frozenset({159, 160, 202, 203, 209, 290, 439, 700, 745}),
    "readonly": frozenset({164, 242}),
    "quota": frozenset({201}),
    "replicas": frozenset({225, 285, 286, 319, 999}),
    "network": frozenset({198, 210, 279, 499}),
    "shutdown": frozenset({236, 394, 425, 733, 735}),
}
_CONFIGURATION = frozenset({16, 60, 81, 192, 193, 194, 497, 516})  # column, table, database, user, grant
# What says that values, not circumstances, are wrong.
_DATA = frozenset(
    {6, 26, 27, 32, 33, 38, 41, 43, 44, 50, 53, 69, 70, 72, 117, 128, 131, 190, 321, 349, 407, 469, 636, 691}
)
# One code for two things: many parts of the table pass, too many months in one block never do.
_TOO_MANY_MONTHS = "partitions for single INSERT block"


class RowsRejected(ValueError):
    """ClickHouse refuses the data. The message is its own."""


class Sink(Protocol):
    """Takes rows of a table; raises SinkUnavailable or RowsRejected."""

    def write(self, table: str, rows: pa.Table) -> None: ...


class ClickHouseSink:
    """Inserts Arrow over HTTP."""

    def __init__(
        self,
        connect: Callable[[], "Client"],
        database: str,
        on_failure: Callable[[str], None] = lambda _cause: None,
    ) -> None:
        """
        Args:
            connect: makes a client; called again after the connection was lost.
            database: of the tables.
            on_failure: told the cause of each insert that is to be tried again: a key of `PASSING`,
                `unreachable` or `unknown`.
        """
        self._connect = connect
        self._database = database
        self._on_failure = on_failure
        self._client: Client | None = None

    def write(self, table: str, rows: pa.Table) -> None:
        """Insert rows and wait until they are stored.

        Raises:
            SinkUnavailable: try again later.
            RowsRejected: these rows will never be taken.
            ConfigError: user, database, table or a column are not there.
        """
        code, message = self._insert(table, rows)
        if code is None:
            return
        if code in _CONFIGURATION:
            raise ConfigError(
                f"ClickHouse: {message}. Are user and password right, and has `wakeline migrate` run?"
            )
        if code in _DATA or _TOO_MANY_MONTHS in message:
            raise RowsRejected(message)
        cause = next((cause for cause, codes in PASSING.items() if code in codes), None)
        if cause is None and self._takes_others(table, rows):
            raise RowsRejected(message)
        self._fail(cause or "unknown", message)

    def _insert(self, table: str, rows: pa.Table) -> tuple[int | None, str]:
        """Code and message of a refusal; no code when the rows are stored."""
        from clickhouse_connect.driver.exceptions import DatabaseError, Error

        from streams.clickhouse import ClickHouseUnavailable

        try:
            if self._client is None:
                self._client = self._connect()
            self._client.insert_arrow(
                table,
                rows,
                database=self._database,
                settings={"async_insert": 0, "input_format_null_as_default": 1, "optimize_on_insert": 0},
            )
        except ClickHouseUnavailable as error:
            self._fail("unreachable", str(error))
        except Error as error:
            if isinstance(error, DatabaseError) and error.code is not None:
                return error.code, str(error)[:1_000]
            # Nobody answered, or something between us. Where only the answer was lost, the repeat gives rows
            # of the same version.
            self._client = None
            self._fail("unreachable", str(error))
        return None, ""

    def _takes_others(self, table: str, rows: pa.Table) -> bool:
        """For a code that we do not know: is it these rows, or everything?

        The first and the last row are tried alone. If either is taken, it is a row between them; if neither
        is, it is ClickHouse, and the block waits. A row that is alone is rejected: it is kept as a dead
        letter, whereas waiting would hold up everybody for it.
        """
        if rows.num_rows == 1:
            return True
        ends = (rows.slice(0, 1), rows.slice(rows.num_rows - 1))
        return any(self._insert(table, end)[0] is None for end in ends)

    def _fail(self, cause: str, message: str) -> NoReturn:
        self._on_failure(cause)
        raise SinkUnavailable(f"ClickHouse ({cause}): {message[:300]}")
