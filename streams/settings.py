"""What can be configured, and where does a value come from? One frozen object, loaded in one place.

A TOML file gives values, environment variables `WAKELINE_<NAME>` override them, and what the command line
says overrides both. Unknown keys are refused: a misspelt setting must not pass for a set one.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

PREFIX = "WAKELINE_"


class ConfigError(ValueError):
    """A setting that cannot be used. The message names the key, where it came from, and what to do."""


def _about(text: str, **limits: Any) -> Meta:
    return Meta(description=text, **limits)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a deployment may change. Each description says what goes wrong with a bad value."""

    kafka: Annotated[str, _about("Bootstrap servers of Kafka. A wrong address: roles wait and say so.")] = (
        "127.0.0.1:9092"
    )
    clickhouse_url: Annotated[
        str, _about("HTTP address of ClickHouse. A wrong one: WRITE waits and lags; alarms go on.")
    ] = "http://127.0.0.1:8123"
    clickhouse_user: Annotated[str, _about("User that may create tables and insert.")] = "wakeline"
    clickhouse_password: Annotated[str, _about("Its password. Prefer the environment to a file.")] = ""
    clickhouse_database: Annotated[
        str,
        _about(
            "Database of the tables. It is created when absent.", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
        ),
    ] = "wakeline"
    namespace: Annotated[
        str,
        _about(
            "Prefix of topics and groups, column of every table. Two deployments of one name share state.",
            pattern=r"^[a-z][a-z0-9-]{0,40}$",
        ),
    ] = "live"
    clock: Annotated[
        Literal["append", "event"],
        _about("`append`: the broker's time, for live traffic. `event`: the events' own, for replays only."),
    ] = "append"
    partitions: Annotated[
        int,
        _about(
            "Partitions of internal topics, chosen once: a change would part keys from their state.",
            ge=1,
            le=512,
        ),
    ] = 16
    replication: Annotated[
        int, _about("Replicas of the topics we create. 1 loses data with its broker.", ge=1, le=7)
    ] = 1
    kafka_disk_bytes: Annotated[
        Annotated[int, Meta(ge=10**8)] | None,
        _about("Bound on all topics of a namespace together; unset: time alone bounds them. Too low: a gap."),
    ] = None
    content: Annotated[
        Literal["keep", "drop"],
        _about("`drop`: prompts, answers, arguments and free attributes are never written anywhere."),
    ] = "keep"
    max_message_bytes: Annotated[
        int, _about("A source message above it is a dead letter.", ge=1_000, le=8_000_000)
    ] = 1_000_000
    max_content_bytes: Annotated[
        int,
        _about("Of a stored content: the head is kept, with length and hash of the whole.", ge=0, le=256_000),
    ] = 256_000
    prices: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        _about("Folder of prices (docs/prices.md). Unset or empty: those installed; a bad file is refused."),
    ] = None
    loop_calls: Annotated[
        int,
        _about(
            "So many identical tool calls in one open run are a loop. Low: false alarms.", ge=2, le=10_000
        ),
    ] = 10
    detector_arl: Annotated[
        float,
        _about(
            "Mean observations of a stream to a false alarm, at least; one step is up to seven observations, "
            "and one false alarm in eight calls somebody. Low: noise. High: slower.",
            ge=1e2,
            le=1e9,
        ),
    ] = 100_000.0
    detector_false_pages_per_week: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        _about(
            "False alarms allowed a week over all streams, instead of `detector_arl`; needs the next one. "
            "High: noise. Low: slower.",
        ),
    ] = None
    detector_observations_per_week: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        _about(
            "Observations expected a week over all streams: up to seven a step that is the first of its kind "
            "in its run, two of each other one, three a run. Too low: more false alarms.",
        ),
    ] = None
    detector_run_spacing_s: Annotated[
        float,
        _about(
            "Seconds between two values of one run's step that a detector takes: steps of a run are alike, "
            "and all of them make false alarms. 0: it takes all. Short: noise. Long: runs that never end are "
            "watched seldom.",
            ge=0,
            le=604_800,
        ),
    ] = 600.0
    instance: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] | None,
        _about(
            "Name of this worker, the same over its restarts: it takes its partitions back at once instead "
            "of after the 6 to 10 s in which Kafka waits for the dead. Two workers of a role with one name "
            "end each other. Unset: no name."
        ),
    ] = None
    snapshot_every_s: Annotated[
        float,
        _about(
            "Seconds between snapshots of the state. Long: a crash costs more reading. Short: more writing.",
            ge=0.2,
            le=3_600,
        ),
    ] = 60.0
    webhooks: Annotated[
        tuple[str, ...],
        _about("URLs that alerts are posted to. Each must answer 2xx; it is retried until it does."),
    ] = ()
    notify: Annotated[
        bool | None,
        _about("Send alerts? Unset: only in the namespace `live`, so that a replay pages nobody."),
    ] = None
    write_frames: Annotated[
        Literal["newest", "previous"],
        _about(
            "Version of the frames that roles write. `previous` during an upgrade, until all that read are "
            "new; `newest` too early: old readers end and say so. Left on `previous`: new columns stay empty."
        ),
    ] = "newest"
    health_port: Annotated[
        int, _about("Port on the loopback for /healthz, /readyz and /metrics; 0: none.", ge=0, le=65_535)
    ] = 0

    def group(self, role: str) -> str:
        """Consumer group of a role in this namespace."""
        return f"wakeline.{self.namespace}.{role}"


FIELDS: tuple[str, ...] = Settings.__struct_fields__


def load_settings(
    file: Path | None = None, environment: Mapping[str, str] = os.environ, **overrides: Any
) -> Settings:
    """Settings of a process.

    Args:
        file: a TOML file; its keys are the fields of `Settings`.
        environment: where `WAKELINE_<NAME>` is looked up.
        overrides: values of the command line; None means not given.

    Raises:
        ConfigError: unreadable file, unknown key, or a value out of its range.
    """
    values: dict[str, Any] = {}
    if file is not None:
        values |= _read(file)
    values |= _from_environment(environment)
    values |= {key: value for key, value in overrides.items() if value is not None}
    try:
        # strict=False: the environment has strings alone.
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(FIELDS)
        raise ConfigError(f"{error}. Known settings: {known}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The settings file {file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The settings file {file} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in FIELDS:
        text = environment.get(PREFIX + name.upper())
        if text is not None:
            values[name] = (
                [part.strip() for part in text.split(",") if part.strip()] if name == "webhooks" else text
            )
    return values
