"""How do ClickHouse clients reach the embedded engine over HTTP?

The outer shell: sockets, headers, status codes, two thread pools (readers cannot starve the roles), start and
end of the process. What a request means is `request`'s, what happens to it `session`'s work.
"""

import asyncio
import errno
import functools
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp import web

from streams.local.engine import compression
from streams.local.engine.config import EngineConfig
from streams.local.engine.connections import Engine
from streams.local.engine.errors import EngineError
from streams.local.engine.request import Request, read_request
from streams.local.engine.sandbox import confine
from streams.local.engine.session import Answer, answer, sign_in
from streams.local.errors import LocalError
from streams.local.locks import FileLock, LockHeld
from streams.local.ports import holder_of

_LINE_BYTES, _HEADER_BYTES = 1 << 20, 64 << 10  # clients may put a whole statement into the URL
_SENT_AT_ONCE = 1 << 18
_KEEP_ALIVE_S = 75.0
_KILL_S = 2.0  # a killed statement looks up at its next block


class Endpoint:
    """The HTTP handlers over one engine."""

    def __init__(self, config: EngineConfig, engine: Engine) -> None:
        """Makes the thread pools.

        Args:
            config: Users and limits.
            engine: The open engine.
        """
        self._config = config
        self._engine = engine
        limits = config.limits
        self._writers = ThreadPoolExecutor(limits.writers, "writer")
        self._readers = ThreadPoolExecutor(limits.readers, "reader")

    def application(self) -> web.Application:
        """The application: `/ping`, `/replicas_status`, and ClickHouse's interface on every other path."""
        app = web.Application()
        app.router.add_get("/ping", self._ok)
        app.router.add_get("/replicas_status", self._ok)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    def kill(self) -> None:
        """Asks all running statements to end; their clients get error 394."""
        self._engine.kill_all()

    def stop(self) -> None:
        """Ends running statements and waits for the threads."""
        self.kill()
        for pool in (self._readers, self._writers):
            pool.shutdown(wait=True, cancel_futures=True)

    async def _ok(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n", content_type="text/html")

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        if http.method not in ("GET", "POST", "HEAD"):
            return web.Response(status=405, text="Use GET or POST.\n", headers={"Allow": "GET, POST"})
        if http.method in ("GET", "HEAD") and "query" not in http.query:
            return await self._ok(http)
        try:
            request = await self._read(http)
            account = sign_in(self._config.accounts, request.user, request.password)
            pool = self._readers if account.readonly else self._writers
            work = functools.partial(answer, self._engine, self._config.limits, account, request)
            found = await asyncio.get_running_loop().run_in_executor(pool, work)
        except EngineError as error:
            return self._failed(error)
        return await self._send(http, request, found)

    async def _read(self, http: web.Request) -> Request:
        values = dict(reversed(list(http.query.items())))  # the first of several wins
        if http.content_type == "multipart/form-data":
            for name, part in (await http.post()).items():
                if not isinstance(part, str):
                    raise EngineError(344, "SUPPORT_IS_DISABLED", "External tables are not supported")
                values.setdefault(name, part)
            return read_request("POST", http.headers, values, ())
        limit, size, chunks = self._config.limits.body_bytes, 0, list[bytes]()
        async for chunk in http.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise compression.too_large(limit)
            chunks.append(chunk)
        return read_request(http.method, http.headers, values, chunks)

    async def _send(self, http: web.Request, request: Request, found: Answer) -> web.StreamResponse:
        response = web.StreamResponse(headers=self._headers(request, found))
        response.content_type = _CONTENT_TYPES.get(found.format or "", "text/plain; charset=UTF-8").split(
            ";"
        )[0]
        response.content_length = len(found.data)
        await response.prepare(http)
        view = memoryview(found.data)
        for begin in range(0, len(view), _SENT_AT_ONCE):
            await response.write(view[begin : begin + _SENT_AT_ONCE])
        await response.write_eof()
        return response

    def _headers(self, request: Request, found: Answer) -> dict[str, str]:
        headers = {
            "X-ClickHouse-Query-Id": request.query_id,
            "X-ClickHouse-Timezone": self._engine.timezone,
            "X-ClickHouse-Server-Display-Name": self._engine.display_name,
        }
        if found.format is not None:
            headers["X-ClickHouse-Format"] = found.format
        if found.encoding is not None:
            headers["Content-Encoding"] = found.encoding
        if found.result is not None:
            headers["X-ClickHouse-Summary"] = json.dumps(
                {
                    "read_rows": str(found.result.read_rows),
                    "read_bytes": str(found.result.read_bytes),
                    "written_rows": str(found.result.written_rows),
                    "written_bytes": str(found.result.written_bytes),
                    "elapsed_ns": str(int(found.result.elapsed_s * 1e9)),
                }
            )
        return headers

    def _failed(self, error: EngineError) -> web.Response:
        headers = {
            "X-ClickHouse-Exception-Code": str(error.code),
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        return web.Response(status=error.status, text=error.body(self._engine.version), headers=headers)


_CONTENT_TYPES = {
    "JSON": "application/json",
    "JSONCompact": "application/json",
    "JSONEachRow": "application/x-ndjson",
    "CSV": "text/csv",
    "CSVWithNames": "text/csv",
    "TabSeparated": "text/tab-separated-values",
    "Native": "application/octet-stream",
    "Arrow": "application/octet-stream",
    "ArrowStream": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "RowBinary": "application/octet-stream",
}


def serve(config: EngineConfig, ready: Callable[[str], None]) -> None:
    """Runs the endpoint until SIGTERM or SIGINT.

    Changes the process for good: working folder, time zone, temporary folder, and the sandbox. Call it in a
    process of its own, from the main thread.

    Args:
        config: Where, who, how much.
        ready: Called with one line when requests are answered.

    Raises:
        LocalError: The port or the folder is taken, or the engine cannot start.
    """
    folder = config.data.expanduser().resolve()
    for part in (folder, folder / "store", folder / "store" / "user_files", folder / "tmp"):
        part.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / "endpoint.lock")
    try:
        lock.acquire(wait=False)
    except LockHeld as error:
        owner = f"Process {error.pid}" if error.pid else "Another process"
        raise LocalError(
            f"{owner} has an engine on {folder}. End it, or choose another folder: --data DIR."
        ) from error
    try:
        with _listen(config.host, config.port) as listener:
            open_to = _confine(folder) if config.sandbox else "it is switched off"
            engine = Engine(folder / "store", config.limits)
            try:
                asyncio.run(_serve(config, engine, listener, ready, open_to))
            finally:
                engine.close()
    finally:
        lock.release()


def _confine(folder: Path) -> str | None:
    # Relative names in SQL mean an empty folder; temporary files stay inside.
    os.chdir(folder / "store" / "user_files")
    os.environ["TMPDIR"] = str(folder / "tmp")
    return confine(folder)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            holder = holder_of(port) or "another process"
            raise LocalError(
                f"Port {port} on {host} is in use by {holder}. End it, or choose another port: --port PORT. "
                "If it is a ClickHouse server, wakeline can use that one: --clickhouse URL."
            ) from error
        raise LocalError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --host or --port."
        ) from error


