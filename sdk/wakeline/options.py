"""What can be set of an emitter, and where does it come from? Arguments, then the environment."""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from wakeline.errors import ConfigError
from wakeline.fields import Label

PREFIX = "WAKELINE_"
OFF = frozenset(("", "0", "false", "no", "off"))

Positive = Annotated[float, Meta(gt=0, le=86_400)]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of an emitter; `sdk/README.md` explains each with its risk.

    Every one has an environment variable: `WAKELINE_` and its name in capitals.
    """

    bootstrap_servers: str | None = None
    topic: Annotated[str, Meta(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")] = "agent-events"
    agent_name: Label | None = None
    agent_id: Label | None = None
    agent_version: Label | None = None
    service_name: Label | None = None
    environment: Label | None = None
    team: Label | None = None
    task: Label | None = None
    contents: bool = True
    max_content_bytes: Annotated[int, Meta(ge=100, le=250_000)] = 64_000
    started_after_s: Annotated[float, Meta(ge=0)] = 1.0  # math.inf: never
    max_queue_events: Annotated[int, Meta(ge=1, le=10_000_000)] = 20_000
    max_queue_bytes: Annotated[int, Meta(ge=300_000, le=2**31)] = 32_000_000
    flush_interval_s: Positive = 0.2
    delivery_timeout_s: Positive = 60.0
    exit_timeout_s: Annotated[float, Meta(ge=0, le=3_600)] = 3.0
    report_interval_s: Positive = 5.0
    compression: str = "lz4"
    block: bool = False
    disabled: bool = False
    kafka_config: dict[str, str | int | float | bool] = {}

    @property
    def enabled(self) -> bool:
        """False when nothing is to be sent."""
        return bool(self.bootstrap_servers) and not self.disabled


def load_options(given: Mapping[str, Any], environment: Mapping[str, str]) -> Options:
    """Options of an emitter.

    Args:
        given: arguments; None means not given.
        environment: where `WAKELINE_<NAME>` is looked up.

    Raises:
        ConfigError: an unknown option, or a value out of its range.
    """
    values: dict[str, Any] = {}
    for name in Options.__struct_fields__:
        text = environment.get(PREFIX + name.upper())
        if text is not None:
            values[name] = _parse(name, text)
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        # strict=False: the environment has strings alone.
        return msgspec.convert(values, Options, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{error}. Options: {', '.join(Options.__struct_fields__)}") from error


def _parse(name: str, text: str) -> object:
    if name == "kafka_config":
        try:
            return json.loads(text)
        except ValueError as error:
            # The text may hold a password: it is not repeated.
            raise ConfigError(f"{PREFIX}KAFKA_CONFIG is not a JSON object") from error
    if name in ("contents", "block", "disabled"):
        return text.lower() not in OFF
    if name == "started_after_s" and text.lower() in ("inf", "never"):
        return math.inf
    return text
