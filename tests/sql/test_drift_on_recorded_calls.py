"""What DRIFT says of recorded agents: aider's 2,330 calls and mini-swe's, through INGEST, RUNS and DRIFT.

aider's user changes the dominant model on 20 of 81 days. Not all of it can be found within 50 calls: calls
are few where each reference takes 200. Some changes come in the first warm-up, others on days of under 20
calls, or while the reference after the change before is still learnt or has hardly been counted. The rest
must be found.
"""

from typing import Any

import pyarrow as pa
import pytest

from schemas.event import Event
from tests.data import aider, miniswe, place
from tests.data.changes import WARM_UP, judge_changes
from tests.data.report import read_events
from tests.sql.through import Path

# So few calls allow more alarms a call than the default, under which one of the changes takes more than 50.
DETECTOR_ARL = 10_000.0


class Collected:
    """Stands where ClickHouse does and keeps the last row of each incident."""

    def __init__(self) -> None:
        self.incidents: dict[str, dict[str, Any]] = {}

    def insert_arrow(self, table: str, rows: pa.Table, settings: object = None) -> None:  # noqa: ARG002
        if table == "incidents":
            for name in ("opened_time", "confirmed_time", "closed_time"):
                if name in rows.column_names:
                    place = rows.column_names.index(name)
                    rows = rows.set_column(place, name, rows.column(name).cast(pa.int64()))
            for row in rows.to_pylist():
                self.incidents[row["incident_id"]] = row


def put_through(lines: list[dict[str, Any]]) -> tuple[list[Event], list[dict[str, Any]]]:
    """The events in order of their times, and the incidents that they made."""
    try:
        place.shared_data()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    events = read_events(lines)
    collected = Collected()
    path = Path(collected, "recorded", detector_arl=DETECTOR_ARL)  # type: ignore[arg-type]  # all Path asks for
    for start in range(0, len(events), 40):
        path.send(events[start : start + 40])
    path.end()
    return events, list(collected.incidents.values())


@pytest.fixture(scope="module")
def recorded() -> tuple[list[Event], list[dict[str, Any]]]:
    return put_through(list(aider.make_events()))


def test_each_change_of_the_dominant_model_that_can_be_seen_is_an_incident_within_50_calls(
    recorded: tuple[list[Event], list[dict[str, Any]]],
) -> None:
    changes = judge_changes(*recorded)
    assert len(changes) == 20
    assert sum(change.found_after is not None for change in changes) >= 3
    assert not [change for change in changes if change.found_after is None and not change.reason]


def test_first_calls_of_models_are_told_as_news_and_not_as_drift(
    recorded: tuple[list[Event], list[dict[str, Any]]],
) -> None:
    events, rows = recorded
    news = [row for row in rows if row["detector"] == "first-seen" and row["signal"] == "model_mix"]
    early = {event.request_model for event in events[: WARM_UP - 40]}
    later = {event.request_model for event in events[WARM_UP - 40 :]}
    # On a day with more than five the last says that there are more.
    names = [row["category"] for row in news if row["category"]]
    assert len(names) == len(set(names)) >= 20
    assert set(names) <= later - early
    assert {row["state"] for row in news} == {"confirmed"}
    told = [row["summary"] for row in news if row["category"]]
    assert all("seen for the first time in the mix of models" in summary for summary in told)


def test_mini_swe_s_agent_does_one_thing_in_one_way_and_no_mix_is_said_to_change() -> None:
    _, rows = put_through(list(miniswe.make_events()))
    confirmed = {row["signal"] for row in rows if row["state"] == "confirmed"}
    assert not confirmed & {"model_mix", "tool_mix", "finish_reason_mix"}
