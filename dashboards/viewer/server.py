"""How does a browser reach the dashboards? A page, its modules, and questions in JSON.

Answers hold what agents were told and said, so nobody but this machine's browsers gets them: the Host header
must name this server (a page elsewhere may point its own name at the loopback address: DNS rebinding), what
is asked must be JSON from a page of this server, and no script runs that does not come from here.
"""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from dashboards.macros import UnknownMacro, expand
from dashboards.viewer import reading
from dashboards.viewer.asked import (
    BadRequest,
    NamespaceQuestion,
    PanelQuestion,
    Question,
    SearchQuestion,
    StepQuestion,
    seconds_of,
    words,
)
from dashboards.viewer.catalogue import Catalogue, NotThere
from dashboards.viewer.database import Answer, Database, Refused, Unavailable
from dashboards.viewer.threads import WaitingThreads
from dashboards.viewer.variables import as_json, choices

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
# The embedded engine takes four statements of readers at once; more would only wait there.
THREADS = 4
_BODY_BYTES = 4 << 20
# Longer answers are packed by another thread.
_PACKED_BESIDE_BYTES = 1 << 16
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Files are asked for again and found unchanged; answers are never kept.
    "Cache-Control": "no-cache",
}
_STATIC = resources.files(__package__).joinpath("static")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}

Asked = TypeVar("Asked", bound=msgspec.Struct)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Options:
    """What a viewer is started with.

    Attributes:
        names: that the Host header may have, without a port.
        defaults: of variables by name, such as the namespace to show first.
    """

    names: Sequence[str] = LOOPBACK_NAMES
    defaults: Mapping[str, str] = field(default_factory=dict)


