"""What should dashboards say of a fleet? Plain Python over raw events; no SQL, nothing of the pipeline.

Prices are written out here. The rules are those of docs/concepts.md and docs/costs.md: calls alone are
billed; a step without an agent is that of the nearest step around it; a step lies where it begins.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from schemas.event import Event

# USD a million tokens: input, of it cached, output.
PRICES: dict[str, tuple[Fraction, Fraction, Fraction]] = {
    "gpt-4o-mini": (Fraction("0.15"), Fraction("0.075"), Fraction("0.6")),
    "claude-sonnet-4-5": (Fraction(3), Fraction("0.3"), Fraction(15)),
}
CONTAINERS = ("agent", "run", "outcome", "feedback", "report")
Names = frozenset[str] | None


def cost_parts(event: Event) -> tuple[Fraction, Fraction, Fraction] | None:
    """USD for new input, cached input and output; None where nothing is billed or no price is known."""
    price = PRICES.get(event.request_model or "") if event.kind == "llm" else None
    if price is None:
        return None
    cached = event.cache_read_input_tokens or 0
    counts = ((event.input_tokens or 0) - cached, cached, event.output_tokens or 0)
    new, read, out = (count * usd / 1_000_000 for count, usd in zip(counts, price, strict=True))
    return new, read, out


def cost_usd(event: Event) -> Fraction:
    """What a step is billed; 0 where nothing is, or nobody knows."""
    return sum(cost_parts(event) or (), Fraction(0))


def is_unpriced(event: Event) -> bool:
    """A call whose model has no price."""
    return event.kind == "llm" and event.request_model not in PRICES


def is_leaf(event: Event) -> bool:
    """It contains no steps."""
    return event.kind not in CONTAINERS


def duration_s(event: Event) -> float:
    """From start to end."""
    return ((event.end_time_unix_nano or 0) - event.start_time_unix_nano) / 1e9


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that is not below `share` of all; NaN of none."""
    found = sorted(values)
    return found[max(math.ceil(share * len(found)) - 1, 0)] if found else math.nan


def rank_value(values: Iterable[float], share: float) -> float:
    """The value that this share of all is not greater than, by ClickHouse's count: rank floor(share * n)."""
    found = sorted(values)
    return found[min(int(share * len(found)), len(found) - 1)] if found else math.nan


@dataclass(frozen=True)
class Run:
    """One run's steps."""

    run_id: str
    events: Sequence[Event]

    @cached_property
    def root(self) -> Event:
        """The step around all."""
        return next(event for event in self.events if event.kind == "run")

    @property
    def agent(self) -> str:
        """Whose run it is."""
        return self.root.agent_name or ""

    @property
    def start_ns(self) -> int:
        """The first start."""
        return min(event.start_time_unix_nano for event in self.events)

    @property
    def end_ns(self) -> int:
        """The last end."""
        return max(event.end_time_unix_nano or 0 for event in self.events)

    @property
    def seconds(self) -> float:
        """From the first start to the last end."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def outcome(self) -> bool | None:
        """Whether it succeeded, where somebody said so."""
        return next((event.outcome_success for event in self.events if event.kind == "outcome"), None)

    @property
    def errors(self) -> int:
        """Steps that failed."""
        return sum(event.error_type is not None for event in self.events)

    @property
    def succeeded(self) -> bool:
        """By its outcome, else without a failed step."""
        return self.errors == 0 if self.outcome is None else self.outcome

    @property
    def cost_usd(self) -> Fraction:
        """Of its calls."""
        return sum(map(cost_usd, self.events), Fraction(0))


class Choice:
    """The part of a fleet that a range and choices leave.

    Attributes:
        events: steps that begin in the range.
        runs: those whose first step does.
    """

    def __init__(
        self,
        events: Sequence[Event],
        start_ns: int,
        end_ns: int,
        *,
        agent: Names = None,
        environment: Names = None,
        team: Names = None,
    ) -> None:
        """Choose.

        Args:
            events: of a fleet.
            start_ns: of the range.
            end_ns: its end, which is not in it.
            agent: names; None takes all. Likewise the others; the empty name is one.
            environment: of the steps.
            team: whose runs an agent works in.
        """
        self._owners = _owners(events)
        by_run: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_run[event.run_id or ""].append(event)
        runs = [Run(run_id, steps) for run_id, steps in by_run.items()]
        of_team = {
            self.owner(event)
            for run in runs
            if team is None or (run.root.team or "") in team
            for event in run.events
        }
        self.events = [
            event
            for event in events
            if start_ns <= event.start_time_unix_nano < end_ns
            and _is_in(self.owner(event), agent)
            and _is_in(event.environment or "", environment)
            and self.owner(event) in of_team
        ]
        self.runs = [
            run
            for run in runs
            if start_ns <= run.start_ns < end_ns
            and (agent is None or {self.owner(event) for event in run.events} & agent)
            and _is_in(run.root.environment or "", environment)
            and _is_in(run.root.team or "", team)
        ]

    def owner(self, event: Event) -> str:
        """Whose step it is."""
        return self._owners[event.event_id]

    @property
    def leaves(self) -> list[Event]:
        """Steps that contain no others."""
        return [event for event in self.events if is_leaf(event)]

    @property
    def calls(self) -> list[Event]:
        """Of models."""
        return [event for event in self.events if event.kind == "llm"]

    @property
    def spend_usd(self) -> float:
        """Of all calls that have a price."""
        return float(sum(map(cost_usd, self.events), Fraction(0)))

    @property
    def success_ratio(self) -> float:
        """Share of runs that succeeded."""
        return sum(run.succeeded for run in self.runs) / len(self.runs)

    @property
    def error_ratio(self) -> float:
        """Share of leaves that failed."""
        return sum(event.error_type is not None for event in self.leaves) / len(self.leaves)

    def sums(self, by: Callable[[Event], str], of: Callable[[Event], Fraction | int]) -> dict[str, float]:
        """Sums over steps by a name; names with nothing are left out."""
        found: dict[str, Fraction] = defaultdict(Fraction)
        for event in self.events:
            found[by(event)] += of(event)
        return {name: float(value) for name, value in found.items() if value}


def _owners(events: Sequence[Event]) -> dict[str, str]:
    """Event id to agent: its own name, else that of the nearest step around it."""
    by_id = {event.event_id: event for event in events}

    def owner(event: Event) -> str:
        if event.agent_name:
            return event.agent_name
        above = by_id.get(event.parent_event_id or "")
        return owner(above) if above else "unattributed"

    return {event.event_id: owner(event) for event in events}


def _is_in(name: str, names: Names) -> bool:
    return names is None or name in names
