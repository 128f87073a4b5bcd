"""What does ClickHouse say of the demonstration? Its queries, and rows for the tables."""

from typing import TYPE_CHECKING, NamedTuple

from streams.demo.verdicts import Sighting

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_INCIDENTS = """
SELECT
    agent_name,
    step_name,
    signal,
    toUnixTimestamp64Nano(opened_time),
    toUnixTimestamp64Nano(confirmed_time),
    state,
    detector,
    n,
    summary
FROM agent_incidents
WHERE namespace = {namespace:String}
ORDER BY opened_time
"""

_TOTALS = """
SELECT
    (SELECT count() FROM agent_steps WHERE namespace = {namespace:String} AND state = 'ended'),
    (SELECT sum(steps) FROM agent_runs WHERE namespace = {namespace:String}),
    (SELECT sum(steps) FROM agent_minutes WHERE namespace = {namespace:String}),
    (SELECT sum(cost_usd) FROM agent_steps WHERE namespace = {namespace:String}),
    (SELECT sum(cost_usd) FROM agent_runs WHERE namespace = {namespace:String}),
    (SELECT sum(cost_usd) FROM agent_minutes WHERE namespace = {namespace:String}),
    (SELECT count() FROM agent_runs WHERE namespace = {namespace:String}),
    (SELECT count() FROM agent_dead_letters WHERE namespace = {namespace:String}),
    (SELECT countIf(cost_status = 'unpriced') FROM agent_steps WHERE namespace = {namespace:String})
"""

_STEPS = """
SELECT
    agent_name,
    step_name,
    count() AS steps,
    countIf(failed) / count() AS error_ratio,
    quantile(0.5)(duration_s) AS p50_s,
    quantile(0.95)(duration_s) AS p95_s,
    sum(cost_usd) AS cost_usd
FROM agent_steps
WHERE namespace = {namespace:String} AND state = 'ended' AND kind NOT IN ('outcome', 'feedback', 'report')
GROUP BY agent_name, step_name
ORDER BY agent_name, step_name
"""


class Totals(NamedTuple):
    """Three sums of the same things: over steps, over runs, over windows. They must agree."""

    steps: int
    steps_of_runs: int
    steps_of_windows: int
    cost_usd: object
    cost_of_runs_usd: object
    cost_of_windows_usd: object
    runs: int
    dead_letters: int
    unpriced: int

    @property
    def agree(self) -> bool:
        return (
            self.steps == self.steps_of_runs == self.steps_of_windows
            and self.cost_usd == self.cost_of_runs_usd == self.cost_of_windows_usd
        )


class StepLine(NamedTuple):
    """One agent's step over the whole demonstration."""

    agent_name: str
    step_name: str
    steps: int
    error_ratio: float
    p50_s: float
    p95_s: float
    cost_usd: object


def read_sightings(client: "Client", namespace: str) -> list[Sighting]:
    """All incidents of a namespace."""
    rows = client.query(_INCIDENTS, {"namespace": namespace}).result_rows
    return [
        Sighting((agent, step, signal), int(opened), confirmed, state, detector, int(n), summary)
        for agent, step, signal, opened, confirmed, state, detector, n, summary in rows
    ]


def read_totals(client: "Client", namespace: str) -> Totals:
    """The sums that must agree."""
    [row] = client.query(_TOTALS, {"namespace": namespace}).result_rows
    return Totals(*row)


def read_steps(client: "Client", namespace: str) -> list[StepLine]:
    """Each agent's steps with their 95th percentile and cost."""
    return [StepLine(*row) for row in client.query(_STEPS, {"namespace": namespace}).result_rows]
