"""DRIFT goes on from a snapshot as if nothing had happened, and says so where it cannot."""

import numpy as np
import pytest

from schemas.columns import Kind
from schemas.frame import Writer
from streams.drift.params import Params
from streams.drift.processor import STATE_VERSION, DriftProcessor
from streams.state.processor import LabelHole, Note, Place
from streams.state.snapshots import SnapshotDamaged, SnapshotRefused, decode, encode
from streams.windows.windows import WindowParams
from tests.unit.drift.frames import START_NS, Feed, Row, make_row, random_rows, split
from tests.unit.drift.test_changes import make_fleet

SECOND_NS = 1_000_000_000


def restart(feed: Feed, params: Params) -> list[Note]:
    """Put a new processor, restored from bytes, in the place of the feed's."""
    value = encode(feed.processor.snapshot())
    feed.processor = DriftProcessor(Place(Writer.DRIFT, 3, 4), params)
    return list(feed.processor.restore(STATE_VERSION, decode(value)))


def play(rows: list[Row], params: Params, seed: int, *, restarts: bool, event_clock: bool = False) -> Feed:
    rng = np.random.default_rng(seed)
    feed = Feed(params, event_clock=event_clock)
    for part in split(rows, rng.integers(len(rows), size=30).tolist()):
        feed.rows_of(part, after_s=float(rng.choice([0.1, 2.0, 70.0])))
        if restarts:
            assert restart(feed, params) == []
        if rng.random() < 0.5:
            feed.tick(float(rng.choice([0.25, 5.0, 400.0])))
            if restarts:
                assert restart(feed, params) == []
    feed.tick(end=True)
    return feed


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("event_clock", [False, True])
def test_what_follows_a_restore_is_what_would_have_followed(seed: int, event_clock: bool) -> None:
    params = Params("test", windows=WindowParams(segments=20, windows=150), segments=5)
    rows = random_rows(np.random.default_rng(seed), 900)
    undisturbed = play(rows, params, seed, restarts=False, event_clock=event_clock)
    assert undisturbed.rows(Kind.LEDGER), "limits are reached, so that folding is tried too"
    restarted = play(rows, params, seed, restarts=True, event_clock=event_clock)
    assert restarted.frames == undisturbed.frames
    assert restarted.alerts == undisturbed.alerts


def test_incidents_go_on_over_restarts_to_the_bit() -> None:
    params = Params("test", detector_arl=1e3)
    rows = make_fleet(1)
    undisturbed, restarted = Feed(params), Feed(params)
    for part in split(rows, list(range(0, len(rows), 40))):
        undisturbed.rows_of(part, after_s=1.0)
        restarted.rows_of(part, after_s=1.0)
        assert restart(restarted, params) == []
    assert undisturbed.alerts, "something is found"
    assert restarted.frames == undisturbed.frames
    assert restarted.alerts == undisturbed.alerts


def test_streams_whose_threshold_changed_start_anew_alone_and_say_so() -> None:
    before, after = Params("test", detector_arl=1e3), Params("test", detector_arl=1e5)
    feed = Feed(before)
    feed.rows_of([make_row(time=START_NS + n) for n in range(300)])
    streams = 6
    (note,) = restart(feed, after)
    # One of them has a successor that knows the hour, and is not listened to yet.
    assert (note.entry, note.count) == ("detectors.restarted", streams + 1)
    feed.rows_of([make_row(time=START_NS + n) for n in range(10)], after_s=61)
    feed.tick(61)
    minutes = [row for row in feed.rows(Kind.READINGS) if row["n"] <= 10]
    assert len(minutes) == streams, "they count from one again"
    assert {row["threshold"] for row in minutes} == {1e5}
    totals = feed.rows(Kind.WINDOWS)
    assert max(row["steps"] for row in totals) == 310, "windows know nothing of it"


def test_an_open_incident_of_a_stream_that_starts_anew_is_closed_with_the_reason() -> None:
    params = Params("test", detector_arl=1e3)
    feed = Feed(params)
    for part in split(make_fleet(1), list(range(0, 4_000, 20))):
        feed.rows_of(part, after_s=1.0)
        if any(row["closed_time"] is None for row in feed.incidents().values()):
            break
    (opened,) = [row for row in feed.incidents().values() if row["closed_time"] is None]
    restart(feed, Params("test", detector_arl=2e3))
    feed.tick()
    closed = feed.incidents()[opened["incident_id"]]
    assert closed["state"] == "closed"
    assert closed["closed_time"] == feed.now_ns
    assert "starts anew" in closed["summary"]


def test_a_state_of_another_version_is_refused_and_says_what_to_do() -> None:
    parts = decode(encode(Feed().processor.snapshot()))
    with pytest.raises(SnapshotRefused, match=f"version {STATE_VERSION + 1}.*reads {STATE_VERSION}"):
        Feed().processor.restore(STATE_VERSION + 1, parts)


def test_parts_of_something_else_are_refused() -> None:
    feed = Feed()
    feed.rows_of([make_row()])
    parts = decode(encode(feed.processor.snapshot()))
    with pytest.raises(SnapshotDamaged, match="do not fit"):
        Feed().processor.restore(STATE_VERSION, parts | {"epoch": {}})
    with pytest.raises(SnapshotDamaged, match="minutes"):
        Feed().processor.restore(STATE_VERSION, parts | {"minutes": b""})


def test_after_a_gap_no_window_row_is_sent_again_and_detectors_go_on() -> None:
    feed = Feed()
    feed.rows_of([make_row(time=START_NS + n) for n in range(200)])
    feed.tick(6)
    sent = len(feed.rows(Kind.WINDOWS))
    feed.processor.after_gap()
    feed.rows_of([make_row(time=START_NS + 200)], after_s=1.0)
    feed.tick(6)
    later = feed.rows(Kind.WINDOWS)[sent:]
    assert {row["steps"] for row in later} == {1}
    epochs = {row["epoch_start"] for row in feed.rows(Kind.WINDOWS)}
    assert len(epochs) == 2
    assert max(epochs) % SECOND_NS == 1, "no regular epoch can have this key"
    feed.tick(61)
    assert max(row["n"] for row in feed.rows(Kind.READINGS)) == 201


def test_after_a_gap_the_next_label_of_each_chain_is_taken_and_then_none_may_be_missing() -> None:
    feed = Feed(inputs=2)
    feed.rows_of([make_row()])
    feed.tick(source=1)
    feed.processor.after_gap()
    feed._last[0] = feed._last[0]._replace(offset=100)
    feed.rows_of([make_row()])
    feed._last[1] = feed._last[1]._replace(offset=100)
    feed.tick(source=1)
    feed._last[0] = feed._last[0]._replace(offset=200)
    with pytest.raises(LabelHole):
        feed.rows_of([make_row()])
