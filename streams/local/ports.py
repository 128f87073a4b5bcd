"""Is a TCP port of the loopback address free, and if not, who has it?

Asked before a server is started, so that the answer is a sentence and not a Java stack trace.
"""

from __future__ import annotations

import errno
import socket

import psutil

from streams.local.errors import LocalError

LOOPBACK = "127.0.0.1"


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
    for candidate in range(port + 1, min(port + 10, 65_536)):
        try:
            require_free(candidate, "")
        except LocalError:
            continue
        return candidate
    return free_port()


def free_port() -> int:
    """Return a port that is free now; somebody may take it before the caller does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


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
