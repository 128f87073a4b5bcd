"""What is published? The items of a site, in the order in which they are written. Reads no network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

from dashboards.alerts.objectives import Objectives
from dashboards.alerts.shapes import api_groups
from dashboards.publish.alerting import Contact, RuleGroup
from dashboards.publish.boards import Dashboard, Folder
from dashboards.publish.item import Item, Json
from dashboards.publish.sources import DataSource
from dashboards.source import FOLDER_TITLE, FOLDER_UID, Source, datasource


@dataclass(frozen=True)
class Publication:
    """What is to be published, and what is needed for it.

    Attributes:
        objectives: of its agents.
        source: ClickHouse as Grafana reaches it; None leaves the data source to somebody else.
        password: of the user that may only read.
        environment: where contact points find their secrets.
        editable: leave rules and contact points open to Grafana's user interface.
    """

    objectives: Objectives
    source: Source | None
    password: str = field(default="", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    editable: bool = False


def items_of(publication: Publication) -> list[Item]:
    """Folder, data source, dashboards, contact points, rules."""
    items: list[Item] = [Folder(FOLDER_UID, FOLDER_TITLE)]
    if publication.source is not None:
        items.append(DataSource(datasource(publication.source), publication.password))
    items += [Dashboard(content, FOLDER_UID) for content in committed_dashboards().values()]
    items += [
        Contact(point, publication.environment, publication.editable)
        for point in publication.objectives.contact_points
    ]
    items += [RuleGroup(group, publication.editable) for group in api_groups(publication.objectives)]
    return items


def committed_dashboards() -> dict[str, Json]:
    """Uid to content of the dashboards that come with this version, by name of their files."""
    folder = resources.files("dashboards").joinpath("json")
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name
    )
    contents = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return {content["uid"]: content for content in contents}
