"""Is everything there that publishing and alerting need? First what is here, then what Grafana says.

`local_findings` needs no Grafana. A finding says what is wrong and what to do; a problem makes the check
fail.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dashboards.alerts.objectives import Objectives
from dashboards.alerts.shapes import NoSuchPanel, api_groups
from dashboards.builder import to_json
from dashboards.macros import Scope, UnknownMacro, expand
from dashboards.publish.client import Grafana, GrafanaRefused
from dashboards.publish.item import Json
from dashboards.publish.items import committed_dashboards
from dashboards.registry import DASHBOARDS
from dashboards.source import SOURCE_UID
from dashboards.target import PLUGIN

_LINK = re.compile(r"/d/([A-Za-z0-9_-]+)")
# Releases of the plugin, newest first, and the Grafana that they ask for in their manifests.
_NEEDS = (((4, 15), (11, 6)), ((4, 11), (9, 5)))
_LEAST_PLUGIN = (4, 0)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        ok: it is as it should be.
        what: that was looked at.
        text: what was found, and what to do.
    """

    ok: bool
    what: str
    text: str


def local_findings(objectives: Objectives) -> Iterator[Finding]:
    """Dashboards and rules as they would be published."""
    contents = committed_dashboards()
    problems = [text for content in contents.values() for text in _problems(content, contents)]
    problems += [
        f"{uid} is not what the code makes: run python -m dashboards"
        for uid, build in DASHBOARDS.items()
        if uid not in contents or to_json(contents[uid]) != to_json(build())
    ]
    for problem in problems:
        yield Finding(False, "dashboards", problem)
    if not problems:
        yield Finding(True, "dashboards", f"{len(contents)}, each panel with a query and an id of its own")
    yield _rules(objectives)
    named = {point.name for point in objectives.contact_points}
    if objectives.receiver is not None and objectives.receiver not in named:
        yield Finding(
            True,
            "receiver",
            f"{objectives.receiver!r} is no contact point of the file: it must be in Grafana",
        )


def grafana_findings(grafana: Grafana) -> Iterator[Finding]:
    """What Grafana says of itself, of the plugin and of the data source.

    Raises:
        GrafanaUnavailable: it does not answer.
        GrafanaRefused: it answers with an error that none of the findings is about.
    """
    health = grafana.get("/health")
    version = str(health.get("version", ""))
    well = health.get("database") == "ok"
    yield Finding(well, "grafana", f"{version or 'unknown version'}, its database: {health.get('database')}")
    yield from _plugin(grafana, version)
    yield _source(grafana)


def require_plugin(grafana: Grafana) -> None:
    """Raise where the plugin is missing, before anything is written that cannot work without it.

    Raises:
        GrafanaRefused: it is not installed, with how to install it.
    """
    if grafana.find(f"/plugins/{PLUGIN}/settings") is None:
        raise GrafanaRefused(404, _missing())


def _problems(content: Json, known: Collection[str]) -> Iterator[str]:
    uid, panels = content["uid"], content["panels"]
    ids = [panel["id"] for panel in panels]
    if len(set(ids)) != len(ids):
        yield f"{uid}: two panels have one id"
    for panel in panels:
        for target in panel.get("targets", []):
            if not target.get("rawSql", "").strip():
                yield f"{uid}: the panel {panel['title']!r} has no query"
    for other in sorted(set(_LINK.findall(to_json(content)))):
        if other not in known:
            yield f"{uid} links to {other}, which is no dashboard of ours"


def _rules(objectives: Objectives) -> Finding:
    try:
        groups = api_groups(objectives)
        rules = [rule for group in groups for rule in group["rules"]]
        for rule in rules:
            expand(rule["data"][0]["model"]["rawSql"], Scope(0, 3_600))
    except (NoSuchPanel, UnknownMacro, KeyError) as error:
        return Finding(False, "alert rules", f"cannot be built: {error}")
    return Finding(True, "alert rules", f"{len(rules)} in {len(groups)} groups, for {objectives.namespace}")


def _plugin(grafana: Grafana, version: str) -> Iterator[Finding]:
    settings = grafana.find(f"/plugins/{PLUGIN}/settings")
    if settings is None:
        yield Finding(False, "plugin", _missing())
        return
    plugin = str(settings.get("info", {}).get("version", ""))
    numbers = _numbers(plugin)
    if numbers < _LEAST_PLUGIN:
        yield Finding(False, "plugin", f"{plugin}: version 4 or newer is needed; update it")
        return
    needed = next((needs for since, needs in _NEEDS if numbers >= since), (0, 0))
    if version and _numbers(version) < needed:
        least = ".".join(map(str, needed))
        yield Finding(
            False, "plugin", f"{plugin} needs Grafana {least} or newer, not {version}: update either"
        )
        return
    yield Finding(True, "plugin", plugin)


def _source(grafana: Grafana) -> Finding:
    if grafana.find(f"/datasources/uid/{SOURCE_UID}") is None:
        return Finding(
            False, "data source", f"{SOURCE_UID} is not there: wakeline dashboards publish makes it"
        )
    try:
        answer = grafana.get(f"/datasources/uid/{SOURCE_UID}/health")
    except GrafanaRefused as refused:
        if refused.status in (401, 403):
            raise
        return Finding(
            False,
            "data source",
            f"ClickHouse does not answer Grafana: {refused}. Look at host, port, user and password",
        )
    text = str(answer.get("message", ""))
    return Finding(answer.get("status", "OK").upper() == "OK", "data source", text or "answers")


def _missing() -> str:
    return (
        f"{PLUGIN} is not installed in Grafana: grafana cli plugins install {PLUGIN}, then restart Grafana "
        "(in containers: GF_INSTALL_PLUGINS)"
    )


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version; (0, 0) when it has none."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)