async def _serve(
    config: EngineConfig,
    engine: Engine,
    listener: socket.socket,
    ready: Callable[[str], None],
    open_to: str | None,
) -> None:
    endpoint = Endpoint(config, engine)
    runner = web.AppRunner(
        endpoint.application(),
        access_log=None,
        auto_decompress=False,
        max_line_size=_LINE_BYTES,
        max_field_size=_HEADER_BYTES,
        keepalive_timeout=_KEEP_ALIVE_S,
        shutdown_timeout=config.limits.stop_s + _KILL_S,
    )
    await runner.setup()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await web.SockSite(runner, listener).start()
    port = listener.getsockname()[1]
    confined = "confined=yes" if open_to is None else f'confined=no reason="{open_to}"'
    ready(f"Engine ready url=http://{config.host}:{port} version={engine.version} {confined}")
    await stopping.wait()
    await _end(runner.cleanup(), endpoint, config.limits.stop_s)


async def _end(cleanup: Awaitable[None], endpoint: Endpoint, patience_s: float) -> None:
    """Takes no more requests, and kills the statements that still run when patience ends."""
    loop = asyncio.get_running_loop()
    killing = loop.call_later(patience_s, lambda: loop.run_in_executor(None, endpoint.kill))
    await cleanup
    killing.cancel()
    await loop.run_in_executor(None, endpoint.stop)
