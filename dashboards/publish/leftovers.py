"""What has a former version published that this one does not know? Told, never deleted."""

from collections.abc import Iterator, Sequence

from dashboards.publish.alerting import MARK
from dashboards.publish.boards import dashboards_in
from dashboards.publish.client import Grafana
from dashboards.publish.item import Item
from dashboards.source import FOLDER_UID

_PREFIX = "wakeline-"


def leftovers(grafana: Grafana, items: Sequence[Item]) -> Iterator[tuple[str, str]]:
    """Kind and name of dashboards with our prefix and of groups with rules that carry our mark.

    Raises:
        GrafanaRefused: Grafana answers with an error.
        GrafanaUnavailable: it does not answer.
    """
    known = {(item.kind, item.name) for item in items}
    for uid in dashboards_in(grafana, FOLDER_UID):
        if uid.startswith(_PREFIX) and ("dashboard", uid) not in known:
            yield "dashboard", uid
    rules = grafana.get("/v1/provisioning/alert-rules") or []
    groups = {
        rule["ruleGroup"]
        for rule in rules
        if rule["folderUID"] == FOLDER_UID and MARK in (rule.get("annotations") or {})
    }
    for group in sorted(groups):
        if ("alert rules", group) not in known:
            yield "alert rules", group
