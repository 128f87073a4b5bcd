"""When is a delivery tried again, and what does an HTTP answer mean? Pure: times and statuses in, times out.

The schedule is that of Standard Webhooks 1.0, over three days in all. The jitter is made from the alert, so
that a restart computes the same times.
"""

import zlib
from enum import Enum
from typing import NamedTuple

MINUTE_S = 60.0
HOUR_S = 3_600.0
# Pause before each attempt: the first is at once. When they are used up, the delivery is given up.
SCHEDULE_S = (
    0.0,
    5.0,
    5 * MINUTE_S,
    30 * MINUTE_S,
    2 * HOUR_S,
    5 * HOUR_S,
    10 * HOUR_S,
    14 * HOUR_S,
    20 * HOUR_S,
    24 * HOUR_S,
)
JITTER_RATIO = 0.1
# An endpoint that asks for more is tried again after this; our own schedule would by then be hours.
GREATEST_RETRY_AFTER_S = 24 * HOUR_S

GONE = 410
SLOW_DOWN = (429, 503)


class Answer(NamedTuple):
    """What one attempt gave.

    Attributes:
        status: of HTTP; 0 when there was no answer.
        detail: for a person, without the URL, which may hold a secret.
        retry_after_s: what the endpoint asked for; None when it did not.
    """

    status: int
    detail: str = ""
    retry_after_s: float | None = None


class Verdict(Enum):
    """What follows from an answer."""

    SENT = "sent"
    RETRY = "retry"
    HOLD = "hold"  # retry, and leave the whole endpoint alone until then
    DISABLE = "disable"  # the endpoint says that it is gone for good


def judge(answer: Answer) -> Verdict:
    """Only 2xx is success; a redirect is a failure like any other, and never followed."""
    if 200 <= answer.status < 300:
        return Verdict.SENT
    if answer.status == GONE:
        return Verdict.DISABLE
    if answer.status in SLOW_DOWN and answer.retry_after_s is not None:
        return Verdict.HOLD
    return Verdict.RETRY


def next_attempt_s(
    alert_id: str, target: str, attempts: int, last_s: float, schedule_s: tuple[float, ...] = SCHEDULE_S
) -> float | None:
    """When the next attempt is due.

    Args:
        alert_id: with target and attempts, what the jitter is made from.
        target: the target's name.
        attempts: made so far.
        last_s: when the last one was made, Unix seconds.
        schedule_s: pauses before each attempt.

    Returns:
        Unix seconds, 0 to 10 % of the pause later than the schedule; None when the schedule is used up.
    """
    if attempts >= len(schedule_s):
        return None
    pause = schedule_s[attempts]
    fraction = zlib.crc32(f"{alert_id}\n{target}\n{attempts}".encode()) / 2**32
    return last_s + pause * (1 + JITTER_RATIO * fraction)


def retry_after_s(value: str | None) -> float | None:
    """Seconds of a `Retry-After` header; None for none, for a date, and for nonsense.

    A date is allowed by HTTP, but needs the endpoint's clock to be right; our schedule stands in.
    """
    if value is None or not value.strip().isascii() or not value.strip().isdigit():
        return None
    return min(float(value.strip()[:9]), GREATEST_RETRY_AFTER_S)
