"""Whose step is it? The agent that the step names, else the one that its nearest ancestor names.

In OpenTelemetry the span that names the agent often ends last, so most steps arrive before it is known whose
they are. Until then a step is unsure; it is sent when an ancestor turns up, when its run closes or after 30 s
of clock, then under its service or as `unattributed`. What is learnt later takes back what was sent.

Each run knows which of its unnamed steps lie right below which id, seen or not. So a step that turns up, ends
or gets another content is looked at with what lies below it, and with nothing else: a run's cost does not
grow with the square of its steps.
"""

from collections.abc import Iterator

import numpy as np

from streams.runs.outbox import Outbox
from streams.runs.steps import Ints, Steps
from streams.runs.store import RowStore
from streams.runs.table import FAR_FUTURE_NS, Agent, Run, RunTable

UNATTRIBUTED = "unattributed"
# Steps looked at for an agent, the step itself included: deeper than any framework nests; a cycle of parents
# ends here too.
MAX_DEPTH = 128


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
        """The agent of a step, or its service when nobody says."""
        return self.find(run, event_id) or self._service(run, event_id)

    def above(self, run: Run, parent_id: str | None) -> Agent | None:
        """The agent of a step that is not remembered itself, as far as its ancestors say."""
        found, distance = self._look_up(run, parent_id)
        return found if distance + 1 < MAX_DEPTH else None

    def settle(self, steps: Steps, slots: Ints, counted: Ints, now_ns: int) -> None:
        """Settle the new steps of a frame that are sure, and what has become sure with them.

        Args:
            steps: the frame.
            slots: run of each step.
            counted: rows that are new and ended.
            now_ns: the clock.
        """
        self._outbox.settle(steps.batch, counted[steps.named[counted]])
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
        """Time is up, or the run has closed: what is still unsure goes out under its service."""
        run = self._table.run(slot)
        for event_id in run.unsure:
            if run.inherited[event_id] is None:
                self._send(run, event_id, self.agent(run, event_id))
        run.unsure.clear()
        self._note_waiting(slot)

    def replace(self, slot: int, event_id: str, row: int, now_ns: int) -> None:
        """Another content counts under an id: take back what was sent of the old one, and send the new one.

        Steps below it may have been sent under an agent that only the old content named.
        """
        run = self._table.run(slot)
        had = run.events[event_id] >> 1
        self._take_back(run, event_id)
        run.events[event_id] = row << 1 | 1
        own = self._own(row)
        if own is None:
            self._wait(slot, event_id, now_ns)
            self._look_at(run, event_id)
        else:
            self._outbox.settle_one(*self._store.locate(row), own, first=event_id not in run.again)
        same_place = self._store.value(had, "parent_event_id") == self._store.value(row, "parent_event_id")
        if self._own(had) != own or not same_place:
            self._look_below(run, event_id)
        self._note_waiting(slot)

    # -- looking

    def _look_up(self, run: Run, event_id: str | None) -> tuple[Agent | None, int]:
        """The agent of the nearest step that names one, from a step upwards, and how far it is."""
        step = event_id
        for distance in range(MAX_DEPTH):
            place = run.events.get(step) if step else None
            if place is None:
                break
            own = self._own(place >> 1)
            if own is not None:
                return own, distance
            step = self._store.value(place >> 1, "parent_event_id")
        return None, 0

    def _look_at(self, run: Run, event_id: str) -> None:
        self._give(run, event_id, self.find(run, event_id))

    def _look_below(self, run: Run, event_id: str) -> None:
        """Give the steps below one that has changed the agent that they inherit now."""
        agent, distance = self._look_up(run, event_id)
        seen = {event_id}
        level = [event_id]
        while level:
            distance += 1
            inherited = agent if distance < MAX_DEPTH else None
            level = [child for parent in level for child in self._children(run, parent) if child not in seen]
            level = list(dict.fromkeys(level))
            seen.update(level)
            for child in level:
                if child in run.inherited:
                    self._give(run, child, inherited)

    def _children(self, run: Run, parent_id: str) -> Iterator[str]:
        """Steps that name no agent, and this parent, by the content that counts now."""
        for child in run.below.get(parent_id, ()):
            row = run.events[child] >> 1
            if self._own(row) is None and self._store.value(row, "parent_event_id") == parent_id:
                yield child

    def _give(self, run: Run, event_id: str, agent: Agent | None) -> None:
        """Send a step under an agent, unless it was; None: nobody says, which is news if somebody did."""
        sent = run.inherited[event_id]
        if agent is not None:
            run.unsure.pop(event_id, None)
        elif sent is not None:
            agent = self._service(run, event_id)
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
        if sent is not None:
            self._outbox.settle_one(*place, sent, weight=-1)
        run.inherited[event_id] = agent
        first = sent is None and event_id not in run.again
        self._outbox.settle_one(*place, agent, first=first)
        self._outbox.correct(*place, *agent)

    def _take_back(self, run: Run, event_id: str) -> None:
        row = run.events[event_id] >> 1
        sent = run.inherited.pop(event_id) if event_id in run.inherited else self._own(row)
        run.unsure.pop(event_id, None)
        if sent is not None:
            run.again[event_id] = None
            self._outbox.settle_one(*self._store.locate(row), sent, weight=-1)

    def _own(self, row: int) -> Agent | None:
        name = self._store.value(row, "agent_name")
        return (name, self._store.value(row, "agent_version")) if name else None

    def _service(self, run: Run, event_id: str) -> Agent:
        return self._store.value(run.events[event_id] >> 1, "service_name") or UNATTRIBUTED, None


def enter_below(run: Run, store: RowStore) -> None:
    """Fill `below` of a run whose state was written before there was one."""
    for event_id, place in run.events.items():
        parent_id = store.value(place >> 1, "parent_event_id")
        if parent_id and not store.value(place >> 1, "agent_name"):
            run.below.setdefault(parent_id, []).append(event_id)
