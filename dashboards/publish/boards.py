"""The folder, and the dashboards in it.

A dashboard's mark is the message of its newest version: every save makes a version, whoever saves, so a
newest version without our message is somebody else's. What Grafana holds need not equal what was sent (it
upgrades old dashboards when it reads them), so the fingerprint in the message is compared with what should
be there, and not with what is.
"""

import re
from dataclasses import dataclass

from dashboards.publish.client import Grafana
from dashboards.publish.item import Found, Json, State, fingerprint

_MESSAGE = "Published by wakeline dashboards: {}"
_MARK = re.compile(_MESSAGE.replace("{}", r"([0-9a-f]{16})"))
# What Grafana adds to a dashboard by itself.
_OWN = frozenset({"id", "version"})
PAGE = 100


@dataclass(frozen=True)
class Folder:
    """Where everything lies."""

    uid: str
    title: str
    kind: str = "folder"
    has_secret: bool = False

    @property
    def name(self) -> str:
        """Its title."""
        return self.title

    @property
    def wanted(self) -> Json:
        """Its title alone."""
        return {"title": self.title}

    def look(self, grafana: Grafana) -> Found:
        """By its uid."""
        raw = grafana.find(f"/folders/{self.uid}")
        if raw is None:
            return Found(State.ABSENT)
        held = {"title": raw["title"]}
        same = held == self.wanted
        return Found(State.SAME if same else State.FOREIGN, held, "" if same else "It was renamed", raw)

    def write(self, grafana: Grafana, found: Found) -> None:
        """Create or rename."""
        if found.held is None:
            grafana.post("/folders", {"uid": self.uid, "title": self.title})
        else:
            grafana.put(f"/folders/{self.uid}", {"title": self.title, "version": found.raw.get("version", 0)})


@dataclass(frozen=True)
class Dashboard:
    """One dashboard.

    Attributes:
        content: its JSON, without id and version.
        folder_uid: of its folder.
    """

    content: Json
    folder_uid: str
    kind: str = "dashboard"
    has_secret: bool = False

    @property
    def name(self) -> str:
        """Its uid, which links name."""
        return str(self.content["uid"])

    @property
    def wanted(self) -> Json:
        """The whole of it."""
        return self.content

    def look(self, grafana: Grafana) -> Found:
        """The dashboard, and who saved it last."""
        raw = grafana.find(f"/dashboards/uid/{self.name}")
        if raw is None:
            return Found(State.ABSENT)
        held = without_own(raw["dashboard"])
        if raw["meta"].get("provisioned"):
            return Found(State.FILE, held, raw=raw)
        if raw["meta"].get("folderUid") != self.folder_uid:
            place = raw["meta"].get("folderTitle") or "another folder"
            return Found(State.FOREIGN, held, f"It lies in {place}", raw)
        mark = self._mark(grafana)
        if held == self.content or mark == fingerprint(self.content):
            return Found(State.SAME, held, raw=raw)
        if mark:
            return Found(State.OURS, held, raw=raw)
        return Found(State.FOREIGN, held, "Its newest version was saved by somebody else", raw)

    def write(self, grafana: Grafana, found: Found) -> None:
        """Save a version; Grafana refuses it (412) when another was saved since the look."""
        version = {} if found.held is None else {"version": found.raw["dashboard"]["version"]}
        body = {
            "dashboard": {**self.content, **version},
            "folderUid": self.folder_uid,
            "message": _MESSAGE.format(fingerprint(self.content)),
            "overwrite": False,
        }
        grafana.post("/dashboards/db", body)

    def _mark(self, grafana: Grafana) -> str:
        answer = grafana.get(f"/dashboards/uid/{self.name}/versions?limit=1")
        # A list until Grafana 11, an object since.
        versions = answer if isinstance(answer, list) else answer["versions"]
        newest = max(versions, key=lambda version: int(version["version"]), default=None)
        match = _MARK.fullmatch(newest.get("message") or "") if newest else None
        return match[1] if match else ""


def without_own(dashboard: Json) -> Json:
    """A dashboard without what Grafana has added."""
    return {name: value for name, value in dashboard.items() if name not in _OWN}


def dashboards_in(grafana: Grafana, folder_uid: str) -> list[str]:
    """Uids of all dashboards in a folder, page by page."""
    found: list[str] = []
    page = 1
    while True:
        query = f"/search?type=dash-db&folderUIDs={folder_uid}&limit={PAGE}&page={page}"
        rows = grafana.get(query)
        found += [row["uid"] for row in rows]
        if len(rows) < PAGE:
            return sorted(found)
        page += 1
