"""Two fleets in one database and a database without rows, asked as dashboards ask."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from dashboards.macros import ALL, Scope, Value, expand
from dashboards.queries import load_query
from tests.sql.expected import Choice
from tests.sql.fleet_events import AGENTS, ENVIRONMENTS, HOUR_NS, NEEDLE, TEAMS
from tests.sql.seed import Fleet, seed

Rows = list[tuple[Any, ...]]
# As the variables offer them: a name that is empty has a name.
OFFERED = {
    "agent": AGENTS,
    "environment": [name or "(none)" for name in ENVIRONMENTS],
    "team": [name or "(none)" for name in sorted(set(TEAMS.values()))],
}


@dataclass(frozen=True)
class Site:
    """What the tests of dashboards share.

    Attributes:
        database: with the fleets.
        reader: of it.
        empty: reader of a database without rows.
        fleets: namespace to what it holds: `live` ends now, `old` ended twenty days ago.
    """

    database: str
    reader: Client
    empty: Client
    fleets: dict[str, Fleet]

    def scope(self, of: str, **changes: Any) -> Scope:
        """Six hours of a fleet, all of it, unless changed: `start_s`, `end_s`, `interval_s` or a variable."""
        start_s = self.fleets[of].start_ns // 10**9
        given: dict[str, Any] = {"start_s": start_s, "end_s": start_s + 6 * 3600, "interval_s": 300}
        given |= {key: value for key, value in changes.items() if key in given}
        chosen: dict[str, Value] = {"namespace": of, "environment": ALL, "team": ALL, "agent": ALL}
        chosen |= EXAMPLES | {key: value for key, value in changes.items() if key not in given}
        return Scope(**given, variables=chosen)

    def choice(self, scope: Scope) -> Choice:
        """The same range and choices, for what is expected of the events."""
        return Choice(
            self.fleets[str(scope.variables["namespace"])].events,
            scope.start_s * 10**9,
            scope.end_s * 10**9,
            **{name: _names(name, scope.variables[name]) for name in OFFERED},
        )

    def ask(self, name: str, scope: Scope, *, empty: bool = False) -> tuple[list[str], Rows]:
        """Columns and rows of a query of this name."""
        columns, _, rows = self.ask_sql(load_query(name).sql, scope, empty=empty)
        return columns, rows

    def ask_sql(self, sql: str, scope: Scope, *, empty: bool = False) -> tuple[list[str], list[str], Rows]:
        """Columns, their types and rows."""
        answer = (self.empty if empty else self.reader).query(expand(sql, scope))
        kinds = [kind.name for kind in answer.column_types]
        return list(answer.column_names), kinds, [tuple(row) for row in answer.result_rows]

    def one(self, name: str, scope: Scope) -> float:
        """What a stat shows."""
        return float(self.ask(name, scope)[1][-1][-1])

    def sums(self, name: str, scope: Scope) -> dict[str, float]:
        """The number in the last column, added up by the text before it; what has no value adds nothing."""
        found: dict[str, float] = defaultdict(float)
        for row in self.ask(name, scope)[1]:
            found[row[-2]] += row[-1] or 0
        return dict(found)

    def totals(self, name: str, scope: Scope) -> dict[str, float]:
        """Each column but the first, added up."""
        columns, rows = self.ask(name, scope)
        return {name: sum(row[place] for row in rows) for place, name in enumerate(columns) if place}

    def column(self, name: str, column: str, scope: Scope) -> list[Any]:
        """A column of an answer."""
        columns, rows = self.ask(name, scope)
        return [row[columns.index(column)] for row in rows]


# What is written into the boxes of dashboards that have some; run-10 has contents.
EXAMPLES: dict[str, Value] = {"run": "run-10", "search": NEEDLE, "budget": "100", "model": ALL, "status": ALL}
EXAMPLES |= {"min_cost": "", "min_duration": ""}


def _names(name: str, value: Value) -> frozenset[str] | None:
    if value == ALL:
        return None
    texts = [value] if isinstance(value, str) else value
    return frozenset("" if text == "(none)" else text for text in texts)


def make_site(connect: Callable[..., Client], database: Callable[[], str]) -> Site:
    """Seed it."""
    name = database()
    hour_ns = int(time.time()) // 3600 * HOUR_NS
    writer = connect(name)
    fleets = {
        "live": seed(writer, "live", hour_ns - 6 * HOUR_NS, 1),
        "old": seed(writer, "old", hour_ns - 20 * 24 * HOUR_NS, 2),
    }
    # As their TTL has it two weeks after storing.
    writer.command(
        "ALTER TABLE windows DELETE WHERE namespace = 'old' AND width_s = 60", settings={"mutations_sync": 1}
    )
    return Site(name, connect(name, reader=True), connect(database(), reader=True), fleets)
