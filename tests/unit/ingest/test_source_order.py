"""History is taken by event time over all source partitions, and the same topic gives the same blocks."""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest

from schemas.event import Event
from streams.event_time import DAY_NS, moment_of, moments_of
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.ingest.order import BLOCK_NS, BLOCK_ROWS, IDLE_S, WAITING_BYTES, Opened, SourceOrder
from streams.pricing.book import PriceBook

APPEND_NS = 1_750_000_000 * 10**9
SECOND_NS = 10**9
PLACES = [("spans", 0), ("spans", 1), ("events", 0), ("events", 1)]
END = b"end"

Place = tuple[str, int]


class Record:
    """A record as the client gives it: its value is the moments of its events, in seconds."""

    def __init__(self, place: Place, offset: int, value: bytes) -> None:
        self._place, self._offset, self._value = place, offset, value

    def topic(self) -> str:
        return self._place[0]

    def partition(self) -> int:
        return self._place[1]

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return self._value


def open_record(message: Any) -> Opened | None:
    if message.value() == END:
        return None
    seconds = [float(text) for text in message.value().split()]
    events = [event(message.partition() + message.offset() / 1_000, at_s) for at_s in seconds]
    return Opened(events, range(len(events)), len(message.topic()), APPEND_NS)


def event(number: float, at_s: float) -> Event:
    return Event(event_id=str(number), kind="tool", start_time_unix_nano=APPEND_NS + int(at_s * SECOND_NS))


def records(seed: int, *, ends: bool = True) -> dict[Place, list[Record]]:
    """Partitions of different densities, in order of time; records of up to 5 events, or none."""
    rng = random.Random(seed)
    found = {}
    for place in PLACES:
        times = sorted(rng.uniform(0, 9_000) for _ in range(rng.choice((0, 300, 900))))
        values, start = [], 0
        while start < len(times):
            size = rng.randrange(6)
            values.append(" ".join(map(str, times[start : start + size])).encode())
            start += size
        values += [END] if ends else []
        found[place] = [Record(place, offset, value) for offset, value in enumerate(values)]
    return found


def fetched(found: dict[Place, list[Record]], seed: int) -> Iterator[list[Any]]:
    """What a client gives: some of one partition, then of another, at different speeds."""
    rng = random.Random(seed)
    left = {place: list(some) for place, some in found.items() if some}
    while left:
        place = rng.choice(sorted(left))
        count = rng.choice((1, 7, 200))
        yield left[place][:count]
        left[place] = left[place][count:]
        if not left[place]:
            del left[place]


def blocks_of(order: SourceOrder, batches: Iterator[list[Any]]) -> list[Block]:
    blocks: list[Block] = []
    for messages in batches:
        order.feed(messages)
        blocks += order.turn(0.0, PLACES)
    return blocks


def rows(blocks: Sequence[Block]) -> list[list[tuple[int, int, int, int]]]:
    """Of each block its rows: source topic, partition, offset, place in the record."""
    return [
        list(zip(block.topics, block.partitions, block.offsets, block.numbers, strict=True))
        for block in blocks
    ]


def moments(blocks: Sequence[Block]) -> list[int]:
    return [moment_of(event, APPEND_NS) for block in blocks for event in block.events]


@pytest.mark.parametrize("seed", range(6))
def test_blocks_are_in_order_and_do_not_depend_on_which_partition_was_read_faster(seed: int) -> None:
    found = records(seed)
    expected = blocks_of(SourceOrder(open_record, 0.0), fetched(found, 0))
    times = moments(expected)
    assert times == sorted(times)
    assert len(times) == sum(
        len(one.value().split()) for some in found.values() for one in some if one.value() != END
    )
    for speed in range(1, 5):
        order = SourceOrder(open_record, 0.0)
        assert rows(blocks_of(order, fetched(found, speed))) == rows(expected)
        assert order.held() == {}


def test_blocks_have_so_many_rows_and_so_much_event_time_at_most() -> None:
    blocks = blocks_of(SourceOrder(open_record, 0.0), fetched(records(1), 1))
    assert len(blocks) > 9_000 * SECOND_NS / BLOCK_NS - 1
    assert all(max(ns) - min(ns) < BLOCK_NS for ns in ([*moments([block])] for block in blocks))
    dense = [Record(("events", 0), offset, b"1 " * 700) for offset in range(4)]
    ends = [Record(place, 9, END) for place in PLACES]
    found = blocks_of(SourceOrder(open_record, 0.0), iter([dense, ends]))
    assert [len(block) for block in found] == [BLOCK_ROWS, BLOCK_ROWS, 800]


