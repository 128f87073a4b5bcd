"""What does `wakeline view` do? Serves the dashboards from a ClickHouse that runs already, until a signal."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from streams.local.accounts import READER, with_local_password
from streams.settings import Settings


def run_view(
    settings: Settings, data: Path, *, is_reader: bool, host: str, port: int, names: Sequence[str]
) -> int:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        settings: where ClickHouse is, and the namespace to show first.
        data: folder of the local site, for the passwords of its engine.
        is_reader: nobody named a user: take the one that may only read, if the engine is the local one.
        host: address to listen on.
        port: to listen on; 0 takes a free one.
        names: further names by which browsers may call it.

    Returns:
        0: being told to stop is no error.

    Raises:
        Unavailable: ClickHouse does not answer, or refuses the user.
        CannotServe: the port is taken, or a part is not installed.
    """
    from dashboards.viewer.database import Source
    from dashboards.viewer.serve import is_loopback, serve

    if is_reader and not settings.clickhouse_password:
        reader = with_local_password(msgspec.structs.replace(settings, clickhouse_user=READER), data)
        settings = reader if reader.clickhouse_password else settings
    settings = with_local_password(settings, data)
    source = Source(
        url=settings.clickhouse_url,
        user=settings.clickhouse_user,
        password=settings.clickhouse_password,
        database=settings.clickhouse_database,
    )
    if not is_loopback(host):
        sys.stderr.write(
            f"There is no sign-in: whoever reaches {host}:{port} reads prompts and answers. Put a proxy with "
            "one in front of it.\n"
        )

    def ready(url: str) -> None:
        print(f"Dashboards: {url}/\nCtrl-C stops it.", flush=True)

    serve(source, host=host, port=port, names=names, namespace=settings.namespace, ready=ready)
    return 0
