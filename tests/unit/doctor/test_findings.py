"""How findings are judged, said and shown."""

import io
import json

import pytest

from streams.doctor.engine import judge_room
from streams.doctor.findings import Finding, State, failed, ok, size, span, warning, worst
from streams.doctor.report import print_json, print_table
from streams.doctor.state import is_near

FINDINGS = [
    ok("broker", "It answers."),
    warning("topics", "One [differs].", "Run it."),
    ok("clocks", "Well."),
]


def test_the_worst_finding_is_the_state_of_all() -> None:
    assert worst([]) is State.OK
    assert worst(FINDINGS) is State.WARNING
    assert worst([*FINDINGS, failed("engine", "Away.", "Start it.")]) is State.FAILED


@pytest.mark.parametrize(
    ("free", "state"),
    [(50, State.OK), (15, State.OK), (14, State.WARNING), (5, State.WARNING), (4, State.FAILED)],
)
def test_room_on_a_disk_is_judged_by_its_share(free: int, state: State) -> None:
    found = judge_room("disk", free * 10**9, 100 * 10**9)
    assert found.state is state
    assert bool(found.do) == (state is not State.OK)
    assert f"{free} GB of 100 GB" in found.means


def test_times_and_sizes_are_said_in_units_of_people() -> None:
    times = {0.42: "0.4 s", 12: "12 s", 300: "5 min", 9_000: "2.5 h", 200_000: "2.3 d"}
    assert {value: span(value) for value in times} == times
    sizes = {12: "12 B", 3_400: "3 kB", 5e6: "5 MB", 7e9: "7 GB", 2.5e12: "2.5 TB"}
    assert {value: size(value) for value in sizes} == sizes


@pytest.mark.parametrize(
    ("start", "offset", "end", "near"),
    [
        (0, 10, 1_000, False),  # nothing is deleted yet
        (100, 900, 1_000, False),
        (100, 200, 1_000, True),  # a tenth of what is held lies before it
        (100, 550, 1_000, False),
    ],
)
def test_a_snapshot_in_the_older_half_of_a_topic_that_deletes_is_near_its_end(
    start: int, offset: int, end: int, near: bool
) -> None:
    assert is_near(offset, start, end) is near


def test_the_table_has_no_colours_and_cuts_nothing_where_nobody_looks() -> None:
    out = io.StringIO()
    print_table(FINDINGS, out)
    lines = out.getvalue().splitlines()
    assert "\x1b" not in out.getvalue()
    assert lines[-1] == "2 ok, 1 warning"
    assert "One [differs]." in out.getvalue()


def test_json_holds_all_findings_and_the_worst_state() -> None:
    out = io.StringIO()
    print_json(FINDINGS, "live", out)
    told = json.loads(out.getvalue())
    assert (told["namespace"], told["state"]) == ("live", "warning")
    assert [Finding(**check) for check in told["checks"]] == FINDINGS
