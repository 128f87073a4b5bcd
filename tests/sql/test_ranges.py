"""Is what begins in a range counted in it, and nothing else, wherever the range lies?

A range takes in its beginning and not its end, so that ranges that meet add up to the whole.
"""

import re
from itertools import pairwise

import pytest

from dashboards.__main__ import FOLDER
from dashboards.macros import Scope
from dashboards.queries import load_query, query_names
from tests.sql.expected import is_unpriced
from tests.sql.site import Site

NAMES = sorted(
    name
    for path in (FOLDER.parent / "queries").iterdir()
    if path.is_dir() and path.name not in ("shared", "__pycache__")
    for name in query_names(path.name)
    # It is being written anew.
    if name != "alerts/silent_agent"
)
# The end of a bucket may be that of the range.
ENDS_OF_BUCKETS = re.compile(r"\+ INTERVAL .*? second <= \$__toTime", re.DOTALL)
# Stats that can be added up over ranges; each compares with the range before.
STATS = ("fleet/runs", "fleet/spend", "cost/spend", "drift/confirmed", "runs/count")
SUMS = ("fleet/tokens", "fleet/heatmap", "cost/tokens", "fleet/runs_by_status", "inventory/verdicts")
HOURS = {"whole": (0, 6), "halves": (0, 3, 6), "hours": (0, 1, 2, 3, 4, 5, 6), "odd": (0, 0.75, 2.25, 3.5, 6)}

each_cut = pytest.mark.parametrize("hours", HOURS.values(), ids=HOURS)
each_fleet = pytest.mark.parametrize("namespace", ["live", "old"])


def cut(site: Site, namespace: str, hours: tuple[float, ...]) -> list[Scope]:
    """Ranges that meet, by hours after the fleet's start."""
    start_s = site.fleets[namespace].start_ns // 10**9
    ends = [start_s + int(hour * 3600) for hour in hours]
    return [site.scope(namespace, start_s=one, end_s=other) for one, other in pairwise(ends)]


@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_begins_at_the_end_of_the_range_is_not_in_it(name: str) -> None:
    """A window of an hour that begins there lies after it; the plugin's `timeFilter` would take it in."""
    sql = ENDS_OF_BUCKETS.sub("", load_query(name).sql)
    assert "$__timeFilter" not in sql
    assert not re.search(r"<=\s*\$__toTime|\$__toTime(_ms)?\s*>=|BETWEEN[^()]*\$__toTime|\$__timeTo", sql)


@each_cut
@each_fleet
@pytest.mark.parametrize("name", STATS)
def test_stats_of_ranges_that_meet_add_up(
    site: Site, namespace: str, name: str, hours: tuple[float, ...]
) -> None:
    whole = site.one(name, site.scope(namespace))
    assert whole > 0
    assert sum(site.one(name, scope) for scope in cut(site, namespace, hours)) == pytest.approx(whole)


@each_cut
@each_fleet
@pytest.mark.parametrize("name", SUMS)
def test_series_of_ranges_that_meet_add_up(
    site: Site, namespace: str, name: str, hours: tuple[float, ...]
) -> None:
    whole = site.totals(name, site.scope(namespace))
    parts = [site.totals(name, scope) for scope in cut(site, namespace, hours)]
    assert sum(whole.values()) > 0
    assert {key: sum(part[key] for part in parts) for key in whole} == whole


@each_fleet
def test_every_hour_has_the_money_of_its_events(site: Site, namespace: str) -> None:
    for scope in cut(site, namespace, HOURS["hours"]):
        fleet = site.choice(scope)
        assert site.one("fleet/spend", scope) == pytest.approx(fleet.spend_usd, abs=1e-9)
        assert site.one("fleet/unpriced", scope) == sum(map(is_unpriced, fleet.events))


@each_fleet
@pytest.mark.parametrize("name", STATS)
def test_the_range_before_has_the_number_that_it_had_as_a_range(
    site: Site, namespace: str, name: str
) -> None:
    early, late = cut(site, namespace, HOURS["halves"])
    _, rows = site.ask(name, late)
    assert [row[1] for row in rows] == pytest.approx([site.one(name, early), site.one(name, late)])
