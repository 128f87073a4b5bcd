"""What does a small fleet do in six hours? Raw events, from which tables are made and numbers are expected.

Everything that dashboards tell apart is there: names that are SQL, an environment and a team without a name,
agents that hand over to others, versions that change, calls without a price, caches, reasoning, first tokens,
errors of several sorts, retries, a loop, verdicts, outcomes, contents, and agents whose spans repeat what
their calls use.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.event import Event

SECOND_NS = 10**9
HOUR_NS = 3_600 * SECOND_NS
# Runs begin within these hours, and end within a half of one after.
HOURS = 5.5
RUNS = 300
AGENTS = ("planner", "coder", "it's", "x\\') OR ('1'='1")
TEAMS = {"planner": "core", "coder": "core", "it's": "o'hare's", "x\\') OR ('1'='1": ""}
ENVIRONMENTS = ("prod", "", "o'hare")
# Calls of the last have no price.
MODELS = (("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("nobody", "none-such"))
TOOLS = ("search", "lookup", "deploy")
ERRORS = ("timeout", "rate_limit_exceeded", "500")
VERDICTS = ("allow", "allow", "allow", "deny", "modify")
# Of what is not let pass.
REASONS = {"deny": "a name of a person", "modify": "a number of a card"}
# The tool of this name is an MCP server's.
MCP_TOOL, MCP_SERVER = "lookup", "mcp.example"
# Runs in which the emitter says that it had to drop so many events.
DROPS = {5: 7, 140: 2}
# One run calls a tool with the same arguments so often.
LOOP_RUN, LOOP_CALLS = 17, 12
# Found in the contents of some runs, and meant to do no harm there.
NEEDLE = "gewürztraminer 100% <script>alert('x')</script>"


@dataclass
class _Run:
    """One run in the making; steps follow each other."""

    number: int
    start_ns: int
    agent: str
    rng: random.Random
    fields: dict[str, Any]
    is_late: bool
    now_ns: int = 0
    made: list[Event] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"run-{self.number}"

    def who(self) -> dict[str, Any]:
        """Two agents have a new version in the later half."""
        is_new = self.is_late and self.agent in AGENTS[:2]
        return {"agent_name": self.agent, "agent_version": "1.1" if is_new else "1.0"}

    def add(self, kind: str, seconds: float, parent: str | None, **fields: Any) -> Event:
        """A step that begins now, and ends when the next may begin."""
        begin_ns = self.now_ns
        self.now_ns = begin_ns + int(seconds * SECOND_NS)
        given = self.who() | self.fields | fields
        event = Event(
            event_id=f"{self.name}-{len(self.made)}",
            kind=kind,  # type: ignore[arg-type]  # one of the literals
            run_id=self.name,
            parent_event_id=parent,
            start_time_unix_nano=begin_ns,
            end_time_unix_nano=self.now_ns,
            **given,
        )
        self.made.append(event)
        self.now_ns += int(self.rng.uniform(0.001, 0.05) * SECOND_NS)
        return event

    def around(self, kind: str, event_id: str, parent: str | None, begin_ns: int, **fields: Any) -> None:
        """A step around those since `begin_ns`."""
        given = self.who() | self.fields | fields
        self.made.append(
            Event(
                event_id=event_id,
                kind=kind,  # type: ignore[arg-type]  # one of the literals
                run_id=self.name,
                parent_event_id=parent,
                start_time_unix_nano=begin_ns,
                end_time_unix_nano=self.now_ns,
                **given,
            )
        )


def make_events(start_ns: int, seed: int) -> list[Event]:
    """All events by the time of their end.

    Args:
        start_ns: a whole hour; the first run begins after it.
        seed: of everything.
    """
    rng = random.Random(seed)
    begins = sorted(rng.randrange(int(HOURS * HOUR_NS)) for _ in range(RUNS))
    events = [
        event
        for number, begin in enumerate(begins)
        for event in _run(number, start_ns, start_ns + begin, rng)
    ]
    return sorted(events, key=lambda event: (event.end_time_unix_nano or 0, event.event_id))


def _run(number: int, fleet_start_ns: int, start_ns: int, rng: random.Random) -> Iterator[Event]:
    agent = AGENTS[number % len(AGENTS)] if number < 8 else rng.choice(AGENTS)
    fields: dict[str, Any] = {
        "environment": rng.choice(ENVIRONMENTS) or None,
        "team": TEAMS[agent] or None,
        "user_id": f"user-{number % 17}",
        "task": "ticket",
        "scope_name": "sdk",
        "service_name": "desk",
    }
    is_late = start_ns - fleet_start_ns > 3 * HOUR_NS
    run = _Run(number, start_ns, agent, rng, fields, is_late, now_ns=start_ns)
    root, span = f"{run.name}-root", f"{run.name}-agent"
    _work(run, span)
    calls = [event for event in run.made if event.kind == "llm"]
    # What the agent says of its usage repeats its calls, and is billed nowhere.
    usage = {
        "input_tokens": sum(event.input_tokens or 0 for event in calls),
        "output_tokens": sum(event.output_tokens or 0 for event in calls),
    }
    run.around("agent", span, root, start_ns, step_name="work", **usage)
    if rng.random() < 0.15:
        _hand_over(run, root)
    if number in DROPS:
        run.add("report", 0, root, dropped_events=DROPS[number])
    run.around("run", root, None, start_ns, step_name="run")
    if rng.random() < 0.67:
        success = rng.random() < 0.8
        run.add("outcome", 0, root, outcome_name="solved", outcome_success=success, outcome_value=1.5)
    yield from run.made


def _work(run: _Run, span: str) -> None:
    rng = run.rng
    if rng.random() < 0.3:
        verdict = rng.choice(VERDICTS)
        run.add(
            "guardrail",
            0.05,
            span,
            step_name="pii",
            guardrail_name="pii",
            guardrail_verdict=verdict,
            guardrail_reason=REASONS.get(verdict),
        )
    for turn in range(rng.randint(2, 4)):
        _call(run, span, told=run.number % 10 == 0 and turn == 0)
        if rng.random() < 0.85:
            _tool(run, span, rng.choice(TOOLS))
    if run.number == LOOP_RUN:
        for _ in range(LOOP_CALLS):
            arguments = msgspec.Raw(b'{"q":"again"}')
            run.add(
                "tool",
                0.5,
                span,
                tool_name="search",
                operation_name="execute_tool",
                tool_call_arguments=arguments,
            )


def _call(run: _Run, parent: str, *, told: bool) -> None:
    """A call of a model; with contents when it is `told`."""
    rng = run.rng
    provider, model = MODELS[2] if rng.random() < 0.03 else rng.choice(MODELS[:2])
    seconds = max(rng.lognormvariate(0.5, 0.8), 0.05)
    tokens_in = rng.randint(1_000, 90_000)
    tokens_out = rng.randint(10, 9_000)
    fields: dict[str, Any] = {}
    if told:
        question = [{"role": "user", "parts": [{"type": "text", "content": f"Is {NEEDLE} in stock?"}]}]
        answer = [{"role": "assistant", "parts": [{"type": "text", "content": f"No, in run {run.number}."}]}]
        fields = {
            "input_messages": msgspec.Raw(msgspec.json.encode(question)),
            "output_messages": msgspec.Raw(msgspec.json.encode(answer)),
            "reasoning": msgspec.Raw(msgspec.json.encode("The cellar was asked; it's empty.")),
        }
    failed = rng.random() < 0.03
    run.add(
        "llm",
        seconds,
        parent,
        step_name="chat",
        operation_name="chat",
        provider_name=provider,
        request_model=model,
        time_to_first_chunk_s=seconds * rng.uniform(0.05, 0.5),
        input_tokens=tokens_in,
        cache_read_input_tokens=tokens_in // 3,
        output_tokens=tokens_out,
        reasoning_output_tokens=tokens_out // 4,
        finish_reasons=["error" if failed else "stop"],
        error_type=rng.choice(ERRORS) if failed else None,
        **fields,
    )


def _tool(run: _Run, parent: str, name: str) -> None:
    """A call of a tool, and the one again when it fails."""
    for attempt in range(2):
        failed = run.rng.random() < (0.06 if attempt == 0 else 0.2)
        run.add(
            "tool",
            max(run.rng.lognormvariate(-0.5, 1.2), 0.002),
            parent,
            operation_name="execute_tool",
            tool_name=name,
            mcp_method_name="tools/call" if name == MCP_TOOL else None,
            server_address=MCP_SERVER if name == MCP_TOOL else None,
            # Whose step it is, is said by the span around it.
            agent_name=None,
            tool_call_arguments=msgspec.Raw(msgspec.json.encode({"n": len(run.made), "tool": name})),
            error_type=run.rng.choice(ERRORS) if failed else None,
            error_message="It did not work" if failed else None,
        )
        if not failed:
            return


def _hand_over(run: _Run, root: str) -> None:
    """Another agent goes on."""
    other = AGENTS[(AGENTS.index(run.agent) + 1) % len(AGENTS)]
    run.add("handoff", 0.01, root, step_name="handoff", handoff_to_agent=other)
    first, run.agent = run.agent, other
    begin_ns, span = run.now_ns, f"{run.name}-other"
    _call(run, span, told=False)
    run.around("agent", span, root, begin_ns, step_name="work")
    run.agent = first
