"""DRIFT: a function of signal-frames as recorded: repeats, ends, replays, clocks, windows."""

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from schemas.columns import Kind
from schemas.frame import Flag
from streams.drift.params import Params
from streams.state.processor import LabelHole
from tests.unit.drift.frames import SECOND_NS, START_NS, Feed, Row, make_frame, make_row, random_rows, split

HOUR_NS = 3_600 * SECOND_NS


def make_steps(count: int, seed: int = 0, agents: int = 2) -> list[Row]:
    """One step a second, of a few agents."""
    rng = np.random.default_rng(seed)
    return [
        make_row(
            event_id=f"e{number}",
            time=START_NS + number * SECOND_NS,
            agent_name=f"agent-{rng.integers(agents)}",
            duration_ns=int(rng.lognormal(20, 0.5)),
            output_tokens=int(rng.pareto(2) * 100),
        )
        for number in range(count)
    ]


def feed_all(feed: Feed, parts: Sequence[Sequence[Row]], *, end: bool = True) -> Feed:
    for part in parts:
        feed.rows_of(part, after_s=len(part))
    if end:
        feed.tick(end=True)
    return feed


# -- repeats and replays


def test_a_replay_from_the_beginning_gives_the_same_bytes() -> None:
    parts = split(random_rows(np.random.default_rng(1), 3_000), range(0, 3_500, 70))
    first, second = (feed_all(Feed(Params("test", 100.0)), parts) for _ in range(2))
    assert first.frames == second.frames
    assert first.alerts == second.alerts
    assert first.alerts
    assert {output.kind for output in first.outputs} >= {Kind.WINDOWS, Kind.READINGS, Kind.INCIDENTS}


def test_a_repeated_frame_sends_nothing_and_changes_nothing() -> None:
    once, twice = Feed(), Feed()
    for number, part in enumerate(split(make_steps(400), range(0, 400, 50))):
        for feed in (once, twice):
            header = feed.rows_of(part, after_s=7)
        if number % 2:
            before = len(twice.outputs)
            twice.take(header, make_frame(part))
            assert len(twice.outputs) == before
    for feed in (once, twice):
        feed.tick(end=True)
    assert once.rows(Kind.WINDOWS) == twice.rows(Kind.WINDOWS)
    assert once.rows(Kind.READINGS) == twice.rows(Kind.READINGS)


def test_a_hole_in_the_labels_of_an_input_partition_is_refused() -> None:
    feed = Feed()
    header = feed.rows_of([make_row()])
    gone = header._replace(label=header.label._replace(offset=7), previous=header.label._replace(offset=6))
    with pytest.raises(LabelHole):
        feed.take(gone, make_frame([make_row()]))


def test_outputs_lie_in_the_partition_that_their_input_lies_in() -> None:
    feed = feed_all(Feed(), [make_steps(50)])
    assert {output.partition for output in feed.outputs} == {3}


# -- the end


def test_the_end_of_all_input_partitions_flushes_and_is_passed_on_once() -> None:
    feed = Feed(inputs=2)
    feed.rows_of([make_row()], source=0)
    feed.tick(0, source=0, end=True)
    assert feed.outputs == []
    feed.tick(0, source=1, end=True)
    assert [output.kind for output in feed.outputs] == [Kind.WINDOWS, Kind.READINGS, Kind.TICK]
    assert feed.ticks()[0].flags == Flag.END


def test_one_input_partition_that_ends_twice_is_one_end() -> None:
    feed = Feed(inputs=2)
    feed.tick(source=0, end=True)
    feed.tick(source=0, end=True)
    assert feed.ticks() == []


def test_after_an_end_ends_are_counted_anew() -> None:
    feed = Feed(inputs=2)
    for source in (0, 1, 0, 1):
        feed.tick(source=source, end=True)
    assert len(feed.ticks()) == 2


def test_what_follows_an_end_in_the_same_epoch_and_minute_is_added_to_what_was_sent() -> None:
    feed = Feed()
    feed.rows_of([make_row()])
    feed.tick(0, end=True)
    feed.rows_of([make_row()])
    feed.tick(0, end=True)
    assert [row["steps"] for row in feed.rows(Kind.WINDOWS)] == [1, 1, 2, 2]
    readings = [row for row in feed.rows(Kind.READINGS) if row["signal"] == "duration_s"]
    assert [row["n"] for row in readings] == [1, 2]
    assert readings[0]["time"] == readings[1]["time"] == START_NS


def test_a_tick_without_end_is_not_passed_on() -> None:
    feed = Feed()
    feed.tick()
    assert feed.outputs == []


# -- windows


def test_windows_of_a_frame_are_sent_at_a_later_tick() -> None:
    feed = Feed()
    feed.rows_of([make_row(), make_row(weight=-1, first=False), make_row()])
    feed.tick(1)
    assert feed.rows(Kind.WINDOWS) == []
    feed.tick(5)
    assert [(row["width_s"], row["steps"]) for row in feed.rows(Kind.WINDOWS)] == [(3_600, 1), (60, 1)]


# -- clocks


