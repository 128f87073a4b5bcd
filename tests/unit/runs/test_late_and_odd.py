"""Whatever comes late, twice, from elsewhere or in bits: in the end RUNS says what it says undisturbed."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from schemas.columns import Kind
from schemas.event import Event
from streams.runs.params import SECOND_NS
from tests.unit.runs.frames import NOW_NS, Feed, make_event

NATIVE, OTLP = 0, 1
ARRIVAL = ("part", "opened_time", "append_time", "duplicates")


def make_run(run_id: str, seed: int) -> list[Event]:
    """A run over three services and three agents; only agents' spans, which end last, name their agent."""
    rng, events, at_s = random.Random(seed), list[Event](), 0.0

    def add(name: str, parent: str | None, start_s: float, end_s: float, **fields: Any) -> str:
        events.append(
            make_event(
                f"{run_id}-{name}",
                run_id,
                parent_event_id=parent,
                start_time_unix_nano=NOW_NS + int(start_s * SECOND_NS),
                end_time_unix_nano=NOW_NS + int(end_s * SECOND_NS),
                **({"agent_name": None} | fields),
            )
        )
        return events[-1].event_id

    root = f"{run_id}-root"
    for agent in ("planner", "coder", "critic"):
        top, begun_s = f"{run_id}-{agent}", at_s
        for number in range(rng.randint(1, 4)):
            kind = rng.choice(("llm", "tool"))
            below = add(
                f"{agent}-chain-{number}", top, at_s, at_s + 3, kind="chain", service_name=f"svc-{agent}"
            )
            add(
                f"{agent}-{number}",
                below,
                at_s,
                at_s + rng.randint(1, 3),
                kind=kind,
                service_name=f"svc-{agent}",
            )
            at_s += 3
        add(agent, root, begun_s, at_s, kind="agent", agent_name=agent, input_tokens=None, output_tokens=None)
    add("root", None, 0, at_s, kind="run", input_tokens=None, output_tokens=None, service_name="svc-front")
    return events


EVENTS = make_run("r1", 1) + make_run("r2", 2)


def told(feed: Feed) -> tuple[Any, ...]:
    runs = {
        run_id: {name: value for name, value in run.items() if name not in ARRIVAL}
        for run_id, run in feed.runs().items()
    }
    first = Counter(row["event_id"] for row in feed.rows(Kind.SIGNALS) if row["first"])
    assert set(first.values()) == {1}, "detectors see each step once"
    return runs, feed.signals(), set(first)


def undisturbed(events: Sequence[Event]) -> tuple[Any, ...]:
    feed = Feed()
    feed.frame(sorted(events, key=lambda event: (event.start_time_unix_nano, event.event_id)))
    feed.end()
    return told(feed)


def in_bits(
    feed: Feed, events: Sequence[Event], rng: random.Random, source: tuple[int, int] = (0, 0)
) -> None:
    left = list(events)
    while left:
        size = rng.randint(1, 6)
        feed.frame(left[:size], source=source)
        left = left[size:]
        if rng.random() < 0.4:
            feed.tick(rng.choice((0.25, 1.0, 31.0)))


@pytest.mark.parametrize("seed", range(4))
def test_agents_that_are_known_last_take_over_what_went_out_under_a_service(seed: int) -> None:
    rng, feed = random.Random(seed), Feed()
    in_bits(feed, sorted(EVENTS, key=lambda event: event.end_time_unix_nano or 0), rng)
    feed.tick(31)
    feed.end()
    assert told(feed) == undisturbed(EVENTS)


def test_what_was_sent_under_a_service_is_taken_back_pair_by_pair() -> None:
    feed = Feed()
    agents = [event for event in EVENTS if event.kind == "agent"]
    feed.frame([event for event in EVENTS if event.kind != "agent"])
    feed.tick(31)
    assert {key[1] for key in feed.signals()} == {"svc-planner", "svc-coder", "svc-critic", "svc-front"}
    feed.frame(agents)
    feed.end()
    rows = feed.rows(Kind.SIGNALS)
    below = len(EVENTS) - len(agents) - 2
    assert sum(row["weight"] == -1 for row in rows) == below, "all but the agents and the two roots"
    assert sum(row["weight"] for row in rows) == len(EVENTS)
    assert told(feed) == undisturbed(EVENTS)


