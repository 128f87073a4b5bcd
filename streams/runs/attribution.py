"""Whose step is it? The agent that the step names, else the one that its nearest ancestor names.

When nobody names one, in this order: the agent's name that stands inside of another name, the step's own or
the nearest ancestor's; the name of the root span, unless that is a single call; the service; the
instrumentation; `unattributed`.

In OpenTelemetry the span that names the agent often ends last, so most steps arrive before it is known whose
they are. Until then a step is unsure, and a query sees no agent on it. It is sent when an ancestor names
one, when all of its ancestors have ended and none does, when its run closes, or after 30 s of clock. What is
learnt later takes back what was sent.

Each run knows which of its unnamed steps lie right below which id, seen or not. So a step that turns up, ends
or gets another content is looked at with what lies below it, and with nothing else: a run's cost does not
grow with the square of its steps.
"""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from streams.runs.outbox import Outbox
from streams.runs.steps import Ints, Steps
from streams.runs.store import RowStore
from streams.runs.table import FAR_FUTURE_NS, Agent, Run, RunTable

UNATTRIBUTED = "unattributed"
# A root of these kinds is a call, whose name says what was called.
CALLS = ("llm", "embedding", "retrieval", "tool", "guardrail")
# What SDKs of OpenTelemetry call a service whose name nobody has set.
NO_SERVICE = "unknown_service"
# A name with an id in it is another one in each run: it names no agent.
RUN_ID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|[0-9a-fA-F]{16}"
_RUN_ID = re.compile(RUN_ID)
# Steps looked at for an agent, the step itself included: deeper than any framework nests; a cycle of parents
# ends here too.
MAX_DEPTH = 128


_NAMES = ("parent_event_id", "agent_hint", "service_name", "scope_name")


