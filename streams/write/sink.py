"""How do blocks reach ClickHouse? One insert each; what is wrong is sorted into wait, reject and give up."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from streams.loop import SinkUnavailable
from streams.settings import ConfigError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# ClickHouse's codes for what passes: too many queries, memory, time, parts, network, readonly while starting.
_PASSING = frozenset({159, 160, 164, 202, 209, 210, 236, 241, 242, 252, 319, 394, 425, 999})
_CONFIGURATION = frozenset({60, 81, 192, 193, 194, 497, 516})  # table, database, user, grant


class RowsRejected(ValueError):
    """ClickHouse refuses the data. The message is its own."""


class Sink(Protocol):
    """Takes rows of a table; raises SinkUnavailable or RowsRejected."""

    def write(self, table: str, rows: pa.Table) -> None: ...


class ClickHouseSink:
    """Inserts Arrow over HTTP."""

    def __init__(self, connect: Callable[[], "Client"], database: str) -> None:
        """`connect` makes a client; it is called again after the connection was lost."""
        self._connect = connect
        self._database = database
        self._client: Client | None = None

    def write(self, table: str, rows: pa.Table) -> None:
        """Insert rows and wait until they are stored.

        Raises:
            SinkUnavailable: try again later.
            RowsRejected: these rows will never be taken.
            ConfigError: user, database or table are not there.
        """
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
            raise SinkUnavailable(str(error)) from error
        except DatabaseError as error:
            self._sort(error)
        except Error as error:
            self._client = None
            raise SinkUnavailable(f"ClickHouse does not answer: {str(error)[:300]}") from error

    def _sort(self, error: Exception) -> None:
        code = getattr(error, "code", None) or 0
        message = str(error)[:1_000]
        if code in _CONFIGURATION:
            raise ConfigError(
                f"ClickHouse: {message}. Are user and password right, and has `wakeline migrate` run?"
            )
        if code in _PASSING or not code:
            raise SinkUnavailable(f"ClickHouse: {message[:300]}") from error
        raise RowsRejected(message) from error
