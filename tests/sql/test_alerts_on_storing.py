"""Do the rules of storing and of silence fire on events that went through the path: late, broken, no more, or
of one agent no longer? And are they silent while all is well?

Events go through the SDK, INGEST, RUNS and DRIFT into tables, as WRITE makes rows of them; how late they are
is what the engine's own views find on its clock.
"""

import time
from collections.abc import Callable, Iterable

import pytest
from clickhouse_connect.driver.client import Client

from dashboards.alerts.objectives import Objectives
from dashboards.alerts.shapes import api_groups
from schemas.native import decode
from streams.demo.fleet import CORRUPT_LINE
from tests.sql.alerting import alarms
from tests.sql.demo import store_rejected
from tests.sql.through import Path
from wakeline.testing import collecting_emitter

SECOND_NS = 10**9
MINUTE_S, HOUR_S = 60, 3_600


@pytest.fixture(scope="module")
def tables(connect: Callable[..., Client], database: Callable[[], str]) -> tuple[Client, Client]:
    name = database()
    return connect(name), connect(name, reader=True)


def store(client: Client, namespace: str, calls: Iterable[tuple[str, int]]) -> None:
    """A call of a model, that ended at a second, for each agent and second; ten minutes are a frame."""
    emitter = collecting_emitter(max_queue_events=100_000, max_queue_bytes=2**28)
    ends: list[int] = []
    for number, (agent, end_s) in enumerate(sorted(calls, key=lambda call: call[1])):
        call = emitter.llm_call(
            agent_name=agent,
            run_id=f"{agent}-{number}",
            step_name="chat",
            request_model="gpt-4o-mini",
            provider_name="openai",
            input_tokens=100,
            output_tokens=10,
            start_time_unix_nano=(end_s - 1) * SECOND_NS,
        )
        call.end(end_time_unix_nano=end_s * SECOND_NS)
        ends.append(end_s)
    path = Path(client, namespace)
    frames: dict[int, list[bytes]] = {}
    for end_s, line in zip(ends, emitter.lines, strict=True):
        frames.setdefault(end_s // 600, []).append(line)
    for lines in frames.values():
        batch = decode(b"\n".join(lines))
        assert not batch.rejected
        path.send(batch.events)
    path.end()


def told(client: Client, namespace: str, moments: Iterable[int], only: str = "") -> set[tuple[str, str]]:
    """Which rules, or does this one, fire at any of these moments, and with which labels?"""
    groups = api_groups(Objectives(namespace=namespace))
    rules = [rule for group in groups for rule in group["rules"] if only in rule["uid"]]
    return {(rule, labels) for rule, labels, _ in alarms(client, rules, list(moments))}


def test_what_is_stored_long_after_it_came_is_lag_and_what_comes_in_time_is_none(
    tables: tuple[Client, Client],
) -> None:
    now_s = int(time.time())
    store(tables[0], "late", [("a", now_s - 900 + second) for second in range(0, 300, 3)])
    store(tables[0], "timely", [("a", int(time.time()) - 20 + second) for second in range(18)])
    evaluations = range(now_s, now_s + 7 * MINUTE_S, MINUTE_S)
    assert told(tables[1], "late", evaluations) == {("pipeline-lag", "")}
    assert told(tables[1], "timely", evaluations) == set()


def test_the_broken_record_of_the_demo_is_told(tables: tuple[Client, Client]) -> None:
    now_s = int(time.time())
    store_rejected(tables[0], "broken", CORRUPT_LINE, now_s * SECOND_NS)
    evaluations = [now_s - MINUTE_S, now_s + MINUTE_S]
    assert told(tables[1], "broken", evaluations, "dead-letters") == {("dead-letters", "invalid_json")}
    assert told(tables[1], "broken", evaluations[:1], "dead-letters") == set()


def test_when_storing_stops_there_is_no_data_after_half_an_hour(tables: tuple[Client, Client]) -> None:
    now_s = int(time.time())
    store(tables[0], "stopped", [("a", now_s - 20 + second) for second in range(18)])
    assert told(tables[1], "stopped", [now_s + 25 * MINUTE_S]) == set()
    assert told(tables[1], "stopped", [now_s + 35 * MINUTE_S]) == {("pipeline-no-data", "")}


def test_an_agent_that_stops_while_others_go_on_is_told_within_a_quarter_of_an_hour(
    tables: tuple[Client, Client],
) -> None:
    start_s = int(time.time()) // HOUR_S * HOUR_S - 10 * HOUR_S
    stop_s, end_s = start_s + 7 * HOUR_S, start_s + 8 * HOUR_S
    calls = [("goes on", at_s) for at_s in range(start_s, end_s, 45)]
    calls += [("stops", at_s) for at_s in range(start_s, stop_s, 45)]
    store(tables[0], "one", calls)

    def silent(*moments: int) -> set[str]:
        return {agent for _, agent in told(tables[1], "one", moments, "silent-agent")}

    assert silent(*range(start_s, stop_s + 10 * MINUTE_S, 47 * MINUTE_S)) == set()
    assert silent(stop_s + 10 * MINUTE_S) == set()
    assert silent(stop_s + 16 * MINUTE_S) == {"stops"}
    assert silent(end_s - MINUTE_S) == {"stops"}
