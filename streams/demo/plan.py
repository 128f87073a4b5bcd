"""What happens in one run of the simulated fleet? Steps with times, tokens, errors, from a seed. Pure."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from streams.demo import agents
from streams.demo.agents import Agent, Call, LlmCall
from streams.demo.faults import (
    AGENT_STEP,
    COST,
    DURATION,
    ERRORS,
    MODEL_MIX,
    OUTCOME,
    OUTPUT,
    WHOLE_AGENT,
    Effects,
)

SECOND_NS = 1_000_000_000
_MAX_OUTPUT_TOKENS = 8_000
_INPUT_SIGMA = 0.3
_ERRORS = ("TimeoutError", "RateLimitError", "ConnectionError", "ValueError")
_TOPICS = ("parcel", "refund", "address", "invoice", "login", "warranty", "delivery", "discount")


class Planned(NamedTuple):
    """One step of the fleet; sorts by its end, then by what makes it unique."""

    end_ns: int
    event_id: str
    method: str  # of `wakeline.Emitter`
    fields: dict[str, Any]  # its arguments


class RunPlan:
    """One run while it is drawn up: a clock that goes on with each step, and the steps so far.

    Attributes:
        run_id: of the run.
        rng: where everything random comes from.
        now_ns: event time.
        planned: steps, in the order in which they begin to be drawn.
    """

    def __init__(
        self, run_id: str, start_ns: int, rng: random.Random, effects: Effects, deploys: dict[str, int]
    ) -> None:
        """Begin a run.

        Args:
            run_id: of the run.
            start_ns: event time, Unix nanoseconds.
            rng: of the flow.
            effects: what goes wrong.
            deploys: from when on an agent has its next version.
        """
        self.run_id = run_id
        self.rng = rng
        self.now_ns = start_ns
        self.planned: list[Planned] = []
        self._effects = effects
        self._deploys = deploys
        self._number = 0
        self._shared = {
            "run_id": run_id,
            "environment": "production",
            "conversation_id": f"conv-{run_id}",
            "user_id": f"user-{rng.randrange(4_000)}",
        }

    def share(self, **labels: str) -> None:
        """Labels of all steps to come."""
        self._shared |= labels

    def next_id(self) -> str:
        """Id of the next step."""
        self._number += 1
        return f"{self.run_id}.{self._number}"

    def wait(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.now_ns += int(seconds * SECOND_NS)

    def add(self, method: str, agent: Agent, event_id: str, start_ns: int, **fields: Any) -> None:
        """A step that ends now."""
        version = agent.version
        if agent.name in self._deploys and start_ns >= self._deploys[agent.name]:
            version = agent.next_version
        own = {
            "event_id": event_id,
            "start_time_unix_nano": start_ns,
            "agent_name": agent.name,
            "agent_version": version,
            "service_name": agent.service,
            "team": agent.team,
        }
        self.planned.append(Planned(self.now_ns, event_id, method, own | self._shared | fields))

    def call(self, method: str, agent: Agent, call: Call, parent: str, **fields: Any) -> bool:
        """A step of its own duration, that may fail; False when it does."""
        start_ns = self.now_ns
        slower = self._effects.factor(agent.name, call.name, DURATION, start_ns)
        self.wait(call.seconds * slower * self.rng.lognormvariate(0.0, call.sigma))
        ratio = call.error_ratio * self._effects.factor(agent.name, call.name, ERRORS, start_ns)
        failed = self.rng.random() < ratio
        if failed:
            fields["error_type"] = self.rng.choice(_ERRORS)
            fields["error_message"] = f"{call.name} gave no answer"
        self.add(method, agent, self.next_id(), start_ns, parent_event_id=parent, **fields)
        return not failed

    def tool(self, agent: Agent, call: Call, parent: str, arguments: dict[str, Any]) -> bool:
        """A tool call."""
        return self.call("tool_call", agent, call, parent, tool_name=call.name, tool_call_arguments=arguments)

    def llm(self, agent: Agent, call: LlmCall, parent: str, **fields: Any) -> None:
        """A call of a model; a failed one is made again, once, and has no usage."""
        asked = {"step_name": call.name, "request_model": call.model, "provider_name": call.provider}
        for _ in range(2):
            start_ns = self.now_ns
            usage = self._usage(agent, call, start_ns)
            place = len(self.planned)
            if self.call("llm_call", agent, call, parent, **asked, **fields):
                self.planned[place].fields.update(usage)
                return

    def embedding(self, agent: Agent, call: Call, parent: str) -> None:
        """A call of a model of embeddings."""
        is_new = self._effects.factor(agent.name, WHOLE_AGENT, MODEL_MIX, self.now_ns) != 1.0
        provider, model = agents.EMBED_MODELS[is_new]
        fields = {"request_model": model, "response_model": model, "provider_name": provider}
        tokens = self.rng.randrange(200, 900)
        self.call("embedding", agent, call, parent, step_name=call.name, input_tokens=tokens, **fields)

    def _usage(self, agent: Agent, call: LlmCall, at_ns: int) -> dict[str, Any]:
        rng = self.rng
        given = int(call.input_tokens * rng.lognormvariate(0.0, _INPUT_SIGMA))
        # The only change of cost in this fleet is a cache that is lost.
        is_cached = self._effects.factor(agent.name, call.name, COST, at_ns) == 1.0
        more = self._effects.factor(agent.name, call.name, OUTPUT, at_ns)
        written = int(call.output_tokens * more * rng.paretovariate(call.output_shape))
        return {
            "response_model": call.model,
            "input_tokens": given,
            "cache_read_input_tokens": int(given * call.cached_ratio) if is_cached else 0,
            "output_tokens": min(written, _MAX_OUTPUT_TOKENS),
            "finish_reasons": ["stop"],
        }

    def takes_loop(self) -> int:
        """How often this run makes the same call; 0 for all runs but one."""
        return self._effects.take_loop(self.now_ns)

    def outcome(self, agent: Agent, name: str, ratio: float, parent: str, value: float) -> None:
        """What came of the run."""
        ratio *= self._effects.factor(agent.name, name, OUTCOME, self.now_ns)
        success = self.rng.random() < ratio
        self.add(
            "outcome",
            agent,
            self.next_id(),
            self.now_ns,
            parent_event_id=parent,
            step_name=name,
            outcome_name=name,
            outcome_success=success,
            outcome_value=value if success else 0.0,
        )


def plan_support(run: RunPlan, root: str, number: int) -> None:
    """A ticket: one service sorts it, another one solves it, in one run."""
    rng = run.rng
    run.share(business_key=f"ticket-{40_000 + number}", task="solve a ticket")
    verdict = "allow" if rng.random() < 0.97 else "modify"
    run.call(
        "guardrail", agents.TRIAGE, agents.PII_CHECK, root, step_name="pii-check", guardrail_verdict=verdict
    )
    run.llm(agents.TRIAGE, agents.CLASSIFY, root)
    run.call("retrieval", agents.TRIAGE, agents.HANDBOOK, root, step_name="handbook")
    handoff, start_ns = run.next_id(), run.now_ns
    run.wait(0.02)
    work, began_ns = run.next_id(), run.now_ns
    for turn in range(rng.choice((1, 1, 2, 2, 3))):
        run.tool(agents.RESOLVER, agents.LOOKUP_ORDER, work, {"order": 70_000 + number, "turn": turn})
        said = f"About your {rng.choice(_TOPICS)}: it is on its way."
        message = {"output_messages": [{"role": "assistant", "content": said}]} if rng.random() < 0.1 else {}
        run.llm(agents.RESOLVER, agents.ANSWER, work, **message)
    if rng.random() < 0.25:
        run.tool(agents.RESOLVER, agents.REFUND, work, {"order": 70_000 + number})
    run.add("agent", agents.RESOLVER, work, began_ns, parent_event_id=handoff, step_name=AGENT_STEP)
    run.add(
        "handoff",
        agents.TRIAGE,
        handoff,
        start_ns,
        parent_event_id=root,
        handoff_to_agent=agents.RESOLVER.name,
        step_name="handoff",
    )
    run.outcome(agents.TRIAGE, "ticket_resolved", 0.85, root, value=12.5)
    if rng.random() < 0.15:
        score = float(rng.choice((1, 3, 4, 5, 5)))
        run.add(
            "feedback",
            agents.TRIAGE,
            run.next_id(),
            run.now_ns,
            parent_event_id=root,
            step_name="stars",
            evaluation_name="stars",
            evaluation_score_value=score,
        )


def plan_review(run: RunPlan, root: str, number: int) -> None:
    """A pull request is read, commented and tested."""
    run.share(business_key=f"pull-{9_000 + number}", task="review a change")
    run.tool(agents.REVIEWER, agents.READ_DIFF, root, {"pull": 9_000 + number})
    for _ in range(run.rng.choice((1, 2, 2, 3))):
        run.llm(agents.REVIEWER, agents.REVIEW, root)
    run.tool(agents.REVIEWER, agents.RUN_TESTS, root, {"pull": 9_000 + number})
    run.outcome(agents.REVIEWER, "review_accepted", 0.7, root, value=1.0)


def plan_invoice(run: RunPlan, root: str, number: int) -> None:
    """An invoice becomes a booking."""
    run.share(business_key=f"invoice-{number:06d}", task="book an invoice")
    run.tool(agents.EXTRACTOR, agents.OCR, root, {"file": f"{number:06d}.pdf"})
    run.embedding(agents.EXTRACTOR, agents.EMBED, root)
    run.llm(agents.EXTRACTOR, agents.EXTRACT, root)
    run.tool(agents.EXTRACTOR, agents.POST_INVOICE, root, {"invoice": number})
    run.outcome(agents.EXTRACTOR, "invoice_booked", 0.95, root, value=3.0)


def plan_research(run: RunPlan, root: str, number: int) -> None:
    """A lead is looked up; one run of all asks the same again and again."""
    loops = run.takes_loop()
    run.share(business_key=f"lead-{number}", task="describe a lead")
    run.llm(agents.RESEARCHER, agents.PLAN, root)
    count = loops if loops else run.rng.choice((2, 3, 3, 4, 5))
    for page in range(count):
        query = {"query": f"lead {number}"} if loops else {"query": f"lead {number}", "page": page}
        run.tool(agents.RESEARCHER, agents.WEB_SEARCH, root, query)
    run.llm(agents.RESEARCHER, agents.SUMMARIZE, root)
    run.outcome(agents.RESEARCHER, "lead_accepted", 0.6, root, value=20.0)


class Flow(NamedTuple):
    """One kind of run.

    Attributes:
        name: part of run ids.
        agent: whose run it is.
        runs_per_hour: on average over the day.
        plan: (run, id of its root, its number) draws up everything but the root.
    """

    name: str
    agent: Agent
    runs_per_hour: int
    plan: Callable[[RunPlan, str, int], None]


FLOWS = (
    Flow("support", agents.TRIAGE, 275, plan_support),
    Flow("reviews", agents.REVIEWER, 275, plan_review),
    Flow("invoices", agents.EXTRACTOR, 325, plan_invoice),
    Flow("research", agents.RESEARCHER, 275, plan_research),
)
