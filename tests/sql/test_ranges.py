"""Is what begins in a range counted in it, and nothing else, wherever the range lies?

A range takes in its beginning and not its end, so that ranges that meet add up to the whole.
"""

import re
import time
from datetime import UTC
from itertools import pairwise

import pytest

from dashboards.__main__ import FOLDER
from dashboards.macros import Scope
from dashboards.queries import load_query, query_names
from tests.sql.expected import Run, is_unpriced
from tests.sql.seed import ARRIVALS
from tests.sql.site import Site

NAMES = sorted(
    name
    for path in (FOLDER.parent / "queries").iterdir()
    if path.is_dir() and path.name not in ("shared", "__pycache__")
    for name in query_names(path.name)
)
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
    sql = load_query(name).sql
    assert not re.search(r"\$__time(Filter|To)|\$__toTime(_ms)?\s*>=|BETWEEN[^()]*\$__toTime", sql)
    # The end of a bucket may be that of the range.
    assert not re.search(r"(?<!second)(?<!confirmed_time) <=\s*(least\()?\$__toTime", sql)


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


def so_far_and_today(site: Site, hour: int = 0) -> tuple[Scope, Scope]:
    """Ranges that begin so many hours after the fleet: to now, and to twelve hours from now."""
    start_s, now_s = site.fleets["live"].start_ns // 10**9 + hour * 3600, int(time.time())
    return (
        site.scope("live", start_s=start_s, end_s=now_s),
        site.scope("live", start_s=start_s, end_s=now_s + 12 * 3600),
    )


@pytest.mark.parametrize("name", ["inventory/silence", "pipeline/freshness"])
def test_a_range_that_ends_in_the_future_knows_no_longer_silence_than_now(site: Site, name: str) -> None:
    began = time.monotonic()
    so_far, today = (
        dict(zip(site.column(name, label, scope), site.column(name, "still", scope), strict=True))
        for label in ("agent" if name.startswith("inventory") else "role",)
        for scope in so_far_and_today(site)
    )
    elapsed_s = time.monotonic() - began + 1
    assert so_far.keys() == today.keys()
    for key, still_s in today.items():
        assert so_far[key] <= still_s <= so_far[key] + elapsed_s


def test_nobody_falls_silent_because_the_day_is_not_over(site: Site) -> None:
    so_far, today = (
        {
            row[0]: int(row[3].split()[0])
            for row in site.ask("fleet/attention", scope)[1]
            if row[1] == "silent"
        }
        for scope in so_far_and_today(site)
    )
    assert so_far.keys() <= today.keys()
    assert max(today.values(), default=0) < 8 * 60, "the fleet began six hours before this hour"


def test_a_month_that_is_not_over_is_projected_from_now(site: Site) -> None:
    so_far, today = so_far_and_today(site)
    assert site.one("cost/projection", today) == pytest.approx(site.one("cost/projection", so_far), rel=1e-3)
    # The week may end in another month.
    next_month = site.scope("live", end_s=today.end_s + 40 * 86_400)
    assert site.one("cost/month", next_month) == site.one("cost/month", so_far)


@pytest.mark.parametrize("name", ["fleet/runs", "fleet/spend", "pipeline/stored"])
def test_a_change_compares_with_as_long_a_time_as_has_passed(site: Site, name: str) -> None:
    so_far, today = ([row[1] for row in site.ask(name, scope)[1]] for scope in so_far_and_today(site, hour=3))
    assert len(so_far) == 2
    assert today == pytest.approx(so_far, rel=0.01)


@pytest.mark.parametrize("name", ["fleet/health", "cost/burn"])
def test_nothing_is_drawn_that_has_not_happened(site: Site, name: str) -> None:
    so_far, today = so_far_and_today(site)
    assert max(site.column(name, "time", today)).replace(tzinfo=UTC).timestamp() <= time.time()
    assert set(site.column(name, "time", so_far)) <= set(site.column(name, "time", today))


def test_an_open_incident_is_a_region_until_now(site: Site) -> None:
    _, today = so_far_and_today(site)
    ends = [
        end.replace(tzinfo=UTC).timestamp() for end in site.column("annotations/incidents", "timeEnd", today)
    ]
    assert max(ends) <= time.time()


def test_what_emitters_sent_of_late_is_of_the_last_hours_until_now(site: Site) -> None:
    so_far, today = so_far_and_today(site)
    assert site.ask("inventory/emitters", today) == site.ask("inventory/emitters", so_far)


def measured(site: Site, name: str, scope: Scope) -> set[int]:
    """Minutes in which there is something to measure, Unix seconds."""
    fleet = site.choice(scope)
    if name == "pipeline/delays":
        return {site.fleets["live"].start_ns // 10**9 + minute * 60 for minute, *_ in ARRIVALS}
    if name == "latency/percentiles":
        begun = [event.start_time_unix_nano for event in fleet.leaves]
    else:
        runs = fleet.runs if name == "fleet/run_durations" else filter(has_price, fleet.runs)
        begun = [run.start_ns for run in runs]
    return {start_ns // (60 * 10**9) * 60 for start_ns in begun}


def has_price(run: Run) -> bool:
    """Or has nothing to pay for."""
    return run.cost_usd > 0 or not any(map(is_unpriced, run.events))


@pytest.mark.parametrize(
    "name", ["fleet/run_durations", "cost/run_percentiles", "latency/percentiles", "pipeline/delays"]
)
def test_a_line_is_broken_where_nothing_was_measured(site: Site, name: str) -> None:
    scope = site.scope("live", agent=["planner"], interval_s=60)
    expected = measured(site, name, scope)
    _, rows = site.ask(name, scope)
    times = [int(row[0].replace(tzinfo=UTC).timestamp()) for row in rows]
    assert times == list(range(min(expected), max(expected) + 60, 60))
    assert {at for at, row in zip(times, rows, strict=True) if None not in row} == expected
    assert (
        {at for at, row in zip(times, rows, strict=True) if row[1] is None} == set(times) - expected != set()
    )
