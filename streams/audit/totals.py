"""Do steps, runs and windows say the same? Sums over each, compared hour by hour, run by run.

A step counts when it has ended; the usage of roll-up steps is on the step and in no sum. Windows are compared
by the hour that the step belongs to, runs by their id, because a run has no hour of its own. Hours and runs
in which something arrived in the last minute are not judged: it is still on its way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from streams.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SUMS = (
    "steps",
    "errors",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
    "cost_usd",
    "unpriced_steps",
)
USAGE = SUMS[2:7]
WIDTHS_S = (3_600, 60)
FIRST_RUNS = 1_000

Row = tuple[int | Decimal, ...]


@dataclass(frozen=True)
class Hour:
    """One hour of event time.

    Attributes:
        hour: Unix seconds.
        judged: nothing of it arrived lately.
        steps: the sums over steps, in the order of `SUMS`.
        windows: the same over windows, by width in seconds; None where their TTL has passed.
    """

    hour: int
    judged: bool
    steps: Row
    windows: dict[int, Row]

    @property
    def exact(self) -> bool:
        return all(row == self.steps for row in self.windows.values())


@dataclass(frozen=True)
class RunDifference:
    """A run whose row is not the sum of its steps."""

    run_id: str
    steps: Row
    run: Row

    def __str__(self) -> str:
        said = [
            f"{name} {have} of {want}"
            for name, want, have in zip(SUMS, self.steps, self.run, strict=True)
            if want != have
        ]
        return f"run {self.run_id}: {', '.join(said)}"


@dataclass(frozen=True)
class Totals:
    """What was compared.

    Attributes:
        hours: of steps and windows.
        run_steps, run_rows: sums over the steps of the judged runs, and over their rows.
        runs: judged runs that differ, at most 1,000.
        waiting_runs: runs that were not judged.
    """

    hours: list[Hour]
    run_steps: Row
    run_rows: Row
    runs: list[RunDifference]
    waiting_runs: int

    @property
    def exact(self) -> bool:
        return not self.runs and all(hour.exact for hour in self.hours if hour.judged)


def steps_sums() -> list[str]:
    """The sums over rows of `agent_steps` as they count elsewhere, in the order of `SUMS`."""
    usage = [f"ifNull(sumIf({name}, cost_status NOT IN ('rollup', 'duplicate')), 0)" for name in USAGE]
    cost = ["ifNull(sum(cost_usd), 0)", "countIf(cost_status = 'unpriced')"]
    return ["count()", "countIf(failed)", *usage, *cost]


def compare(
    settings: Settings, client: "Client", since_s: int, until_s: int, settled_before_s: float
) -> Totals:
    """Compare steps, runs and windows of a range of event time.

    Args:
        settings: of the namespace.
        client: of ClickHouse.
        since_s: first second, Unix.
        until_s: second behind the last.
        settled_before_s: what arrived later is not judged, Unix time.
    """
    asker = _Asker(settings, client, since_s, until_s, settled_before_s)
    hours = asker.hours()
    run_steps, run_rows, waiting = asker.run_totals()
    return Totals(hours, run_steps, run_rows, asker.run_differences(), waiting)


class _Asker:
    def __init__(
        self, settings: Settings, client: "Client", since_s: int, until_s: int, settled_before_s: float
    ) -> None:
        self._client = client
        self._given = {
            "namespace": settings.namespace,
            "since": since_s,
            "until": until_s,
            "settled": int(settled_before_s),
        }

    def hours(self) -> list[Hour]:
        steps = self._ask(
            f"SELECT toUnixTimestamp(toStartOfHour(time)) AS hour, toUnixTimestamp(max(append_time)) < "
            f"{{settled:Int64}}, {', '.join(steps_sums())} FROM agent_steps WHERE {_RANGE} "
            "AND state = 'ended' GROUP BY hour"
        )
        windows = {width: self._windows(width) for width in WIDTHS_S}
        none: Row = (0,) * len(SUMS)
        found = {hour: (bool(judged), tuple(sums)) for hour, judged, *sums in steps}
        hours = sorted(set(found) | set(windows[3_600]) | set(windows[60]))
        return [
            Hour(
                hour,
                found.get(hour, (True, none))[0],
                found.get(hour, (True, none))[1],
                {width: rows.get(hour, none) for width, rows in windows.items()},
            )
            for hour in hours
        ]

    def _windows(self, width_s: int) -> dict[int, Row]:
        sums = ", ".join(f"sum({name})" for name in SUMS)
        rows = self._ask(
            f"SELECT toUnixTimestamp(toStartOfHour(time)) AS hour, {sums} FROM agent_windows WHERE {_RANGE} "
            f"AND width_s = {width_s} GROUP BY hour"
        )
        return {hour: tuple(values) for hour, *values in rows}

    def run_totals(self) -> tuple[Row, Row, int]:
        both = [f"sumIf(s{n}, judged)" for n in range(len(SUMS))]
        both += [f"sumIf(r{n}, judged)" for n in range(len(SUMS))]
        (row,) = self._ask(f"SELECT countIf(NOT judged), {', '.join(both)} FROM ({_by_run()})")
        waiting, *values = row
        return tuple(values[: len(SUMS)]), tuple(values[len(SUMS) :]), waiting

    def run_differences(self) -> list[RunDifference]:
        differ = " OR ".join(f"s{n} != r{n}" for n in range(len(SUMS)))
        rows = self._ask(
            f"SELECT * EXCEPT judged FROM ({_by_run()}) WHERE judged AND ({differ}) ORDER BY run_id LIMIT "
            f"{FIRST_RUNS}"
        )
        return [
            RunDifference(run_id, tuple(values[: len(SUMS)]), tuple(values[len(SUMS) :]))
            for run_id, *values in rows
        ]

    def _ask(self, sql: str) -> Sequence[Sequence[Any]]:
        return self._client.query(sql, self._given).result_rows


_RANGE = (
    "namespace = {namespace:String} AND time >= toDateTime({since:Int64}) "
    "AND time < toDateTime({until:Int64})"
)


def _by_run() -> str:
    """A row for each run with a step or a row in the range: sums over all its steps, and over its rows."""
    step_sums = ", ".join(f"{value} AS s{n}" for n, value in enumerate(steps_sums()))
    run_sums = ", ".join(f"sum({name}) AS r{n}" for n, name in enumerate(SUMS))
    ids = (
        f"SELECT DISTINCT run_id FROM agent_steps WHERE {_RANGE} UNION DISTINCT "
        f"SELECT DISTINCT run_id FROM run_parts WHERE {_RANGE}"
    )
    steps = (
        f"SELECT run_id, max(append_time) AS newest, {step_sums} FROM agent_steps WHERE namespace = "
        f"{{namespace:String}} AND state = 'ended' AND run_id IN ({ids}) GROUP BY run_id"
    )
    runs = (
        f"SELECT run_id, {run_sums} FROM run_parts WHERE namespace = {{namespace:String}} "
        f"AND run_id IN ({ids}) GROUP BY run_id"
    )
    columns = ", ".join([f"s{n}" for n in range(len(SUMS))] + [f"r{n}" for n in range(len(SUMS))])
    return (
        f"SELECT run_id, toUnixTimestamp(newest) < {{settled:Int64}} AS judged, {columns} "
        f"FROM ({steps}) AS s FULL JOIN ({runs}) AS r USING run_id"
    )
