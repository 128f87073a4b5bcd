"""What is sent while things die? A fleet's two hours from a seed, natively and as OTLP.

Four agents in three services. Runs hand over to a sub-agent in another service, most steps do not name their
agent (their ancestor does, and ends last), some tools go round in loops, one tool becomes slow at 60 % of the
time. Steps of a run travel through both doors and all partitions; a tenth comes twice, some of these with
less in them the second time; there are `started` events and records that are none. Pure: a seed gives
the same bytes each time.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from schemas.topics import AGENT_EVENTS, OTLP_SPANS, Topic
from tests.crash.dialects import OPERATIONS, Step, has_span, native, otlp

SECOND_NS = 1_000_000_000
START_NS = 1_762_160_400 * SECOND_NS  # 2025-11-03 09:00 UTC: models have prices, and no time is in the future
SPAN_S = 7_200
SLOW_FROM = 0.6
LOOP_CALLS = 5  # what the suite sets; a looping run makes so many and two more
MODELS = ("gpt-4o-mini", "gpt-4o", "a-model-nobody-sells")


class Piece(NamedTuple):
    """One Kafka message: where it goes and its bytes."""

    topic: Topic
    partition: int
    value: bytes


def make_steps(seed: int, runs: int) -> list[Step]:
    """All steps in both dialects' common form, in the order of their ends, roots last."""
    rng = random.Random(f"{seed}/steps")
    steps: list[Step] = []
    for number in range(runs):
        start_ns = START_NS + int(SPAN_S * SECOND_NS * (number + rng.random()) / runs)
        steps += _Run(rng, number, start_ns, slow=number >= runs * SLOW_FROM).draw()
    return sorted(steps, key=lambda step: (step.end_ns, step.fields["event_id"]))


def make_load(seed: int, runs: int, partitions: int) -> list[Piece]:
    """Everything that a case sends, in order.

    Args:
        seed: of everything.
        runs: about 10 steps each.
        partitions: of each source topic.
    """
    rng = random.Random(f"{seed}/load")
    lines: list[tuple[int, int, Step]] = []  # position, tie, step
    for tie, step in enumerate(make_steps(seed, runs)):
        lines.append((step.end_ns + _lateness(rng), tie, step))
        if rng.random() < 0.1:
            again = _poorer(step) if rng.random() < 0.2 else step
            lines.append((step.end_ns + int(rng.uniform(0, 120) * SECOND_NS), tie, again))
        if step.fields["kind"] in ("llm", "tool") and rng.random() < 0.1:
            lines.append((step.fields["start_time_unix_nano"], tie, _started(step)))
    lines.sort(key=lambda line: line[:2])
    return list(_pack(rng, [step for _, _, step in lines], partitions))


# -- drawing


