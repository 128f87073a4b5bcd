"""Health tells what waits from what is stuck, and says it over HTTP."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from streams.health import Health, serve
from streams.local.ports import free_port

STUCK_S = 60.0


class Time:
    """A clock that a test moves."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def health(time: Time) -> Health:
    made = Health("write", time)
    made.ready()
    return made


def turn(health: Health, time: Time, seconds: float, *, lag: int = 0, handled: int = 0) -> None:
    """Let the loop turn each second for a while."""
    for _ in range(int(seconds)):
        time.now_s += 1
        health.beat()
        health.progress(lag, handled)


def test_a_loop_that_turns_and_has_nothing_to_do_is_well(health: Health, time: Time) -> None:
    turn(health, time, 600)
    assert health.stuck(STUCK_S) is None
    assert health.is_ready()


def test_a_loop_that_does_not_turn_is_stuck(health: Health, time: Time) -> None:
    time.now_s += STUCK_S - 1
    assert health.stuck(STUCK_S) is None
    time.now_s += 1
    assert health.stuck(STUCK_S) == "The loop has not turned for 60 s"


def test_lag_without_progress_is_stuck_though_the_loop_turns(health: Health, time: Time) -> None:
    turn(health, time, 59, lag=7, handled=3)
    assert health.stuck(STUCK_S) is None
    turn(health, time, 2, lag=7, handled=3)
    assert health.stuck(STUCK_S) == "7 records wait, and none was handled for 60 s"


def test_lag_with_progress_is_not_stuck_however_long_it_lasts(health: Health, time: Time) -> None:
    for handled in range(600):
        turn(health, time, 1, lag=1_000_000, handled=handled)
    assert health.stuck(STUCK_S) is None


def test_who_waits_for_a_sink_is_spared_for_ever_and_not_ready(health: Health, time: Time) -> None:
    for _ in range(3):
        health.waiting("ClickHouse (unreachable)")
        turn(health, time, 3_600, lag=1_000_000, handled=5)
    assert health.stuck(STUCK_S) is None
    assert health.is_healthy()
    report = health.report()
    assert (report["ready"], report["healthy"]) == (False, True)
    assert report["waiting_for"] == "ClickHouse (unreachable)"
    assert report["attempts"] == 3
    assert health.waiting_s() == 3 * 3_600


def test_who_waits_must_still_turn(health: Health, time: Time) -> None:
    health.waiting("ClickHouse (unreachable)")
    time.now_s += STUCK_S
    assert health.stuck(STUCK_S) is not None


def test_a_wait_that_has_a_limit_ends_with_it(health: Health, time: Time) -> None:
    health.waiting("the state to be restored", at_most_s=300)
    turn(health, time, 299)
    assert health.stuck(STUCK_S) is None
    turn(health, time, 1)
    assert health.stuck(STUCK_S) == "Waiting for the state to be restored has taken 300 s"


def test_after_a_wait_progress_is_counted_from_its_end(health: Health, time: Time) -> None:
    health.waiting("ClickHouse (unreachable)")
    turn(health, time, 600, lag=7, handled=3)
    health.ready()
    turn(health, time, 59, lag=7, handled=3)
    assert health.stuck(STUCK_S) is None


def test_a_long_call_is_a_wait_until_its_own_limit(health: Health, time: Time) -> None:
    with health.blocking(90, "ClickHouse to take a block"):
        time.now_s += 1
        assert health.is_ready(), "a short one is work"
        time.now_s += 88
        assert health.stuck(STUCK_S) is None
        assert health.report()["waiting_for"] == "ClickHouse to take a block"
        time.now_s += 1
        assert health.stuck(STUCK_S) == "Waiting for ClickHouse to take a block has taken 90 s"
    assert health.stuck(STUCK_S) is None
    assert health.is_ready()


def test_time_in_which_nothing_ran_is_forgiven(health: Health, time: Time) -> None:
    health.progress(7, 3)
    with health.blocking(90, "an insert"):
        time.now_s += 3_600
        health.forgive(3_600)
        assert health.stuck(STUCK_S) is None
    time.now_s += 3_600
    health.forgive(3_600)
    assert health.stuck(STUCK_S) is None


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def test_probes_are_answered_with_what_holds(health: Health, time: Time) -> None:
    server = serve(health, port := free_port())
    assert server is not None
    try:
        assert ask(port, "/readyz")[0] == 200
        health.waiting("an assignment")
        status, report = ask(port, "/readyz")
        assert (status, report["waiting_for"]) == (503, "an assignment")
        assert ask(port, "/healthz")[0] == 200, "a restart would not help"
        time.now_s += STUCK_S
        status, report = ask(port, "/healthz")
        assert (status, report["stuck"]) == (503, "The loop has not turned for 60 s")
    finally:
        server.shutdown()
        server.server_close()
