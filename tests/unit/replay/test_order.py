"""Pieces of files are sent in the order of their times, as far as what waits may grow."""

import random

from schemas.topics import AGENT_EVENTS
from streams.replay.files import Piece
from streams.replay.order import in_order


def piece(time_ns: int | None, name: str = "", size: int = 10) -> Piece:
    return Piece(AGENT_EVENTS, "run", b"x" * size, (name,), 0, time_ns)


def times(pieces: list[Piece], window_bytes: int) -> list[int | None]:
    return [one.time_ns for one in in_order(pieces, window_bytes)]


def test_pieces_that_fit_the_window_come_sorted_and_equal_ones_as_they_were() -> None:
    numbers = list(range(200))
    random.Random(1).shuffle(numbers)
    pieces = [piece(number // 4, str(place)) for place, number in enumerate(numbers)]
    found = list(in_order(pieces))
    assert found == sorted(pieces, key=lambda one: one.time_ns or 0)


def test_a_piece_later_than_the_window_keeps_its_place_and_nothing_is_lost() -> None:
    assert times([piece(ns) for ns in (5, 6, 7, 1, 8)], 20) == [5, 1, 6, 7, 8]


def test_what_is_no_event_stays_behind_the_event_before_it() -> None:
    pieces = [piece(9, "a"), piece(None, "b"), piece(3, "c")]
    assert [one.event_ids[0] for one in in_order(pieces)] == ["c", "a", "b"]
