"""How does SQL reach ClickHouse, and what comes back? Columns for a browser, or the database's words.

Asks as the user it is given, which should be one that may only read. Nothing is repeated and nothing is kept.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from clickhouse_connect import get_client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from dashboards.viewer.encoding import READ_AS, Kind, characters, kind_of

if TYPE_CHECKING:
    from clickhouse_connect.driver.httpclient import HttpClient
    from clickhouse_connect.driver.query import QueryResult

MAX_ROWS = 20_000
MAX_CHARACTERS = 16_000_000
EXECUTION_S = 30
# Kinds of columns whose values may be long.
_TEXTUAL = ("string", "other")
# A network's delay beyond what the statement may take.
_NETWORK_S = 10
# What clickhouse-connect writes around the database's own words.
_AROUND = re.compile(r"^.*?(?=(?:Code: \d+\. )?DB::Exception)|\s*\(for url [^)]*\)\s*$", re.DOTALL)
_WORDS = 2_000
# Name and code of the error when a user may not change a setting.
_READONLY = "Code: 164"


class Refused(Exception):
    """ClickHouse refused a statement. The message is its own, without its stack."""


class Unavailable(Exception):
    """ClickHouse does not answer, or takes nobody of this name. The message says where."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Which ClickHouse, and as whom.

    Attributes:
        url: of its HTTP interface.
        user: that may read; one that may write works too, and is not needed.
        password: of the user.
        database: with wakeline's tables.
    """

    url: str
    user: str
    password: str
    database: str


@dataclass(frozen=True)
class Column:
    """One column of an answer.

    Attributes:
        name: as the statement names it.
        kind: `time` (Unix milliseconds), `number`, `boolean`, `string` or `other` (lists, maps).
        type: ClickHouse's own name.
    """

    name: str
    kind: str
    type: str


@dataclass(frozen=True)
class Answer:
    """Columns of equal length.

    Attributes:
        columns: what they are; none where there are no rows, because ClickHouse then sends none.
        values: of each; a number that JSON cannot hold exactly is a text.
        is_cut: there were more rows than these, which are at most `MAX_ROWS` with `MAX_CHARACTERS` of text.
    """

    columns: Sequence[Column]
    values: Sequence[Sequence[Any]]
    is_cut: bool


class Database:
    """One connection, which several threads share."""

    def __init__(self, source: Source, *, execution_s: int = EXECUTION_S) -> None:
        """Connects.

        Args:
            source: which one, as whom.
            execution_s: seconds that a statement may take.

        Raises:
            Unavailable: nobody answers, or the user is refused.
        """
        parts = urlsplit(source.url)
        try:
            made = get_client(
                interface=parts.scheme,
                host=parts.hostname or "",
                port=parts.port or (8443 if parts.scheme == "https" else 8123),
                username=source.user,
                password=source.password,
                database=source.database,
                autogenerate_session_id=False,
                client_name="wakeline-viewer",
                send_receive_timeout=execution_s + _NETWORK_S,
            )
        except ClickHouseError as error:
            raise Unavailable(
                f"ClickHouse at {source.url} does not take us as {source.user}: {_words_of(error)}"
            ) from error
        self._client = cast("HttpClient", made)
        # `readonly` 1 lets no statement write, whatever the user may, nor reach out through a table function
        # such as `url`, as 2 would. ClickHouse takes the others with it: it judges the settings of a request
        # by those before it.
        for name, value in (
            ("readonly", 1),
            ("max_execution_time", execution_s),
            ("session_timezone", "UTC"),
        ):
            self._set(name, value)

    def ask(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """Ask one statement.

        Args:
            sql: to send.
            parameters: for `{name:Type}` in it.

        Raises:
            Refused: ClickHouse says no; in its words.
            Unavailable: it does not answer.
        """
        try:
            stream = self._client.query_column_block_stream(
                sql,
                parameters=dict(parameters or {}),
                query_formats=READ_AS,
            )
            with stream:
                source = cast("QueryResult", stream.source)
                kinds = [kind_of(type_) for type_ in source.column_types]
                values, is_cut = _take(stream, kinds)
        except (OperationalError, OSError) as error:
            raise Unavailable(f"ClickHouse does not answer: {_words_of(error)}") from error
        except ClickHouseError as error:
            raise Refused(_words_of(error)) from error
        columns = [
            Column(name, kind.name, type_.name)
            for name, kind, type_ in zip(source.column_names, kinds, source.column_types, strict=True)
        ]
        return Answer(columns, values, is_cut)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _set(self, name: str, value: object) -> None:
        """A setting of all that is asked, if the server lets this user change it.

        Only the server knows: a user that may only read can still be allowed to change some settings.
        """
        self._client.params[name] = str(value)
        try:
            self._client.command("SELECT 1")
        except DatabaseError as error:
            if _READONLY not in str(error):
                raise Unavailable(f"ClickHouse takes no setting {name}: {_words_of(error)}") from error
            del self._client.params[name]


def _take(stream: Iterable[Sequence[Sequence[Any]]], kinds: Sequence[Kind]) -> tuple[list[list[Any]], bool]:
    """Columns up to the caps, as a browser reads them, and whether there was more."""
    values: list[list[Any]] = [[] for _ in kinds]
    rows, room = 0, MAX_CHARACTERS
    for block in stream:
        columns = [
            [kind.encode(value) for value in column] for kind, column in zip(kinds, block, strict=True)
        ]
        count = len(columns[0]) if columns else 0
        texts = [column for kind, column in zip(kinds, columns, strict=True) if kind.name in _TEXTUAL]
        fitting, room = _fitting(texts, min(count, MAX_ROWS - rows), room)
        for held, column in zip(values, columns, strict=True):
            held += column[:fitting]
        rows += fitting
        if fitting < count:
            return values, True
    return values, False


def _fitting(columns: Sequence[Sequence[Any]], count: int, room: int) -> tuple[int, int]:
    """How many of the first rows fit into so many characters, and how many characters are left then."""
    for row in range(count if columns else 0):
        room -= sum(characters(column[row]) for column in columns)
        if room < 0:
            return row, room
    return count, room


def _words_of(error: Exception) -> str:
    return _AROUND.sub("", str(error)).strip()[:_WORDS]
