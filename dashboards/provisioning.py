"""Which files does Grafana read at its start, for those who prefer files to an API?

YAML, the same bytes every time. `python -m dashboards` writes them to deploy/grafana/provisioning,
`wakeline dashboards files` for objectives of a site's own. JSON of the dashboards lies in a folder beside
them.
"""

from typing import Any

import yaml

from dashboards.alerts.objectives import Objectives
from dashboards.alerts.shapes import ORG_ID, file_contact_points, file_groups
from dashboards.source import FOLDER_TITLE, FOLDER_UID, PASSWORD_VARIABLE, Source, datasource

DASHBOARDS_PATH = "/var/lib/grafana/dashboards/wakeline"

_SOURCE_HEAD = f"""\
# ClickHouse for Grafana. The user may only read; the embedded engine has one of this name (its password is in
# users.json of the data folder), on a server of your own make one with readonly = 1 and max_execution_time
# changeable. Grafana takes {PASSWORD_VARIABLE} from its environment.
"""
_DASHBOARDS_HEAD = f"""\
# Dashboards from files: mount dashboards/json of this repository at {DASHBOARDS_PATH}.
"""
_ALERTS_HEAD = """\
# Alert rules. Made by code: objectives are set in a TOML file (docs/alerts.md), not here.
"""
_CONTACT_POINTS_HEAD = """\
# Contact points. Grafana takes $NAME from its environment, and does not start where a needed one is empty.
"""


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are read, and lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - the base's
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base's
        """What occurs twice is written twice."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def provisioning_files(objectives: Objectives, source: Source) -> dict[str, str]:
    """Path below Grafana's `provisioning` folder to text."""
    files = {
        "datasources/wakeline.yaml": _SOURCE_HEAD + to_yaml(_datasources(source)),
        "dashboards/wakeline.yaml": _DASHBOARDS_HEAD + to_yaml(_providers()),
        "alerting/wakeline.yaml": _ALERTS_HEAD + to_yaml(file_groups(objectives)),
    }
    if objectives.contact_points:
        points = to_yaml(file_contact_points(objectives.contact_points))
        files["alerting/wakeline-contact-points.yaml"] = _CONTACT_POINTS_HEAD + points
    return files


def to_yaml(content: dict[str, Any]) -> str:
    """The file's text: keys in their order, the same bytes for the same content."""
    text: str = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return text


def _datasources(source: Source) -> dict[str, Any]:
    password = {"secureJsonData": {"password": "${" + PASSWORD_VARIABLE + "}"}}
    return {"apiVersion": 1, "datasources": [{**datasource(source), "editable": False, **password}]}


def _providers() -> dict[str, Any]:
    provider = {
        "name": "wakeline",
        "orgId": ORG_ID,
        "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID,
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 60,
        "options": {"path": DASHBOARDS_PATH, "foldersFromFilesStructure": False},
    }
    return {"apiVersion": 1, "providers": [provider]}
