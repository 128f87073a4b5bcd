"""What is a step while it is open? A handle that collects fields and writes one event when it ends."""

import time
from collections.abc import Callable
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Unpack

from wakeline.context import Place, enter, leave
from wakeline.fields import FOR_WHOM, Fields
from wakeline.values import text_of

if TYPE_CHECKING:
    from wakeline.recorder import Recorder

P = ParamSpec("P")
# What may become known while a run is open, and holds for the steps that follow.
SHARED = frozenset(FOR_WHOM) - {"run_id", "trace_id"}


def guarded(method: Callable[Concatenate["Step", P], None]) -> Callable[Concatenate["Step", P], None]:
    """A method that never raises into the agent: what is wrong is counted, and logged once."""

    def call(step: "Step", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(step, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  # the promise to the agent; logged with its traceback
            step.recorder.complain_of_bug(method.__name__, error)

    call.__doc__, call.__name__ = method.__doc__, method.__name__
    return call


class Step(Place):
    """One step of an agent: a context manager, or `end()` it yourself.

    As a context manager it is the parent of what is opened within it, and an exception that leaves it is
    recorded and goes on unchanged.

    Example:
        ```
        with emitter.llm_call("gpt-4o", "openai") as call:
            answer = client.chat(...)
            call.set(input_tokens=answer.usage.prompt_tokens, output_tokens=answer.usage.completion_tokens)
        ```
    """

    __slots__ = ("_fields", "_start_monotonic_ns", "_start_ns", "_token", "recorder")

    def __init__(
        self,
        recorder: "Recorder",
        fields: dict[str, Any],
        labels: dict[str, object],
        outer: Place | None,
        *,
        clocked: bool,
    ) -> None:
        """Made by an emitter; see its methods.

        Args:
            recorder: that the event goes to.
            fields: of the event so far, id and start among them.
            labels: what steps within inherit.
            outer: its parent.
            clocked: it starts now, so that a monotonic clock measures it.
        """
        super().__init__(fields["event_id"], labels, outer, recorder)
        self.recorder = recorder
        self._fields = fields
        self._token: Token[Place | None] | None = None
        self._start_ns: int = fields["start_time_unix_nano"]
        self._start_monotonic_ns = time.monotonic_ns() if clocked else None

    @property
    def start_ns(self) -> int:
        """When it began, Unix nanoseconds."""
        return self._start_ns

    @property
    def run_id(self) -> str:
        """The run that this step belongs to."""
        return str(
            self.labels.get("trace_id")
            or self.labels.get("run_id")
            or self.labels.get("conversation_id")
            or self.event_id
        )

    def snapshot(self) -> dict[str, Any]:
        """A copy of the fields so far; safe from another thread."""
        return dict(self._fields)

    @guarded
    def set(self, **fields: Unpack[Fields]) -> None:
        """Say more about the step; the last word counts. Ids and start stay, and nothing once it has ended.

        Example:
            >>> from wakeline.testing import collecting_emitter
            >>> emitter = collecting_emitter()
            >>> with emitter.tool_call("search") as call:
            ...     call.set(tool_call_result={"hits": 3}, attributes={"shard": 7})
            >>> emitter.events[0]["attributes"]
            {'shard': '7'}
        """
        if self.ended:
            self.recorder.complain("set after the end of a step")
            return
        self.recorder.amend(self._fields, fields)
        if own := {name: self._fields[name] for name in fields.keys() & SHARED if name in self._fields}:
            self.labels = self.labels | own

    @guarded
    def first_chunk(self) -> None:
        """The first part of a streamed answer is here: sets `time_to_first_chunk_s`, once."""
        if self._start_monotonic_ns is not None and "time_to_first_chunk_s" not in self._fields:
            waited_ns = time.monotonic_ns() - self._start_monotonic_ns
            self._fields["time_to_first_chunk_s"] = waited_ns / 1e9

    @guarded
    def fail(self, error_type: str, error_message: str | None = None) -> None:
        """Say that the step failed, where no exception does."""
        if self.ended:
            self.recorder.complain("fail after the end of a step")
            return
        self._fields["error_type"] = error_type or "unknown"
        self._fields["error_message"] = error_message

    @guarded
    def end(self, **fields: Unpack[Fields]) -> None:
        """End the step and emit it; a second end is ignored and counted.

        Args:
            fields: as in `set`. `end_time_unix_nano` is now unless given; a step that was started by the
                clock is measured by a monotonic one.
        """
        if self.ended:
            self.recorder.complain("a second end of a step")
            return
        if fields:
            self.recorder.amend(self._fields, fields)
        if self._fields.get("end_time_unix_nano") is None:
            self._fields["end_time_unix_nano"] = self._now_ns()
        self.ended = True
        self.recorder.finish(self._fields)

    def _now_ns(self) -> int:
        if self._start_monotonic_ns is None:
            return time.time_ns()
        return self._start_ns + time.monotonic_ns() - self._start_monotonic_ns

    def __enter__(self) -> "Step":
        self._token = enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A generator that its reader leaves early has not failed.
        if error is not None and not isinstance(error, GeneratorExit):
            self.fail(type(error).__qualname__, text_of(error))
        if not self.ended:
            self.end()
        if self._token is not None:
            leave(self._token)
            self._token = None
