"""Are runs shown whose times no clock has told, and steps whose ids look like those of others?"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from dashboards.viewer.database import Source
from schemas.event import Event
from tests.sql.conftest import Engine
from tests.sql.through import Path as Through
from tests.sql.viewer.serving import Json, Served, serving

START_NS = 1_800_000_000_000_000_000
SECOND_NS = 10**9
# As OpenTelemetry's are stored: trace and span.
TRACE, SPAN = "0123456789abcdef" * 2, "fedcba9876543210"
STEPS = {
    "late": ("late-0", "late-1"),
    "early": ("early-0", "early-1"),
    "twins": ("run-10-0", "b-run-10-0", "-"),
    TRACE: (f"{TRACE}-{SPAN}", f"{TRACE}-{SPAN[::-1]}"),
}


def told(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode([{"role": "user", "parts": [{"type": "text", "content": text}]}]))


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    """Of a database with these runs; one ends, and one begins, where 64 bits of nanoseconds do."""
    name = database()
    path = Through(connect(name), "live", keep_contents=True)
    common: dict[str, Any] = {
        "kind": "llm",
        "agent_name": "odd",
        "start_time_unix_nano": START_NS,
        "end_time_unix_nano": START_NS + SECOND_NS,
    }
    path.send(
        [
            Event(event_id=step, run_id=run, input_messages=told(f"told to {step}"), **common)
            for run, steps in STEPS.items()
            for step in steps
        ]
    )
    path.end()
    found = connect(name)
    for run, column, ns in (("late", "end_time", 2**63 - 1), ("early", "start_time", -(2**63))):
        found.command(
            f"INSERT INTO runs SELECT * REPLACE (fromUnixTimestamp64Nano(toInt64({ns}), 'UTC') AS {column}, "
            f"row_version + 1 AS row_version) FROM runs FINAL WHERE run_id = '{run}'"
        )
    return found


@pytest.fixture(scope="module")
def odd(client: Client, engine: Engine) -> Iterator[Served]:
    """A viewer of it."""
    user, password = engine.reader
    with serving(
        Source(url=engine.url, user=user, password=password, database=str(client.database))
    ) as found:
        yield found


@pytest.mark.parametrize("run", ["late", "early", "twins"])
@pytest.mark.parametrize("title", ["Steps", "Waterfall", "Log of the run", "Contents"])
def test_a_run_has_its_steps_whatever_its_times_are(odd: Served, run: str, title: str) -> None:
    panels = odd.get("/api/dashboards/wakeline-runs").json["panels"]
    panel = next(panel for panel in panels if panel["title"] == title)
    start_ms = START_NS // 10**6
    asked: Json = {
        "dashboard": "wakeline-runs", "panel": panel["id"], "ref": "A",
        "start_ms": start_ms - 3_600_000, "end_ms": start_ms + 3_600_000,
        "variables": {"namespace": "live", "run": run},
    }  # fmt: skip
    reply = odd.ask("panel", asked)
    assert reply.status == 200, reply.text
    assert len(reply.json["values"][0]) == len(STEPS[run])


def test_an_end_that_no_clock_has_told_is_no_end_of_the_namespace(odd: Served) -> None:
    appended = datetime.fromtimestamp(START_NS / 1e9, UTC) + timedelta(seconds=2)
    latest_ms = (appended + timedelta(days=1)).timestamp() * 1_000
    for reply in (odd.ask("extent", {"namespace": "live"}), odd.get("/api/namespaces")):
        (last_ms,) = reply.column("last")
        assert START_NS / 1e6 <= last_ms <= latest_ms


@pytest.mark.parametrize(
    ("run", "step", "event"),
    [
        ("twins", "run-10-0", "run-10-0"),
        ("twins", "b-run-10-0", "b-run-10-0"),
        ("twins", "-", "-"),
        ("twins", "10-0", None),
        ("twins", "0", None),
        (TRACE, SPAN, f"{TRACE}-{SPAN}"),
        (TRACE, f"{TRACE}-{SPAN}", f"{TRACE}-{SPAN}"),
        (TRACE, SPAN[::-1], f"{TRACE}-{SPAN[::-1]}"),
        (TRACE, SPAN[1:], None),
    ],
)
def test_a_step_shows_what_was_told_to_it_and_to_no_other(
    odd: Served, run: str, step: str, event: str | None
) -> None:
    found = odd.ask("step", {"namespace": "live", "run": run, "step": step}).json
    if event is None:
        assert (found["step"]["values"], found["contents"]["values"]) == ([], [])
        return
    names = [column["name"] for column in found["step"]["columns"]]
    assert found["step"]["values"][names.index("event_id")] == [event]
    (content,) = found["contents"]["values"][1]
    assert f"told to {event}" in content
