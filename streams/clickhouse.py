"""How does anything reach ClickHouse? One client for settings, with what is wrong said in a sentence.

WRITE, the command line and sites connect here. It makes no tables (`streams.migrate`) and no retries.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from schemas.topics import LIVE
from streams.settings import ConfigError, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_TABLES = """
SELECT table
FROM system.columns
WHERE database = {database:String}
  AND name = 'namespace'
  AND table IN (
    SELECT name
    FROM system.tables
    WHERE database = {database:String} AND engine LIKE '%MergeTree'
  )
"""


class ClickHouseUnavailable(Exception):
    """ClickHouse does not answer, or refuses the user. The message says where, and what to do."""


def connect(settings: Settings, *, with_database: bool = True, timeout_s: int = 300) -> "Client":
    """A client of the user in the settings.

    Args:
        settings: URL, user, password, database.
        with_database: name the database in each request; it must exist then.
        timeout_s: for an answer.

    Raises:
        ConfigError: the URL is none.
        ClickHouseUnavailable: nobody answers, or the user is refused.
    """
    from clickhouse_connect import get_client
    from clickhouse_connect.driver.exceptions import Error

    parts = urlsplit(settings.clickhouse_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"clickhouse_url must begin with http:// or https://: {settings.clickhouse_url!r}")
    try:
        return get_client(
            interface=parts.scheme,
            host=parts.hostname,
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            username=settings.clickhouse_user,
            password=settings.clickhouse_password,
            database=settings.clickhouse_database if with_database else "default",
            autogenerate_session_id=False,
            client_name="wakeline",
            send_receive_timeout=timeout_s,
        )
    except Error as error:
        first = str(error).splitlines()[0][:300]
        raise ClickHouseUnavailable(
            f"ClickHouse at {settings.clickhouse_url} does not take us as {settings.clickhouse_user}: {first}"
            ". `wakeline up` starts one on this machine; --clickhouse URL or WAKELINE_CLICKHOUSE_URL names "
            "another"
        ) from error


def delete_rows(client: "Client", settings: Settings) -> None:
    """Delete all rows of a namespace, and wait until they are gone.

    Raises:
        ValueError: the namespace is `live`.
    """
    if settings.namespace == LIVE:
        raise ValueError("Rows of the namespace live are deleted by their TTL alone")
    database = settings.clickhouse_database
    for (table,) in client.query(_TABLES, {"database": database}).result_rows:
        # Both names are identifiers: the setting is checked against a pattern, the table is ours.
        client.command(
            f"ALTER TABLE `{database}`.`{table}` DELETE WHERE namespace = {{namespace:String}}",
            {"namespace": settings.namespace},
            settings={"mutations_sync": 1},
        )
