"""Are the numbers of the dashboard of drift those of the incidents, the readings and the events?"""

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from dashboards.macros import Value
from tests.sql.expected import duration_s
from tests.sql.fleet_events import AGENTS, HOUR_NS, LOOP_RUN
from tests.sql.seed import INCIDENTS, LEDGER, SIGNAL, readings
from tests.sql.site import Site

PLANNER = f"{AGENTS[0]} · chat · {SIGNAL}"
CODER = f"{AGENTS[1]} · chat · {SIGNAL}"


def rows_of(site: Site, name: str, **changes: Any) -> list[dict[str, Any]]:
    columns, rows = site.ask(name, site.scope("live", **changes))
    return [dict(zip(columns, row, strict=True)) for row in rows]


def given(site: Site, agent: str) -> list[dict[str, Any]]:
    return [row for row in readings(site.fleets["live"].start_ns) if row["agent_name"] == agent]


def test_alarms_are_counted_by_what_became_of_them(site: Site) -> None:
    fates = Counter(state for _, _, state in INCIDENTS)
    scope = site.scope("live")
    assert site.one("drift/confirmed", scope) == fates["confirmed"]
    assert site.one("drift/unconfirmed", scope) == fates["open"]
    assert site.one("drift/withdrawn", scope) == fates["closed"]
    assert site.one("drift/loops", scope) == 1
    decided = fates["confirmed"] + fates["closed"]
    assert site.one("drift/withdrawn_share", scope) == pytest.approx(fates["closed"] / decided)
    (bars,) = rows_of(site, "drift/by_signal")
    assert bars == {"signal": SIGNAL, "confirmed": 2, "open": 1, "withdrawn": 1}
    opened = rows_of(site, "drift/opened", interval_s=3600)
    assert [sum(row[fate] for row in opened) for fate in ("confirmed", "open", "withdrawn")] == [2, 1, 1]
    assert site.one("drift/confirmed", site.scope("live", agent=["coder"])) == 0


def test_an_alarm_was_to_be_confirmed_until_it_was_confirmed_or_withdrawn(site: Site) -> None:
    """Whatever became of it after the range. Confirmed ones are so half an hour after they opened."""
    start_s = site.fleets["live"].start_ns // 10**9
    for hour in (0.5, 1.25, 2.25, 2.75, 3.1, 3.5, 3.9, 6):
        expected = 0
        for opened, closed, state in INCIDENTS:
            decided = {"open": 24, "confirmed": opened + 0.5, "closed": closed or 24}[state]
            expected += opened < hour < decided
        scope = site.scope("live", end_s=start_s + int(hour * 3600))
        assert site.one("drift/unconfirmed", scope) == expected, hour


def test_an_incident_needs_attention_as_it_stood_at_the_end_of_the_range(site: Site) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    what = f"{SIGNAL} of chat"
    for hour, severities in ((2.25, ["warning", "warning"]), (2.75, ["critical", "warning"])):
        rows = rows_of(site, "fleet/attention", end_s=start_s + int(hour * 3600))
        assert sorted(row["severity"] for row in rows if row["what"] == what) == severities


def test_the_promise_is_held_against_the_observations_of_the_range(site: Site) -> None:
    """One alarm was withdrawn; each stream may raise one in as many observations as its threshold says."""
    scope = site.scope("live")
    streams = defaultdict(list)
    for *stream, n, threshold in site.reader.query(
        "SELECT agent_name, step_name, signal, n, threshold FROM agent_readings WHERE namespace = 'live'"
        f" AND time >= fromUnixTimestamp({scope.start_s}) AND time <= fromUnixTimestamp({scope.end_s})"
    ).result_rows:
        streams[tuple(stream)].append((n, threshold))
    assert len(streams) >= len(AGENTS)
    allowed = sum(
        (max(n for n, _ in own) - min(n for n, _ in own) + 1) / max(threshold for _, threshold in own)
        for own in streams.values()
    )
    assert site.one("drift/promise", scope) == pytest.approx(1 / allowed)
    assert site.one("drift/promise", site.scope("live", agent=["coder"])) == 0


def test_evidence_is_the_statistic_against_its_threshold(site: Site) -> None:
    rows = rows_of(site, "drift/evidence", interval_s=600)
    for agent in AGENTS:
        own = [row["evidence"] for row in rows if row["stream"] == f"{agent} · chat · {SIGNAL}"]
        expected = [row["statistic"] / row["threshold"] for row in given(site, agent)]
        assert own == pytest.approx(expected)
    assert rows_of(site, "drift/evidence", agent=["nobody"]) == []


@pytest.mark.parametrize(("stream", "agent"), [("(loudest)", "planner"), (CODER, "coder")])
def test_the_chosen_stream_is_drawn(site: Site, stream: Value, agent: str) -> None:
    """The loudest is that with most evidence."""
    own = given(site, agent)
    rows = rows_of(site, "drift/statistic", stream=stream, interval_s=600)
    assert [row["statistic"] for row in rows] == pytest.approx([row["statistic"] for row in own])
    assert {row["threshold"] for row in rows} == {9.0}


