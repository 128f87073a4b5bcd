"""Contact points, and groups of alert rules.

A rule's mark is an annotation of it: two underscores around its name keep it out of notifications. A group
is written whole, so a rule that somebody has put into one of ours makes the group foreign. A contact point
has no room for a mark: one that differs is never overwritten unasked.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from dashboards.alerts.objectives import ContactPoint
from dashboards.publish.client import Grafana
from dashboards.publish.item import Found, Json, State, fingerprint

MARK = "__wakelinePublished__"
REDACTED = "[REDACTED]"
HIDDEN = "(hidden)"
_RULES = "/v1/provisioning/folder/{}/rule-groups/{}"
_POINTS = "/v1/provisioning/contact-points"
# As Grafana reads its files: $NAME, ${NAME}, and $$ for a dollar.
_VARIABLE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}


class MissingVariable(ValueError):
    """A contact point names a variable that the environment does not have. The message names both."""


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated together.

    Attributes:
        content: as the API takes it.
        editable: also in Grafana's user interface.
    """

    content: Json
    editable: bool = False
    kind: str = "alert rules"
    has_secret: bool = False

    @property
    def name(self) -> str:
        """Of the group."""
        return str(self.content["title"])

    @property
    def wanted(self) -> Json:
        """Interval and rules, in the form in which they are compared."""
        return _comparable(self.content)

    def look(self, grafana: Grafana) -> Found:
        """The group, rule by rule."""
        raw = grafana.find(self._path)
        if raw is None or not raw.get("rules"):
            return Found(State.ABSENT)
        raw = _with_dropped(raw, self.content)
        held, wanted = _comparable(raw), self.wanted
        if any(rule.get("provenance") == "file" for rule in raw["rules"]):
            return Found(State.FILE, held, raw=raw)
        if held == wanted:
            return Found(State.SAME, held, raw=raw)
        touched = sorted(
            rule["title"]
            for rule in raw["rules"]
            if (rule.get("annotations") or {}).get(MARK) != _mark(rule, held["interval"])
        )
        if touched:
            return Found(State.FOREIGN, held, f"Changed or added by hand: {', '.join(touched)}", raw)
        return Found(State.OURS, held, raw=raw)

    def write(self, grafana: Grafana, found: Found) -> None:  # noqa: ARG002 - the contract's
        """Replace the group."""
        rules = [_marked(rule, self.content["interval"]) for rule in self.content["rules"]]
        grafana.put(self._path, {**self.content, "rules": rules}, editable=self.editable)

    @property
    def _path(self) -> str:
        return _RULES.format(quote(self.content["folderUid"], safe=""), quote(self.name, safe=""))


