"""How does a step become bytes in the queue? Fields are collected, inherited, made valid and encoded.

All of it happens in the agent's thread, so that an object may change afterwards, and none of it raises: what
is unusable is left out, counted by name, and logged once.
"""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from wakeline.context import Place, current
from wakeline.fields import CONTENT_FIELDS, FOR_WHOM, INHERITED, SETTABLE, WHO, Event, Kind
from wakeline.ids import Ids
from wakeline.options import Options
from wakeline.outbox import INVALID, TOO_LARGE, Item, Outbox
from wakeline.sender import MAX_MESSAGE_BYTES
from wakeline.step import Step
from wakeline.values import attributes_of, content_of, repair, text_of

SCOPE_NAME = "wakeline"
SCOPE_VERSION = "0.1.0"
CUT_ATTRIBUTE = "wakeline.cut_contents"
_FAULTS = (msgspec.ValidationError, TypeError, ValueError, OverflowError, RecursionError)
_NOTHING: dict[str, Any] = {}
# Steps within, and other services, may have been told these already.
_FIXED = frozenset(("event_id", "start_time_unix_nano", "run_id", "trace_id"))

log = logging.getLogger("wakeline")


class Recorder:
    """Makes steps and events for one emitter.

    Attributes:
        cut: contents that were cut or left out.
        refused: arguments that were left out, by name.
    """

    def __init__(self, options: Options, outbox: Outbox) -> None:
        self._options = options
        self._outbox = outbox
        self._encode = msgspec.json.Encoder().encode
        self._ids = Ids()
        self._labels: dict[str, object] = {
            name: value for name in sorted(WHO) if (value := getattr(options, name)) is not None
        }
        self._after_s = options.started_after_s if options.enabled else math.inf
        self.reset()

    def reset(self) -> None:
        """In a forked child: nothing was counted, and new ids."""
        self._ids.reseed()
        self._lock = threading.RLock()  # a signal handler may complain while its thread does
        self._told: set[str] = set()
        # Open steps that were not announced yet, oldest first.
        self._young: dict[str, tuple[float, Step]] = {}
        self.refused: Counter[str] = Counter()
        self.cut = 0

    # -- steps

    def open(self, kind: Kind, own: Mapping[str, Any], given: Mapping[str, Any]) -> Step:
        """Begin a step.

        Args:
            kind: of the event.
            own: what the method that was called says; None means not said.
            given: what its caller says beyond; overrides.
        """
        outer = self._outer(kind, given)
        fields: dict[str, Any] = {"kind": kind}
        self.add(fields, own)
        self.add(fields, given)
        event_id = fields.get("event_id")
        if type(event_id) is not str or not event_id:
            if event_id is not None:
                self.complain("event_id")
            fields["event_id"] = event_id = self._ids.make()
        labels = self._inherit(fields, outer)
        if outer is not None and "parent_event_id" not in fields and outer.event_id is not None:
            fields["parent_event_id"] = outer.event_id
        if kind == "run" or outer is None:
            labels = _name_run(kind, event_id, labels)
        fields.update(labels)
        start_ns = fields.get("start_time_unix_nano")
        clocked = type(start_ns) is not int
        if clocked:
            if start_ns is not None:
                self.complain("start_time_unix_nano")
            fields["start_time_unix_nano"] = time.time_ns()
        step = Step(self, fields, labels, outer, clocked=clocked)
        if self._after_s != math.inf:
            self._young[event_id] = (time.monotonic(), step)
        return step

    def _outer(self, kind: Kind, given: Mapping[str, Any]) -> Place | None:
        """The place of a new step: the parent given, else the context's, unless another run is named."""
        place: object = given.get("parent")
        if place is None:
            place = current()
            run_id = given.get("run_id") or given.get("trace_id")
            if place is None or (run_id and not _is_in(place, run_id)):
                return None
            if kind == "run" and place.ended:
                return None
        elif not isinstance(place, Place):
            self.complain("parent")
            return None
        return place

    def _inherit(self, fields: Mapping[str, Any], outer: Place | None) -> dict[str, object]:
        """Labels of a step and of those within it."""
        if outer is None:
            base = self._labels
        elif outer.owner is self:
            base = outer.labels
        else:  # of another emitter or service, which has a name and versions of its own
            shared = outer.labels
            base = self._labels | {name: shared[name] for name in FOR_WHOM if name in shared}
        own = {name: fields[name] for name in fields.keys() & INHERITED}
        return merge_labels(base, own) if own else base

    def add(self, fields: dict[str, Any], more: Mapping[str, Any]) -> None:
        """Put what was said into the fields of a step; contents become JSON at once."""
        for name, value in more.items():
            if value is None:
                continue
            if name in CONTENT_FIELDS:
                self._add_content(fields, name, value)
            elif name == "attributes":
                attributes = attributes_of(value)
                if attributes is None:
                    self.complain(name)
                else:
                    fields[name] = fields.get(name, _NOTHING) | attributes
            elif name in SETTABLE:
                fields[name] = value
            elif name != "parent":
                self.complain(name)

    def amend(self, fields: dict[str, Any], more: Mapping[str, Any]) -> None:
        """The same for a step that is open: what it was opened as stays."""
        if fixed := more.keys() & _FIXED:
            more = {name: value for name, value in more.items() if name not in fixed}
            for name in sorted(fixed):
                self.complain(name)
        self.add(fields, more)

    def _add_content(self, fields: dict[str, Any], name: str, value: object) -> None:
        if not self._options.contents or not self._options.enabled:
            return
        fields[name], was_cut = content_of(value, self._options.max_content_bytes)
        if was_cut:
            self._note_cut(fields, name)

    def _note_cut(self, fields: dict[str, Any], name: str) -> None:
        attributes = fields.get("attributes", _NOTHING)
        names = attributes.get(CUT_ATTRIBUTE)
        fields["attributes"] = attributes | {CUT_ATTRIBUTE: f"{names} {name}" if names else name}
        with self._lock:
            self.cut += 1

    # -- events

    def finish(self, fields: dict[str, Any]) -> None:
        """A step has ended: encode it and put it into the queue."""
        self._young.pop(fields["event_id"], None)
        if self._options.enabled:
            self._emit(fields)

    def announce(self) -> None:
        """Emit a `started` event, without contents, for steps that have been open for long enough."""
        due = time.monotonic() - self._after_s
        for event_id, (since, step) in list(self._young.items()):
            if since > due:
                return
            self._young.pop(event_id, None)
            if not step.ended:
                fields = {k: v for k, v in step.snapshot().items() if k not in CONTENT_FIELDS}
                self._emit(fields | {"state": "started", "end_time_unix_nano": None})

    def make_report(self, reason: str, count: int) -> Item:
        """An event that says how many were dropped, and why."""
        fields: dict[str, Any] = self._labels | {
            "event_id": self._ids.make(),
            "kind": "report",
            "start_time_unix_nano": time.time_ns(),
            "dropped_events": min(count, 1_000_000_000),
            "scope_name": SCOPE_NAME,
            "scope_version": SCOPE_VERSION,
            "attributes": {"reason": reason},
        }
        return Item(fields["event_id"], self._encode(msgspec.convert(fields, Event)))

    def _emit(self, fields: dict[str, Any]) -> None:
        try:
            data = self._encode(msgspec.convert(fields, Event))
        except _FAULTS:
            fields, data = self._repaired(fields)
        if len(data) > MAX_MESSAGE_BYTES:
            data = self._without_contents(fields)
        if not data:
            self._outbox.drop(INVALID)
        elif len(data) > MAX_MESSAGE_BYTES:
            self._outbox.drop(TOO_LARGE)
        else:
            self._outbox.put(_key(fields), data)

    def _repaired(self, fields: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        fixed, refused = repair(fields)
        for name in refused:
            self.complain(name)
        if "start_time_unix_nano" not in fixed:
            fixed["start_time_unix_nano"] = time.time_ns()
        try:
            return fixed, self._encode(msgspec.convert(fixed, Event))
        except _FAULTS as error:
            self.complain_of_bug("encoding", error)
            return fixed, b""

    def _without_contents(self, fields: dict[str, Any]) -> bytes:
        kept = {name: value for name, value in fields.items() if name not in CONTENT_FIELDS}
        for name in sorted(fields.keys() & CONTENT_FIELDS):
            self._note_cut(kept, name)
        return self._encode(msgspec.convert(kept, Event))

    # -- complaints

    def complain(self, name: str) -> None:
        """Count an argument that cannot be used, and log its name once; values may be secret."""
        key = name if name in SETTABLE or " " in name or name == "parent" else "unknown field"
        with self._lock:
            self.refused[key] += 1
            if key in self._told:
                return
            self._told.add(key)
        log.warning("An argument cannot be used and is left out: %s", text_of(name)[:100])

    def complain_of_bug(self, where: str, error: Exception) -> None:
        """Count what should not have happened, and log it once with its traceback."""
        with self._lock:
            self.refused[where] += 1
            if where in self._told:
                return
            self._told.add(where)
        log.error("wakeline failed in %s; the agent goes on", where, exc_info=error)


def merge_labels(base: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """Labels with some replaced; another agent does not have this one's id and version.

    Example:
        >>> merge_labels({"agent_name": "a", "agent_version": "1", "team": "t"}, {"agent_name": "b"})
        {'agent_name': 'b', 'team': 't'}
    """
    labels = dict(base)
    if "agent_name" in own and own["agent_name"] != base.get("agent_name"):
        labels.pop("agent_version", None)
        labels.pop("agent_id", None)
    for name, value in own.items():
        labels[name] = value if type(value) is str else text_of(value)
    return labels


def _name_run(kind: Kind, event_id: str, labels: dict[str, object]) -> dict[str, object]:
    """A step without a parent begins a run, unless its conversation is known: that is the run, then."""
    if "run_id" in labels or "trace_id" in labels or (kind != "run" and "conversation_id" in labels):
        return labels
    return labels | {"run_id": event_id}


def _is_in(place: Place, run_id: object) -> bool:
    return run_id in (place.labels.get("run_id"), place.labels.get("trace_id"))


def _key(fields: Mapping[str, Any]) -> str:
    return text_of(
        fields.get("trace_id") or fields.get("run_id") or fields.get("conversation_id") or fields["event_id"]
    )
