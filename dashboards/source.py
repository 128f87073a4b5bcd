"""Where does Grafana find ClickHouse, and where do dashboards and rules lie in it?

One place for uids and titles.
"""

from dataclasses import dataclass
from typing import Any

from dashboards.target import PLUGIN

Json = dict[str, Any]

FOLDER_UID = "wakeline"
FOLDER_TITLE = "Agent Observability"
SOURCE_UID = "wakeline-ch"
SOURCE_NAME = "Wakeline ClickHouse"
PASSWORD_VARIABLE = "WAKELINE_CLICKHOUSE_READER_PASSWORD"


@dataclass(frozen=True)
class Source:
    """ClickHouse as Grafana reaches it: from where Grafana runs, as a user that may only read.

    Attributes:
        host: name or address.
        port: of ClickHouse's HTTP interface.
        secure: TLS.
        user: that may read. It needs `readonly = 1` and `max_execution_time` changeable.
        database: of the tables.
    """

    host: str = "clickhouse"
    port: int = 8123
    secure: bool = False
    user: str = "grafana_reader"
    database: str = "wakeline"


def datasource(source: Source) -> Json:
    """The data source as `POST /api/datasources` takes it, without the password."""
    return {
        "name": SOURCE_NAME,
        "uid": SOURCE_UID,
        "type": PLUGIN,
        "access": "proxy",
        "isDefault": False,
        "jsonData": {
            "host": source.host,
            "port": source.port,
            "protocol": "http",
            "secure": source.secure,
            "username": source.user,
            "defaultDatabase": source.database,
            "dialTimeout": "10",
            "queryTimeout": "60",
            "traces": {
                "defaultDatabase": source.database,
                "defaultTable": "otel_traces",
                "otelEnabled": True,
                "otelVersion": "latest",
            },
        },
    }
