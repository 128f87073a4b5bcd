"""DRIFT takes one value of a run and step: runs are exchangeable where their steps are not."""

from collections import Counter

import numpy as np
import pytest

from schemas.columns import Kind
from streams.drift.params import Params
from streams.drift.processor import STATE_VERSION, DriftProcessor
from streams.state.snapshots import decode, encode
from tests.unit.drift.frames import SECOND_NS, START_NS, Feed, Row, make_row, split

ALL = Params("test", run_spacing_ns=0)
RUN_STEPS = 8


def observations(feed: Feed) -> Counter[str]:
    """How many values each signal of `planner · chat` has taken."""
    feed.tick(61)
    found: Counter[str] = Counter()
    for row in feed.rows(Kind.READINGS):
        found[row["signal"]] = max(found[row["signal"]], row["n"])
    return found


def make_runs(seed: int, runs: int, factor: float = 1.0) -> list[Row]:
    """Runs one after the other, each of steps that are alike; in the second half they take longer."""
    rng = np.random.default_rng(seed)
    rows = []
    for run in range(runs):
        slower = factor if run >= runs // 2 else 1.0
        level = rng.normal(0.0, 0.5)
        for step in range(RUN_STEPS):
            number = run * RUN_STEPS + step
            # Each is over before the next begins: the order of ends is that of the numbers.
            duration_ns = int(slower * np.exp(level + rng.normal(0.0, 0.4)) * 0.02 * SECOND_NS)
            rows.append(
                make_row(
                    event_id=f"e{number}",
                    run_id=f"r{run}",
                    time=START_NS + number * SECOND_NS,
                    duration_ns=duration_ns,
                    # Prompts grow while a run goes on.
                    input_tokens=1_000 + 400 * step + int(rng.integers(100)),
                )
            )
    return rows


def play(rows: list[Row], params: Params | None = None, *, size: int = 500, restarts: bool = False) -> Feed:
    feed = Feed(params, event_clock=True)
    for part in split(rows, list(range(0, len(rows), size))):
        feed.rows_of(part)
        if restarts:
            state = decode(encode(feed.processor.snapshot()))
            feed.processor = DriftProcessor(feed.place, params or Params("test"))
            feed.processor.restore(STATE_VERSION, state)
    feed.tick(end=True)
    return feed


def confirmed(feed: Feed) -> list[Row]:
    return [row for row in feed.incidents().values() if row["state"] == "confirmed"]


def test_steps_of_runs_that_differ_are_no_change_but_all_of_them_would_be() -> None:
    rows = make_runs(1, 2_000)
    assert len(confirmed(play(rows, ALL))) >= 20, "a detector that takes all takes runs for changes"
    assert confirmed(play(rows)) == []


def test_a_change_of_all_runs_is_found() -> None:
    rows = make_runs(1, 1_200, factor=2.0)
    (incident,) = confirmed(play(rows))
    assert (incident["signal"], incident["direction"]) == ("duration_s", "up")
    begun_ns = rows[len(rows) // 2]["time"]
    assert 0 <= incident["opened_time"] - begun_ns < 60 * RUN_STEPS * SECOND_NS, "within sixty runs"


def test_a_mix_takes_every_step() -> None:
    feed = Feed()
    feed.rows_of([make_row(event_id=f"e{n}", run_id="one") for n in range(5)])
    found = observations(feed)
    assert found["duration_s"] == found["input_tokens"] == found["error_ratio"] == 1
    assert found["model_mix"] == 5


def test_each_run_and_each_step_of_it_counts_for_itself() -> None:
    feed = Feed()
    names = [("a", "chat"), ("a", "plan"), ("b", "chat"), ("a", "chat"), ("b", "chat"), ("b", "plan")]
    feed.rows_of(
        [make_row(event_id=f"e{n}", run_id=run, step_name=step) for n, (run, step) in enumerate(names)]
    )
    feed.tick(61)
    taken = {row["step_name"]: row["n"] for row in feed.rows(Kind.READINGS) if row["signal"] == "duration_s"}
    assert taken == {"chat": 2, "plan": 2}


def test_a_run_that_goes_on_gives_another_value_after_the_pause() -> None:
    feed = Feed()
    for after_s in (0, 599, 1, 599, 1):
        feed.rows_of([make_row(run_id="daemon")], after_s=after_s)
    assert observations(feed)["duration_s"] == 3


def test_a_step_without_a_value_leaves_the_place_to_the_next() -> None:
    absent = dict.fromkeys(("duration_ns", "input_tokens", "output_tokens", "cost_pico_usd"))
    feed = Feed()
    feed.rows_of([make_row(run_id="one", error=None, **absent), make_row(run_id="one")])
    assert observations(feed)["duration_s"] == 1


def test_of_more_runs_than_are_remembered_the_oldest_may_give_another_value() -> None:
    feed = Feed(Params("test", run_segments=2))
    feed.rows_of([make_row(run_id=run) for run in ("a", "b", "a", "c", "b", "a")])
    assert observations(feed)["duration_s"] == 4


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_taken_does_not_depend_on_framing_or_restarts(restarts: bool) -> None:
    rows = make_runs(3, 600, factor=2.0)
    one, other = play(rows), play(rows, size=37, restarts=restarts)
    assert confirmed(one)
    assert other.rows(Kind.INCIDENTS) == one.rows(Kind.INCIDENTS)
