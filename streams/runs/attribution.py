"""Whose step is it? The agent that the step names, else the one that its nearest ancestor names.

In OpenTelemetry the span that names the agent often ends last, so most steps arrive before it is known whose
they are. Until then a step is unsure; it is sent when an ancestor turns up, when its run closes or after 30 s
of clock, then under its service or as `unattributed`. What is learnt later takes back what was sent.
"""

import numpy as np

from streams.runs.outbox import Outbox
from streams.runs.steps import Ints, Steps
from streams.runs.store import RowStore
from streams.runs.table import FAR_FUTURE_NS, Agent, Run, RunTable

UNATTRIBUTED = "unattributed"
# Deeper than any framework nests; a cycle of parents ends here too.
MAX_DEPTH = 128


class Attribution:
    """Settles steps into the outbox, each under its agent."""

    def __init__(self, table: RunTable, store: RowStore, outbox: Outbox) -> None:
        self._table = table
        self._store = store
        self._outbox = outbox

    def find(self, run: Run, event_id: str) -> Agent | None:
        """The agent of a step as far as it and its ancestors say, or None."""
        step: str | None = event_id
        for _ in range(MAX_DEPTH):
            place = run.events.get(step) if step else None
            if place is None:
                return None
            own = self._own(place >> 1)
            if own is not None:
                return own
            step = self._store.value(place >> 1, "parent_event_id")
        return None

    def agent(self, run: Run, event_id: str) -> Agent:
        """The agent of a step, or its service when nobody says."""
        found = self.find(run, event_id)
        if found is not None:
            return found
        return self._store.value(run.events[event_id] >> 1, "service_name") or UNATTRIBUTED, None

    def settle(self, steps: Steps, slots: Ints, counted: Ints, now_ns: int) -> None:
        """Settle the new steps of a frame that are sure, and what has become sure with them.

        Args:
            steps: the frame.
            slots: run of each step.
            counted: rows that are new and ended.
            now_ns: the clock.
        """
        self._outbox.settle(steps.batch, counted[steps.named[counted]])
        for row in counted[~steps.named[counted]].tolist():
            self._wait(int(slots[row]), steps.event_ids[row], now_ns)
        for slot in np.unique(slots).tolist():
            if self._table.run(slot).unsure:
                self._resolve(slot)

    def settle_unknown(self, slot: int) -> None:
        """Time is up, or the run has closed: what is still unsure goes out under its service."""
        run = self._table.run(slot)
        for event_id in run.unsure:
            if run.inherited[event_id] is None:
                self._send(run, event_id, self.agent(run, event_id))
        self._table.unsure_ns[slot] = FAR_FUTURE_NS

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
        else:
            self._outbox.settle_one(*self._store.locate(row), own, first=event_id not in run.again)
        same_place = self._store.value(had, "parent_event_id") == self._store.value(row, "parent_event_id")
        if self._own(had) != own or not same_place:
            for other, sent in list(run.inherited.items()):
                run.unsure[other] = None
                if sent is not None and sent != self.agent(run, other):
                    self._send(run, other, self.agent(run, other))
        self._resolve(slot)

    def _wait(self, slot: int, event_id: str, now_ns: int) -> None:
        run = self._table.run(slot)
        run.inherited[event_id] = None
        run.unsure[event_id] = None
        self._table.unsure_ns[slot] = min(int(self._table.unsure_ns[slot]), now_ns)

    def _resolve(self, slot: int) -> None:
        run = self._table.run(slot)
        for event_id in list(run.unsure):
            agent = self.find(run, event_id)
            if agent is not None:
                del run.unsure[event_id]
                if agent != run.inherited[event_id]:
                    self._send(run, event_id, agent)
        if all(run.inherited[event_id] is not None for event_id in run.unsure):
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