class Attribution:
    """Settles steps into the outbox, each under its agent."""

    def __init__(self, table: RunTable, store: RowStore, outbox: Outbox) -> None:
        self._table = table
        self._store = store
        self._outbox = outbox

    def find(self, run: Run, event_id: str) -> Agent | None:
        """The agent of a step as far as it and its ancestors say, or None."""
        return self._look_up(run, event_id)[0]

    def agent(self, run: Run, event_id: str) -> Agent:
        """The agent of a step, or what stands for one when nobody says."""
        return self.find(run, event_id) or self._instead(run, event_id)

    def shown(self, run: Run, event_id: str) -> Agent | None:
        """The agent that a corrected row of a step tells, or None where it is not known yet."""
        return run.inherited.get(event_id) or self.find(run, event_id)

    def above(self, run: Run, batch: pa.RecordBatch, row: int) -> tuple[Agent, bool]:
        """The agent of a step that is not remembered itself, and whether an ancestor names it."""
        step = {name: batch.column(name)[row].as_py() for name in _NAMES}
        found, distance, _ = self._look_up(run, step["parent_event_id"])
        if found is not None and distance + 1 < MAX_DEPTH:
            return found, True
        name = step["agent_hint"] or self._hinted(run, step["parent_event_id"])
        return (name or served(step["service_name"], step["scope_name"]), None), False

    def bill(self, run: Run, event_id: str, status: int | None) -> None:
        """The usage of a step counts, or does not, from now on; what was held is sent.

        Args:
            run, event_id: the step.
            status: its `CostStatus`, where that is not the one emitted.
        """
        place = self._store.locate(run.events[event_id] >> 1)
        before = run.billing.pop(event_id, None)
        if status is not None:
            run.billing[event_id] = status
        own = self._own(run.events[event_id] >> 1)
        if event_id in run.held:
            del run.held[event_id]
            if own is None:
                self._look_at(run, event_id)
            else:
                first = event_id not in run.again
                self._outbox.settle_one(*place, own, first=first, status=status)
            if own is None and run.inherited[event_id] is not None:
                return
        elif sent := own or run.inherited.get(event_id):
            self._outbox.settle_one(*place, sent, weight=-1, status=before)
            self._outbox.settle_one(*place, sent, status=status)
        if status != before:
            self._outbox.correct(*place, self.shown(run, event_id), status)

    def settle(self, steps: Steps, slots: Ints, counted: Ints, now_ns: int) -> None:
        """Settle the new steps of a frame that are sure, and what has become sure with them.

        Args:
            steps: the frame.
            slots: run of each step.
            counted: rows that are new and ended.
            now_ns: the clock.
        """
        held = steps.has_usage & (self._table.suspect[slots] > 0)
        for row in counted[held[counted]].tolist():
            self._table.run(int(slots[row])).held[steps.event_ids[row]] = None
        self._outbox.settle(steps.batch, counted[(steps.named & ~held)[counted]])
        waiting = counted[~steps.named[counted]].tolist()
        for row in waiting:
            self._wait(int(slots[row]), steps.event_ids[row], now_ns)
        for row in np.flatnonzero(~steps.named & ~steps.ended).tolist():
            run, event_id = self._table.run(int(slots[row])), steps.event_ids[row]
            self._enter_below(run, event_id, run.events[event_id] >> 1)
        runs = {slot: self._table.run(slot) for slot in np.unique(slots).tolist()}
        runs = {slot: run for slot, run in runs.items() if run.below}
        if not runs:
            return
        for event_id, slot in zip(steps.event_ids, slots.tolist(), strict=True):
            if slot in runs and event_id in runs[slot].below:
                self._look_below(runs[slot], event_id)
        for row in waiting:
            self._look_at(self._table.run(int(slots[row])), steps.event_ids[row])
        for slot in runs:
            self._note_waiting(slot)

    def settle_unknown(self, slot: int) -> None:
        """Time is up, or the run has closed: what is still unsure goes out under what stands for an agent."""
        run = self._table.run(slot)
        for event_id in run.unsure:
            if run.inherited[event_id] is None:
                self._send(run, event_id, self.agent(run, event_id))
        run.unsure.clear()
        self._note_waiting(slot)

    def replace(self, slot: int, event_id: str, row: int, now_ns: int) -> None:
        """Another content counts under an id: take back what was sent of the old one, and send the new one.

        With usage it is held: the run is suspect, as its billing was told. Steps below it may have been sent
        under an agent that only the old content named.
        """
        run = self._table.run(slot)
        had = run.events[event_id] >> 1
        self._take_back(run, event_id)
        run.events[event_id] = row << 1 | 1
        own = self._own(row)
        run.billing.pop(event_id, None)
        if self._store.value(row, "cost_status"):
            run.held[event_id] = None
        if own is None:
            self._wait(slot, event_id, now_ns)
            self._look_at(run, event_id)
        elif event_id not in run.held:
            self._outbox.settle_one(*self._store.locate(row), own, first=event_id not in run.again)
        same_place = self._store.value(had, "parent_event_id") == self._store.value(row, "parent_event_id")
        if self._own(had) != own or not same_place:
            self._look_below(run, event_id)
        self._note_waiting(slot)

    # -- looking

    def _look_up(self, run: Run, event_id: str | None) -> tuple[Agent | None, int, bool]:
        """The agent of the nearest step that names one, from a step upwards, and how far it is.

        With no such step: whether none can turn up, because all up to the root have ended.
        """
        step, ended = event_id, True
        for distance in range(MAX_DEPTH):
            if not step:
                return None, 0, ended
            place = run.events.get(step)
            if place is None:
                break
            own = self._own(place >> 1)
            if own is not None:
                return own, distance, True
            ended = ended and bool(place & 1)
            step = self._store.value(place >> 1, "parent_event_id")
        return None, 0, False

    def _look_at(self, run: Run, event_id: str) -> None:
        agent, _, sure = self._look_up(run, event_id)
        self._give(run, event_id, agent, sure=sure)

    def _look_below(self, run: Run, event_id: str) -> None:
        """Give the steps below one that has changed the agent that they inherit now."""
        agent, distance, sure = self._look_up(run, event_id)
        seen = {event_id}
        level = {event_id: sure}
        while level:
            distance += 1
            inherited = agent if distance < MAX_DEPTH else None
            below: dict[str, bool] = {}
            for parent, above in level.items():
                for child in self._children(run, parent):
                    if child not in seen:
                        below[child] = above and bool(run.events[child] & 1)
            level = below
            seen.update(level)
            for child, settled in level.items():
                if child in run.inherited:
                    self._give(run, child, inherited, sure=settled)

    def _children(self, run: Run, parent_id: str) -> Iterator[str]:
        """Steps that name no agent, and this parent, by the content that counts now."""
        for child in run.below.get(parent_id, ()):
            row = run.events[child] >> 1
            if self._own(row) is None and self._store.value(row, "parent_event_id") == parent_id:
                yield child

    def _give(self, run: Run, event_id: str, agent: Agent | None, *, sure: bool) -> None:
        """Send a step under an agent, unless it was; None: nobody says, which is news if somebody did."""
        if event_id in run.held:
            return  # it is looked at again when its usage is decided
        sent = run.inherited[event_id]
        if agent is not None or sure:
            run.unsure.pop(event_id, None)
        if agent is None and (sure or sent is not None):
            agent = self._instead(run, event_id)
        if agent is not None and agent != sent:
            self._send(run, event_id, agent)

    # -- keeping

    def _wait(self, slot: int, event_id: str, now_ns: int) -> None:
        run = self._table.run(slot)
        run.inherited[event_id] = None
        run.unsure[event_id] = None
        self._enter_below(run, event_id, run.events[event_id] >> 1)
        self._table.unsure_ns[slot] = min(int(self._table.unsure_ns[slot]), now_ns)

    def _enter_below(self, run: Run, event_id: str, row: int) -> None:
        parent_id = self._store.value(row, "parent_event_id")
        if parent_id:
            run.below.setdefault(parent_id, []).append(event_id)

    def _note_waiting(self, slot: int) -> None:
        if not self._table.run(slot).unsure:
            self._table.unsure_ns[slot] = FAR_FUTURE_NS

    def _send(self, run: Run, event_id: str, agent: Agent) -> None:
        """Send a step that does not name its agent; what was sent of it before is taken back."""
        place = self._store.locate(run.events[event_id] >> 1)
        sent = run.inherited[event_id]
        status = run.billing.get(event_id)
        if sent is not None:
            self._outbox.settle_one(*place, sent, weight=-1, status=status)
        run.inherited[event_id] = agent
        first = sent is None and event_id not in run.again
        self._outbox.settle_one(*place, agent, first=first, status=status)
        self._outbox.correct(*place, agent, status)

    def _take_back(self, run: Run, event_id: str) -> None:
        row = run.events[event_id] >> 1
        sent = run.inherited.pop(event_id) if event_id in run.inherited else self._own(row)
        run.unsure.pop(event_id, None)
        if event_id in run.held:
            del run.held[event_id]
        elif sent is not None:
            run.again[event_id] = None
            status = run.billing.get(event_id)
            self._outbox.settle_one(*self._store.locate(row), sent, weight=-1, status=status)

    def _own(self, row: int) -> Agent | None:
        name = self._store.value(row, "agent_name")
        return (name, self._store.value(row, "agent_version")) if name else None

    def _instead(self, run: Run, event_id: str) -> Agent:
        """What stands for the agent of a step when nobody names one."""
        row = run.events[event_id] >> 1
        service, scope = self._store.value(row, "service_name"), self._store.value(row, "scope_name")
        return self._hinted(run, event_id) or served(service, scope), None

    def _hinted(self, run: Run, event_id: str | None) -> str | None:
        """The nearest name inside a name, from a step upwards, else the name of the root."""
        step = event_id
        for _ in range(MAX_DEPTH):
            place = run.events.get(step) if step else None
            if place is None:
                return None
            row = place >> 1
            if hint := self._store.value(row, "agent_hint"):
                return str(hint)
            step = self._store.value(row, "parent_event_id")
            if not step and self._store.value(row, "kind") not in CALLS:
                name = self._store.value(row, "span_name")
                return None if not name or _RUN_ID.search(name) else str(name)
        return None


def served(service_name: str | None, scope_name: str | None) -> str:
    """What stands for an agent when no name of a step or span does."""
    service = "" if (service_name or "").startswith(NO_SERVICE) else service_name
    return service or scope_name or UNATTRIBUTED


def enter_below(run: Run, store: RowStore) -> None:
    """Fill `below` of a run whose state was written before there was one."""
    for event_id, place in run.events.items():
        parent_id = store.value(place >> 1, "parent_event_id")
        if parent_id and not store.value(place >> 1, "agent_name"):
            run.below.setdefault(parent_id, []).append(event_id)