@dataclass(frozen=True)
class Contact:
    """Whom Grafana tells.

    Attributes:
        point: as in the file of objectives.
        environment: where `$NAME` is looked up.
        editable: also in Grafana's user interface.
    """

    point: ContactPoint
    environment: Mapping[str, str] = field(repr=False)
    editable: bool = False
    kind: str = "contact point"

    @property
    def name(self) -> str:
        """As rules call it."""
        return self.point.name

    @property
    def wanted(self) -> Json:
        """Without what comes from the environment."""
        return _without(self._secrets, self._content())

    @property
    def has_secret(self) -> bool:
        """Does a setting come from the environment?"""
        return bool(self._secrets)

    @property
    def _secrets(self) -> frozenset[str]:
        """Settings that come from the environment, whole or in part."""
        return frozenset(name for name, value in self.point.settings.items() if _has_variable(value))

    def look(self, grafana: Grafana) -> Found:
        """By its uid. What Grafana hides counts as equal."""
        points = grafana.get(_POINTS) or []
        raw = next((point for point in points if point.get("uid") == self.point.uid), None)
        if raw is None:
            return Found(State.ABSENT)
        wanted = self._content()
        held = {name: raw.get(name) for name in ("name", "type")}
        held["settings"] = _unhidden(raw.get("settings", {}), wanted["settings"])
        differ = sorted(
            name
            for name in wanted["settings"].keys() | held["settings"].keys()
            if wanted["settings"].get(name) != held["settings"].get(name)
        )
        # The file may have named a variable yesterday where Grafana holds something else than it says today.
        shown = _without(self._secrets.union(differ), held)
        if raw.get("provenance") == "file":
            return Found(State.FILE, shown, raw=raw)
        if held == {name: wanted[name] for name in held}:
            return Found(State.SAME, shown, raw=raw)
        return Found(State.FOREIGN, shown, f"It differs in {', '.join(differ) or 'name or type'}", raw)

    def write(self, grafana: Grafana, found: Found) -> None:
        """Create or replace."""
        if found.held is None:
            grafana.post(_POINTS, self._content(), editable=self.editable)
        else:
            grafana.put(f"{_POINTS}/{self.point.uid}", self._content(), editable=self.editable)

    def _content(self) -> Json:
        settings = {name: self._filled(value) for name, value in self.point.settings.items()}
        return {"uid": self.point.uid, "name": self.point.name, "type": self.point.type, "settings": settings}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        return _VARIABLE.sub(self._look_up, value) if isinstance(value, str) else value

    def _look_up(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        if name not in self.environment:
            raise MissingVariable(
                f"The contact point {self.name!r} needs the variable {name}, "
                "which the environment does not have"
            )
        return self.environment[name]


def _without(secrets: Collection[str], content: Json) -> Json:
    """A contact point as it may be shown."""
    settings = {name: HIDDEN if name in secrets else value for name, value in content["settings"].items()}
    return {"name": content["name"], "type": content["type"], "settings": settings}


def _has_variable(value: Any) -> bool:
    return any(match[1] or match[2] for match in _VARIABLE.finditer(str(value)))


def _unhidden(held: Any, wanted: Any) -> Any:
    """What Grafana holds, with what should be there where it hides what is."""
    if held == REDACTED:
        return HIDDEN if wanted is None else wanted
    if isinstance(held, dict):
        others = wanted if isinstance(wanted, dict) else {}
        return {name: _unhidden(value, others.get(name)) for name, value in held.items()}
    return held


def _with_dropped(held: Json, sent: Json) -> Json:
    """The group with `keep_firing_for` as it was sent, where a Grafana too old for it has dropped it."""
    name = "keep_firing_for"
    known = {rule["uid"]: rule[name] for rule in sent["rules"]}
    rules = [{name: known.get(rule["uid"]), **rule} for rule in held["rules"]]
    return {**held, "rules": rules}


def _comparable(group: Json) -> Json:
    return {
        "interval": group["interval"],
        "rules": {rule["uid"]: comparable_rule(rule) for rule in group["rules"]},
    }


def comparable_rule(rule: Json) -> Json:
    """A rule in a form in which Grafana's answer equals what was sent: seconds for durations, no defaults."""
    notify = rule.get("notification_settings")
    return {
        "title": rule["title"],
        "condition": rule.get("condition"),
        "data": [_query(query) for query in rule["data"]],
        "noDataState": rule.get("noDataState"),
        "execErrState": rule.get("execErrState"),
        "for_s": _seconds(rule.get("for")),
        "keep_firing_for_s": _seconds(rule.get("keep_firing_for")),
        "annotations": {name: text for name, text in (rule.get("annotations") or {}).items() if name != MARK},
        "labels": rule.get("labels") or {},
        "isPaused": bool(rule.get("isPaused")),
        "receiver": notify["receiver"] if notify else None,
        "group_by": sorted((notify or {}).get("group_by") or []),
    }


def _query(query: Json) -> Json:
    reach = query.get("relativeTimeRange") or {}
    return {
        "refId": query["refId"],
        "datasourceUid": query["datasourceUid"],
        "range": [reach.get("from", 0), reach.get("to", 0)],
        "model": query["model"],
    }


def _mark(rule: Json, interval: int) -> str:
    return fingerprint([comparable_rule(rule), interval])


def _marked(rule: Json, interval: int) -> Json:
    return {**rule, "annotations": rule["annotations"] | {MARK: _mark(rule, interval)}}


def _seconds(duration: str | int | None) -> float:
    """`1h30m`, or nanoseconds."""
    if not duration:
        return 0.0
    if not isinstance(duration, str):
        return duration / 1e9
    parts: Iterable[tuple[str, str]] = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    return sum(int(count) * _SECONDS[unit] for count, unit in parts)
