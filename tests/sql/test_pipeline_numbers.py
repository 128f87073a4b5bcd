"""Are the numbers of the pipeline's dashboard those of what was stored?"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.expected import is_unpriced, quantile
from tests.sql.fleet_events import DROPS
from tests.sql.seed import ARRIVALS, LEDGER, LETTERS, REPEATED
from tests.sql.site import Site

HOUR_S = 3_600


def rows_of(site: Site, name: str, **changes: Any) -> list[dict[str, Any]]:
    columns, rows = site.ask(name, site.scope("live", **changes))
    return [dict(zip(columns, row, strict=True)) for row in rows]


def stored(measure: str, first: int = 0, last: int = 360) -> int:
    return sum(rows for minute, name, _, rows in ARRIVALS if name == measure and first <= minute <= last)


def upper_s(bucket: int) -> float:
    """A quarter of a doubling of milliseconds."""
    return float(2 ** ((bucket + 1) / 4) / 1000)


def delays(first: int, last: int, measure: str = "pipeline_delay") -> list[float]:
    return [
        upper_s(bucket)
        for minute, name, bucket, rows in ARRIVALS
        if name == measure and first <= minute <= last
        for _ in range(rows)
    ]


def test_steps_a_second_are_those_of_the_range_and_of_the_one_before(site: Site) -> None:
    assert site.one("pipeline/stored", site.scope("live")) == pytest.approx(stored("steps") / (6 * HOUR_S))
    start_s = site.fleets["live"].start_ns // 10**9
    _, rows = site.ask("pipeline/stored", site.scope("live", start_s=start_s + 3 * HOUR_S))
    expected = [stored("steps", 0, 179) / (3 * HOUR_S), stored("steps", 180) / (3 * HOUR_S)]
    assert [row[1] for row in rows] == pytest.approx(expected)


def test_a_delay_is_the_upper_end_of_the_bucket_of_its_rank(site: Site) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    assert site.one("pipeline/delay", site.scope("live")) == pytest.approx(quantile(delays(0, 360), 0.95))
    for first, last in ((0, 178), (180, 360)):
        scope = {"start_s": start_s + 60 * first, "end_s": start_s + 60 * last, "interval_s": 7 * 86_400}
        rows = rows_of(site, "pipeline/delays", **scope)
        expected = [quantile(delays(first, last), share) for share in (0.5, 0.95, 0.99)]
        assert len(rows) <= 2
        if len(rows) == 1:
            assert [rows[0][name] for name in ("p50", "p95", "p99")] == pytest.approx(expected)
    assert [row["p95"] for row in rows_of(site, "pipeline/emitters")] == pytest.approx([upper_s(43)] * 72)


def test_the_heatmap_has_every_step_once(site: Site) -> None:
    columns, rows = site.ask("pipeline/delay_heatmap", site.scope("live"))
    sums = {name: sum(row[place] for row in rows) for place, name in enumerate(columns) if place}
    seconds = delays(0, 360)
    assert {name: count for name, count in sums.items() if count} == {
        "300 ms": sum(s < 2 for s in seconds),
        "3 s": sum(2 < s < 10 for s in seconds),
        "100 s": sum(s > 100 for s in seconds),
    }
    assert sum(sums.values()) == len(seconds)


def test_rates_add_up_to_what_was_stored(site: Site) -> None:
    found: Counter[str] = Counter()
    for row in rows_of(site, "pipeline/rows", interval_s=300):
        found[row["what"]] += row["rows"] * 300
    assert found == pytest.approx(
        {
            "INGEST: steps": stored("steps"),
            "RUNS: corrected steps": stored("corrected_steps"),
            "RUNS: runs": stored("runs"),
            "DRIFT: windows": stored("windows"),
            "DRIFT: readings": stored("readings"),
        }
    )
    by_source = rows_of(site, "pipeline/sources", interval_s=300)
    assert {row["source"] for row in by_source} == {"otlp_spans"}
    assert sum(row["rows"] for row in by_source) * 300 == pytest.approx(stored("steps"))


def test_a_role_is_still_since_its_last_row(site: Site) -> None:
    last = max(minute for minute, *_ in ARRIVALS)
    rows = rows_of(site, "pipeline/freshness")
    assert {row["role"]: row["still"] for row in rows} == dict.fromkeys(
        ("INGEST", "RUNS", "DRIFT"), 6 * HOUR_S - 60 * (last + 1)
    )
    beats = rows_of(site, "pipeline/heartbeat", interval_s=60)
    assert Counter(row["role"] for row in beats) == dict.fromkeys(
        ("INGEST", "RUNS", "DRIFT"), len({minute for minute, *_ in ARRIVALS})
    )


def test_a_role_that_stored_nothing_in_the_range_is_still_for_all_of_it(
    site: Site, connect: Callable[..., Client]
) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    scope = site.scope("live", end_s=start_s + HOUR_S, namespace="half dead")
    rows = [
        ["half dead", datetime.fromtimestamp(start_s + 600, UTC), one, "", 0, 5] for one in ("steps", "runs")
    ]
    names = ["namespace", "stored_time", "measure", "source", "bucket", "rows"]
    connect(site.database).insert("arrivals", rows, column_names=names)
    expected = [("DRIFT", HOUR_S), ("INGEST", HOUR_S - 660), ("RUNS", HOUR_S - 660)]
    assert site.ask("pipeline/freshness", scope)[1] == expected


def test_dead_letters_are_counted_by_reason(site: Site) -> None:
    assert site.one("pipeline/letters_count", site.scope("live")) == len(LETTERS)
    reasons: Counter[str] = Counter()
    for row in rows_of(site, "pipeline/letters_by_reason"):
        reasons[row["reason"]] += row["letters"]
    assert reasons == Counter(reason for _, _, reason in LETTERS)
    listed = rows_of(site, "pipeline/letters")
    assert sorted((row["topic"], row["reason"]) for row in listed) == sorted(
        (topic, reason) for _, topic, reason in LETTERS
    )
    assert {row["payload"] for row in listed} == {"{"}


def test_what_came_twice_was_counted_once(site: Site) -> None:
    scope = site.scope("live")
    steps = len(site.choice(scope).events)
    share = site.one("pipeline/duplicates_share", scope)
    assert share == pytest.approx(REPEATED / (steps + REPEATED))
    rows = rows_of(site, "pipeline/repeats")
    assert sum(row["duplicates"] for row in rows) == REPEATED
    assert sum(row["late"] for row in rows) == sum(n for *_, entry, n in LEDGER if entry == "detectors.late")


def test_calls_without_a_price_are_a_share_of_all_calls(site: Site) -> None:
    for changes in ({}, {"agent": ["planner"]}):
        scope = site.scope("live", **changes)
        fleet = site.choice(scope)
        unpriced = sum(map(is_unpriced, fleet.calls))
        assert site.one("pipeline/unpriced_share", scope) == pytest.approx(unpriced / len(fleet.calls))
        rows = rows_of(site, "pipeline/unpriced", **changes)
        assert sum(row["calls"] for row in rows) == unpriced
        assert {row["model"] for row in rows} == {"none-such"}


def test_the_ledger_is_shown_as_it_was_written(site: Site) -> None:
    assert site.one("pipeline/ledger_count", site.scope("live")) == len(LEDGER)
    rows = rows_of(site, "pipeline/ledger")
    assert [(row["role"], row["entry"], row["count"]) for row in rows] == [
        entry[1:] for entry in sorted(LEDGER, key=lambda entry: -entry[0])
    ]


def test_what_emitters_dropped_is_told(site: Site) -> None:
    rows = rows_of(site, "pipeline/dropped")
    assert {row["service"] for row in rows} == {"desk"}
    assert sum(row["dropped"] for row in rows) == sum(DROPS.values())
    assert sum(row["reports"] for row in rows) == len(DROPS)


def test_tables_have_the_rows_and_parts_of_the_engine(site: Site) -> None:
    found = {row["table"]: row for row in rows_of(site, "pipeline/storage")}
    assert {"steps", "windows", "runs", "sightings", "arrivals"} <= set(found)
    engine = site.reader.query(
        "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table IN ('repricings', 'ledger', 'incidents') "
        "GROUP BY table"
    ).result_rows
    # Tables that nothing writes to while this runs.
    for table, rows, size, parts in engine:
        assert (found[table]["rows"], found[table]["bytes"], found[table]["parts"]) == (rows, size, parts)
    assert all(1 <= row["most_parts"] <= row["parts"] for row in found.values())
    crowded = {row["table"]: row["parts"] for row in rows_of(site, "pipeline/parts")}
    assert set(crowded) <= set(found)
