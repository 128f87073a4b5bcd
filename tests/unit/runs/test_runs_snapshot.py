"""RUNS goes on from a snapshot as if nothing had happened: byte for byte, wherever it was taken."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.frame import Writer, encode, make_header
from streams.runs.params import Params
from streams.runs.processor import RunsProcessor
from streams.runs.snapshot import STATE_VERSION
from streams.state.processor import Output, Place
from streams.state.snapshots import SnapshotDamaged, SnapshotRefused, decode
from streams.state.snapshots import encode as encode_parts
from tests.unit.runs.frames import Feed, make_event
from tests.unit.runs.test_runs import histories


def on_the_wire(output: Output) -> bytes:
    rows = 0 if output.rows is None else output.rows.num_rows
    header = make_header(
        output.kind,
        Writer.RUNS,
        rows=rows,
        flags=output.flags,
        partition=output.partition,
        clock_ns=output.clock_ns,
    )
    return output.topic.name.encode() + encode(header, output.rows)


def restart(feed: Feed, **params: object) -> None:
    """Put a new processor, restored from bytes, in the place of the feed's."""
    value = encode_parts(feed.processor.snapshot())
    fresh = RunsProcessor(Place(Writer.RUNS, 0, 4), Params("test", **params))  # type: ignore[arg-type]
    assert fresh.restore(STATE_VERSION, decode(value)) == []
    feed.processor = fresh


def play(events: list[Event], seed: int, restart_at: set[int]) -> Feed:
    """The same frames and ticks each time; restarts at some of them."""
    rng = random.Random(seed)
    feed, left, move = Feed(loop_calls=2, remember_rows=6), list(events), 0
    while left:
        size = rng.randint(1, 3)
        feed.frame(left[:size])
        left = left[size:]
        if rng.random() < 0.5:
            feed.tick(rng.choice((0.25, 1.0, 6.0, 31.0, 1900.0)))
        if move in restart_at:
            restart(feed, loop_calls=2, remember_rows=6)
        move += 1
    feed.end()
    return feed


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(0, 10_000), st.sets(st.integers(0, 14)))
def test_what_follows_a_restore_is_what_would_have_followed(
    events: list[Event], seed: int, restart_at: set[int]
) -> None:
    events = events + events[: len(events) // 2]
    undisturbed, restarted = play(events, seed, set()), play(events, seed, restart_at)
    assert [on_the_wire(o) for o in restarted.outputs] == [on_the_wire(o) for o in undisturbed.outputs]
    assert restarted.alerts == undisturbed.alerts


def test_a_snapshot_does_not_change_with_the_state_that_it_was_taken_of() -> None:
    feed = Feed()
    feed.frame([make_event("a"), make_event("b", agent_name=None)])
    parts = feed.processor.snapshot()
    before = encode_parts(parts)
    feed.frame([make_event("c"), make_event("a", input_tokens=7)])
    feed.tick(100)
    assert encode_parts(parts) == before


def test_a_state_of_another_version_is_refused_and_says_what_to_do() -> None:
    feed = Feed()
    parts = decode(encode_parts(feed.processor.snapshot()))
    with pytest.raises(SnapshotRefused, match=f"version {STATE_VERSION + 1}.*reads {STATE_VERSION}"):
        Feed().processor.restore(STATE_VERSION + 1, parts)


def test_parts_that_do_not_fit_together_are_refused() -> None:
    feed = Feed()
    feed.frame([make_event("a")])
    parts = decode(encode_parts(feed.processor.snapshot()))
    with pytest.raises(SnapshotDamaged, match="0 frames of rows, 1 are listed"):
        Feed().processor.restore(STATE_VERSION, parts | {"rows": []})
    with pytest.raises(SnapshotDamaged, match="rest"):
        Feed().processor.restore(STATE_VERSION, {k: v for k, v in parts.items() if k != "rest"})


def test_a_state_of_the_version_before_goes_on_and_gives_late_agents_to_its_steps() -> None:
    """Version 1 did not know what lies below a step."""
    feed = Feed()
    feed.frame([make_event("leaf", agent_name=None, parent_event_id="middle")])
    feed.frame([make_event("middle", agent_name=None, kind="other", parent_event_id="top")])
    parts = decode(encode_parts(feed.processor.snapshot()))
    written = parts["rest"]
    assert isinstance(written, bytes)
    rest = msgspec.msgpack.decode(written)
    for run in filter(None, rest[4]):
        del run["below"], run["overflowed"]
    old = parts | {"rest": msgspec.msgpack.encode(rest[:10])}
    feed.processor = RunsProcessor(Place(Writer.RUNS, 0, 4), Params("test"))
    feed.processor.restore(1, old)
    feed.frame([make_event("top", kind="agent", agent_name="boss", input_tokens=None)])
    feed.tick()
    assert {key[:2] for key in feed.signals()} == {("leaf", "boss"), ("middle", "boss"), ("top", "boss")}


def test_what_was_counted_is_kept() -> None:
    feed = Feed(max_steps_per_run=1)
    feed.frame([make_event("a", parent_event_id="x"), make_event("b", parent_event_id="x")])
    restart(feed, max_steps_per_run=1)
    assert feed.processor._table.counts == {"runs.overflowed": 1, "runs.closed_early": 0}
    feed.end()
    assert feed.runs()["r"]["truncated"]


def test_after_a_gap_a_run_goes_on_as_a_new_part_and_its_old_row_stands() -> None:
    feed = Feed()
    feed.frame([make_event("a")])
    feed.tick(6)
    before = feed.runs()["r"]
    feed.processor.after_gap()
    feed.frame([make_event("b")])
    feed.tick(6)
    after = feed.runs()["r"]
    assert (before["steps"], after["steps"]) == (1, 1)
    assert before["part"] != after["part"]


def test_after_a_gap_repeats_of_ingest_are_still_known() -> None:
    feed = Feed()
    feed.frame([make_event("a")], source_offset=7)
    feed.processor.after_gap()
    feed.frame([make_event("a")], source_offset=7)
    feed.end()
    assert feed.runs() == {}
