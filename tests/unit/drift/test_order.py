"""History reaches the detectors in one order, whichever partition of RUNS was faster."""

import random
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from schemas.columns import SCHEMAS, Kind
from schemas.frame import Header, Writer, make_header
from streams.drift.order import HOLD_NS, EventOrder
from streams.state.snapshots import decode, encode, read_batches
from streams.windows.sums import integers
from tests.unit.drift.frames import SECOND_NS, START_NS, make_frame, make_row

WRITERS = 4
Frame = tuple[Header, pa.RecordBatch | None]


def frame(writer: int, clock_s: float, *at_s: float) -> Frame:
    """Steps of no duration by one writer; none: a tick."""
    rows = [make_row(event_id=f"{writer}/{s}", time=ns(s), duration_ns=None) for s in at_s]
    header = make_header(
        Kind.SIGNALS, Writer.RUNS, partition=writer, partitions=WRITERS, clock_ns=ns(clock_s)
    )
    return header, make_frame(rows) if rows else None


def ns(seconds: float) -> int:
    return START_NS + int(seconds * SECOND_NS)


def chains(seed: int) -> list[list[Frame]]:
    """For each writer its frames: steps in order within a block, some of them held back for long."""
    rng = np.random.default_rng(seed)
    clocks = np.cumsum(rng.uniform(0, 900, 60))
    found = []
    for writer in range(WRITERS):
        frames, since = [], 0.0
        for clock in clocks.tolist():
            times = rng.uniform(since, clock, rng.integers(0, 6)).tolist()
            late = rng.uniform(0, since, rng.integers(0, 2)).tolist()
            frames.append(frame(writer, clock, *times, *late))
            since = clock
        found.append(frames)
    return found


def interleaved(frames: list[list[Frame]], seed: int) -> Iterator[Frame]:
    """Each writer's frames in their order, the writers at different speeds."""
    rng = random.Random(seed)
    left = [list(some) for some in frames]
    speeds = [rng.random() for _ in left]
    while any(left):
        [writer] = rng.choices(range(len(left)), speeds)
        if left[writer]:
            yield left[writer].pop(0)


def put_through(order: EventOrder, frames: Iterator[Frame]) -> list[str]:
    ids: list[str] = []
    for one in frames:
        ids += names(order.take(*one))
    return ids + names(order.end())


def names(rows: pa.RecordBatch | None) -> list[str]:
    return [] if rows is None else rows.column("event_id").to_pylist()


@pytest.mark.parametrize("seed", range(8))
def test_the_order_is_the_same_whichever_writer_was_faster(seed: int) -> None:
    frames = chains(seed)
    expected = put_through(EventOrder(), interleaved(frames, 0))
    assert len(expected) == sum(rows.num_rows for some in frames for _, rows in some if rows is not None)
    for speed in range(1, 6):
        order = EventOrder()
        assert put_through(order, interleaved(frames, speed)) == expected
        assert order.take_unordered() == 0


def test_steps_that_were_not_held_back_come_in_the_order_of_their_ends() -> None:
    order = EventOrder()
    ids = put_through(
        order,
        iter(
            [
                frame(0, 5_000, 10, 4_000),
                frame(1, 20, 20),
                frame(2, 30, 30, 15),
                frame(3, 5_000),
                frame(1, 50),
            ]
        ),
    )
    assert ids == ["0/10", "2/15", "1/20", "2/30", "0/4000"]


def test_a_step_waits_for_the_slowest_writer_and_for_what_runs_may_hold_back() -> None:
    order = EventOrder()
    hold_s = HOLD_NS / SECOND_NS
    assert order.take(*frame(0, 10, 5)) is None
    for writer in range(1, WRITERS):
        assert order.take(*frame(writer, 10)) is None
    for writer in range(WRITERS):
        assert order.take(*frame(writer, 20 + hold_s)) is None, (
            "what was promised before this clock is little"
        )
    released = [names(order.take(*frame(writer, 30 + hold_s))) for writer in range(WRITERS)]
    assert released == [[], [], [], ["0/5"]], "the last writer is past it"


def test_more_rows_than_may_wait_are_released_and_what_comes_too_late_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.drift.order.MOST_ROWS", 10)
    order = EventOrder()
    released = names(order.take(*frame(0, 100, *range(20, 32))))
    assert released == [f"0/{s}" for s in range(20, 27)]
    assert order.take_unordered() == 0
    order.take(*frame(1, 100, 3, 4, 50))
    assert order.take_unordered() == 2
    assert order.take_unordered() == 0


@pytest.mark.parametrize("seed", range(3))
def test_what_waits_goes_on_from_a_snapshot(seed: int) -> None:
    frames = list(interleaved(chains(seed), seed))
    expected = put_through(EventOrder(), iter(frames))
    first, second = EventOrder(), EventOrder()
    ids: list[str] = []
    for one in frames[:100]:
        ids += names(first.take(*one))
    state, batches = first.state()
    assert batches, "something waits"
    second.load(state, read_batches(decode(encode({"waiting": batches})), "waiting"))
    assert ids + put_through(second, iter(frames[100:])) == expected


def test_rows_of_an_older_version_wait_beside_new_ones() -> None:
    order = EventOrder()
    header, rows = frame(0, 10, 1)
    assert rows is not None
    order.take(header, rows.select(SCHEMAS[Kind.SIGNALS, 1].names))
    order.take(*frame(1, 10, 2))
    rows = order.end()
    assert names(rows) == ["0/1", "1/2"]
    assert rows is not None
    assert integers(rows.column("time")).tolist() == [ns(1), ns(2)]
