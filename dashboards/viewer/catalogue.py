"""Which dashboards are there, and which SQL stands behind a panel, a variable or an annotation?

Reads the committed JSON, the same that Grafana imports. Knows nothing of browsers or of ClickHouse.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

Json = dict[str, Any]
COMMITTED = resources.files("dashboards").joinpath("json")


class NotThere(LookupError):
    """A dashboard, panel, target or variable that does not exist. The message names it."""


@dataclass(frozen=True)
class Content:
    """One dashboard.

    Attributes:
        text: the file, as it is sent to browsers.
        model: the same, read.
    """

    text: str
    model: Json

    def panels(self) -> Iterator[Json]:
        """All panels, those of collapsed rows included."""
        for panel in self.model.get("panels", ()):
            yield panel
            yield from panel.get("panels", ())

    def panel(self, panel_id: int) -> Json:
        """The panel of this id.

        Raises:
            NotThere: there is no such panel.
        """
        for panel in self.panels():
            if panel.get("id") == panel_id:
                return panel
        raise NotThere(f"The dashboard {self.model['uid']} has no panel {panel_id}")

    def target(self, panel_id: int, ref: str) -> Json:
        """One of a panel's targets.

        Raises:
            NotThere: there is no such panel or target.
        """
        for target in self.panel(panel_id).get("targets", ()):
            if target.get("refId") == ref:
                return dict(target)
        raise NotThere(f"Panel {panel_id} of {self.model['uid']} asks nothing under {ref!r}")

    def variables(self) -> list[Json]:
        """In the order in which they depend on each other."""
        return list(self.model.get("templating", {}).get("list", ()))

    def annotations(self) -> list[Json]:
        """Those that have SQL and are switched on."""
        found = self.model.get("annotations", {}).get("list", ())
        return [one for one in found if one.get("enable") and one.get("target", {}).get("rawSql")]


class Catalogue:
    """All dashboards of a folder by uid, read once."""

    def __init__(self, folder: Traversable = COMMITTED) -> None:
        """Read the folder.

        Args:
            folder: with a JSON file a dashboard.

        Raises:
            ValueError: a file is no JSON, or two dashboards have one uid.
        """
        found: dict[str, Content] = {}
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if not file.name.endswith(".json"):
                continue
            text = file.read_text(encoding="utf-8")
            content = Content(text, json.loads(text))
            uid = str(content.model["uid"])
            if uid in found:
                raise ValueError(f"{file.name}: another dashboard has the uid {uid}")
            found[uid] = content
        self._found: Mapping[str, Content] = found

    def __iter__(self) -> Iterator[Content]:
        return iter(self._found.values())

    def __getitem__(self, uid: str) -> Content:
        """The dashboard of this uid.

        Raises:
            NotThere: there is none.
        """
        if uid not in self._found:
            raise NotThere(f"There is no dashboard {uid!r}; there are {', '.join(self._found) or 'none'}")
        return self._found[uid]

    def listing(self) -> list[Json]:
        """What a list of dashboards shows of each."""
        names = ("uid", "title", "description", "tags")
        return [{name: content.model.get(name) for name in names} for content in self]