class Viewer:
    """The HTTP handlers over a catalogue and a database."""

    def __init__(self, catalogue: Catalogue, database: Database, options: Options) -> None:
        """Makes the threads that wait for the database.

        Args:
            catalogue: the dashboards.
            database: asked as a user that may only read.
            options: see `Options`.
        """
        self._catalogue = catalogue
        self._database = database
        self._options = options
        self._threads = WaitingThreads(THREADS)

    def application(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[self._guard], client_max_size=_BODY_BYTES)
        for path in ("/", "/search", "/d/{uid}", "/d/{uid}/{slug}"):
            app.router.add_get(path, self._page)
        app.router.add_get("/healthz", self._healthy)
        app.router.add_get("/static/{name:[a-z0-9/._-]+}", self._file)
        app.router.add_get("/api/dashboards", self._listing)
        app.router.add_get("/api/dashboards/{uid}", self._dashboard)
        app.router.add_get("/api/namespaces", self._namespaces)
        for name, handler in (
            ("variables", self._variables),
            ("panel", self._panel),
            ("annotations", self._annotations),
            ("extent", self._extent),
            ("step", self._step),
            ("search", self._search),
        ):
            app.router.add_post(f"/api/{name}", handler)
        app.on_cleanup.append(self._stop)
        return app

    async def _stop(self, _: web.Application) -> None:
        self._threads.stop()

    # -- who may ask

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._check(request)
            response = await handler(request)
        except web.HTTPException as error:
            response = _failure(error.status, error.text or error.reason)
        except (BadRequest, UnknownMacro) as error:
            response = _failure(400, str(error))
        except NotThere as error:
            response = _failure(404, str(error.args[0]))
        except Refused as error:
            response = _failure(422, str(error))
        except Unavailable as error:
            response = _failure(503, str(error))
        response.headers.update(_HEADERS)
        return response

    def _check(self, request: web.Request) -> None:
        name = _name_of(request.headers.get("Host", ""))
        if name not in self._options.names:
            raise web.HTTPMisdirectedRequest(
                text=f"This server is not {name!r}. It answers to {', '.join(self._options.names)}; "
                "--allow-host NAME adds a name."
            )
        if request.method != "POST":
            return
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="Ask in application/json")
        origin = request.headers.get("Origin")
        if origin is not None and origin.rpartition("://")[2] != request.headers["Host"]:
            raise web.HTTPForbidden(text=f"A page of {origin} may not ask this server")

    # -- pages and files

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return _sent(_STATIC.joinpath("page.html"))

    async def _healthy(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="wakeline viewer\n")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name == "plotly.min.js":
            return web.FileResponse(plotly_file(), headers={"Content-Type": "text/javascript"})
        file = _STATIC.joinpath(*name.split("/"))
        if ".." in name.split("/") or not file.is_file():
            raise NotThere(f"There is no file {name}")
        return _sent(file)

    # -- questions

    async def _listing(self, _: web.Request) -> web.StreamResponse:
        return await _json(
            {"dashboards": self._catalogue.listing(), "defaults": dict(self._options.defaults)}
        )

    async def _dashboard(self, request: web.Request) -> web.StreamResponse:
        text = self._catalogue[request.match_info["uid"]].text
        return web.Response(text=text, content_type="application/json")

    async def _namespaces(self, _: web.Request) -> web.StreamResponse:
        return await _json(_answer(await self._waited(reading.namespaces, self._database)))

    async def _variables(self, request: web.Request) -> web.StreamResponse:
        question = await _read(request, Question)
        content = self._catalogue[question.dashboard]
        found = await self._waited(choices, content, question, self._database.ask, self._options.defaults)
        return await _json({"variables": [as_json(choice) for choice in found]})

    async def _panel(self, request: web.Request) -> web.StreamResponse:
        question = await _read(request, PanelQuestion)
        content = self._catalogue[question.dashboard]
        target = content.target(question.panel, question.ref)
        least_s = seconds_of(content.panel(question.panel).get("interval"))
        scope = question.scope(least_s)
        sql = expand(target["rawSql"], scope)
        answer = await self._waited(reading.panel, self._database, sql)
        more = {"format": target.get("format"), "interval_ms": scope.interval_s * 1_000, "sql": sql}
        return await _json(_answer(answer) | more)

    async def _annotations(self, request: web.Request) -> web.StreamResponse:
        question = await _read(request, Question)
        content = self._catalogue[question.dashboard]
        asked = [
            (one, self._waited(self._database.ask, expand(one["target"]["rawSql"], question.scope())))
            for one in content.annotations()
        ]
        answers = await asyncio.gather(*(waited for _, waited in asked), return_exceptions=True)
        found = []
        for (one, _), answer in zip(asked, answers, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, Refused):
                raise answer
            named = {"name": one["name"], "color": one.get("iconColor", "")}
            told = {"error": str(answer)} if isinstance(answer, Refused) else _answer(answer)
            found.append(named | told)
        return await _json({"annotations": found})

    async def _extent(self, request: web.Request) -> web.StreamResponse:
        question = await _read(request, NamespaceQuestion)
        return await _json(_answer(await self._waited(reading.extent, self._database, question)))

    async def _step(self, request: web.Request) -> web.StreamResponse:
        question = await _read(request, StepQuestion)
        step, contents = await self._waited(reading.step, self._database, question)
        return await _json({"step": _answer(step), "contents": _answer(contents)})

    async def _search(self, request: web.Request) -> web.StreamResponse:
        question = await _read(request, SearchQuestion)
        hits, steps = await self._waited(reading.search, self._database, question)
        found = {"hits": _answer(hits), "steps": _answer(steps)}
        return await _json(found | {"words": words(question.text), "most": reading.MAX_HITS})

    async def _waited(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of work that waits for the database, by a thread; not begun if nobody waits any more."""
        call = functools.partial(work, *arguments)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def plotly_file() -> str:
    """Where plotly.js is: in the wheel of `plotly`, which is never imported.

    Raises:
        FileNotFoundError: it is not installed.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        file = distribution("plotly").locate_file("plotly/package_data/plotly.min.js")
    except PackageNotFoundError as error:
        raise FileNotFoundError("plotly is not installed; the extra `local` brings it") from error
    return str(file)


def _name_of(host: str) -> str:
    """Of a Host header: without its port, in lower case."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower().removesuffix(".")


async def _read(request: web.Request, kind: type[Asked]) -> Asked:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The question cannot be read: {error}") from error


def _answer(answer: Answer) -> dict[str, Any]:
    columns = [{"name": one.name, "kind": one.kind, "type": one.type} for one in answer.columns]
    return {"columns": columns, "values": answer.values, "is_cut": answer.is_cut}


async def _json(content: Mapping[str, Any]) -> web.Response:
    """An answer; written and packed by another thread, for it may have millions of characters."""
    text = await asyncio.to_thread(
        json.dumps, content, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    response = web.Response(
        text=text,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
        zlib_executor_size=_PACKED_BESIDE_BYTES,
    )
    response.enable_compression()
    return response


def _failure(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


def _sent(file: Traversable) -> web.Response:
    suffix = "." + file.name.rpartition(".")[2]
    if suffix not in _TYPES:
        raise NotThere(f"There is no file {file.name}")
    return web.Response(body=file.read_bytes(), content_type=_TYPES[suffix], charset="utf-8")
