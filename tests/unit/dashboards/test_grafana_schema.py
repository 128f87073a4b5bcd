"""Does Grafana's own schema know every key that we send? Its SDK reads all of it, and loses nothing."""

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import alerting

from dashboards.__main__ import ROOT
from dashboards.alerts.objectives import Objectives, load_objectives
from dashboards.alerts.shapes import api_groups
from dashboards.publish.items import committed_dashboards

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the schema's first version, which is ours
    from grafana_foundation_sdk.models import dashboard as schema

# Grafana keeps both, though the schema does not name them: the plugin's own key of an annotation, and the
# description of a row, which nothing shows and which our tests of dashboards ask for.
BEYOND = {"preset of an annotation", "description of a row"}


def lost(sent: Any, read: Any, path: str = "") -> Iterator[str]:
    """Where something of `sent` is absent or different in `read`; what was added does not matter."""
    if isinstance(sent, dict) and isinstance(read, dict):
        for name, value in sent.items():
            if name in read:
                yield from lost(value, read[name], f"{path}/{name}")
            elif path.startswith("/annotations/") and name == "preset":
                yield "preset of an annotation"
            elif sent.get("type") == "row" and name == "description":
                yield "description of a row"
            else:
                yield f"{path}/{name} is lost"
    elif isinstance(sent, list) and isinstance(read, list) and len(sent) == len(read):
        for number, (one, other) in enumerate(zip(sent, read, strict=True)):
            yield from lost(one, other, f"{path}/{number}")
    elif sent != read:
        yield f"{path}: {sent!r} is read as {read!r}"


def through(model: Any, content: Any) -> Any:
    return json.loads(JSONEncoder().encode(model.from_json(content)))


@pytest.mark.parametrize("uid", committed_dashboards())
def test_a_dashboard_is_read_as_it_was_written(uid: str) -> None:
    plugins.register_default_plugins()
    content = committed_dashboards()[uid]
    assert set(lost(content, through(schema.Dashboard, content))) <= BEYOND


@pytest.mark.parametrize("example", [False, True], ids=["default", "example"])
def test_a_group_of_rules_is_read_as_it_was_written(example: bool) -> None:
    file = ROOT / "deploy" / "grafana" / "alerts.example.toml"
    for group in api_groups(load_objectives(file) if example else Objectives()):
        assert through(alerting.RuleGroup, group) == group


def test_a_key_that_grafana_does_not_know_would_be_found() -> None:
    content = committed_dashboards()["wakeline-fleet"]
    content["panels"][0]["fieldConfig"]["defaults"]["dezimals"] = 2
    [group, *_] = api_groups(Objectives())
    group["rules"][0]["keepFiringFor"] = "5m"
    found = set(lost(content, through(schema.Dashboard, content)))
    assert "/panels/0/fieldConfig/defaults/dezimals is lost" in found
    assert list(lost(group, through(alerting.RuleGroup, group))) == ["/rules/0/keepFiringFor is lost"]
