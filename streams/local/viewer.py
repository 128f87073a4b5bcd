"""How does a site show its dashboards? The viewer is a process of its own, like a role.

It signs in to the local engine as the user that may only read; to a ClickHouse of somebody else as the user
of the settings, with the order not to write.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from streams.local.accounts import READER, Accounts
from streams.local.ports import LOOPBACK
from streams.local.processes import ChildSpec
from streams.settings import Settings

VIEWER = "viewer"
# As `dashboards.viewer.__main__` reads it.
PASSWORD_VARIABLE = "WAKELINE_VIEWER_PASSWORD"
_GRACE_S = 4.0


def viewer_child(
    settings: Settings, accounts: Accounts | None, port: int, log_path: Path, environment: Mapping[str, str]
) -> ChildSpec:
    """The process.

    Args:
        settings: of the site; its namespace is shown first.
        accounts: of the local engine; None when ClickHouse is not ours.
        port: on the loopback.
        log_path: of its output.
        environment: that it gets, beside the password.
    """
    user, password = settings.clickhouse_user, settings.clickhouse_password
    if accounts is not None:
        user, password = READER, accounts.reader_password
    where = ("--clickhouse", settings.clickhouse_url, "--database", settings.clickhouse_database)
    shown = ("--user", user, "--namespace", settings.namespace, "--port", str(port))
    return ChildSpec(
        name=VIEWER,
        command=(sys.executable, "-m", "dashboards.viewer", *where, *shown),
        log_path=log_path,
        env={**environment, PASSWORD_VARIABLE: password},
        grace_s=_GRACE_S,
    )


def viewer_url(port: int, namespace: str) -> str:
    """Where a browser finds the first dashboard, with the namespace to show."""
    return f"http://{LOOPBACK}:{port}/d/wakeline-fleet?var-namespace={namespace}"


def viewer_answers(port: int | None) -> bool:
    """Does a viewer answer on this port?"""
    if port is None:
        return False
    try:
        with urlopen(f"http://{LOOPBACK}:{port}/healthz", timeout=1.0) as answer:
            return bool(answer.status == 200 and answer.read(64).startswith(b"wakeline viewer"))
    except (URLError, OSError):
        return False
