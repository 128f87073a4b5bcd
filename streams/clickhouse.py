"""How does anything reach ClickHouse? One client for settings, with what is wrong said in a sentence.

WRITE, the command line and sites connect here. It makes no tables (`streams.migrate`) and no retries.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from streams.settings import ConfigError, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class ClickHouseUnavailable(Exception):
    """ClickHouse does not answer, or refuses the user. The message says where, and what to do."""


def connect(settings: Settings, *, with_database: bool = True) -> "Client":
    """A client of the user in the settings.

    Args:
        settings: URL, user, password, database.
        with_database: name the database in each request; it must exist then.

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
        )
    except Error as error:
        first = str(error).splitlines()[0][:300]
        raise ClickHouseUnavailable(
            f"ClickHouse at {settings.clickhouse_url} does not take us as {settings.clickhouse_user}: {first}."
            " `wakeline up` starts one on this machine; --clickhouse URL or WAKELINE_CLICKHOUSE_URL names "
            "another"
        ) from error
