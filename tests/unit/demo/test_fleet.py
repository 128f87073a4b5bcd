"""The simulated fleet: the same bytes for a seed, in order, with changes that are there to be found."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from detectors.contract import IncidentKind
from schemas.decoded import Reason
from schemas.native import decode
from streams.demo.agents import AGENTS, EMBED_MODELS
from streams.demo.faults import (
    COST,
    DURATION,
    ERRORS,
    IDENTICAL,
    LOOP,
    MODEL_MIX,
    NEWS,
    NUMBERS,
    OUTCOME,
    OUTPUT,
    RATES,
    WHOLE_AGENT,
    Fault,
)
from streams.demo.fleet import CORRUPT_LINE, HOUR_NS, START_NS, Fleet
from streams.demo.plan import Planned
from streams.drift.detectors import Detectors, New
from streams.drift.signals import SIGNALS, Nature
from streams.drift.table import Stream as Watched
from streams.drift.table import stream_id
from streams.pricing.book import PriceBook
from wakeline.testing import CollectingEmitter, collecting_emitter

Stream = tuple[str, str, str]
Values = dict[Stream, list[tuple[int, float]]]  # start and value of each step, in the order of their ends


def room() -> CollectingEmitter:
    return collecting_emitter(max_queue_events=1_000_000, max_queue_bytes=1_000_000_000)


def step_of(planned: Planned) -> str:
    fields = planned.fields
    return str(fields.get("step_name") or fields["tool_name"])


def cost_usd(book: PriceBook, planned: Planned) -> float | None:
    fields = planned.fields
    if "input_tokens" not in fields:
        return None
    rate = book.find(fields["provider_name"], fields["request_model"], planned.end_ns)
    if rate is None:
        return None
    pico_usd = {unit: tiers[0].pico_usd for unit, tiers in rate.units.items()}
    cached = fields.get("cache_read_input_tokens", 0)
    written = fields.get("output_tokens", 0) * pico_usd.get("output", 0)
    kept = cached * pico_usd.get("cache_read", 0)
    return float((fields["input_tokens"] - cached) * pico_usd["input"] + kept + written) / 1e12


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(seed=1)


@pytest.fixture(scope="module")
def steps(fleet: Fleet) -> list[Planned]:
    return list(fleet.plan())


@pytest.fixture(scope="module")
def values(steps: list[Planned]) -> Values:
    book = PriceBook()
    found: Values = defaultdict(list)
    for planned in steps:
        fields = planned.fields
        at_ns = fields["start_time_unix_nano"]
        numbers = {
            DURATION: (planned.end_ns - at_ns) / 1e9,
            OUTPUT: fields.get("output_tokens"),
            COST: cost_usd(book, planned),
            ERRORS: float("error_type" in fields),
            OUTCOME: fields.get("outcome_success"),
        }
        for signal, value in numbers.items():
            if value is not None:
                found[fields["agent_name"], step_of(planned), signal].append((at_ns, float(value)))
    return found


def fault_of(fleet: Fleet, signal: str) -> Fault:
    return next(fault for fault in fleet.faults if fault.signal == signal)


def test_a_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    def lines(seed: int) -> list[bytes]:
        emitter = room()
        Fleet(seed, hours=1).emit(emitter)
        return emitter.lines

    first = lines(3)
    assert first == lines(3)
    assert first != lines(4)


def test_everything_that_is_sent_decodes_and_is_counted(fleet: Fleet, steps: list[Planned]) -> None:
    emitter = room()
    seen: list[tuple[int, int]] = []
    summary = fleet.emit(emitter, lambda done, total: seen.append((done, total)))
    decoded = decode(b"\n".join(emitter.lines))
    assert not decoded.rejected
    events = decoded.events
    assert (summary.steps, summary.runs) == (len(events), fleet.runs) == (len(steps), fleet.runs)
    assert summary.input_tokens == sum(event.input_tokens or 0 for event in events)
    assert summary.output_tokens == sum(event.output_tokens or 0 for event in events)
    assert summary.cache_read_input_tokens == sum(event.cache_read_input_tokens or 0 for event in events)
    assert summary.first_ns == min(event.start_time_unix_nano for event in events)
    assert summary.last_ns == max(event.end_time_unix_nano or 0 for event in events)
    assert len({event.event_id for event in events}) == len(events)
    assert seen[-1] == (fleet.runs, fleet.runs)
    assert seen == sorted(seen)
    stats = emitter.stats()
    assert (stats.dropped, stats.refused, stats.cut) == ({}, {}, 0)


def test_a_day_at_work_has_so_many_steps(steps: list[Planned]) -> None:
    assert 60_000 <= len(steps) <= 100_000


def test_steps_come_in_the_order_of_their_ends(steps: list[Planned]) -> None:
    ends = [planned.end_ns for planned in steps]
    assert ends == sorted(ends)


def test_no_step_ends_before_it_starts_or_starts_outside_of_the_hours(
    fleet: Fleet, steps: list[Planned]
) -> None:
    for planned in steps:
        assert planned.fields["start_time_unix_nano"] <= planned.end_ns
    starts = [planned.fields["start_time_unix_nano"] for planned in steps]
    assert min(starts) >= START_NS
    runs = [planned.fields["start_time_unix_nano"] for planned in steps if planned.method == "run"]
    assert max(runs) <= START_NS + fleet.hours * HOUR_NS


def test_every_step_but_the_root_has_a_parent_within_its_run(steps: list[Planned]) -> None:
    run_of = {planned.event_id: planned.fields["run_id"] for planned in steps}
    for planned in steps:
        parent = planned.fields.get("parent_event_id")
        assert (parent is None) == (planned.method == "run")
        assert parent is None or run_of[parent] == planned.fields["run_id"]


def test_a_ticket_goes_through_two_services_in_one_run(steps: list[Planned]) -> None:
    services: dict[str, set[str]] = defaultdict(set)
    for planned in steps:
        services[planned.fields["run_id"]].add(planned.fields["service_name"])
    assert (
        Counter(frozenset(names) for names in services.values())[frozenset({"support-desk", "order-service"})]
        == 2_200
    )


def test_all_agents_work_and_every_call_has_a_price_until_one_asks_a_model_that_no_book_knows(
    fleet: Fleet, steps: list[Planned]
) -> None:
    assert {planned.fields["agent_name"] for planned in steps} == {agent.name for agent in AGENTS}
    book = PriceBook()
    models = {
        (p.fields["provider_name"], p.fields["request_model"]) for p in steps if "input_tokens" in p.fields
    }
    assert len(models) == 6
    assert {found for found in models if book.find(*found, START_NS) is None} == {EMBED_MODELS[1]}
    fault = fault_of(fleet, MODEL_MIX)
    new = [p.fields for p in steps if p.fields.get("request_model") == EMBED_MODELS[1][1]]
    assert {fields["agent_name"] for fields in new} == {fault.agent}
    assert min(fields["start_time_unix_nano"] for fields in new) >= fault.at_ns
    assert len(new) > 400


def test_the_broken_record_is_no_event() -> None:
    [rejected] = decode(CORRUPT_LINE).rejected
    assert rejected.reason is Reason.INVALID_JSON


def test_traffic_follows_the_day() -> None:
    day = Fleet(seed=1, hours=24)
    starts = [p.fields["start_time_unix_nano"] for p in day.plan() if p.method == "run"]
    by_hour = Counter((start // HOUR_NS) % 24 for start in starts)
    assert by_hour[14] > 2 * by_hour[2]


def test_a_version_changes_once_and_at_its_deploy(fleet: Fleet, steps: list[Planned]) -> None:
    assert len(fleet.deploys) == 2
    for deploy in fleet.deploys:
        mine = [planned.fields for planned in steps if planned.fields["agent_name"] == deploy.agent]
        for fields in mine:
            is_next = fields["agent_version"] == deploy.version
            assert is_next == (fields["start_time_unix_nano"] >= deploy.at_ns)


@pytest.mark.parametrize("hours", [0.5, 8.0])
def test_each_changed_stream_has_600_steps_before_and_300_after(hours: float) -> None:
    fleet = Fleet(seed=2, hours=hours)
    starts: dict[tuple[str, str], list[int]] = defaultdict(list)
    for planned in fleet.plan():
        for step in (step_of(planned), WHOLE_AGENT):
            starts[planned.fields["agent_name"], step].append(planned.fields["start_time_unix_nano"])
    for fault in fleet.faults:
        mine = starts[fault.agent, fault.step]
        assert sum(start < fault.at_ns for start in mine) >= 600, fault.name
        assert sum(start >= fault.at_ns for start in mine) >= 300, fault.name


def means(values: Values, fault: Fault, middle: Callable[[list[float]], float]) -> tuple[float, float]:
    mine = values[fault.stream]
    before = [value for start, value in mine if start < fault.at_ns]
    return middle(before), middle([value for start, value in mine if start >= fault.at_ns])


@pytest.mark.parametrize(
    ("signal", "tolerance"), [(DURATION, 0.08), (COST, 0.1), (OUTPUT, 0.1), (OUTCOME, 0.05)]
)
def test_a_change_is_as_large_as_it_says(fleet: Fleet, values: Values, signal: str, tolerance: float) -> None:
    fault = fault_of(fleet, signal)
    before, after = means(values, fault, statistics.fmean)
    assert after / before == pytest.approx(fault.factor, rel=tolerance)


def test_a_tool_fails_in_one_of_ten_calls_instead_of_one_of_fifty(fleet: Fleet, values: Values) -> None:
    before, after = means(values, fault_of(fleet, ERRORS), statistics.fmean)
    assert before == pytest.approx(0.02, abs=0.01)
    assert after == pytest.approx(0.1, abs=0.03)


def test_exactly_one_run_makes_the_same_call_often_enough_to_be_a_loop(
    fleet: Fleet, steps: list[Planned]
) -> None:
    calls: Counter[tuple[str, str, str]] = Counter()
    for planned in steps:
        if planned.method == "tool_call":
            arguments = repr(planned.fields["tool_call_arguments"])
            calls[planned.fields["run_id"], planned.fields["tool_name"], arguments] += 1
    loop = fault_of(fleet, IDENTICAL)
    often = [key for key, count in calls.items() if count > 1]
    (key,) = often
    assert calls[key] == loop.factor >= 12
    assert key[1] == loop.step
    (start,) = [p.fields["start_time_unix_nano"] for p in steps if p.event_id == f"{key[0]}.1"]
    assert start >= loop.at_ns


def test_faults_say_what_is_to_find_them(fleet: Fleet) -> None:
    detectors = {fault.signal: fault.detector for fault in fleet.faults}
    assert detectors == {
        DURATION: NUMBERS,
        COST: NUMBERS,
        OUTPUT: NUMBERS,
        IDENTICAL: LOOP,
        ERRORS: RATES,
        OUTCOME: RATES,
        MODEL_MIX: NEWS,
    }
    for fault in fleet.faults:
        assert fault.change.streams[0] == fault.stream
        assert fault.change.at_ns == fault.at_ns


def test_no_stream_changes_but_those_that_the_faults_name(fleet: Fleet, values: Values) -> None:
    """Medians of the second half against the first: 8 % is five standard errors of the widest stream."""
    named = {stream for fault in fleet.faults for stream in fault.change.streams}
    for stream, mine in values.items():
        if stream in named or stream[2] not in (DURATION, COST) or len(mine) < 2_000:
            continue
        half = len(mine) // 2
        before = statistics.median(value for _, value in mine[:half])
        after = statistics.median(value for _, value in mine[half:])
        if before > 0:
            assert after / before == pytest.approx(1.0, rel=0.08), stream


def test_the_detector_confirms_every_change_it_watches_and_no_other(fleet: Fleet, values: Values) -> None:
    """With the stream ids of the namespace `demo`; a false incident that closed itself is no alarm."""
    named = {stream for fault in fleet.faults for stream in fault.change.streams}
    confirmed: dict[Stream, int] = {}
    # In eight hours nothing is held against the same hour of another day.
    for signal in (signal for signal in SIGNALS if signal.nature is not Nature.SEASONAL):
        for stream, mine in values.items():
            if stream[2] != signal.name:
                continue
            detectors = Detectors()
            key = stream_id("demo", Watched(stream[0], stream[1], signal))
            detectors.add([New(key, signal.nature, 10_000.0 / signal.budget)])
            numbers = np.array([value for _, value in mine])
            zeros = np.zeros(len(numbers), np.int64)
            incidents = detectors.update(zeros, numbers, zeros).incidents
            rows = incidents.row[incidents.kind == IncidentKind.CONFIRMED].tolist()
            if rows:
                confirmed[stream] = mine[rows[0]][0]
    assert set(confirmed) <= named
    for fault in fleet.faults:
        if fault.detector not in (LOOP, NEWS):
            assert confirmed[fault.stream] >= fault.at_ns, fault.name


def test_hours_must_be_positive() -> None:
    for hours in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="hours"):
            Fleet(1, hours)
