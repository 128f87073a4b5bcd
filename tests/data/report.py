"""What was said of replayed calls, beside what the calls show: `python -m tests.data.report aider`.

Reads the incidents of the namespace in the settings, and prints Markdown.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from schemas.event import Event
from schemas.native import decode
from streams.clickhouse import connect
from streams.settings import Settings, load_settings
from tests.data import aider, miniswe
from tests.data.changes import judge_changes

SOURCES = {"aider": aider.make_events, "miniswe": miniswe.make_events}
AROUND = 50
_TIMES = ("opened_time", "confirmed_time", "closed_time")

Incident = dict[str, Any]


def read_events(lines: Iterable[dict[str, Any]]) -> list[Event]:
    """Events in the order of their times; of equal ones by id."""
    decoded = decode("\n".join(map(json.dumps, lines)).encode())
    if decoded.rejected:
        raise ValueError(f"{len(decoded.rejected)} records are no events: {decoded.rejected[0].detail}")
    return sorted(decoded.events, key=lambda event: (event.start_time_unix_nano, event.event_id))


def read_incidents(settings: Settings) -> list[Incident]:
    """All incidents of the namespace, in order of opening; times in Unix nanoseconds, 0 for none."""
    columns = ", ".join(f"ifNull(toUnixTimestamp64Nano({name}), 0) AS {name}_ns" for name in _TIMES)
    client = connect(settings)
    try:
        found = client.query(
            f"SELECT * EXCEPT (row_version, stored_time, time), {columns} FROM incidents FINAL "
            "WHERE namespace = {namespace:String} ORDER BY opened_time, incident_id",
            {"namespace": settings.namespace},
        )
        rows = [dict(row) for row in found.named_results()]
    finally:
        client.close()
    return [
        {name.removesuffix("_ns"): value for name, value in row.items() if name not in _TIMES} for row in rows
    ]


def build_changes(events: Sequence[Event], rows: Sequence[Incident]) -> list[str]:
    """A table of the changes of aider's dominant model."""
    lines = ["| day | from | to | calls | found after | why not |", "|---|---|---|---|---|---|"]
    for change in judge_changes(events, rows):
        after = "" if change.found_after is None else f"{change.found_after} calls"
        cells = (change.day, change.before, change.after, str(change.calls), after, change.reason)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def build_alarms(events: Sequence[Event], rows: Sequence[Incident]) -> list[str]:
    """A table of what was said, beside what the calls around the opening show."""
    head = f"| opened (UTC) | said | state | the {AROUND} calls before and after |"
    lines = [head, "|---|---|---|---|"]
    for row in rows:
        if row["detector"] != "first-seen":
            at = sum(event.start_time_unix_nano < row["opened_time"] for event in events)
            when = datetime.fromtimestamp(row["opened_time"] // 10**9, UTC).strftime("%Y-%m-%d %H:%M")
            shown = _around(events[max(at - AROUND, 0) : at], events[at : at + AROUND])
            said = row["summary"].removesuffix("; watched against the new level from now on")
            lines.append(f"| {when} | {said} | {row['state']} | {shown} |")
    return lines


def build_news(rows: Sequence[Incident]) -> list[str]:
    """A line for each value that was seen for the first time."""
    return [
        f"- {datetime.fromtimestamp(row['opened_time'] // 10**9, UTC):%Y-%m-%d %H:%M} {row['summary']}"
        for row in rows
        if row["detector"] == "first-seen"
    ]


def _around(before: Sequence[Event], after: Sequence[Event]) -> str:
    parts = [f"{_most(before)} → {_most(after)}"]
    for name in ("input_tokens", "output_tokens"):
        sides = [[getattr(event, name) or 0 for event in some] for some in (before, after)]
        if all(sides):
            parts.append(f"{name.split('_')[0]} {median(sides[0]):,.0f} → {median(sides[1]):,.0f}")
    return "; ".join(parts)


def _most(events: Sequence[Event]) -> str:
    if not events:
        return "nothing"
    [(model, count)] = Counter(event.request_model or "" for event in events).most_common(1)
    return f"{model} ({count})"


def main() -> None:
    """Print the tables of one source."""
    source = sys.argv[1]
    events, rows = read_events(SOURCES[source]()), read_incidents(load_settings())
    parts = [build_alarms(events, rows), build_news(rows)]
    if source == "aider":
        parts.insert(0, build_changes(events, rows))
    print("\n\n".join("\n".join(part) for part in parts))


if __name__ == "__main__":
    main()
