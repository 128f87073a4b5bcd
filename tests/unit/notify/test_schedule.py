"""Times and meanings of attempts."""

from hypothesis import given
from hypothesis import strategies as st

from streams.notify.schedule import (
    GREATEST_RETRY_AFTER_S,
    SCHEDULE_S,
    Answer,
    Verdict,
    judge,
    next_attempt_s,
    retry_after_s,
)


def test_the_first_attempt_is_at_once_and_the_schedule_is_that_of_standard_webhooks() -> None:
    assert next_attempt_s("a", "t", 0, 1000.0) == 1000.0
    assert SCHEDULE_S[1:5] == (5.0, 300.0, 1800.0, 7200.0)


@given(st.text(), st.text(), st.integers(0, len(SCHEDULE_S) - 1))
def test_the_jitter_is_up_to_a_tenth_and_the_same_after_a_restart(
    alert_id: str, target: str, attempts: int
) -> None:
    due_s = next_attempt_s(alert_id, target, attempts, 0.0)
    assert due_s is not None
    assert SCHEDULE_S[attempts] <= due_s <= SCHEDULE_S[attempts] * 1.1
    assert next_attempt_s(alert_id, target, attempts, 0.0) == due_s


def test_alerts_that_failed_together_are_not_tried_again_together() -> None:
    assert len({next_attempt_s(f"alert-{number}", "t", 1, 0.0) for number in range(100)}) > 90


def test_a_used_up_schedule_has_no_next_attempt() -> None:
    assert next_attempt_s("a", "t", len(SCHEDULE_S), 0.0) is None


def test_only_2xx_is_success_and_410_is_the_end() -> None:
    assert {judge(Answer(status)) for status in (200, 202, 204)} == {Verdict.SENT}
    retried = (0, 199, 301, 302, 308, 400, 404, 429, 500, 503)
    assert {judge(Answer(status)) for status in retried} == {Verdict.RETRY}
    assert judge(Answer(410)) is Verdict.DISABLE


def test_an_endpoint_that_asks_for_time_gets_it() -> None:
    assert judge(Answer(429, "", 7.0)) is Verdict.HOLD
    assert judge(Answer(503, "", 7.0)) is Verdict.HOLD
    assert judge(Answer(500, "", 7.0)) is Verdict.RETRY


def test_retry_after_is_read_as_seconds_and_never_for_days() -> None:
    assert retry_after_s(" 120 ") == 120.0
    assert retry_after_s("9" * 400) == GREATEST_RETRY_AFTER_S
    for nonsense in (None, "", "-1", "1.5", "²", "Fri, 31 Dec 1999 23:59:59 GMT"):
        assert retry_after_s(nonsense) is None
