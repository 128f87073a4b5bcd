"""Which changes of aider's dominant model were found, after how many calls, and why not the others?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from schemas.event import Event

DAY_NS = 86_400 * 10**9
# A detector learns 200 calls and counts 100 more before it finds much; days of few calls hardly show it.
WARM_UP, COUNTED, BUSY_DAY = 200, 100, 20
WITHIN = 50

FEW = f"fewer than {BUSY_DAY} calls on that day"
EARLY = "in the first warm-up"
BLIND = "the reference after the change before is still learnt, or hardly counted"


class Change(NamedTuple):
    """A day on which another model has most calls than on the day with calls before.

    Attributes:
        day: ISO date, UTC.
        before: most used model of the day before.
        after: most used model of the day.
        first: the day's first call, as a number.
        calls: of the day.
        found_after: calls from `first` to what was said; None: nothing within 50.
        reason: why it could not be seen; empty where it was found, or could have been.
    """

    day: str
    before: str
    after: str
    first: int
    calls: int
    found_after: int | None
    reason: str


class _Told(NamedTuple):
    """An incident, as calls: the first at or after its time; `over` is when a new reference is learnt."""

    opened: int
    confirmed: int | None
    over: int | None


def judge_changes(events: Sequence[Event], rows: Sequence[Mapping[str, Any]]) -> list[Change]:
    """All changes, in order.

    Args:
        events: calls in the order of their times.
        rows: incidents; times in Unix nanoseconds, 0 or None where there is none.
    """
    told = _told(events, rows)
    moments = sorted({at for one in told for at in (one.opened, one.confirmed) if at is not None})
    changes = []
    for day, before, after, first, calls in _dominant(events):
        after_calls = next((at - first for at in moments if first <= at < first + WITHIN), None)
        reason = "" if after_calls is not None else _reason(first, calls, told, len(events))
        changes.append(Change(day, before, after, first, calls, after_calls, reason))
    return changes


def _told(events: Sequence[Event], rows: Sequence[Mapping[str, Any]]) -> list[_Told]:
    times_ns = [event.start_time_unix_nano for event in events]

    def call(at_ns: int | None) -> int | None:
        return None if not at_ns else sum(time_ns < at_ns for time_ns in times_ns)

    return [
        _Told(call(row["opened_time"]) or 0, call(row["confirmed_time"]), call(row["closed_time"]))
        for row in rows
        if row["signal"] == "model_mix" and row["detector"] == "csr-categorical"
    ]


def _dominant(events: Sequence[Event]) -> list[tuple[str, str, str, int, int]]:
    """Days on which the most used model changes: day, before, after, first call, calls."""
    found = []
    before = None
    days = [event.start_time_unix_nano // DAY_NS for event in events]
    for day in sorted(set(days)):
        mine = [event.request_model or "" for event, one in zip(events, days, strict=True) if one == day]
        [(most, _)] = Counter(mine).most_common(1)
        if before is not None and most != before:
            date = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
            found.append((date, before, most, days.index(day), len(mine)))
        before = most
    return found


def _reason(first: int, calls: int, told: Sequence[_Told], count: int) -> str:
    if calls < BUSY_DAY:
        return FEW
    if first < WARM_UP + COUNTED:
        return EARLY
    blind = any(
        one.confirmed is not None and one.confirmed <= first < (one.over or count) + COUNTED for one in told
    )
    return BLIND if blind else ""