class _Run:
    """Draws one run."""

    def __init__(self, rng: random.Random, number: int, start_ns: int, slow: bool) -> None:
        self._rng = rng
        self._number = number
        self._trace = f"{rng.getrandbits(128) | 1:032x}"
        self._now_ns = start_ns
        self._slow = slow
        self._steps: list[Step] = []

    def draw(self) -> list[Step]:
        rng, start_ns = self._rng, self._now_ns
        kind = rng.random()
        root = self._id()
        if kind < 0.5:
            self._support(root)
        elif kind < 0.75:
            self._research(root)
        else:
            self._invoice(root)
        agent = "triage" if kind < 0.5 else "research" if kind < 0.75 else "invoice"
        service = "desk" if kind < 0.5 else "tools"
        self._wait(0.05)
        if rng.random() < 0.9:  # the others have no root at all
            self._add("agent", root, None, start_ns, f"invoke_agent {agent}", service, agent=agent)
        return self._steps

    def _support(self, root: str) -> None:
        self._llm(root, "classify", "desk", 0)
        work, began_ns = self._id(), self._now_ns
        for turn in range(3):
            self._tool(work, "lookup", "resolver", 0.4 * (4.0 if self._slow else 1.0), {"turn": turn})
            self._llm(work, "answer", "resolver", 1)
        self._add("agent", work, root, began_ns, "invoke_agent resolver", "resolver", agent="resolver")
        self._outcome(root, "triage", "desk")

    def _research(self, root: str) -> None:
        loops = self._rng.random() < 0.5
        self._llm(root, "plan", "tools", 1, agent="research")
        for page in range(LOOP_CALLS + 2 if loops else 3):
            self._tool(root, "web", "tools", 0.3, {"q": self._number} | ({} if loops else {"page": page}))
        self._outcome(root, "research", "tools")

    def _invoice(self, root: str) -> None:
        self._llm(root, "extract", "tools", 2)
        self._tool(root, "post", "tools", 0.2, {"invoice": self._number}, agent="invoice")

    def _llm(self, parent: str, name: str, service: str, model: int, agent: str | None = None) -> None:
        start_ns = self._wait(self._rng.lognormvariate(0.0, 0.3))
        given = int(800 * self._rng.lognormvariate(0.0, 0.3))
        self._add(
            "llm",
            self._id(),
            parent,
            start_ns,
            name,
            service,
            agent=agent,
            provider_name="openai",
            request_model=MODELS[model],
            response_model=MODELS[model],
            input_tokens=given,
            output_tokens=int(120 * self._rng.lognormvariate(0.0, 0.3)),
            cache_read_input_tokens=given // 3,
            finish_reasons=["stop"],
        )

    def _tool(
        self, parent: str, name: str, service: str, mean_s: float, given: Any, agent: str | None = None
    ) -> None:
        start_ns = self._wait(mean_s * self._rng.lognormvariate(0.0, 0.2))
        failed = {"error_type": "Timeout"} if self._rng.random() < 0.05 else {}
        more = {"tool_name": name, "tool_call_arguments": given} | failed
        self._add("tool", self._id(), parent, start_ns, name, service, agent=agent, **more)

    def _outcome(self, root: str, agent: str, service: str) -> None:
        success = self._rng.random() < 0.8
        more = {"outcome_name": "solved", "outcome_success": success, "outcome_value": 1.5 * success}
        self._add("outcome", self._id(), root, self._now_ns, "solved", service, agent=agent, **more)

    def _wait(self, seconds: float) -> int:
        """Time goes on; returns when it began to."""
        start_ns = self._now_ns
        self._now_ns += int(seconds * SECOND_NS)
        return start_ns

    def _id(self) -> str:
        return f"{self._trace}-{self._rng.getrandbits(64) | 1:016x}"

    def _add(
        self,
        kind: str,
        event_id: str,
        parent: str | None,
        start_ns: int,
        name: str,
        service: str,
        agent: str | None = None,
        **more: Any,
    ) -> None:
        fields: dict[str, Any] = {
            "event_id": event_id,
            "trace_id": self._trace,
            "kind": kind,
            "start_time_unix_nano": start_ns,
            "end_time_unix_nano": self._now_ns,
            "step_name": name,
            "service_name": service,
            "environment": "prod",
            "scope_name": "crash",
            "scope_version": "1",
            "attributes": {"number": str(self._number)},
        }
        if kind in OPERATIONS:
            fields["operation_name"] = OPERATIONS[kind]
        if parent:
            fields["parent_event_id"] = parent
        if agent:
            fields |= {"agent_name": agent, "agent_version": "2" if self._slow else "1"}
        self._steps.append(Step(self._now_ns, fields | more))


def _lateness(rng: random.Random) -> int:
    """Most come as they end; some late, so that parents come before and after their children."""
    return int(rng.uniform(0, 90) * SECOND_NS) if rng.random() < 0.15 else 0


def _poorer(step: Step) -> Step:
    """The same id with less in it: a retry that lost its usage. It must lose against the first."""
    left = {key: value for key, value in step.fields.items() if not key.endswith("_tokens")}
    return Step(step.end_ns, left)


def _started(step: Step) -> Step:
    started = {"state": "started"}
    unknown = ("end_time_unix_nano", "input_tokens", "output_tokens", "cache_read_input_tokens", "error_type")
    left = {key: value for key, value in step.fields.items() if key not in unknown}
    return Step(step.fields["start_time_unix_nano"], left | started)


def _pack(rng: random.Random, steps: Sequence[Step], partitions: int) -> Iterable[Piece]:
    """Messages of one to eight steps, each to any partition of either door."""
    position = 0
    while position < len(steps):
        some = steps[position : position + rng.choice((1, 1, 2, 3, 8))]
        position += len(some)
        doors: list[tuple[Topic, list[Step], Callable[[Iterable[Step]], bytes]]] = []
        if rng.random() < 0.5:
            doors.append((OTLP_SPANS, [step for step in some if has_span(step)], otlp))
            doors.append((AGENT_EVENTS, [step for step in some if not has_span(step)], native))
        else:
            doors.append((AGENT_EVENTS, list(some), native))
        for topic, chosen, write in doors:
            if chosen:
                yield Piece(topic, rng.randrange(partitions), write(chosen))
        if rng.random() < 0.03:
            yield Piece(AGENT_EVENTS, rng.randrange(partitions), b'{"event_id": "broken", "kind"')
        if rng.random() < 0.02:
            yield Piece(OTLP_SPANS, rng.randrange(partitions), b"\x0a\xff\xff\xff")
