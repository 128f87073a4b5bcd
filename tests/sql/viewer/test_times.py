"""Which moments does a range mean, where clocks change and months differ? Asked of the page's own module."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.sql.viewer.browsing import Tab
from tests.sql.viewer.serving import Served

Opened = Callable[..., AbstractContextManager[Tab]]
ASK = """
async ({ zone, cases }) => {
    const { moment, useZone } = await import("/static/times.js");
    useZone(zone);
    return cases.map(([text, isEnd, now]) => moment(text, isEnd, now));
}
"""
# Range, at which clock, its beginning and the beginning of what follows its end (None: no rounding).
# Europe/Berlin has 23 hours on 29 March 2026 and 25 on 25 October.
BERLIN = [
    ("now/d", "2026-03-29 12:00", "2026-03-29 00:00", "2026-03-30 00:00"),
    ("now/d", "2026-10-25 12:00", "2026-10-25 00:00", "2026-10-26 00:00"),
    ("now/w", "2026-03-30 12:00", "2026-03-30 00:00", "2026-04-06 00:00"),
    ("now/w", "2026-03-29 12:00", "2026-03-23 00:00", "2026-03-30 00:00"),
    ("now/M", "2026-10-28 12:00", "2026-10-01 00:00", "2026-11-01 00:00"),
    ("now/M", "2026-03-02 12:00", "2026-03-01 00:00", "2026-04-01 00:00"),
    ("now/M", "2026-12-31 23:30", "2026-12-01 00:00", "2027-01-01 00:00"),
    ("now/y", "2026-07-01 12:00", "2026-01-01 00:00", "2027-01-01 00:00"),
    ("now-1M/M", "2026-03-31 12:00", "2026-02-01 00:00", "2026-03-01 00:00"),
    ("now-1M/M", "2026-01-31 12:00", "2025-12-01 00:00", "2026-01-01 00:00"),
    ("now-1d/d", "2026-03-30 00:30", "2026-03-29 00:00", "2026-03-30 00:00"),
    ("now-1d/d", "2026-10-26 00:30", "2026-10-25 00:00", "2026-10-26 00:00"),
    ("now-1w/w", "2026-03-30 00:30", "2026-03-23 00:00", "2026-03-30 00:00"),
    ("now/h", "2026-03-29 03:59", "2026-03-29 03:00", "2026-03-29 04:00"),
    ("now/m", "2026-10-25 12:34", "2026-10-25 12:34", "2026-10-25 12:35"),
    ("now-1M", "2026-03-31 12:00", "2026-02-28 12:00", None),
    ("now-1y", "2028-02-29 12:00", "2027-02-28 12:00", None),
    ("now+1M", "2026-01-31 12:00", "2026-02-28 12:00", None),
    ("now-1d", "2026-03-29 12:00", "2026-03-28 12:00", None),
    ("now-2w", "2026-04-05 12:00", "2026-03-22 12:00", None),
    ("now-24h", "2026-03-29 12:00", "2026-03-28 11:00", None),
    ("now", "2026-03-29 12:00", "2026-03-29 12:00", None),
]
UTC = [
    ("now/d", "2026-03-29 23:30", "2026-03-29 00:00", "2026-03-30 00:00"),
    ("now/M", "2026-10-31 23:30", "2026-10-01 00:00", "2026-11-01 00:00"),
    ("now/y", "2026-12-31 23:30", "2026-01-01 00:00", "2027-01-01 00:00"),
    ("now-1M/M", "2026-03-31 12:00", "2026-02-01 00:00", "2026-03-01 00:00"),
]
# Midnight does not exist on the day when clocks change; hours begin at half past those of UTC.
CAIRO = [("now/d", "2026-04-24 12:00", "2026-04-24 01:00", "2026-04-25 00:00")]
KOLKATA = [("now/h", "2026-03-29 12:10", "2026-03-29 12:00", "2026-03-29 13:00")]


def ms(text: str, zone: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("browsers", "named", "cases"),
    [
        ("Europe/Berlin", "browser", BERLIN),
        ("Europe/Berlin", "utc", UTC),
        ("Africa/Cairo", "browser", CAIRO),
        ("Asia/Kolkata", "browser", KOLKATA),
    ],
    ids=["Berlin", "UTC", "Cairo", "Kolkata"],
)
def test_ranges_of_the_calendar_begin_and_end_with_it(
    opened: Opened,
    served_empty: Served,
    browsers: str,
    named: str,
    cases: list[tuple[str, str, str, str | None]],
) -> None:
    zone = "UTC" if named == "utc" else browsers
    with opened(served_empty.url, zone=browsers) as tab:
        tab.page.goto(f"{served_empty.url}/healthz")
        asked = [[text, is_end, ms(now, zone)] for text, now, _, _ in cases for is_end in (False, True)]
        found = iter(tab.run(ASK, {"zone": named, "cases": asked}))
        for text, now, begin, following in cases:
            starts, ends = next(found), next(found)
            assert starts == ms(begin, zone), (text, now)
            assert ends == (starts if following is None else ms(following, zone) - 1), (text, now)
