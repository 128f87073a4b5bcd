"""What does the endpoint need to know: where, who, how much?

Read once, by `__main__`, from flags, environment and a users file. Passwords never come by flag: every user
of the machine reads the arguments of a process.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from streams.local.errors import LocalError

FULL_USER = "wakeline"
READER = "grafana_reader"
PASSWORD_VARIABLE = "WAKELINE_CLICKHOUSE_PASSWORD"
READER_PASSWORD_VARIABLE = "WAKELINE_CLICKHOUSE_READER_PASSWORD"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the endpoint.

    Attributes:
        name: The name it signs in with.
        password: Its password; empty means none, which only a loopback address allows.
        readonly: Whether the policy of readers applies.
    """

    name: str
    password: str = field(repr=False)
    readonly: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request and the engine may take.

    Attributes:
        body_bytes: Greatest request body, also unpacked. Too small: large blocks are refused (413).
        result_bytes: Greatest result in the engine's memory; results are held whole before they are sent.
        execution_s: Time of a statement. A reader may ask for less, the full user for another.
        query_memory_bytes: Memory of one statement.
        memory_bytes: Memory of all statements; the engine refuses work above it.
        writers: Statements of full users at once; more wait.
        readers: Statements of readers at once. Apart from `writers`: a dashboard cannot starve the roles.
        stop_s: How long running statements may go on after SIGTERM before they are killed.
    """

    body_bytes: int = 64 << 20
    result_bytes: int = 256 << 20
    execution_s: int = 300
    query_memory_bytes: int = 2 << 30
    memory_bytes: int = 3 << 30
    writers: int = 8
    readers: int = 4
    stop_s: float = 3.0


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Everything that `serve` needs.

    Attributes:
        data: Folder of the tables; made if absent. One engine a folder.
        accounts: The users, at least one.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        limits: See `Limits`.
        sandbox: Whether to confine the process to its folder where the kernel can (Landlock). It cannot be
            undone for the process, so a test that runs other things in the same process turns it off.
    """

    data: Path
    accounts: tuple[Account, ...]
    host: str = "127.0.0.1"
    port: int = 8123
    limits: Limits = field(default_factory=Limits)
    sandbox: bool = True

    def __post_init__(self) -> None:
        """Refuses an address that others reach while a password is empty."""
        if not self.accounts:
            raise LocalError("The engine's endpoint has no users. Name one in the users file.")
        open_to_all = [a.name for a in self.accounts if not a.password]
        if open_to_all and not is_loopback(self.host):
            raise LocalError(
                f"{self.host} is reachable from other machines and {', '.join(open_to_all)} has no password. "
                f"Set {PASSWORD_VARIABLE} and {READER_PASSWORD_VARIABLE}, or give --users FILE, "
                "or listen on 127.0.0.1."
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    Args:
        host: An IP address or `localhost`; other names count as reachable.
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def load_accounts(users_file: Path | None, environ: Mapping[str, str]) -> tuple[Account, ...]:
    """Reads the users.

    Args:
        users_file: JSON, `{"name": {"password": "...", "readonly": false}}`; None for the two default users
            with passwords from the environment.
        environ: Where `WAKELINE_CLICKHOUSE_PASSWORD` and `WAKELINE_CLICKHOUSE_READER_PASSWORD` may stand.

    Raises:
        LocalError: The file cannot be read or has another shape.
    """
    if users_file is None:
        return (
            Account(FULL_USER, environ.get(PASSWORD_VARIABLE, ""), readonly=False),
            Account(READER, environ.get(READER_PASSWORD_VARIABLE, ""), readonly=True),
        )
    try:
        users = json.loads(users_file.read_text())
    except (OSError, ValueError) as error:
        raise LocalError(f"Cannot read the users file {users_file}: {error}") from error
    if not isinstance(users, dict):
        raise LocalError(f"The users file {users_file} must hold an object: name to password and readonly.")
    return tuple(_account(users_file, name, entry) for name, entry in users.items())


def _account(users_file: Path, name: str, entry: object) -> Account:
    if isinstance(entry, dict) and set(entry) <= {"password", "readonly"}:
        password, readonly = entry.get("password"), entry.get("readonly", False)
        if isinstance(password, str) and isinstance(readonly, bool):
            return Account(name, password, readonly)
    raise LocalError(f'User {name} in {users_file} must be {{"password": "...", "readonly": true or false}}.')
