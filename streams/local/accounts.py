"""Who may sign in to the local engine? Two users, with passwords made once and kept in the data folder.

The file is its owner's alone. The engine reads it; so does every command that asks the engine something.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from streams.local.errors import LocalError
from streams.settings import Settings

FULL_USER = "wakeline"
READER = "grafana_reader"


@dataclass(frozen=True)
class Accounts:
    """The engine's users file, in the form that the engine reads.

    Attributes:
        path: of the file, mode 0600.
        password: of the user `wakeline`, who may write.
        reader_password: of `grafana_reader`, who may not.
    """

    path: Path
    password: str
    reader_password: str


def accounts_in(data: Path) -> Accounts:
    """Read the users of a data folder; the first call makes them.

    Raises:
        LocalError: the file there is not one of ours.
    """
    path = data / "users.json"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        users = {
            FULL_USER: {"password": secrets.token_urlsafe(18), "readonly": False},
            READER: {"password": secrets.token_urlsafe(18), "readonly": True},
        }
        # Complete or absent: a crash in between must not leave half a file.
        partial = path.with_name(f"users.{os.getpid()}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(users, file, indent=2)
        partial.replace(path)
    try:
        found = json.loads(path.read_text())
        return Accounts(path, str(found[FULL_USER]["password"]), str(found[READER]["password"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LocalError(f"{path} does not hold the users {FULL_USER} and {READER}: {error!r}") from error


def with_local_password(settings: Settings, data: Path) -> Settings:
    """Settings with the password of the local engine, when they have none and it is the one that is meant.

    Args:
        settings: as loaded; a password in them is kept.
        data: the data folder of the local servers.
    """
    host = urlsplit(settings.clickhouse_url).hostname
    if settings.clickhouse_password or host not in ("127.0.0.1", "localhost", "::1"):
        return settings
    if not (data / "users.json").exists():
        return settings
    accounts = accounts_in(data)
    passwords = {FULL_USER: accounts.password, READER: accounts.reader_password}
    password = passwords.get(settings.clickhouse_user, "")
    return msgspec.structs.replace(settings, clickhouse_password=password)
