"""Grafana's evaluation of an alert rule, on the real engine: query, reduce, threshold, pending, hysteresis.

Written from Grafana's documentation, over the JSON that its API gets; the rule's own code is not asked.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from clickhouse_connect.driver.client import Client

from dashboards.macros import Scope, expand

Labels = tuple[tuple[str, str], ...]
UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass
class Evaluation:
    """A rule from one evaluation to the next.

    Attributes:
        client: of the user that may only read.
        rule: as the API takes it.
        since: when each alert that is above the threshold came to be so.
        last: when each alert that fires was last above.
    """

    client: Client
    rule: dict[str, Any]
    since: dict[Labels, int] = field(default_factory=dict)
    last: dict[Labels, int] = field(default_factory=dict)

    def firing(self, at_s: int) -> dict[str, str]:
        """What fires, labels joined by ` · `; "" for no data that is a fault. It remembers."""
        values = query(self.client, self.rule, at_s)
        if not values and self.rule["noDataState"] == "Alerting":
            values = {(): float("inf")}
        condition = node(self.rule, "C")["conditions"][0]
        above = {labels for labels, value in values.items() if self._is_above(labels, value, condition)}
        self.since = {labels: self.since.get(labels, at_s) for labels in above}
        pending_s = seconds(self.rule["for"])
        self.last |= {labels: at_s for labels in above if at_s - self.since[labels] >= pending_s}
        keep_s = seconds(self.rule["keep_firing_for"])
        self.last = {
            labels: then for labels, then in self.last.items() if labels in above or at_s - then < keep_s
        }
        return {" · ".join(text for _, text in labels): self.rule["uid"] for labels in self.last}

    def _is_above(self, labels: Labels, value: float, condition: dict[str, Any]) -> bool:
        unload = condition.get("unloadEvaluator")
        if unload is not None and labels in self.since:
            return not value < unload["params"][0]
        assert condition["evaluator"]["type"] == "gt"
        return bool(value > condition["evaluator"]["params"][0])


def query(client: Client, rule: dict[str, Any], at_s: int) -> dict[Labels, float]:
    """Rows of A as Grafana reads a table: texts are labels, one number; B leaves out what is no number."""
    asked = next(one for one in rule["data"] if one["refId"] == "A")
    reach = asked["relativeTimeRange"]
    scope = Scope(at_s - reach["from"], at_s - reach["to"], asked["model"]["intervalMs"] // 1_000)
    answer = client.query(expand(asked["model"]["rawSql"], scope))
    if not answer.result_rows:
        return {}
    types = {name: one.name for name, one in zip(answer.column_names, answer.column_types, strict=True)}
    numbers = [name for name, one in types.items() if not one.endswith("String")]
    assert len(numbers) == 1, f"one number and texts, not {types}"
    assert types[numbers[0]] in ("Float64", "Int64", "UInt64", "Int32"), types
    assert node(rule, "B")["settings"] == {"mode": "dropNN"}
    values: dict[Labels, float] = {}
    for row in answer.named_results():
        value = float(row.pop(numbers[0]))
        labels = tuple(sorted(row.items()))
        assert labels not in values, f"two rows with the labels {labels}"
        if isfinite(value):
            values[labels] = value
    return values


def node(rule: dict[str, Any], ref_id: str) -> dict[str, Any]:
    """The model of one query or expression."""
    return dict(next(one["model"] for one in rule["data"] if one["refId"] == ref_id))


def seconds(duration: str) -> int:
    return int(duration[:-1]) * UNITS_S[duration[-1]]


def alarms(
    client: Client, rules: Iterable[dict[str, Any]], moments: Iterable[int]
) -> Iterator[tuple[str, str, int]]:
    """Rule, labels and moment of all that fires: each rule evaluated at each moment, in their order."""
    times = list(moments)
    for rule in rules:
        evaluation = Evaluation(client, rule)
        for at_s in times:
            for labels in evaluation.firing(at_s):
                yield rule["uid"].removeprefix("wakeline-"), labels, at_s
