"""What a limit does is counted, and written into the ledger once."""

from schemas.columns import Kind
from tests.unit.runs.frames import Feed, make_event


def test_steps_beyond_the_limit_of_a_run_are_in_the_ledger_once() -> None:
    feed = Feed(max_steps_per_run=3)
    feed.frame([make_event(f"e{n}", parent_event_id="root") for n in range(8)])
    feed.tick(1)
    feed.tick(301)
    feed.tick(301)
    (row,) = feed.rows(Kind.LEDGER)
    assert (row["role"], row["entry"], row["count"]) == ("runs", "runs.overflowed", 5)
    assert feed.processor.numbers()["evicted.steps"] == 5
    assert feed.runs()["r"]["steps"] == 8


def test_a_run_that_closes_early_is_in_the_ledger() -> None:
    feed = Feed(max_open_runs=1)
    for run in ("a", "b", "c"):
        feed.frame([make_event(run, run, parent_event_id="root")])
        feed.tick(1)
    feed.tick(301)
    assert sum(row["count"] for row in feed.rows(Kind.LEDGER)) == 2
    assert feed.processor.numbers()["evicted.runs"] == 2