@pytest.mark.parametrize("seed", range(4))
def test_services_that_write_to_partitions_of_their_own_meet_in_the_run(seed: int) -> None:
    rng, feed = random.Random(seed), Feed()
    queues: dict[tuple[int, int], list[Event]] = {}
    for event in EVENTS:
        queues.setdefault((NATIVE, hash_of(event.service_name)), []).append(event)
    while queues:
        source = rng.choice(sorted(queues))
        feed.frame([queues[source].pop(0)], source=source)
        if not queues[source]:
            del queues[source]
        if rng.random() < 0.2:
            feed.tick(rng.choice((1.0, 31.0)))
    feed.end()
    assert told(feed) == undisturbed(EVENTS)


def hash_of(service: str | None) -> int:
    return sum((service or "").encode()) % 7


@pytest.mark.parametrize("seed", range(4))
def test_steps_that_come_through_two_doors_count_once(seed: int) -> None:
    """A span has the ids of a native event and less in it; which comes first is chance."""
    rng, feed = random.Random(seed), Feed()
    spans = [msgspec.structs.replace(event, step_name=None, service_name=None) for event in EVENTS]
    spans = [msgspec.structs.replace(span, provider_name=None) for span in spans]
    both = [(NATIVE, event) for event in EVENTS] + [(OTLP, span) for span in spans]
    rng.shuffle(both)
    for door, event in both:
        feed.frame([event], source=(door, 0))
        if rng.random() < 0.1:
            feed.tick(rng.choice((1.0, 31.0)))
    feed.end()
    assert told(feed) == undisturbed(EVENTS)
    assert sum(run["duplicates"] for run in feed.runs().values()) == len(EVENTS)


@pytest.mark.parametrize("seed", range(3))
def test_retries_and_a_topic_that_is_replayed_change_nothing_but_the_count_of_duplicates(seed: int) -> None:
    rng, feed = random.Random(seed), Feed()
    again = [event for event in EVENTS if rng.random() < 0.5]
    in_bits(feed, EVENTS, rng)
    in_bits(feed, again, rng)
    feed.tick(31)
    feed.tick(11)
    assert {run["state"] for run in feed.runs().values()} == {"closed"}
    in_bits(feed, EVENTS, rng)  # appended once more, at other offsets
    feed.end()
    assert told(feed) == undisturbed(EVENTS)
    repeats = len(again) + len(EVENTS)
    assert sum(run["duplicates"] for run in feed.runs().values()) == repeats


def test_a_frame_that_ingest_writes_again_is_no_duplicate_of_anybody() -> None:
    feed = Feed()
    feed.frame(EVENTS, source_offset=7)
    feed.tick(31)
    feed.frame(EVENTS[:9], source_offset=7)
    feed.frame(EVENTS[9:], source_offset=7)
    feed.end()
    assert told(feed) == undisturbed(EVENTS)
    assert sum(run["duplicates"] for run in feed.runs().values()) == 0


def test_a_replay_of_ended_steps_after_their_starts_changes_nothing() -> None:
    feed = Feed()
    begun = [
        msgspec.structs.replace(
            event, state="started", end_time_unix_nano=None, input_tokens=None, output_tokens=None
        )
        for event in EVENTS
    ]
    for event, start in zip(EVENTS, begun, strict=True):
        feed.frame([start])
        feed.frame([event])
    in_bits(feed, begun, random.Random(0))
    feed.end()
    assert told(feed) == undisturbed(EVENTS)


def test_of_two_contents_of_an_outcome_the_one_that_counts_is_told_whichever_came_first() -> None:
    vague = make_event("o", kind="outcome", outcome_name="solved", outcome_success=True)
    clear = msgspec.structs.replace(vague, outcome_success=False, outcome_value=0.5, team="support")
    found = []
    for order in ([vague, clear], [clear, vague]):
        feed = Feed()
        for event in order:
            feed.frame([event])
        feed.end()
        run = feed.runs()["r"]
        found.append((run["outcome_name"], run["outcome_success"], run["outcome_value"]))
    assert found == [("solved", False, 0.5)] * 2


def test_of_two_contents_of_a_tool_call_the_one_that_counts_is_the_repeated_one() -> None:
    call: dict[str, Any] = {"kind": "tool", "tool_name": "search", "tool_call_arguments": b'{"q":1}'}
    events = [make_event(f"t{number}", **call) for number in range(3)]
    other = msgspec.structs.replace(events[0], tool_call_arguments=msgspec.Raw(b'{"q":2}'), team="support")
    found = []
    for order in ([*events, other], [other, *events]):
        feed = Feed()
        for event in order:
            feed.frame([event])
        feed.end()
        found.append(feed.runs()["r"]["repeated_tool_calls"])
    assert found == [2, 2]
