"""What does the simulated fleet do in a day? Runs of four kinds, merged by time, sent through the SDK.

Everything comes from a seed: two fleets of one seed give the same bytes. Times are event times; only `emit`
knows a wall clock, and only to spread the traffic. What the pipeline makes of it is not known here.
"""

import heapq
import math
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from streams.demo.agents import AGENTS
from streams.demo.faults import OUTPUT, RUN_STEP, Effects, Fault, plan_faults
from streams.demo.plan import FLOWS, SECOND_NS, Flow, Planned, RunPlan
from wakeline import Emitter

HOUR_NS = 3_600 * SECOND_NS
# A Monday morning. Fixed, so that a seed gives the same bytes; after the models' prices were published.
START_NS = int(datetime(2025, 11, 3, 6, tzinfo=UTC).timestamp()) * SECOND_NS
DEFAULT_HOURS = 8.0
# So many runs of each kind at least, however few the hours: each changed stream then has 600 steps before its
# change and 300 after it.
MIN_RUNS = 1_600
_PEAK_HOUR = 14.0
_SWING = 0.6  # of the daily cycle: at the peak 1.6 times the mean, at night .4 times
_GRID = 1_000
_PROGRESS_RUNS = 50
_MOMENTS = ("outcome", "feedback")  # they have no duration, and end by themselves
# A line that is cut off: some service's own emitter, stopped while it wrote.
CORRUPT_LINE = b'{"type":"tool_call","agent_name":"sales-researcher","run_id":"research-1-0'
# An agent without a fault gets a new version, too: a deploy alone is no drift.
_QUIET_DEPLOY_AFTER = 0.35

Progress = Callable[[int, int], None]


class FleetSummary(NamedTuple):
    """What was emitted. Cost is left to the pipeline.

    Attributes:
        steps: all events.
        runs: all runs.
        input_tokens: cached ones included.
        output_tokens: of all calls.
        cache_read_input_tokens: of all calls.
        first_ns: earliest start, event time.
        last_ns: latest end.
    """

    steps: int
    runs: int
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    first_ns: int
    last_ns: int

    @property
    def tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


class Deploy(NamedTuple):
    """An agent gets its next version."""

    agent: str
    version: str
    at_ns: int


