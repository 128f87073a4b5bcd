"""Whose step is it? The agent that the step names, else the one that its nearest ancestor names.

In OpenTelemetry the span that names the agent often ends last, so most steps arrive before it is known whose
they are. Until then a step is unsure; it is sent when an ancestor turns up, when its run closes or after 30 s
of clock, then under its service or as `unattributed`. What is learnt later takes back what was sent.
"""

import numpy as np

from streams.runs.outbox import Outbox
from streams.runs.steps import Ints, Steps
from streams.runs.store import RowStore
from streams.runs.table import FAR_FUTURE_NS, Run, RunTable

UNATTRIBUTED = "unattributed"
# Deeper than any framework nests; a cycle of parents ends here too.
MAX_DEPTH = 128

Agent = tuple[str, str | None]  # name and version


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
            name = self._store.value(place >> 1, "agent_name")
            if name:
                return name, self._store.value(place >> 1, "agent_version")
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
            slot = int(slots[row])
            self._table.run(slot).unsure[steps.event_ids[row]] = None
            self._table.unsure_ns[slot] = min(int(self._table.unsure_ns[slot]), now_ns)
        for slot in np.unique(slots).tolist():
            if self._table.run(slot).unsure:
                self._resolve(slot)

    def settle_unknown(self, slot: int) -> None:
        """Time is up, or the run has closed: what is still unsure goes out under its service."""
        run = self._table.run(slot)
        for event_id, sent in run.unsure.items():
            if sent is None:
                agent = self.agent(run, event_id)
                run.unsure[event_id] = agent[0]
                self._send(run, event_id, agent)
        self._table.unsure_ns[slot] = FAR_FUTURE_NS

    def resend(self, run: Run, event_id: str, weight: int) -> None:
        """Take back (-1) or send again (+1) a step whose content is replaced, if it has been sent."""
        if run.unsure.get(event_id, "sent") is None:
            return
        agent = self.agent(run, event_id)
        if weight > 0 and event_id in run.unsure:
            run.unsure[event_id] = agent[0]
        self._outbox.settle_one(*self._store.locate(run.events[event_id] >> 1), *agent, weight=weight)

    def _resolve(self, slot: int) -> None:
        run = self._table.run(slot)
        for event_id, sent in list(run.unsure.items()):
            agent = self.find(run, event_id)
            if agent is None:
                continue
            del run.unsure[event_id]
            if sent is not None:
                self._outbox.settle_one(*self._store.locate(run.events[event_id] >> 1), sent, None, weight=-1)
            self._send(run, event_id, agent)
        if all(sent is not None for sent in run.unsure.values()):
            self._table.unsure_ns[slot] = FAR_FUTURE_NS

    def _send(self, run: Run, event_id: str, agent: Agent) -> None:
        place = self._store.locate(run.events[event_id] >> 1)
        self._outbox.settle_one(*place, *agent)
        self._outbox.correct(*place, *agent)
        run.agents[agent[0]] = None
