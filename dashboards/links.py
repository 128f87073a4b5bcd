"""Where does a number lead? Links between dashboards, which keep the range and the choices.

Placeholders are few, so that whoever draws panels without Grafana can fill them in: `${name:queryparam}` (a
variable as `var-name=value`, once for each value), `${__url_time_range}`, and `field`, `label` and `VALUE`
below.
"""

from dataclasses import dataclass
from typing import Any

FLEET = "wakeline-fleet"
COST = "wakeline-cost"
LATENCY = "wakeline-latency"
RUNS = "wakeline-runs"
DRIFT = "wakeline-drift"
INVENTORY = "wakeline-inventory"
PIPELINE = "wakeline-pipeline"

# What the cell or point itself holds.
VALUE = "${__value.raw:percentencode}"
# The choices that every dashboard has.
SHARED = ("datasource", "namespace", "environment", "team")


@dataclass(frozen=True)
class Link:
    """A place to go to."""

    title: str
    url: str

    def json(self) -> dict[str, Any]:
        """As a panel's link."""
        return {"title": self.title, "url": self.url}


def field(name: str) -> str:
    """A column of the same row."""
    return "${__data.fields." + name + ":percentencode}"


def label(name: str) -> str:
    """The text that names the series."""
    return "${__field.labels." + name + ":percentencode}"


def link_to(
    uid: str, title: str, *, keep: tuple[str, ...] = (), time: tuple[str, str] | None = None, **choices: str
) -> Link:
    """A link to a dashboard.

    Args:
        uid: of the dashboard.
        title: what it says.
        keep: variables that are taken along beside those that all dashboards share.
        time: placeholders of its beginning and end, Unix milliseconds; None keeps the range.
        choices: variable to placeholder or value.
    """
    kept = ["${" + name + ":queryparam}" for name in (*SHARED, *keep) if name not in choices]
    chosen = [f"var-{name}={value}" for name, value in choices.items()]
    span = "${__url_time_range}" if time is None else f"from={time[0]}&to={time[1]}"
    return Link(title, f"/d/{uid}?" + "&".join([*kept, *chosen, span]))
