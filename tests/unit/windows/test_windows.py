"""Windows against sums in plain Python."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import CostStatus
from streams.windows.labels import encode_labels
from streams.windows.segments import SEGMENT_COLUMNS
from streams.windows.sums import SUM_COLUMNS
from streams.windows.windows import WindowParams, Windows
from tests.unit.drift.frames import SECOND_NS, START_NS, Row, make_frame, make_row, plain, random_rows, split
from tests.unit.windows.test_buckets import by_definition

Key = tuple[Any, ...]
Sums = dict[Key, Row]


class Feed:
    """Windows that are given rows; the last row of each key counts, as in ClickHouse."""

    def __init__(self, **params: Any) -> None:
        self.windows = Windows(WindowParams(**params), 5)
        self.sent: list[list[Row]] = []
        self.stored: Sums = {}

    def add(self, rows: Sequence[Row], clock_ns: int) -> None:
        self._store(self.windows.advance(clock_ns))
        if rows:
            frame = make_frame(rows)
            self.windows.add(frame, {name: encode_labels(frame.column(name)) for name in SEGMENT_COLUMNS})

    def flush(self) -> None:
        self._store(self.windows.flush())

    def _store(self, due: pa.RecordBatch | None) -> None:
        rows = [] if due is None else list(plain(due))
        self.sent.append(rows)
        for row in rows:
            self.stored[window_key(row), row["epoch_start"]] = row

    def totals(self) -> Sums:
        """Epochs added up; windows that came to nothing are left out."""
        totals: Sums = {}
        for (key, _), row in self.stored.items():
            total = totals.setdefault(key, {**dict.fromkeys(SUM_COLUMNS, 0), "duration_buckets": Counter()})
            for name in SUM_COLUMNS:
                total[name] += row[name]
            for bucket, count in row["duration_buckets"].items():
                total["duration_buckets"][bucket] += count
        return without_nothing(totals)


def window_key(row: Row) -> Key:
    return (row["width_s"], row["window_start"], *(row[name] or "" for name in SEGMENT_COLUMNS))


def without_nothing(totals: Sums) -> Sums:
    for total in totals.values():
        total["duration_buckets"] = {b: n for b, n in total["duration_buckets"].items() if n}
    return {key: total for key, total in totals.items() if any(total.values())}


def in_plain_python(rows: Sequence[Row]) -> Sums:
    totals: Sums = {}
    for row in rows:
        for width_s in (60, 3_600):
            start = row["time"] // (width_s * SECOND_NS) * width_s * SECOND_NS
            key = window_key({**row, "width_s": width_s, "window_start": start})
            total = totals.setdefault(key, {**dict.fromkeys(SUM_COLUMNS, 0), "duration_buckets": Counter()})
            adds = {name: row.get(name) or 0 for name in SUM_COLUMNS} | {
                "steps": 1,
                "errors": int(row["error"]),
                "unpriced_steps": int(row["cost_status"] == CostStatus.UNPRICED),
                "durations": int(row["duration_ns"] is not None),
            }
            for name, value in adds.items():
                total[name] += row["weight"] * value
            if row["duration_ns"] is not None:
                total["duration_buckets"][by_definition(row["duration_ns"])] += row["weight"]
    return without_nothing(totals)


@pytest.mark.parametrize("seed", range(3))
def test_windows_are_the_sums_of_their_rows_with_corrections_and_gaps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, feed = random_rows(rng, 2_000), Feed()
    for number, part in enumerate(split(rows, rng.integers(0, 3_000, 20).tolist())):
        feed.add(part, START_NS + number * 40 * SECOND_NS)
    feed.flush()
    assert feed.totals() == in_plain_python(rows)


ROWS = random_rows(np.random.default_rng(9), 120, span_s=400)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 200), max_size=12))
def test_any_split_of_the_same_rows_into_frames_gives_the_same_rows(places: list[int]) -> None:
    whole, parts = Feed(), Feed()
    whole.add(ROWS, START_NS)
    for part in split(ROWS, places):
        parts.add(part, START_NS)
    whole.flush()
    parts.flush()
    assert whole.stored == parts.stored


def test_many_waiting_durations_are_merged_before_anyone_asks() -> None:
    feed = Feed()
    rows = [make_row(duration_ns=10_000_000 * (i % 7)) for i in range(5_000)]
    for _ in range(45):
        feed.add(rows, START_NS)
    feed.flush()
    minute = next(row for row in feed.stored.values() if row["width_s"] == 60)
    assert minute["duration_buckets"] == {
        by_definition(10_000_000 * i): 45 * len(rows[i::7]) for i in range(7)
    }


def test_a_new_epoch_starts_from_nothing_under_its_own_key() -> None:
    feed = Feed()
    feed.add([make_row()] * 3, START_NS + 299 * SECOND_NS)
    feed.add([make_row()] * 2, START_NS + 300 * SECOND_NS)
    feed.flush()
    steps = {row["epoch_start"]: row["steps"] for row in feed.stored.values() if row["width_s"] == 60}
    assert steps == {START_NS: 3, START_NS + 300 * SECOND_NS: 2}


def test_a_row_is_sent_when_its_epoch_ends_and_never_again() -> None:
    feed = Feed()
    feed.add([make_row()], START_NS + 299 * SECOND_NS)
    for later_s in (300, 306, 650):
        feed.add([], START_NS + later_s * SECOND_NS)
    assert [len(rows) for rows in feed.sent] == [0, 2, 0, 0]


def test_a_row_is_sent_each_five_seconds_while_it_changes() -> None:
    feed = Feed()
    for later_s in (1, 2, 4, 5, 6, 9, 10, 15, 20):
        feed.add([make_row()] if later_s < 10 else [], START_NS + later_s * SECOND_NS)
    sent = [[row["steps"] for row in rows if row["width_s"] == 60] for rows in feed.sent]
    assert sent == [[], [], [], [3], [], [], [6], [], []]


def test_only_windows_that_changed_are_sent_again() -> None:
    feed = Feed()
    feed.add([make_row(), make_row(agent_name="other")], START_NS)
    feed.flush()
    feed.add([make_row()], START_NS)
    feed.flush()
    assert [row["agent_name"] for row in feed.sent[-1]] == ["planner", "planner"]


def test_a_step_that_is_taken_back_leaves_nothing() -> None:
    feed = Feed()
    feed.add([make_row(), make_row(weight=-1)], START_NS)
    feed.flush()
    assert all(row[name] == 0 for row in feed.stored.values() for name in SUM_COLUMNS)
    assert all(row["duration_buckets"] == {} for row in feed.stored.values())


def test_what_was_added_in_one_epoch_can_be_taken_back_in_another() -> None:
    feed = Feed()
    feed.add([make_row()], START_NS)
    feed.add([make_row(weight=-1)], START_NS + 400 * SECOND_NS)
    feed.flush()
    assert len(feed.stored) == 4
    assert feed.totals() == {}


def test_absent_and_empty_labels_are_one_segment() -> None:
    feed = Feed()
    feed.add([make_row(model=None), make_row(model="")], START_NS)
    feed.flush()
    assert {(row["model"], row["steps"]) for row in feed.stored.values()} == {("", 2)}


@pytest.mark.parametrize("time_ns", [0, -1, -(2**62), 2**62])
def test_a_window_may_lie_anywhere_in_time(time_ns: int) -> None:
    feed, rows = Feed(), [make_row(time=time_ns)]
    feed.add(rows, START_NS)
    feed.flush()
    assert feed.totals() == in_plain_python(rows)


def test_segments_beyond_the_limit_are_folded_into_other_of_their_agent_and_counted() -> None:
    feed = Feed(segments=3)
    rows = [make_row(step_name=f"step-{i}") for i in range(10)]
    feed.add(rows, START_NS)
    feed.add(rows, START_NS)
    feed.flush()
    steps = {row["step_name"]: row["steps"] for row in feed.stored.values() if row["width_s"] == 60}
    assert steps == {"step-0": 2, "step-1": 2, "step-2": 2, "other": 14}
    assert feed.windows.folded_rows == 14


def test_segments_of_endless_agents_are_folded_into_one_of_the_partition() -> None:
    feed = Feed(segments=3)
    feed.add([make_row(agent_name=f"agent-{i}") for i in range(50)], START_NS)
    feed.flush()
    minutes = [row for row in feed.stored.values() if row["width_s"] == 60]
    assert len(minutes) == 7
    assert sum(row["steps"] for row in minutes) == 50
    assert minutes[-1]["agent_name"] == "other-5"


def test_an_epoch_of_too_many_windows_ends_early_and_loses_nothing() -> None:
    feed = Feed(windows=50)
    rows = [make_row(time=START_NS - i * 60 * SECOND_NS) for i in range(400)]
    for part in split(rows, range(0, 400, 40)):
        feed.add(part, START_NS + SECOND_NS)
    feed.flush()
    assert feed.totals() == in_plain_python(rows)
    assert len({row["epoch_start"] for row in feed.stored.values()}) > 3


def test_without_a_clock_there_is_no_epoch_to_add_to() -> None:
    frame = make_frame([make_row()])
    labels = {name: encode_labels(frame.column(name)) for name in SEGMENT_COLUMNS}
    with pytest.raises(RuntimeError, match="advance"):
        Windows(WindowParams(), 0).add(frame, labels)
