"""How does a viewer's process begin and end? It listens, says so, and stops on SIGTERM or SIGINT."""

import asyncio
import errno
import ipaddress
import signal
import socket
from collections.abc import Callable, Sequence

from aiohttp import web

from dashboards.viewer.catalogue import Catalogue
from dashboards.viewer.database import Database, Source
from dashboards.viewer.server import LOOPBACK_NAMES, Options, Viewer, plotly_file

_STOP_S = 2.0


class CannotServe(RuntimeError):
    """The port is taken, or a part is not installed. The message says what to do."""


def serve(
    source: Source,
    *,
    host: str,
    port: int,
    names: Sequence[str] = (),
    namespace: str | None = None,
    ready: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT. Call it from the main thread.

    Args:
        source: the ClickHouse to ask.
        host: address to listen on. What others can reach, everybody can read: there is no sign-in.
        port: to listen on; 0 takes a free one.
        names: by which browsers may call this server, beside those of the loopback and `host` itself.
        namespace: to show first.
        ready: called with the address when it answers.

    Raises:
        Unavailable: ClickHouse does not answer, or refuses the user.
        CannotServe: the port is taken, or plotly is not installed.
    """
    try:
        plotly_file()
    except FileNotFoundError as error:
        raise CannotServe(str(error)) from error
    database = Database(source)
    try:
        defaults = {} if namespace is None else {"namespace": namespace}
        allowed = (*LOOPBACK_NAMES, *(name.lower() for name in names), f"[{host}]" if ":" in host else host)
        viewer = Viewer(Catalogue(), database, Options(allowed, defaults))
        with _listen(host, port) as listener:
            asyncio.run(_serve(viewer, listener, host, ready))
    finally:
        database.close()


def is_loopback(host: str) -> bool:
    """Does only this machine reach an address? Names other than `localhost` count as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE
        why = "is in use" if busy else f"cannot be listened on: {error.strerror}"
        raise CannotServe(f"Port {port} on {host} {why}. Choose another one.") from error


def make_runner(viewer: Viewer) -> web.AppRunner:
    """What serves it. A question whose browser has gone (each refresh drops those before) is cancelled."""
    return web.AppRunner(
        viewer.application(), access_log=None, shutdown_timeout=_STOP_S, handler_cancellation=True
    )


async def _serve(viewer: Viewer, listener: socket.socket, host: str, ready: Callable[[str], None]) -> None:
    runner = make_runner(viewer)
    await runner.setup()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await web.SockSite(runner, listener).start()
    ready(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}")
    await stopping.wait()
    await runner.cleanup()
