"""Grafana's provisioning files as it reads them: keys that it would ignore are errors here.

Keys are those of Grafana's readers (rules, contact points, data sources, providers), version 11 and newer.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Uid = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,40}$")]
Duration = Annotated[str, Meta(pattern=r"^\d+[smhd]$")]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """Whatever is read from a file."""


class Range(_Strict):
    from_: int = msgspec.field(name="from")
    to: int


class Query(_Strict):
    refId: Literal["A", "B", "C"]  # noqa: N815 - Grafana's
    queryType: str  # noqa: N815
    relativeTimeRange: Range  # noqa: N815
    datasourceUid: str  # noqa: N815
    model: dict[str, Any]


class Notification(_Strict):
    receiver: Annotated[str, Meta(min_length=1)]
    group_by: list[str]


class Rule(_Strict):
    uid: Uid
    title: Annotated[str, Meta(min_length=1, max_length=190)]
    condition: Literal["C"]
    data: Annotated[list[Query], Meta(min_length=3, max_length=3)]
    dashboardUid: Uid  # noqa: N815
    panelId: Annotated[int, Meta(ge=1)]  # noqa: N815
    noDataState: Literal["OK", "Alerting"]  # noqa: N815
    execErrState: Literal["Error", "Alerting"]  # noqa: N815
    for_: Duration = msgspec.field(name="for")
    keepFiringFor: Duration  # noqa: N815
    annotations: dict[str, str]
    labels: dict[str, str]
    isPaused: bool  # noqa: N815
    notification_settings: Notification | None = None


class Group(_Strict):
    orgId: Annotated[int, Meta(ge=1)]  # noqa: N815
    name: Annotated[str, Meta(min_length=1, max_length=190)]
    folder: Annotated[str, Meta(min_length=1)]
    interval: Duration
    rules: list[Rule]


class Receiver(_Strict):
    uid: Uid
    type: str
    settings: Annotated[dict[str, Any], Meta(min_length=1)]


class ContactPoint(_Strict):
    orgId: int  # noqa: N815
    name: str
    receivers: Annotated[list[Receiver], Meta(min_length=1)]


class Alerting(_Strict):
    apiVersion: Literal[1]  # noqa: N815
    groups: list[Group] = []
    contactPoints: list[ContactPoint] = []  # noqa: N815


class DataSource(_Strict):
    name: str
    uid: Uid
    type: str
    access: Literal["proxy"]
    isDefault: bool  # noqa: N815
    editable: bool
    jsonData: dict[str, Any]  # noqa: N815
    secureJsonData: dict[str, str]  # noqa: N815


class DataSources(_Strict):
    apiVersion: Literal[1]  # noqa: N815
    datasources: Annotated[list[DataSource], Meta(min_length=1)]


class ProviderOptions(_Strict):
    path: str
    foldersFromFilesStructure: bool  # noqa: N815


class Provider(_Strict):
    name: str
    orgId: int  # noqa: N815
    folder: str
    folderUid: Uid  # noqa: N815
    type: Literal["file"]
    disableDeletion: bool  # noqa: N815
    allowUiUpdates: bool  # noqa: N815
    updateIntervalSeconds: int  # noqa: N815
    options: ProviderOptions


class Providers(_Strict):
    apiVersion: Literal[1]  # noqa: N815
    providers: Annotated[list[Provider], Meta(min_length=1)]
