"""What goes wrong in the simulated fleet, when, and on which streams? The truth for the demo's table."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.demo import agents
from streams.demo.agents import Agent, Call
from streams.demo.verdicts import RULE, Change, Stream

# Which detector is to find a change.
NUMBERS, RATES, NEWS = "csr", "csr-binary", "first-seen"
LOOP = RULE

DURATION, OUTPUT, COST = "duration_s", "output_tokens", "cost_usd"
ERRORS, OUTCOME, IDENTICAL = "error_ratio", "outcome_success", "identical_tool_calls"
RUN_COST, RUN_STEPS = "run_cost_usd", "run_steps"
TOOL_MIX, MODEL_MIX = "tool_mix", "model_mix"
RUN_STEP, AGENT_STEP, WHOLE_AGENT = "run", "work", ""


@dataclass(frozen=True)
class Fault:
    """One known change.

    Attributes:
        name: for the table.
        agent: whose.
        step: `step_name` that it is meant for.
        signal: that it is meant for.
        factor: by which the signal's mean changes; for a loop, how often the same call is made; for a new
            model, the share of calls that keep the old one.
        at_ns: event time from when on: Unix nanoseconds.
        detector: that is to find it.
        follows: streams of other steps or signals that change with it.
    """

    name: str
    agent: str
    step: str
    signal: str
    factor: float
    at_ns: int
    detector: str
    follows: tuple[Stream, ...] = ()

    @property
    def stream(self) -> Stream:
        """The stream that it is meant for: agent, step, signal."""
        return self.agent, self.step, self.signal

    @property
    def change(self) -> Change:
        """The same for `streams.demo.verdicts.judge`."""
        return Change(self.name, (self.stream, *self.follows), self.at_ns)


@dataclass(frozen=True)
class _Plan:
    """A fault before the fleet's times are known: `after` is the share of its flow's runs before it."""

    name: str
    flow: str
    after: float
    agent: Agent
    step: str
    signal: str
    factor: float
    detector: str
    follows: tuple[Stream, ...] = ()


def _of(agent: Agent, call: Call, signal: str) -> Stream:
    return agent.name, call.name, signal


def _whole(agent: Agent, signal: str) -> Stream:
    return agent.name, WHOLE_AGENT, signal


_PLANS = (
    _Plan(
        "lookup_order slower ×1.25",
        "support",
        0.55,
        agents.RESOLVER,
        agents.LOOKUP_ORDER.name,
        DURATION,
        1.25,
        NUMBERS,
        # What contains the step takes longer, too; by less than what one would see in this time.
        ((agents.RESOLVER.name, AGENT_STEP, DURATION), (agents.TRIAGE.name, RUN_STEP, DURATION)),
    ),
    _Plan(
        "summarize cost ×1.5 (prompt cache lost)",
        "research",
        0.6,
        agents.RESEARCHER,
        agents.SUMMARIZE.name,
        COST,
        1.5,
        NUMBERS,
        # A step of a run that costs more makes the run cost more.
        (_whole(agents.RESEARCHER, RUN_COST),),
    ),
    _Plan(
        "extract output ×1.3 (deploy 2.5.0)",
        "invoices",
        0.5,
        agents.EXTRACTOR,
        agents.EXTRACT.name,
        OUTPUT,
        1.3,
        NUMBERS,
        (_of(agents.EXTRACTOR, agents.EXTRACT, COST), _whole(agents.EXTRACTOR, RUN_COST)),
    ),
    _Plan(
        "web_search in a loop",
        "research",
        0.75,
        agents.RESEARCHER,
        agents.WEB_SEARCH.name,
        IDENTICAL,
        16,
        LOOP,
        # One run of a hundred seconds: an outlier of its streams, no drift.
        (
            (agents.RESEARCHER.name, RUN_STEP, DURATION),
            _whole(agents.RESEARCHER, RUN_STEPS),
            _whole(agents.RESEARCHER, RUN_COST),
            _whole(agents.RESEARCHER, TOOL_MIX),
        ),
    ),
    _Plan(
        "run_tests fails .02 → .1",
        "reviews",
        0.6,
        agents.REVIEWER,
        agents.RUN_TESTS.name,
        ERRORS,
        5.0,
        RATES,
    ),
    _Plan(
        "tickets resolved .85 → .68",
        "support",
        0.7,
        agents.TRIAGE,
        "ticket_resolved",
        OUTCOME,
        0.8,
        RATES,
    ),
    _Plan(
        "embed by a model without a price",
        "invoices",
        0.8,
        agents.EXTRACTOR,
        WHOLE_AGENT,
        MODEL_MIX,
        0.0,
        NEWS,
    ),
)


def plan_faults(starts_ns: Mapping[str, list[int]]) -> tuple[Fault, ...]:
    """All known changes.

    Args:
        starts_ns: start of each run, by flow, ascending. A change comes with the start of a run.
    """
    return tuple(
        Fault(
            name=plan.name,
            agent=plan.agent.name,
            step=plan.step,
            signal=plan.signal,
            factor=plan.factor,
            at_ns=starts_ns[plan.flow][int(len(starts_ns[plan.flow]) * plan.after)],
            detector=plan.detector,
            follows=plan.follows,
        )
        for plan in _PLANS
    )


class Effects:
    """What the faults do to a step at a time. State: whether the loop has been given away."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = {fault.stream: fault for fault in faults if fault.signal != IDENTICAL}
        self._loop = next((fault for fault in faults if fault.signal == IDENTICAL), None)

    def factor(self, agent: str, step: str, signal: str, at_ns: int) -> float:
        """By what a signal is multiplied; 1 where nothing has changed."""
        fault = self._faults.get((agent, step, signal))
        return fault.factor if fault is not None and at_ns >= fault.at_ns else 1.0

    def take_loop(self, at_ns: int) -> int:
        """How many identical calls the run that starts now makes: once, for the first that may; else 0."""
        if self._loop is None or at_ns < self._loop.at_ns:
            return 0
        calls, self._loop = int(self._loop.factor), None
        return calls
