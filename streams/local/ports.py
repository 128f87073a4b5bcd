"""Is a TCP port of the loopback address free, and if not, who has it?

Asked before a server is started, so that the answer is a sentence and not a Java stack trace.
"""

from __future__ import annotations

import errno
import random
import socket
from itertools import islice

import psutil

from streams.local.errors import LocalError

LOOPBACK = "127.0.0.1"
EPHEMERAL = 32_768
"""First port that Linux gives to outgoing connections (net.ipv4.ip_local_port_range); macOS begins above."""
_FIRST = 20_000


class PortBusy(LocalError):
    """A port that a server needs is in use.

    Attributes:
        port: The port.
        holder: Who listens on it, such as "java, process 4711"; None when this user may not know.
    """

    def __init__(self, port: int, holder: str | None, flag: str) -> None:
        by = f" by {holder}" if holder else " (by a process that this user may not see)"
        super().__init__(f"Port {port} on {LOOPBACK} is in use{by}. End it, or choose another port: {flag}.")
        self.port = port
        self.holder = holder


def require_free(port: int, flag: str) -> None:
    """Check that a server can listen on a port.

    Args:
        port: 1 to 65535.
        flag: What the user can give to change it, for the message: ``--kafka-port PORT``.

    Raises:
        PortBusy: Somebody listens there.
        LocalError: This user may not listen there (ports under 1024).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: connections that linger after a restart do not count, listeners do.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortBusy(port, holder_of(port), flag) from None
            if error.errno == errno.EACCES:
                raise LocalError(
                    f"This user may not listen on port {port}. Choose another: {flag}."
                ) from None
            raise


def neighbour_of(port: int) -> int:
    """Return a free port for a server's private use, the one above its public port if possible.

    The one above stays free while the server is down: a port of the system's choice may by then belong to
    somebody's outgoing connection.
    """
    above = range(port + 1, min(port + 10, 65_536))
    return next(filter(_is_free, above), None) or free_port()


def free_port() -> int:
    """One of `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now, and that no outgoing connection will be given.

    A port of the system's choice may belong to somebody's outgoing connection before a server binds it, or
    while the server is down between two starts; `EPHEMERAL` starts above these. Another server may still take
    one.

    Raises:
        LocalError: There are not so many.
    """
    candidates = range(_FIRST, EPHEMERAL)
    free = filter(_is_free, random.sample(candidates, len(candidates)))
    found = list(islice(free, count))
    if len(found) < count:
        raise LocalError(f"There are no {count} free ports on {LOOPBACK} from {_FIRST} to {EPHEMERAL - 1}.")
    return found


def _is_free(port: int) -> bool:
    try:
        require_free(port, "")
    except LocalError:
        return False
    return True


def holder_of(port: int) -> str | None:
    """Say who listens on a port.

    Args:
        port: The port, on any local address.

    Returns:
        "NAME, process PID"; None when nobody does or this user may not know.
    """
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS lets only root list the sockets of all
        return None
    for connection in connections:
        if connection.status != psutil.CONN_LISTEN or not connection.laddr or connection.pid is None:
            continue
        if connection.laddr.port == port:
            try:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
            except psutil.NoSuchProcess:
                return None
    return None