def test_under_the_event_clock_outputs_carry_it() -> None:
    feed = feed_all(Feed(event_clock=True), split(make_steps(200), [100]))
    assert all(output.flags & Flag.EVENT_CLOCK for output in feed.outputs)
    clocks = {(output.clock_ns - START_NS) // SECOND_NS for output in feed.outputs}
    assert clocks == {200, 201}
    assert feed.ticks()[0].flags == Flag.EVENT_CLOCK | Flag.END


def test_under_the_brokers_clock_outputs_carry_none() -> None:
    feed = feed_all(Feed(), [make_steps(10)])
    assert {(output.flags & Flag.EVENT_CLOCK, output.clock_ns) for output in feed.outputs} == {(0, 0)}


def test_under_the_event_clock_readings_have_the_minutes_of_their_steps() -> None:
    feed = feed_all(Feed(event_clock=True), [make_steps(200, agents=1)])
    readings = [row for row in feed.rows(Kind.READINGS) if row["signal"] == "duration_s"]
    assert [(row["time"] - START_NS) // SECOND_NS for row in readings] == [0, 60, 120, 180]
    assert [row["n"] for row in readings] == [60, 120, 180, 200]


def test_under_the_event_clock_time_does_not_go_back() -> None:
    feed = Feed(event_clock=True)
    feed.rows_of([make_row(time=START_NS + s * SECOND_NS) for s in (130, 140)], after_s=1_000)
    feed.tick(1_000)
    feed.rows_of([make_row(time=START_NS + 10 * SECOND_NS)])
    feed.tick(end=True)
    readings = [row for row in feed.rows(Kind.READINGS) if row["signal"] == "duration_s"]
    assert [(row["time"] - START_NS, row["n"]) for row in readings] == [(120 * SECOND_NS, 3)]


def test_under_the_brokers_clock_readings_have_the_minute_of_the_frame() -> None:
    feed = Feed()
    feed.rows_of(make_steps(10, agents=1), after_s=70)
    feed.rows_of(make_steps(10, agents=1), after_s=5)
    assert feed.rows(Kind.READINGS) == []
    feed.tick(60)
    readings = [row for row in feed.rows(Kind.READINGS) if row["signal"] == "duration_s"]
    assert [(row["time"], row["n"]) for row in readings] == [(START_NS + 60 * SECOND_NS, 20)]


@pytest.mark.parametrize("size", [1, 7, 150])
def test_under_the_event_clock_readings_do_not_depend_on_framing(size: int) -> None:
    steps = make_steps(600)
    whole = feed_all(Feed(event_clock=True), [steps])
    parts = feed_all(Feed(event_clock=True), split(steps, range(0, 600, size)))
    assert newest_readings(whole) == newest_readings(parts)


def newest_readings(feed: Feed) -> dict[tuple[object, ...], Row]:
    key = ("time", "agent_name", "step_name", "signal", "alarm")
    return {tuple(row[name] for name in key): row for row in feed.rows(Kind.READINGS)}


# -- what detectors do not see


def observations(feed: Feed) -> Counter[str]:
    """Of each signal, over all streams."""
    feed.tick(end=True)
    newest: dict[tuple[str, str, str], int] = {}
    for row in feed.rows(Kind.READINGS):
        newest[row["agent_name"], row["step_name"], row["signal"]] = row["n"]
    counts: Counter[str] = Counter()
    for (_, _, signal), n in newest.items():
        counts[signal] += n
    return counts


def test_a_value_that_is_absent_is_no_observation() -> None:
    feed = Feed()
    feed.rows_of([make_row(output_tokens=None), make_row(cost_pico_usd=None, duration_ns=None), make_row()])
    found = observations(feed)
    assert {name: found[name] for name in ("duration_s", "output_tokens", "cost_usd")} == {
        "duration_s": 2,
        "output_tokens": 2,
        "cost_usd": 2,
    }
    assert set(found) - {"duration_s", "output_tokens", "cost_usd"} == {
        "input_tokens",
        "error_ratio",
        "model_mix",
    }


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_corrections_reach_windows_but_no_detector(size: int) -> None:
    rows = [
        make_row(event_id="a"),
        make_row(event_id="a", weight=-1, first=False),
        make_row(event_id="a", input_tokens=7, first=False),
        make_row(event_id="b"),
        make_row(event_id="a", weight=-1, input_tokens=7, first=False),
        make_row(event_id="c"),
    ]
    feed = Feed()
    for part in split(rows, range(0, 6, size)):
        feed.rows_of(part)
    assert observations(feed)["duration_s"] == 3
    assert [row["steps"] for row in feed.rows(Kind.WINDOWS)] == [2, 2]


def test_a_step_over_an_hour_late_reaches_windows_but_no_detector_and_is_counted() -> None:
    feed = Feed()
    times = (0, HOUR_NS, HOUR_NS + 1)
    feed.rows_of([make_row(append_time=START_NS + SECOND_NS + late_ns) for late_ns in times])
    assert observations(feed)["duration_s"] == 2
    assert [row["steps"] for row in feed.rows(Kind.WINDOWS)] == [3, 3]
    ledger = [(row["entry"], row["count"], row["role"]) for row in feed.rows(Kind.LEDGER)]
    assert ledger == [("detectors.late", 1, "drift")]


def test_nothing_is_late_under_the_event_clock() -> None:
    feed = Feed(event_clock=True)
    feed.rows_of([make_row(append_time=START_NS + 9 * HOUR_NS)])
    assert observations(feed)["duration_s"] == 1
    assert feed.rows(Kind.LEDGER) == []


def test_streams_beyond_the_limit_are_counted_in_the_ledger_of_their_epoch() -> None:
    feed = Feed(Params("test", segments=2))
    feed.rows_of([make_row(agent_name=f"agent-{i}") for i in range(5)])
    feed.tick(300)
    feed.tick(300)
    entries = [(row["entry"], row["count"], row["time"]) for row in feed.rows(Kind.LEDGER)]
    assert entries == [("detectors.unwatched", 3, START_NS)]
    assert {row["agent_name"] for row in feed.rows(Kind.READINGS)} == {"agent-0", "agent-1"}


def test_the_process_does_not_load_what_it_does_not_use() -> None:
    code = (
        "import sys, streams.drift.role\n"
        "print({'pandas', 'clickhouse_connect', 'genai_prices', 'river'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
