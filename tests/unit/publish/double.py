"""A Grafana for tests: from the documentation of its HTTP API, with state, versions, and faults on demand.

Statuses and bodies are those that the documentation gives (version 12); what Grafana adds to what it is sent,
it adds.
"""

import json
import threading
import time
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

Json = dict[str, Any]
TOKEN = "glsa_0123456789abcdef"
PLUGIN = "grafana-clickhouse-datasource"
SECRET_SETTINGS = ("password", "authorization_credentials")


class Answer(NamedTuple):
    """Status and body; a body of None is no body."""

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


class Refusal(Exception):
    """Ends a request with an error."""

    def __init__(self, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.answer = Answer(code, {"message": message, **more})


@dataclass
class Fault:
    """What answers instead: `times` requests whose method and path begin so."""

    begins: str
    answer: Answer
    times: int = 1_000_000
    delay_s: float = 0.0


@dataclass
class State:
    """All that this Grafana holds."""

    version: str = "12.4.0"
    database: str = "ok"
    plugin: str | None = "4.19.1"
    source_health: Answer = field(
        default_factory=lambda: Answer(200, {"status": "OK", "message": "Data source is working"})
    )
    folders: dict[str, Json] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    boards: dict[str, Json] = field(default_factory=dict)
    versions: dict[str, list[Json]] = field(default_factory=dict)
    groups: dict[tuple[str, str], Json] = field(default_factory=dict)
    points: dict[str, Json] = field(default_factory=dict)
    versions_as_list: bool = False
    empty_answers: bool = False
    is_old: bool = False


class GrafanaDouble:
    """Serves on a port of its own.

    Attributes:
        url: of it.
        state: what it holds.
        faults: looked at before anything else; the first that fits answers.
        asked: method and path of every request, in order.
        tokens: of every request.
    """

    def __init__(self, prefix: str = "") -> None:
        self.state = State()
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.tokens: list[str | None] = []
        double, self._prefix = self, prefix

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                double.handle(self)

            def do_POST(self) -> None:
                double.handle(self)

            def do_PUT(self) -> None:
                double.handle(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{prefix}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def writes(self) -> list[str]:
        """Every request that was no GET."""
        return [asked for asked in self.asked if not asked.startswith("GET ")]

    def save_by_hand(self, uid: str, **changes: Any) -> None:
        """Somebody changes a dashboard in the user interface."""
        content = deepcopy(self.state.boards[uid]["dashboard"]) | changes
        self._save(content, self.state.boards[uid]["folderUid"], "")

    def rule(self, uid: str) -> Json:
        """A rule as it is held, to be changed."""
        return next(
            rule for group in self.state.groups.values() for rule in group["rules"] if rule["uid"] == uid
        )

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        sent = request.rfile.read(length)
        asked = f"{request.command} {request.path.removeprefix(self._prefix)}"
        self.asked.append(asked)
        self.tokens.append(request.headers.get("Authorization"))
        answer = self._answer(request, asked, json.loads(sent) if sent else None)
        text = (
            b""
            if answer.body is None
            else answer.body
            if isinstance(answer.body, bytes)
            else json.dumps(answer.body).encode()
        )
        try:
            request.send_response(answer.status)
            for name, value in answer.headers:
                request.send_header(name, value)
            request.send_header("Content-Length", str(len(text)))
            request.end_headers()
            request.wfile.write(text)
        except BrokenPipeError:
            request.close_connection = True  # the client did not wait

    def _answer(self, request: BaseHTTPRequestHandler, asked: str, body: Any) -> Answer:
        for fault in self.faults:
            if asked.startswith(fault.begins) and fault.times > 0:
                fault.times -= 1
                time.sleep(fault.delay_s)
                return fault.answer
        method, _, target = asked.partition(" ")
        parts = urlsplit(target)
        if not request.path.startswith(f"{self._prefix}/api/"):
            return Answer(404, b"<html>not found</html>")
        path = [unquote(part) for part in parts.path.removeprefix("/api/").split("/")]
        if path == ["health"]:
            return Answer(
                200 if self.state.database == "ok" else 503,
                {"database": self.state.database, "version": self.state.version},
            )
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answer(
                401, {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401}
            )
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        editable = request.headers.get("X-Disable-Provenance") == "true"
        try:
            answer = self._route(method, path, query, body, editable)
        except Refusal as refusal:
            return refusal.answer
        return Answer(204, None) if self.state.empty_answers and method != "GET" else answer

    def _route(self, method: str, path: list[str], query: Json, body: Any, editable: bool) -> Answer:
        match method, path:
            case "GET", ["folders", uid]:
                return Answer(200, _known(self.state.folders, uid, "folder not found"))
            case "POST", ["folders"]:
                return self._make_folder(body)
            case "PUT", ["folders", uid]:
                folder = _known(self.state.folders, uid, "folder not found")
                _same_version(folder, body, 412, "the folder has been changed by someone else")
                folder |= {"title": body["title"], "version": folder["version"] + 1}
                return Answer(200, folder)
            case "GET", ["datasources", "uid", uid]:
                return Answer(200, _known(self.state.sources, uid, "Data source not found"))
            case "GET", ["datasources", "uid", uid, "health"]:
                _known(self.state.sources, uid, "Data source not found")
                return self.state.source_health
            case "POST", ["datasources"]:
                return self._make_source(body)
            case "PUT", ["datasources", "uid", uid]:
                return self._change_source(uid, body)
            case "GET", ["plugins", plugin, "settings"]:
                if plugin != PLUGIN or self.state.plugin is None:
                    raise Refusal(404, "Plugin not found, no installed plugin with that id")
                return Answer(200, {"id": PLUGIN, "info": {"version": self.state.plugin}})
            case "GET", ["dashboards", "uid", uid]:
                board = _known(self.state.boards, uid, "Dashboard not found")
                folder = self.state.folders[board["folderUid"]]
                meta = {
                    "folderUid": board["folderUid"],
                    "folderTitle": folder["title"],
                    "provisioned": board["provisioned"],
                }
                return Answer(200, {"dashboard": board["dashboard"], "meta": meta})
            case "GET", ["dashboards", "uid", uid, "versions"]:
                _known(self.state.boards, uid, "Dashboard not found")
                found = self.state.versions[uid][::-1][: int(query.get("limit", 1_000))]
                return Answer(
                    200, found if self.state.versions_as_list else {"continueToken": "", "versions": found}
                )
            case "POST", ["dashboards", "db"]:
                return self._post_board(body)
            case "GET", ["search"]:
                return self._search(query)
            case _:
                return self._route_alerting(method, path, body, editable)

    def _route_alerting(self, method: str, path: list[str], body: Any, editable: bool) -> Answer:
        match method, path[2:] if path[:2] == ["v1", "provisioning"] else path:
            case "GET", ["alert-rules"]:
                return Answer(200, [rule for group in self.state.groups.values() for rule in group["rules"]])
            case "GET", ["folder", folder, "rule-groups", group]:
                return Answer(200, _known(self.state.groups, (folder, group), "rule group not found"))
            case "PUT", ["folder", folder, "rule-groups", group]:
                return self._put_group(folder, group, body, editable)
            case "GET", ["contact-points"]:
                return Answer(200, [_redacted(point) for point in self.state.points.values()])
            case "POST", ["contact-points"]:
                if body["uid"] in self.state.points:
                    raise Refusal(400, "receiver configuration with UID exists")
                self.state.points[body["uid"]] = body | {"provenance": "" if editable else "api"}
                return Answer(202, _redacted(self.state.points[body["uid"]]))
            case "PUT", ["contact-points", uid]:
                point = _known(self.state.points, uid, "contact point not found")
                self.state.points[uid] = body | {"provenance": point["provenance"]}
                return Answer(202, {"message": "contactpoint updated"})
        raise Refusal(404, "Not found")

    def _make_folder(self, body: Json) -> Answer:
        if body["uid"] in self.state.folders:
            raise Refusal(412, "a folder with the same uid already exists")
        if any(folder["title"] == body["title"] for folder in self.state.folders.values()):
            raise Refusal(409, "a folder with the same name already exists in the current location")
        self.state.folders[body["uid"]] = {"id": len(self.state.folders) + 1, "version": 1, **body}
        return Answer(200, self.state.folders[body["uid"]])

    def _make_source(self, body: Json) -> Answer:
        if body["uid"] in self.state.sources or any(
            body["name"] == one["name"] for one in self.state.sources.values()
        ):
            raise Refusal(409, "data source with the same name already exists")
        self.state.sources[body["uid"]] = self._stored_source(body) | {"version": 1}
        held = self.state.sources[body["uid"]]
        return Answer(
            200, {"datasource": held, "id": held["id"], "message": "Datasource added", "name": held["name"]}
        )

    def _change_source(self, uid: str, body: Json) -> Answer:
        held = _known(self.state.sources, uid, "Data source not found")
        if held["readOnly"]:
            raise Refusal(403, "Cannot update read-only data source")
        _same_version(
            held,
            body,
            409,
            "Datasource has already been updated by someone else. Please reload and try again",
        )
        self.state.sources[uid] = self._stored_source(body) | {"version": held["version"] + 1}
        return Answer(200, {"datasource": self.state.sources[uid], "message": "Datasource updated"})

    def _stored_source(self, body: Json) -> Json:
        uid, sent = body["uid"], body.get("secureJsonData", {})
        self.state.secrets[uid] = self.state.secrets.get(uid, {}) | sent
        kept = {name: value for name, value in deepcopy(body).items() if name != "secureJsonData"}
        added = {"id": 7, "orgId": 1, "url": "", "user": "", "database": "", "basicAuth": False}
        return (
            kept
            | added
            | {"readOnly": False, "secureJsonFields": dict.fromkeys(self.state.secrets[uid], True)}
        )

    def _post_board(self, body: Json) -> Answer:
        content = body["dashboard"]
        if body["folderUid"] not in self.state.folders:
            raise Refusal(400, "folder not found", status="not-found")
        held = self.state.boards.get(content["uid"])
        if held is not None and held["provisioned"]:
            raise Refusal(400, "Cannot save provisioned dashboard")
        if (
            held is not None
            and not body["overwrite"]
            and content.get("version") != held["dashboard"]["version"]
        ):
            raise Refusal(412, "The dashboard has been changed by someone else", status="version-mismatch")
        for uid, other in self.state.boards.items():
            if (
                uid != content["uid"]
                and other["dashboard"]["title"] == content["title"]
                and other["folderUid"] == body["folderUid"]
            ):
                raise Refusal(
                    412, "A dashboard with the same name in the folder already exists", status="name-exists"
                )
        return Answer(200, self._save(content, body["folderUid"], body.get("message", "")))

    def _save(self, content: Json, folder_uid: str, message: str) -> Json:
        uid = content["uid"]
        versions = self.state.versions.setdefault(uid, [])
        version = len(versions) + 1
        versions.append({"id": version, "uid": uid, "version": version, "message": message, "createdBy": "x"})
        whole = deepcopy(content) | {"version": version, "id": 40 + len(self.state.boards)}
        self.state.boards[uid] = {"dashboard": whole, "folderUid": folder_uid, "provisioned": False}
        return {"id": whole["id"], "uid": uid, "url": f"/d/{uid}/x", "status": "success", "version": version}

    def _search(self, query: Json) -> Answer:
        limit, page = int(query.get("limit", 1_000)), int(query.get("page", 1))
        assert query["type"] == "dash-db"
        uids = [uid for uid, board in self.state.boards.items() if board["folderUid"] == query["folderUIDs"]]
        shown = uids[(page - 1) * limit : page * limit]
        return Answer(
            200, [{"uid": uid, "type": "dash-db", "folderUid": query["folderUIDs"]} for uid in shown]
        )

    def _put_group(self, folder: str, name: str, body: Json, editable: bool) -> Answer:
        if folder not in self.state.folders:
            raise Refusal(400, "folder does not exist")
        held = self.state.groups.get((folder, name), {"rules": []})
        provenance = "" if editable else "api"
        known = {rule["uid"]: rule for rule in held["rules"]}
        others = {
            rule["uid"]
            for key, group in self.state.groups.items()
            if key != (folder, name)
            for rule in group["rules"]
        }
        receivers = {point["name"] for point in self.state.points.values()} | {"grafana-default-email"}
        for rule in body["rules"]:
            before = known.get(rule["uid"])
            if before is not None and before["provenance"] != provenance:
                raise Refusal(
                    409, f"cannot change provenance from '{before['provenance']}' to '{provenance}'"
                )
            if rule["uid"] in others:
                raise Refusal(409, "conflicting alert rule UID found")
            wanted = rule.get("notification_settings", {}).get("receiver")
            if wanted is not None and wanted not in receivers:
                raise Refusal(400, f"invalid alert rule: receiver '{wanted}' does not exist")
            names = rule["annotations"].keys() & {"__dashboardUid__", "__panelId__"}
            if len(names) == 1:
                raise Refusal(400, "both annotations __dashboardUid__ and __panelId__ must be specified")
        rules = [_stored_rule(rule, provenance) for rule in body["rules"]]
        if self.state.is_old:
            for rule in rules:
                del rule["keep_firing_for"]
        self.state.groups[folder, name] = {
            "title": name,
            "folderUid": folder,
            "interval": body["interval"],
            "rules": rules,
        }
        return Answer(200, self.state.groups[folder, name])


def _stored_rule(rule: Json, provenance: str) -> Json:
    """What Grafana makes of a rule: it sorts models, writes durations its way, and adds its own."""
    held = json.loads(json.dumps(rule, sort_keys=True))
    for query in held["data"]:
        query["model"].setdefault("intervalMs", 1_000)
        query["model"].setdefault("maxDataPoints", 43_200)
    added = {"id": 3, "orgID": 1, "updated": "2026-11-28T08:00:00Z", "provenance": provenance, "record": None}
    times = {
        name: {"60m": "1h", "24h": "1d"}.get(held[name], held[name]) for name in ("for", "keep_firing_for")
    }
    whole: Json = held | added | times
    return whole


def _redacted(point: Json) -> Json:
    settings = {
        name: "[REDACTED]" if name in SECRET_SETTINGS else value for name, value in point["settings"].items()
    }
    return point | {"settings": settings, "disableResolveMessage": False}


def _known(held: dict[Any, Json], key: Any, message: str) -> Json:
    if key not in held:
        raise Refusal(404, message)
    found: Json = held[key]
    return found


def _same_version(held: Json, body: Json, status: int, message: str) -> None:
    if body.get("version") != held["version"]:
        raise Refusal(status, message, status="version-mismatch")
