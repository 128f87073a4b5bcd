"""What does Grafana hold? Files of it, for a look, for version control, for another Grafana.

Dashboards as they can be imported and published again, rules and contact points as the API takes them. Of
passwords and tokens Grafana shows nothing; addresses of webhooks, which may be secrets, it shows.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from dashboards.builder import to_json
from dashboards.publish.boards import dashboards_in, without_own
from dashboards.publish.client import Grafana
from dashboards.publish.item import Json
from dashboards.source import FOLDER_UID, SOURCE_UID

_SAFE = re.compile(r"[A-Za-z0-9_-]+")


def export(grafana: Grafana) -> Iterator[tuple[Path, str]]:
    """Relative path and text of each file.

    Raises:
        GrafanaRefused: Grafana answers with an error.
        GrafanaUnavailable: it does not answer.
    """
    for uid in dashboards_in(grafana, FOLDER_UID):
        content = grafana.get(f"/dashboards/uid/{quote(uid, safe='')}")["dashboard"]
        yield Path("dashboards") / f"{_file_name(uid)}.json", to_json(without_own(content))
    source = grafana.find(f"/datasources/uid/{SOURCE_UID}")
    if source is not None:
        yield Path("datasource.json"), to_json(source)
    rules = [
        rule for rule in grafana.get("/v1/provisioning/alert-rules") or [] if rule["folderUID"] == FOLDER_UID
    ]
    for group in sorted({rule["ruleGroup"] for rule in rules}):
        content = grafana.get(f"/v1/provisioning/folder/{FOLDER_UID}/rule-groups/{quote(group, safe='')}")
        yield Path("alerting") / f"{_file_name(group)}.json", to_json(content)
    points: list[Json] = grafana.get("/v1/provisioning/contact-points") or []
    yield Path("alerting") / "contact-points.json", json.dumps(points, indent=2, sort_keys=True) + "\n"


def write_export(grafana: Grafana, folder: Path) -> list[Path]:
    """Write the files below a folder; files of the same name are replaced.

    Raises:
        OSError: they cannot be written.
        GrafanaRefused, GrafanaUnavailable: as above.
    """
    written = []
    for path, text in export(grafana):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def _file_name(name: str) -> str:
    """A name that stays in its folder, whatever somebody has called a dashboard or a group."""
    return "".join(part if _SAFE.fullmatch(part) else "_" for part in name)