class Fleet:
    """Five agents, one of whose runs goes through two services.

    Attributes:
        hours: of event time.
        start_ns: of the traffic, Unix nanoseconds.
        runs: how many.
        faults: known changes, with the stream and the time of each.
        deploys: changes of version.

    Example:
        >>> fleet = Fleet(seed=1)
        >>> fleet.runs, fleet.faults[0].stream
        (9200, ('support-resolver', 'lookup_order', 'duration_s'))
    """

    def __init__(self, seed: int = 1, hours: float = DEFAULT_HOURS, start_ns: int = START_NS) -> None:
        """Plan when runs start, what changes, and when.

        Args:
            seed: of everything.
            hours: of traffic. Below six it is denser, because each changed stream needs its steps.
            start_ns: event time of the beginning.

        Raises:
            ValueError: `hours` is not positive.
        """
        if not hours > 0:
            raise ValueError(f"hours must be positive, not {hours}")
        self.hours = hours
        self.start_ns = start_ns
        self._seed = seed
        self._starts = {flow.name: self._draw_starts(flow) for flow in FLOWS}
        self.runs = sum(len(starts) for starts in self._starts.values())
        self.faults: tuple[Fault, ...] = plan_faults(self._starts)
        self.deploys: tuple[Deploy, ...] = self._plan_deploys()

    def plan(self) -> Iterator[Planned]:
        """All steps in the order of their ends."""
        return heapq.merge(*(self._flow(flow) for flow in FLOWS), key=_order)

    def emit(
        self, emitter: Emitter, progress: Progress | None = None, *, seconds: float = 0.0
    ) -> FleetSummary:
        """Send everything through an emitter; flush it afterwards.

        Args:
            emitter: with `block=True`, lest it drop what the broker takes more slowly than this is made.
            progress: called with (runs done, all runs), now and then and at the end.
            seconds: spread the traffic over so much wall time at least; 0: as fast as possible.
        """
        begun_s = time.monotonic()
        steps = runs = 0
        given = written = cached = 0
        first_ns, last_ns = self.start_ns + int(self.hours * HOUR_NS), self.start_ns
        for end_ns, _event_id, method, fields in self.plan():
            if method in _MOMENTS:
                getattr(emitter, method)(**fields)
            else:
                getattr(emitter, method)(**fields).end(end_time_unix_nano=end_ns)
            steps += 1
            given += fields.get("input_tokens", 0)
            written += fields.get("output_tokens", 0)
            cached += fields.get("cache_read_input_tokens", 0)
            first_ns, last_ns = min(first_ns, fields["start_time_unix_nano"]), max(last_ns, end_ns)
            if method != "run":
                continue
            runs += 1
            if progress is not None and (runs % _PROGRESS_RUNS == 0 or runs == self.runs):
                progress(runs, self.runs)
            if (ahead_s := begun_s + seconds * runs / self.runs - time.monotonic()) > 0:
                time.sleep(ahead_s)
        return FleetSummary(steps, runs, given, written, cached, first_ns, last_ns)

    def _draw_starts(self, flow: Flow) -> list[int]:
        """Starts of runs, ascending: as many as planned, spread by the daily cycle."""
        rng = random.Random(f"{self._seed}/{flow.name}/starts")
        count = max(MIN_RUNS, round(flow.runs_per_hour * self.hours))
        span_ns = int(self.hours * HOUR_NS)
        shares = [0.0]
        for place in range(_GRID):
            shares.append(shares[-1] + _rate(self.start_ns + span_ns * place // _GRID))
        points = sorted(rng.random() * shares[-1] for _ in range(count))
        starts, place = [], 0
        for point in points:
            while shares[place + 1] < point:
                place += 1
            within = (point - shares[place]) / (shares[place + 1] - shares[place])
            starts.append(self.start_ns + int(span_ns * (place + within) / _GRID))
        return starts

    def _plan_deploys(self) -> tuple[Deploy, ...]:
        changed = {fault.agent: fault.at_ns for fault in self.faults if fault.signal == OUTPUT}
        deploys = []
        for agent in AGENTS:
            quiet_ns = self.start_ns + int(self.hours * HOUR_NS * _QUIET_DEPLOY_AFTER)
            if agent.next_version:
                deploys.append(Deploy(agent.name, agent.next_version, changed.get(agent.name, quiet_ns)))
        return tuple(deploys)

    def _flow(self, flow: Flow) -> Iterator[Planned]:
        """Steps of one kind of run in the order of their ends."""
        rng = random.Random(f"{self._seed}/{flow.name}")
        effects = Effects(self.faults)
        deploys = {deploy.agent: deploy.at_ns for deploy in self.deploys}
        waiting: list[Planned] = []
        for number, start_ns in enumerate(self._starts[flow.name]):
            while waiting and waiting[0].end_ns < start_ns:
                yield heapq.heappop(waiting)
            run = RunPlan(f"{flow.name}-{self._seed}-{number:05d}", start_ns, rng, effects, deploys)
            root = run.next_id()
            flow.plan(run, root, number)
            run.add("run", flow.agent, root, start_ns, step_name=RUN_STEP)
            for planned in run.planned:
                heapq.heappush(waiting, planned)
        while waiting:
            yield heapq.heappop(waiting)


def _order(planned: Planned) -> tuple[int, str]:
    return planned.end_ns, planned.event_id


def _rate(at_ns: int) -> float:
    """Relative volume at an event time: a daily cycle."""
    hour = at_ns / HOUR_NS % 24
    return 1 + _SWING * math.cos((hour - _PEAK_HOUR) / 24 * math.tau)
