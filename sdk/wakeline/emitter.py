"""How does an agent say what it does? `Emitter`: one object a process, a context manager a step.

It composes what encodes in the agent's thread (`wakeline.recorder`), the queue (`wakeline.outbox`) and the
thread that sends (`wakeline.sender`). It neither blocks nor raises, and it knows nothing of what becomes of
events later.
"""

import atexit
import ctypes
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, Unpack

from wakeline.fields import Fields, Kind
from wakeline.options import Options, load_options
from wakeline.outbox import Outbox
from wakeline.recorder import Recorder
from wakeline.sender import Sender
from wakeline.step import Step

P = ParamSpec("P")

log = logging.getLogger("wakeline")


def guarded(
    method: Callable[Concatenate["Emitter", P], Step],
) -> Callable[Concatenate["Emitter", P], Step]:
    """A method that never raises into the agent: what is wrong is counted and logged, a bare step comes."""

    def call(emitter: "Emitter", /, *args: P.args, **kwargs: P.kwargs) -> Step:
        try:
            return method(emitter, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  # the promise to the agent; logged with its traceback
            return emitter.bare_step(method.__name__, error)

    call.__doc__, call.__name__, call.__wrapped__ = method.__doc__, method.__name__, method  # type: ignore[attr-defined]  # as functools.wraps, which mypy takes for an untyped one
    return call


class Delivery(Protocol):
    """Takes events out of the queue: `wakeline.sender.Sender`, or `wakeline.testing`."""

    @property
    def abandoned(self) -> object:
        """What a forked child must never destroy."""

    def start(self) -> None:
        """Begin, if it has not begun; called for each step."""

    def reset(self) -> None:
        """In a forked child: begin anew."""

    def close(self, timeout_s: float, /) -> bool:
        """Deliver what waits; False when time ran out."""


class StepFields(Fields, total=False):
    """`Fields`, and the step within which another one happens, where the context does not say it."""

    parent: Step | None


class Stats(NamedTuple):
    """What an emitter did so far.

    Attributes:
        events: encoded and counted, whatever became of them: `delivered + waiting + sum(dropped.values())`.
        delivered: acknowledged by the broker.
        waiting: neither delivered nor given up.
        dropped: by reason (`wakeline.outbox.REASONS`); reasons that did not occur are absent.
        refused: arguments that were unusable and left out, by name; the events went out without them.
        cut: contents that were above `max_content_bytes`, or left out to fit an event into a message.
    """

    events: int
    delivered: int
    waiting: int
    dropped: dict[str, int]
    refused: dict[str, int]
    cut: int


class Emitter:
    """Emits the steps of an agent. Make one a process, and keep it.

    Every argument may come from the environment (`WAKELINE_BOOTSTRAP_SERVERS`, `WAKELINE_AGENT_NAME`, ...).
    With no bootstrap servers it is disabled: everything works and nothing is sent.

    Example:
        ```
        emitter = wakeline.Emitter("kafka:9092", agent_name="support", agent_version="1.4.0")
        with emitter.run(conversation_id=chat.id) as run:
            with emitter.llm_call("gpt-4o", "openai") as call:
                call.set(input_tokens=812, output_tokens=97)
            with emitter.tool_call("lookup_order", arguments={"order": 17}):
                ...
            emitter.outcome("resolved", success=True)
        ```
    """

    def __init__(
        self,
        bootstrap_servers: str | None = None,
        topic: str | None = None,
        *,
        agent_name: str | None = None,
        agent_id: str | None = None,
        agent_version: str | None = None,
        service_name: str | None = None,
        environment: str | None = None,
        team: str | None = None,
        task: str | None = None,
        contents: bool | None = None,
        max_content_bytes: int | None = None,
        started_after_s: float | None = None,
        max_queue_events: int | None = None,
        max_queue_bytes: int | None = None,
        flush_interval_s: float | None = None,
        delivery_timeout_s: float | None = None,
        exit_timeout_s: float | None = None,
        report_interval_s: float | None = None,
        compression: str | None = None,
        block: bool | None = None,
        disabled: bool | None = None,
        kafka_config: Mapping[str, str | int | float | bool] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Check the options; the thread starts with the first event.

        Args:
            bootstrap_servers: of Kafka, `host:port,...`; none: disabled.
            topic: default `agent-events`.
            agent_name: who emits; inherited by every step, as are the next ones.
            agent_id: of the deployed agent.
            agent_version: a change of it is shown as a deploy.
            service_name: the process's service.
            environment: such as `production`.
            team: who is to be told.
            task: what the agent is for.
            contents: False: prompts, answers, arguments and results are never sent, also when given. Without
                arguments no loops of tool calls are found.
            max_content_bytes: of one content; what is longer is cut. Default 64,000.
            started_after_s: a step that is still open after so long is announced by a `started` event, so
                that a hung call can be seen; short steps cost nothing. Default 1; 0: at the next flush;
                `math.inf`: never.
            max_queue_events: not yet acknowledged by the broker; more are dropped. Default 20,000.
            max_queue_bytes: of those. Default 32 MB.
            flush_interval_s: how long an event waits for others. Default 0.2.
            delivery_timeout_s: how long Kafka's client tries. Default 60.
            exit_timeout_s: how long the process may be held up at its exit. Default 3.
            report_interval_s: how often drops are reported. Default 5.
            compression: `lz4` (default), `zstd`, `gzip`, `snappy` or `none`.
            block: wait for room instead of dropping. For replays and demonstrations, never for agents.
            disabled: send nothing.
            kafka_config: more settings of librdkafka, such as `security.protocol`.
            environ: where options that are not given are looked up.

        Raises:
            ConfigError: an option cannot be used.
        """
        given = {name: value for name, value in locals().items() if name in Options.__struct_fields__}
        self._options = options = load_options(given, environ)
        self._outbox = Outbox(options.max_queue_events, options.max_queue_bytes, block=options.block)
        self._recorder = Recorder(options, self._outbox)
        self._lock = threading.RLock()
        self._closed = False
        self._sender: Delivery | None = None
        if not options.enabled:
            log.info(
                "wakeline is disabled: no bootstrap servers (WAKELINE_BOOTSTRAP_SERVERS), or switched off"
            )
            return
        self._sender = self._make_sender(options, self._outbox, self._recorder)
        atexit.register(self._at_exit)
        if hasattr(os, "register_at_fork"):  # absent on Windows
            reference = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _renew(reference))

    def _make_sender(self, options: Options, outbox: Outbox, recorder: Recorder, /) -> Delivery:
        return Sender(options, outbox, recorder.announce, recorder.make_report)

    @property
    def enabled(self) -> bool:
        """False when nothing is sent."""
        return self._sender is not None

    # -- steps

    @guarded
    def run(self, task: str | None = None, /, **fields: Unpack[StepFields]) -> Step:
        """Everything that is done for one request, ticket or turn.

        Within an open run it is a part of that one; give a `run_id` of its own to part them.

        Args:
            task: what the run is for.
            fields: any; `conversation_id`, `user_id` and `business_key` are shared by all its steps.
        """
        return self._open("run", {"task": task, "operation_name": "invoke_agent"}, fields)

    @guarded
    def agent(
        self, name: str | None = None, version: str | None = None, /, **fields: Unpack[StepFields]
    ) -> Step:
        """Another agent works, within the run: the steps within it are its own."""
        return self._open("agent", {"agent_name": name, "agent_version": version}, fields)

    @guarded
    def llm_call(
        self, model: str | None = None, provider: str | None = None, /, **fields: Unpack[StepFields]
    ) -> Step:
        """A call of a language model.

        Args:
            model: as asked for, such as `gpt-4o`; what answered is `response_model`.
            provider: such as `openai`, `anthropic`, `google`: prices depend on it.
            fields: any; tokens and answer are usually `set` within.
        """
        own = {"request_model": model, "provider_name": provider, "operation_name": "chat"}
        return self._open("llm", own, fields)

    @guarded
    def embedding(
        self, model: str | None = None, provider: str | None = None, /, **fields: Unpack[StepFields]
    ) -> Step:
        """A call of an embedding model."""
        own = {"request_model": model, "provider_name": provider, "operation_name": "embeddings"}
        return self._open("embedding", own, fields)

    @guarded
    def tool_call(
        self, name: str | None = None, arguments: object = None, /, **fields: Unpack[StepFields]
    ) -> Step:
        """A tool runs.

        Args:
            name: of the tool.
            arguments: anything; needed to find loops of identical calls.
            fields: any.
        """
        own = {"tool_name": name, "tool_call_arguments": arguments, "operation_name": "execute_tool"}
        return self._open("tool", own, fields)

    @guarded
    def retrieval(self, name: str | None = None, /, **fields: Unpack[StepFields]) -> Step:
        """Documents are looked up; `name` says where."""
        return self._open("retrieval", {"step_name": name, "operation_name": "retrieval"}, fields)

    @guarded
    def guardrail(self, name: str | None = None, /, **fields: Unpack[StepFields]) -> Step:
        """A rule decides; `set(guardrail_verdict=...)` what: allow, deny, modify, warn or escalate."""
        return self._open("guardrail", {"step_name": name}, fields)

    @guarded
    def handoff(self, to_agent: str | None = None, /, **fields: Unpack[StepFields]) -> Step:
        """The run goes over to another agent; call it within, with the headers of `current_context()`."""
        return self._open("handoff", {"handoff_to_agent": to_agent}, fields)

    @guarded
    def step(self, name: str | None = None, /, **fields: Unpack[StepFields]) -> Step:
        """Anything else that takes time."""
        return self._open("other", {"step_name": name}, fields)

    # -- moments

    @guarded
    def outcome(
        self,
        name: str | None = None,
        /,
        success: bool | None = None,
        value: float | None = None,
        **fields: Unpack[StepFields],
    ) -> Step:
        """What came of the run, such as `ticket_resolved`; may come later, with its `run_id`."""
        own = {"outcome_name": name, "outcome_success": success, "outcome_value": value}
        return self._say("outcome", own, fields)

    @guarded
    def feedback(
        self,
        name: str | None = None,
        /,
        score: float | None = None,
        label: str | None = None,
        **fields: Unpack[StepFields],
    ) -> Step:
        """What somebody thought of it, such as `thumbs`."""
        own = {
            "evaluation_name": name,
            "evaluation_score_value": score,
            "evaluation_score_label": label,
        }
        return self._say("feedback", own, fields)

    def _say(self, kind: Kind, own: dict[str, Any], fields: StepFields) -> Step:
        step = self._open(kind, own, fields)
        step.end(end_time_unix_nano=fields.get("end_time_unix_nano") or step.start_ns)
        return step

    def _open(self, kind: Kind, own: dict[str, Any], fields: StepFields) -> Step:
        if self._sender is not None:
            self._sender.start()
        return self._recorder.open(kind, own, fields)

    def bare_step(self, where: str, error: Exception) -> Step:
        """Stands in for a step that could not be made."""
        self._recorder.complain_of_bug(where, error)
        return self._recorder.open("other", {"step_name": where}, {})

    # -- state

    def stats(self) -> Stats:
        """Counts so far."""
        _accepted, delivered, waiting, _bytes, dropped = self._outbox.counts()
        lost = sum(dropped.values())
        refused = dict(self._recorder.refused)
        return Stats(delivered + waiting + lost, delivered, waiting, dropped, refused, self._recorder.cut)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything emitted so far is delivered or given up; False when time ran out."""
        if self._sender is None:
            return True
        self._sender.start()
        return self._outbox.wait_empty(timeout_s)

    def close(self, timeout_s: float = 10.0) -> bool:
        """Send what waits, report drops, and end. What is emitted later is counted as dropped.

        Returns:
            True when everything was delivered.
        """
        with self._lock:
            was_closed, self._closed = self._closed, True
        if was_closed or self._sender is None:
            return self._outbox.counts().waiting == 0
        atexit.unregister(self._at_exit)
        self._outbox.close()
        delivered = self._sender.close(timeout_s)
        dropped = self._outbox.counts().dropped
        if dropped:
            log.warning("Events were dropped: %s", ", ".join(f"{dropped[name]} {name}" for name in dropped))
        return delivered

    def __enter__(self) -> "Emitter":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _at_exit(self) -> None:
        self.close(self._options.exit_timeout_s)

    def _renew(self) -> None:
        self._lock = threading.RLock()
        self._outbox.reset()
        self._recorder.reset()
        if self._sender is not None:
            self._sender.reset()
            _leak(self._sender.abandoned)


def _renew(reference: "weakref.ref[Emitter]") -> None:
    """In a forked child: start anew, with nothing of the parent's to send."""
    emitter = reference()
    if emitter is not None:
        emitter._renew()


def _leak(thing: object) -> None:
    """Never destroy it, not even at exit (see `Sender.reset`)."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
