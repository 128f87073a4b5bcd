"""Which options do many commands share, and how do they become settings? Declared once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.settings import FIELDS, PREFIX, ConfigError, Settings, load_settings

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="TOML file with settings.")]
Kafka = Annotated[
    str | None, typer.Option("--kafka", metavar="HOST:PORT", help="Kafka that runs already, instead of ours.")
]
ClickHouse = Annotated[
    str | None,
    typer.Option("--clickhouse", metavar="URL", help="ClickHouse that runs already, instead of ours."),
]
User = Annotated[str | None, typer.Option("--user", metavar="NAME", help="User of ClickHouse.")]
Namespace = Annotated[
    str | None, typer.Option("--namespace", metavar="NAME", help="Prefix of topics, column of tables.")
]
Partitions = Annotated[
    int | None, typer.Option("--partitions", metavar="N", help="Of internal topics; chosen once.")
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER", help="Data of the local servers, their logs and passwords."),
]
KafkaPort = Annotated[int, typer.Option("--kafka-port", metavar="PORT", help="Of the local Kafka.")]
ClickHousePort = Annotated[
    int, typer.Option("--clickhouse-port", metavar="PORT", help="Of the local ClickHouse.")
]
ViewerPort = Annotated[int, typer.Option("--viewer-port", metavar="PORT", help="Of the dashboards' page.")]

KAFKA_PORT = 9092
CLICKHOUSE_PORT = 8123
VIEWER_PORT = 3900


@dataclass
class Given:
    """What stood before the command: options of `wakeline` itself.

    Attributes:
        config: settings file.
        overrides: settings by name, those that were given.
    """

    config: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)


def settings_of(context: typer.Context, config: Path | None = None, **overrides: Any) -> Settings:
    """Settings from file, environment, the options before the command and those behind it.

    Raises:
        ConfigError: one cannot be used.
    """
    given: Given = context.obj or Given()
    behind = {name: value for name, value in overrides.items() if value is not None}
    return load_settings(config or given.config, **(given.overrides | behind))


def was_given(context: typer.Context, name: str, config: Path | None = None) -> bool:
    """Does the value of a setting come from anywhere but its default?"""
    return source_of(context, name, config) != "default"


def source_of(context: typer.Context, name: str, config: Path | None = None) -> str:
    """Where the value of a setting comes from: option, environment, file or default."""
    given: Given = context.obj or Given()
    if name in given.overrides:
        return "option"
    if PREFIX + name.upper() in os.environ:
        return f"environment {PREFIX}{name.upper()}"
    file = config or given.config
    if file is not None and name in _keys(file):
        return f"file {file}"
    return "default"


def folder_of(data: Path | None) -> Path:
    """The data folder: as given, else the user's."""
    if data is not None:
        return data
    from streams.local.folders import data_folder

    return data_folder(os.environ)


def pairs_of(option: str, values: Sequence[str]) -> dict[str, str]:
    """Values that are given as NAME=VALUE.

    Raises:
        ConfigError: one is not.
    """
    for value in values:
        if not value.partition("=")[0].isidentifier() or "=" not in value:
            raise ConfigError(f"{option} takes NAME=VALUE, not {value!r}")
    return {name: value for name, _, value in (one.partition("=") for one in values)}


def _keys(file: Path) -> set[str]:
    import tomllib

    return set(tomllib.loads(file.read_text(encoding="utf-8"))) & set(FIELDS)
