"""A step's row depends on the step alone, not on which others were framed with it."""

from schemas.columns import Kind, schema_of
from schemas.native import decode
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.pricing.book import PriceBook
from tests.crash.dialects import native
from tests.crash.load import make_steps

APPEND_NS = 1_762_170_000 * 10**9


def rows_of(sizes: int) -> list[list[object]]:
    """Rows of all steps as lists of texts, framed so many at once."""
    book = PriceBook()
    steps = make_steps(3, 60)
    rows: list[list[object]] = []
    for first in range(0, len(steps), sizes):
        events = decode(native(steps[first : first + sizes])).events
        block = Block()
        block.add(list(events), range(first, first + len(events)), 0, 0, 0, APPEND_NS)
        batch = build_steps(block, book, keep_attributes=True)
        columns = [[str(cell) for cell in batch.column(name)] for name in batch.schema.names]
        rows += [list(row) for row in zip(*columns, strict=True)]
    return rows


def test_steps_framed_one_at_a_time_are_those_framed_together() -> None:
    names = schema_of(Kind.STEPS).names
    alone, together = rows_of(1), rows_of(5_000)
    assert len(alone) == len(together) > 300
    differing = {
        name
        for one, other in zip(alone, together, strict=True)
        for name, left, right in zip(names, one, other, strict=True)
        if left != right
    }
    assert not differing
