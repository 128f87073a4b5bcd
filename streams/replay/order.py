"""In which order are the pieces of files sent? By the time of their events, as far as memory allows. Pure."""

import heapq
from collections.abc import Iterable, Iterator

from streams.replay.files import Piece

WINDOW_BYTES = 64_000_000


def in_order(pieces: Iterable[Piece], window_bytes: int = WINDOW_BYTES) -> Iterator[Piece]:
    """The pieces, earliest first; of equal ones in the order given.

    Args:
        pieces: of one file after the other.
        window_bytes: so much waits for what may be earlier. What comes later than that keeps its place.
    """
    waiting: list[tuple[int, int, Piece]] = []
    waiting_bytes, time_ns = 0, 0
    for number, piece in enumerate(pieces):
        # What is no event goes with the one before it.
        time_ns = time_ns if piece.time_ns is None else piece.time_ns
        heapq.heappush(waiting, (time_ns, number, piece))
        waiting_bytes += len(piece.value)
        while waiting_bytes > window_bytes:
            piece = heapq.heappop(waiting)[2]
            waiting_bytes -= len(piece.value)
            yield piece
    while waiting:
        yield heapq.heappop(waiting)[2]
