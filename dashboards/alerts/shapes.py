"""How does a rule look to Grafana?

One dictionary, in the shape of its HTTP API and in that of its provisioning files. Both shapes hold the
same rule; they differ in names, in how a duration is written, in where the panel stands, and in `$`: in
files Grafana replaces `$name` in titles and labels by its environment, but neither in queries nor (unless
in braces) in annotations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.alerts.objectives import ContactPoint, Objectives, placeholders
from dashboards.alerts.rule import Group, Rule, rule_sql
from dashboards.alerts.rules import GROUPS
from dashboards.queries import load_query
from dashboards.registry import DASHBOARDS
from dashboards.source import FOLDER_TITLE, FOLDER_UID, SOURCE_UID
from dashboards.target import PLUGIN, PLUGIN_VERSION

Json = dict[str, Any]
ORG_ID = 1
# Width of a bucket of $__timeInterval; Grafana would take 1 s.
INTERVAL_MS = 60_000
MAX_DATA_POINTS = 43_200
_EXPRESSION: Json = {"type": "__expr__", "uid": "__expr__"}


class NoSuchPanel(ValueError):
    """A rule names a panel that no dashboard has. The message names both."""


def api_groups(objectives: Objectives) -> list[Json]:
    """All groups as `PUT /api/v1/provisioning/folder/:uid/rule-groups/:group` takes them."""
    context = _Context.of(objectives)
    return [
        {
            "title": group.name,
            "folderUid": FOLDER_UID,
            "interval": group.interval_s,
            "rules": [_api_rule(rule, group, context) for rule in group.rules],
        }
        for group in GROUPS
    ]


def file_groups(objectives: Objectives) -> Json:
    """All groups as the content of a provisioning file."""
    context = _Context.of(objectives)
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": ORG_ID,
                "name": group.name,
                "folder": FOLDER_TITLE,
                "interval": duration(group.interval_s),
                "rules": [_file_rule(rule, context) for rule in group.rules],
            }
            for group in GROUPS
        ],
    }


def file_contact_points(points: tuple[ContactPoint, ...]) -> Json:
    """Contact points as the content of a provisioning file; `$NAME` is left to Grafana's own environment."""
    return {
        "apiVersion": 1,
        "contactPoints": [
            {
                "orgId": ORG_ID,
                "name": _escaped(point.name),
                "receivers": [{"uid": point.uid, "type": point.type, "settings": point.settings}],
            }
            for point in points
        ],
    }


def duration(seconds: int) -> str:
    """As Prometheus writes it: the greatest unit that divides it."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@dataclass(frozen=True)
class _Context:
    """What all rules are built with: objectives, their SQL, and panels by dashboard and title."""

    objectives: Objectives
    values: Mapping[str, str]
    panels: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, objectives: Objectives) -> "_Context":
        panels = {
            (uid, panel["title"]): panel["id"]
            for uid in {rule.panel[0] for group in GROUPS for rule in group.rules} & DASHBOARDS.keys()
            for panel in DASHBOARDS[uid]()["panels"]
        }
        return cls(objectives, placeholders(objectives), panels)

    def panel(self, rule: Rule) -> tuple[str, int]:
        """Uid of the dashboard and id of the panel that shows the rule's number.

        Raises:
            NoSuchPanel: there is none.
        """
        uid, query = rule.panel
        title = load_query(query).title
        if (uid, title) not in self.panels:
            raise NoSuchPanel(
                f"The rule {rule.name} points to the panel {title!r} of {uid}, which is not there"
            )
        return uid, self.panels[uid, title]


def _api_rule(rule: Rule, group: Group, context: _Context) -> Json:
    made: Json = {
        "uid": rule.uid,
        "orgID": ORG_ID,
        "folderUID": FOLDER_UID,
        "ruleGroup": group.name,
        "title": rule.title,
        "condition": "C",
        "data": _data(rule, context),
        "noDataState": rule.empty,
        "execErrState": rule.failed,
        "for": duration(rule.pending_s),
        "keep_firing_for": duration(rule.keep_firing_s),
        "annotations": _annotations(rule, context),
        "labels": _labels(rule),
        "isPaused": False,
    }
    return made | _notification(context.objectives.receiver)


def _file_rule(rule: Rule, context: _Context) -> Json:
    uid, panel = context.panel(rule)
    made: Json = {
        "uid": rule.uid,
        "title": _escaped(rule.title),
        "condition": "C",
        "data": _data(rule, context),
        "dashboardUid": uid,
        "panelId": panel,
        "noDataState": rule.empty,
        "execErrState": rule.failed,
        "for": duration(rule.pending_s),
        "keepFiringFor": duration(rule.keep_firing_s),
        "annotations": _annotations(rule, context),
        "labels": {name: _escaped(value) for name, value in _labels(rule).items()},
        "isPaused": False,
    }
    receiver = context.objectives.receiver
    return made | _notification(receiver and _escaped(receiver))


def _data(rule: Rule, context: _Context) -> list[Json]:
    """A: rows of texts and one number. B: the number of each. C: is it above?"""
    query: Json = {
        "datasource": {"type": PLUGIN, "uid": SOURCE_UID},
        "editorType": "sql",
        "format": 1,
        "meta": {"timezone": "UTC"},
        "pluginVersion": PLUGIN_VERSION,
        "queryType": "table",
        "rawSql": rule_sql(rule, context.values),
    }
    reduce: Json = {
        "datasource": _EXPRESSION,
        "type": "reduce",
        "expression": "A",
        "reducer": "last",
        "settings": {"mode": "dropNN"},
    }
    condition: Json = {"evaluator": {"type": "gt", "params": [rule.fires_above]}}
    if rule.recovers_below < rule.fires_above:
        condition["unloadEvaluator"] = {"type": "lt", "params": [rule.recovers_below]}
    threshold: Json = {
        "datasource": _EXPRESSION,
        "type": "threshold",
        "expression": "B",
        "conditions": [condition],
    }
    return [
        _node("A", SOURCE_UID, query, rule.range_s),
        _node("B", "__expr__", reduce, 0),
        _node("C", "__expr__", threshold, 0),
    ]


def _node(ref_id: str, source: str, model: Json, range_s: int) -> Json:
    # Grafana adds the last two where they are missing; said here, what it holds stays what was sent.
    whole = {"refId": ref_id, **model, "intervalMs": INTERVAL_MS, "maxDataPoints": MAX_DATA_POINTS}
    return {
        "refId": ref_id,
        "queryType": model.get("queryType", ""),
        "relativeTimeRange": {"from": range_s, "to": 0},
        "datasourceUid": source,
        "model": whole,
    }


def _annotations(rule: Rule, context: _Context) -> dict[str, str]:
    uid, panel = context.panel(rule)
    return {
        "summary": rule.summary,
        "description": rule.description,
        "runbook_url": f"{context.objectives.runbooks}/{rule.name}.md",
        # The API knows the panel by these alone; files have keys of their own beside them.
        "__dashboardUid__": uid,
        "__panelId__": str(panel),
    }


def _labels(rule: Rule) -> dict[str, str]:
    return {"severity": rule.severity, "service": "wakeline"}


def _notification(receiver: str | None) -> Json:
    if receiver is None:
        return {}
    grouped = ["grafana_folder", "alertname", "agent"]
    return {"notification_settings": {"receiver": receiver, "group_by": grouped}}


def _escaped(text: str) -> str:
    return text.replace("$", "$$")
