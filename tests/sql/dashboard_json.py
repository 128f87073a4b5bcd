"""The committed dashboards as tests walk through them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dashboards.__main__ import FOLDER
from dashboards.panels import Json
from dashboards.registry import DASHBOARDS

# As committed: what a site provisions.
CONTENTS: dict[str, Json] = {
    uid: json.loads((FOLDER / f"{uid}.json").read_text(encoding="utf-8")) for uid in DASHBOARDS
}
PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Asked:
    """One query of a dashboard, and what it is asked for.

    Attributes:
        uid: of the dashboard.
        kind: the panel's, "annotation" or "variable".
        name: the panel's title and the target's id, or the name.
        target: as sent.
        owner: panel, annotation or variable.
    """

    uid: str
    kind: str
    name: str
    target: Json
    owner: Json

    def __str__(self) -> str:
        return f"{self.uid.removeprefix('wakeline-')}-{self.name}"

    @property
    def sql(self) -> str:
        """With macros."""
        return str(self.target["rawSql"])


def asked_of(uid: str) -> Iterator[Asked]:
    """Every query of a dashboard."""
    content = CONTENTS[uid]
    for panel in content["panels"]:
        for target in panel.get("targets", ()):
            name = panel["title"] if target["refId"] == "A" else f"{panel['title']} {target['refId']}"
            yield Asked(uid, panel["type"], name, target, panel)
    for one in content["annotations"]["list"]:
        if "target" in one:
            yield Asked(uid, "annotation", one["name"], one["target"], one)
    for one in content["templating"]["list"]:
        if one["type"] == "query":
            yield Asked(uid, "variable", one["name"], one["query"], one)


def variables_of(uid: str) -> dict[str, Json]:
    """Name to variable, in their order."""
    return {one["name"]: one for one in CONTENTS[uid]["templating"]["list"]}


def links_of(panel: Json) -> Iterator[str]:
    """Addresses that a panel leads to."""
    config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
    yield from (link["url"] for link in config["defaults"].get("links", ()))
    for override in config["overrides"]:
        for one in override["properties"]:
            if one["id"] == "links":
                yield from (link["url"] for link in one["value"])
