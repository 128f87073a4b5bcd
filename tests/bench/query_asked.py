"""What is asked in the measurement of queries, and for what? Dashboards over their default range with other
choices in each round, alert rules over the range of their own.
"""

import re
from collections.abc import Collection, Iterator

from dashboards.alerts.objectives import AgentObjective, Objectives, StepObjective
from dashboards.alerts.shapes import api_groups
from dashboards.macros import ALL, Scope, Value
from dashboards.registry import DASHBOARDS
from tests.sql.dashboard_json import CONTENTS, Asked, asked_of, variables_of

ALERTS = "wakeline-alerts"
UIDS = (*DASHBOARDS, ALERTS)
# A step with an objective of its own: without one the rule for latency reads no durations.
_OBJECTIVES = Objectives(
    agents={
        f"agent-{number:02d}": AgentObjective(
            month_usd=100.0, run_p95_s=60.0, steps={"plan": StepObjective(p95_s=5.0, error_ratio=0.02)}
        )
        for number in range(10)
    }
)
# Chosen one after the other: each round asks all queries with the next.
_CHOICES: tuple[dict[str, Value], ...] = (
    {},
    {"agent": ["agent-07"]},
    {"environment": ["production"]},
    {"team": ["team-2"]},
    {"model": ["gpt-4.1"]},
    {"agent": ["agent-03", "agent-21", "agent-30"], "environment": ["production"]},
    {},
    {"status": ["failed"], "agent": ["agent-12"]},
)
_WRITTEN = {"search": "warranty", "budget": "1000"}
_POINTS = 700
_RANGE = re.compile(r"now-(\d+)([mhdw])")
_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


def questions(uids: Collection[str]) -> list[Asked]:
    """Every query of these dashboards, each once, and with `ALERTS` that of every rule."""
    shown = {one.sql: one for uid in uids if uid != ALERTS for one in asked_of(uid) if one.sql}
    return [*shown.values(), *(_rules() if ALERTS in uids else ())]


def _rules() -> Iterator[Asked]:
    for group in api_groups(_OBJECTIVES):
        for rule in group["rules"]:
            yield Asked(ALERTS, "rule", rule["title"], rule["data"][0]["model"], rule)


def scope_of(asked: Asked, end_s: int, number: int, run_id: str) -> Scope:
    """The range, and what is chosen in a round.

    Args:
        asked: the query.
        end_s: of the range.
        number: of the round.
        run_id: of a run that there is.
    """
    if asked.uid == ALERTS:
        range_s = asked.owner["data"][0]["relativeTimeRange"]["from"]
        return Scope(end_s - range_s, end_s, asked.target["intervalMs"] // 1_000)
    found = _RANGE.fullmatch(CONTENTS[asked.uid]["time"]["from"])
    if found is None:
        raise ValueError(f"{asked.uid} has a range that is not understood")
    range_s = int(found[1]) * _UNITS[found[2]]
    chosen: dict[str, Value] = {"namespace": "live"}
    for name, one in variables_of(asked.uid).items():
        if name not in ("datasource", "namespace"):
            value = one["current"]["value"]
            chosen[name] = ALL if value == [ALL] else value
    changes = _CHOICES[number % len(_CHOICES)] | _WRITTEN | {"run": run_id}
    chosen |= {name: value for name, value in changes.items() if name in chosen}
    return Scope(
        start_s=end_s - range_s,
        end_s=end_s,
        interval_s=max(range_s // _POINTS, 15),
        variables=chosen,
    )