def test_what_comes_late_within_a_partition_keeps_its_place_there() -> None:
    late = [Record(("events", 0), 0, b"10 3"), Record(("events", 0), 1, b"4 20")]
    other = [Record(("spans", 0), 0, b"5 15")]
    ends = [Record(place, 9, END) for place in PLACES]
    blocks = blocks_of(SourceOrder(open_record, 0.0), iter([late, other, ends]))
    assert [(ns - APPEND_NS) // SECOND_NS for ns in moments(blocks)] == [5, 10, 3, 4, 15, 20]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_when_a_reader_goes_on_where_the_last_one_had_committed(seed: int) -> None:
    """RUNS drops what comes twice by (partition, offset, place): of each partition these only rise."""
    found = records(seed)
    order, taken = SourceOrder(open_record, 0.0), []
    for messages in list(fetched(found, seed))[: 3 * len(PLACES)]:
        order.feed(messages)
        taken += order.turn(0.0, PLACES)
    read = {place: max((row[2] for block in rows(taken) for row in block), default=0) for place in PLACES}
    committed = {place: order.held().get(place, 0) for place in PLACES}
    rest = {place: some[committed[place] :] for place, some in found.items()}
    again = blocks_of(SourceOrder(open_record, 0.0), fetched(rest, seed + 1))
    first, second = ({row for block in rows(some) for row in block} for some in (taken, again))
    everything = {
        row for block in rows(blocks_of(SourceOrder(open_record, 0.0), fetched(found, 9))) for row in block
    }
    assert first | second == everything
    assert read
    for topic, partition in {(row[0], row[1]) for row in everything}:
        mine = [row[2:] for block in rows(taken) for row in block if row[:2] == (topic, partition)]
        assert all(one < other for one, other in pairwise(mine))


def test_a_silent_partition_is_waited_for_for_a_time_and_a_block_is_not_kept_open_for_longer() -> None:
    order = SourceOrder(open_record, 0.0)
    for second in range(int(IDLE_S)):
        if second == 1:
            order.feed([Record(("events", 0), 0, b"1 2")])  # type: ignore[list-item]  # a record as the client's
        assert order.turn(float(second), PLACES) == []
    assert order.held() == {("events", 0): 0}
    blocks = [block for second in range(10, 25) for block in order.turn(float(second), PLACES)]
    assert [len(block) for block in blocks] == [2]
    assert order.held() == {}


def test_who_was_away_has_not_seen_that_a_partition_was_silent() -> None:
    order = SourceOrder(open_record, 0.0)
    order.feed([Record(("events", 0), 0, b"1")])  # type: ignore[list-item]  # a record as the client's
    assert order.turn(0.0, PLACES) == []
    assert order.turn(IDLE_S + 60, PLACES) == []
    assert order.held() == {("events", 0): 0}


def test_partitions_that_are_not_read_here_are_not_waited_for() -> None:
    order = SourceOrder(open_record, 0.0)
    order.feed([Record(("events", 0), 0, b"1"), Record(("events", 0), 1, END)])  # type: ignore[list-item]  # see above
    assert [len(block) for block in order.turn(0.0, [("events", 0)])] == [1]


def test_of_a_partition_with_much_that_waits_no_more_is_read() -> None:
    order = SourceOrder(open_record, 0.0)
    big = b"1 " * (WAITING_BYTES // 8)
    for place in PLACES[:2]:
        order.feed([Record(place, 0, b"0")])  # type: ignore[list-item]  # a record as the client's
    order.feed([Record(("events", 0), offset, big) for offset in range(2)])  # type: ignore[misc]  # see above
    assert order.above(1.0) == {("events", 0)}
    assert order.above(3.0) == set()


@pytest.mark.parametrize(
    ("start_s", "end_s", "moment_s"),
    [
        (0, 5, 5),
        (0, None, 0),
        (5, 1, 5),
        (0, DAY_NS / SECOND_NS + 1, 0),
        (DAY_NS / SECOND_NS + 1, None, None),
        (-1e9, 5, None),
    ],
)
def test_the_moment_of_an_event_is_that_of_its_row(
    start_s: float, end_s: float | None, moment_s: float | None
) -> None:
    given = event(0, start_s)
    given.end_time_unix_nano = None if end_s is None else APPEND_NS + int(end_s * SECOND_NS)
    block = Block()
    block.add([given], [0], 0, 0, 0, APPEND_NS)
    expected = 0 if moment_s is None else APPEND_NS + int(moment_s * SECOND_NS)
    assert moment_of(given, APPEND_NS) == expected
    assert moments_of(build_steps(block, PriceBook(), keep_attributes=True)).tolist() == [expected]