def test_the_level_is_held_against_that_before_the_last_change(site: Site) -> None:
    start_ns = site.fleets["live"].start_ns
    change_ns = start_ns + int(max(opened for opened, _, state in INCIDENTS if state != "closed") * HOUR_NS)
    own = given(site, "planner")
    before = [row["last"] for row in own if row["time"] < change_ns]
    rows = rows_of(site, "drift/level", stream=PLANNER, interval_s=600)
    assert [row["level"] for row in rows] == pytest.approx([row["last"] for row in own])
    low, middle, high = (rows[0][name] for name in ("5 % before", "half before", "95 % before"))
    assert min(before) <= low < middle < high <= max(before)
    assert middle == pytest.approx(np.median(before), abs=0.011)
    # Without a change, what is compared with is the time before the range.
    later = rows_of(site, "drift/level", stream=CODER, start_s=start_ns // 10**9 + 3 * 3600, interval_s=600)
    earlier = [row["last"] for row in given(site, "coder") if row["time"] < start_ns + 3 * HOUR_NS]
    assert later[0]["half before"] == pytest.approx(np.median(earlier), abs=0.011)


def test_durations_are_spread_as_those_of_the_events(site: Site) -> None:
    start_ns = site.fleets["live"].start_ns
    change_ns = start_ns + int(3.25 * HOUR_NS)
    fleet = site.choice(site.scope("live"))
    rows = rows_of(site, "drift/distribution", stream=PLANNER)
    edges = [row["xMin"] for row in rows] + [rows[-1]["xMax"]]
    calls = [event for event in fleet.calls if fleet.owner(event) == "planner"]
    for name, early in (("before", True), ("since", False)):
        seconds = [duration_s(e) for e in calls if (e.start_time_unix_nano < change_ns) == early]
        shares = [row[name] for row in rows]
        assert sum(shares) == pytest.approx(100)
        for (low, high), share in zip(pairwise(edges), shares, strict=True):
            assert share == pytest.approx(
                100 * sum(low <= s < high for s in seconds) / len(seconds), abs=1e-6
            )


def test_a_stream_is_in_the_state_of_its_incidents(site: Site) -> None:
    start_ns = site.fleets["live"].start_ns
    states = {
        (row["stream"], (row["time"].timestamp() - start_ns / 1e9) / 3600): row["state"]
        for row in rows_of(site, "drift/states", interval_s=600)
    }
    hours = {hour for _, hour in states}
    assert {states[CODER, hour] for hour in hours if (CODER, hour) in states} == {1}
    # open from 1 on; another, of 2, is confirmed half an hour later, though a third of then is withdrawn.
    assert states[PLANNER, 0.5] == 1
    assert states[PLANNER, 1.5] == 3
    assert states[PLANNER, 2] == 3
    assert states[PLANNER, 2.5] == 4
    assert states[PLANNER, 5] == 4


def test_incidents_lead_to_the_runs_of_their_time(site: Site) -> None:
    start_ms = site.fleets["live"].start_ns // 10**6
    rows = {row["summary"]: row for row in rows_of(site, "drift/incidents")}
    assert [rows[f"incident {number}"]["state"] for number in range(4)] == [
        "open",
        "confirmed",
        "confirmed",
        "withdrawn",
    ]
    third = rows["incident 2"]
    assert third["from_ms"] == start_ms + int(3.25 * 3_600_000) - 900_000
    assert third["to_ms"] == start_ms + 4 * 3_600_000 + 900_000
    assert (third["before"], third["after"]) == (1.6, 2.4)
    assert third["change"] == pytest.approx(0.5)
    assert third["after_between"] == "2.25 – 2.5"
    assert third["confirmed"].timestamp() * 1000 == start_ms + int(3.75 * 3_600_000)
    assert {row["category"] for row in rows.values()} == {"", "search"}
    (loop,) = [row for row in rows.values() if row["signal"] == "identical_tool_calls"]
    assert (loop["state"], loop["run_id"]) == ("loop ended", f"run-{LOOP_RUN}")


def test_a_deploy_knows_what_followed_within_an_hour(site: Site) -> None:
    start_s = site.fleets["live"].start_ns // 10**9
    fleet = site.choice(site.scope("live"))
    found = {row["agent"]: row for row in rows_of(site, "drift/deploys")}
    first: dict[str, int] = {}
    for event in fleet.events:
        if event.agent_version == "1.1" and event.agent_name:
            name, minute_s = event.agent_name, event.start_time_unix_nano // (60 * 10**9) * 60
            first[name] = min(first.get(name, minute_s), minute_s)
    assert {agent: row["deployed"].timestamp() for agent, row in found.items()} == first
    assert {row["version"] for row in found.values()} == {"1.1"}
    assert found["coder"]["incidents"] == 0
    assert found["coder"]["first_after"] is None
    assert found["planner"]["incidents"] == 1
    assert found["planner"]["first_incident"] == "incident 2"
    assert found["planner"]["first_after"] == start_s + 3.25 * 3600 - first["planner"]


def test_streams_tell_their_observations_and_evidence(site: Site) -> None:
    found = {row["agent"]: row for row in rows_of(site, "drift/warm_up") if row["signal"] == SIGNAL}
    for agent in AGENTS:
        own, row = given(site, agent), found[agent]
        assert row["observations"] == own[-1]["n"]
        assert row["in_range"] == own[-1]["n"] - own[0]["n"]
        assert row["evidence"] == pytest.approx(own[-1]["statistic"] / own[-1]["threshold"])
        assert row["last_value"] == own[-1]["last"]
        assert row["state"] == "watching"
    passed = rows_of(site, "drift/passed_over")
    late = sum(count for _, _, entry, count in LEDGER if entry == "detectors.late")
    assert [(row["entry"], row["steps"]) for row in passed] == [("detectors.late", late)]


def test_the_list_of_streams_begins_with_the_loudest(site: Site) -> None:
    _, rows = site.ask("variables/streams", site.scope("live"))
    assert rows[:2] == [("(loudest)", "(most evidence)"), (PLANNER, PLANNER)]
    assert {f"{agent} · chat · {SIGNAL}" for agent in AGENTS} <= {text for _, text in rows}
    wild = f"{AGENTS[3]} · chat · {SIGNAL}"
    assert (wild, wild) in rows
    assert len(rows_of(site, "drift/statistic", stream=wild, interval_s=600)) == 35
