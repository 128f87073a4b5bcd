"""The data source. Its mark stands in its own settings; keys that somebody has added there stay.

Grafana never shows a password, so a new one is written with another change, or when asked to.
"""

from dataclasses import dataclass, field

from dashboards.publish.client import Grafana
from dashboards.publish.item import Found, Json, State, fingerprint, judge

_MARK = "wakelinePublished"
# Whether it is the default is left to whoever has chosen.
_NAMES = ("name", "type", "access")


@dataclass(frozen=True)
class DataSource:
    """ClickHouse.

    Attributes:
        content: as the API takes it, without password.
        password: of the user that may only read; never shown.
    """

    content: Json
    password: str = field(repr=False)
    kind: str = "data source"

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.content["name"])

    @property
    def wanted(self) -> Json:
        """What of it can be compared."""
        return self._comparable(self.content)

    @property
    def has_secret(self) -> bool:
        """Is there a password?"""
        return bool(self.password)

    def look(self, grafana: Grafana) -> Found:
        """By its uid; of its settings those that are ours."""
        raw = grafana.find(f"/datasources/uid/{self.content['uid']}")
        if raw is None:
            return Found(State.ABSENT)
        held = self._comparable(raw)
        if raw.get("readOnly"):
            return Found(State.FILE, held, raw=raw)
        return judge(self.wanted, held, raw.get("jsonData", {}).get(_MARK, ""), raw=raw)

    def write(self, grafana: Grafana, found: Found) -> None:
        """Create, or bring our settings to what they should be."""
        settings = (
            found.raw.get("jsonData", {}) | self.content["jsonData"] | {_MARK: fingerprint(self.wanted)}
        )
        is_default = found.raw.get("isDefault", self.content["isDefault"])
        body = {**self.content, "isDefault": is_default, "jsonData": settings}
        if self.password:
            body["secureJsonData"] = {"password": self.password}
        if found.held is None:
            grafana.post("/datasources", body)
        else:
            grafana.put(
                f"/datasources/uid/{self.content['uid']}", body | {"version": found.raw.get("version", 0)}
            )

    def _comparable(self, content: Json) -> Json:
        ours = self.content["jsonData"]
        held = {name: value for name, value in content.get("jsonData", {}).items() if name in ours}
        return {name: content.get(name) for name in _NAMES} | {"jsonData": held}
