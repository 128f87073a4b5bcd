"""What is one alert rule? A query, a threshold, and what a person who is woken needs to know."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dashboards.queries import load_query

Severity = Literal["critical", "warning"]
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. Its query gives a row for each alert: texts, which become labels, and one number.

    Rows whose number lies below `recovers_below` are left out by the query: Grafana keeps a state for each.

    Attributes:
        name: of its runbook page; with the prefix `wakeline-` its uid.
        title: of the rule.
        query: name of the SQL file.
        panel: dashboard and query of the panel that shows the number.
        severity: critical wakes somebody, a warning can wait for the morning.
        range_s: of the query, back from now.
        fires_above: the number from which on it is pending.
        recovers_below: the number below which it ends; equal where hysteresis has no sense.
        pending_s: so long above before it fires.
        keep_firing_s: so long it goes on after that, lest it flap.
        empty: what no rows mean: nothing to say, or a fault.
        failed: what a failing query means; Error is told once for all rules, under the name DatasourceError.
        summary: one line, a Go template over `$labels` and `$values`.
        description: what the number is.
    """

    name: str
    title: str
    query: str
    panel: tuple[str, str]
    severity: Severity
    range_s: int
    fires_above: float
    recovers_below: float
    pending_s: int = 0
    keep_firing_s: int = 0
    empty: Literal["OK", "Alerting"] = "OK"
    failed: Literal["Error", "Alerting"] = "Error"
    summary: str
    description: str

    @property
    def uid(self) -> str:
        """Of the rule in Grafana."""
        return f"wakeline-{self.name}"


@dataclass(frozen=True)
class Group:
    """Rules that Grafana evaluates together.

    Attributes:
        name: of the group.
        interval_s: between two evaluations.
        rules: evaluated in turn.
    """

    name: str
    interval_s: int
    rules: tuple[Rule, ...]


def rule_sql(rule: Rule, values: Mapping[str, str]) -> str:
    """The rule's query with its placeholders filled in; macros stay.

    Args:
        rule: whose.
        values: SQL of each placeholder (`dashboards.alerts.objectives.placeholders`).

    Raises:
        KeyError: the query holds a placeholder that is not known.
    """
    known = {**values, "recovers_below": f"toFloat64({rule.recovers_below!r})"}
    return _PLACEHOLDER.sub(lambda match: known[match[1]], load_query(rule.query).sql)
