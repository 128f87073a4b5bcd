"""What does RUNS know of each run? Numbers in arrays by slot: a frame of steps is added in a few calls.

All sums are 64-bit integers: their order does not matter.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from streams.runs.loops import Loop

Ints = npt.NDArray[np.int64]

Agent = tuple[str, str | None]  # name and version

SUMS: tuple[str, ...] = (
    "steps",
    "llm_calls",
    "tool_calls",
    "errors",
    "duplicates",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
    "cost_pico_usd",
    "unpriced_steps",
)
SUM_OF = {name: number for number, name in enumerate(SUMS)}

NO_ROW = -1
FAR_FUTURE_NS = 2**63 - 1


class State(IntEnum):
    FREE = 0
    OPEN = 1
    CLOSED = 2


@dataclass
class Run:
    """What is kept of one run beside its numbers.

    Attributes:
        run_id: its id.
        events: event id -> row number * 2 + 1 when the step has ended, + 0 when it has only started.
        inherited: steps that do not name their agent -> the agent they were sent under; None: not sent.
        unsure: those of them that were not sent, because no ancestor has named an agent yet.
        below: event id -> steps right below it that do not name their agent, begun ones included; it may
            not be there yet. What another content has moved elsewhere stays, and is passed over.
        again: steps of which another content was sent before; detectors have seen them.
        calls: hash of a tool call -> how often.
        loops: found so far.
        billing: steps whose `CostStatus` is another than the one emitted.
        held: ended steps not sent, because it is not decided yet whether their usage counts.
        agents: names that steps gave, in order.
        frames: first rows of the frames that hold its rows.
        overflowed: steps beyond the greatest number whose ids are remembered: they are in the sums alone.
        told: it has closed once, and DRIFT was told.
    """

    run_id: str
    events: dict[str, int] = field(default_factory=dict)
    inherited: dict[str, Agent | None] = field(default_factory=dict)
    unsure: dict[str, None] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)
    again: dict[str, None] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    agents: dict[str, None] = field(default_factory=dict)
    frames: list[int] = field(default_factory=list)
    overflowed: int = 0
    billing: dict[str, int] = field(default_factory=dict)
    held: dict[str, None] = field(default_factory=dict)
    told: bool = False


class RunTable:
    """Slots of runs; a slot is used again after its run is forgotten.

    Attributes:
        counts: `runs.overflowed`, steps counted but not remembered because their run has too many;
            `runs.closed_early`, runs closed because too many were open.
    """

    _ARRAYS = (
        "state",
        "part",
        "opened_ns",
        "append_ns",
        "start_ns",
        "end_ns",
        "first_row",
        "root_row",
        "root_ended",
        "unsure_ns",
        "seen_ns",
        "closed_ns",
        "sent_ns",
        "dirty",
        "suspect",
        "unbilled",
    )

    def __init__(self, capacity: int = 1024) -> None:
        self.slot_of: dict[str, int] = {}
        self.counts = {"runs.overflowed": 0, "runs.closed_early": 0}
        self.runs: list[Run | None] = [None] * capacity
        self._free = list(range(capacity - 1, -1, -1))
        self.sums: Ints = np.zeros((capacity, len(SUMS)), np.int64)
        self.state = np.zeros(capacity, np.int64)
        self.part = np.zeros(capacity, np.int64)
        self.opened_ns = np.zeros(capacity, np.int64)
        self.append_ns = np.zeros(capacity, np.int64)
        self.start_ns = np.zeros(capacity, np.int64)
        self.end_ns = np.zeros(capacity, np.int64)
        self.first_row = np.zeros(capacity, np.int64)
        self.root_row = np.zeros(capacity, np.int64)
        self.root_ended = np.zeros(capacity, np.int64)
        self.unsure_ns = np.zeros(capacity, np.int64)  # clock of the oldest unsent step; FAR_FUTURE: none
        self.seen_ns = np.zeros(capacity, np.int64)  # clock at the newest step
        self.closed_ns = np.zeros(capacity, np.int64)
        self.sent_ns = np.zeros(capacity, np.int64)
        self.dirty = np.zeros(capacity, np.int64)
        self.suspect = np.zeros(capacity, np.int64)  # a call may be told of twice
        self.unbilled = np.zeros(capacity, np.int64)  # and that is to be looked at

    def arrays(self) -> dict[str, npt.NDArray[np.int64]]:
        """For a snapshot: copies of the numbers of all slots."""
        return {name: getattr(self, name).copy() for name in (*self._ARRAYS, "sums")}

    def lists(self) -> tuple[list[Run | None], list[int]]:
        """For a snapshot: what is kept of the run in each slot, and the free slots in their order."""
        return self.runs, self._free

    def load(self, arrays: dict[str, npt.NDArray[np.int64]], runs: list[Run | None], free: list[int]) -> None:
        """Go on from `arrays` and `lists`."""
        for name in (*self._ARRAYS, "sums"):
            setattr(self, name, arrays[name])
        self.runs, self._free = runs, free
        self.slot_of = {run.run_id: slot for slot, run in enumerate(runs) if run is not None}

    def run(self, slot: int) -> Run:
        run = self.runs[slot]
        assert run is not None
        return run

    def open(self, run_id: str, part: int, opened_ns: int, append_ns: int, now_ns: int) -> int:
        """A new slot for a run first met at offset `part`."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self.slot_of[run_id] = slot
        self.runs[slot] = Run(run_id)
        self.sums[slot] = 0
        self.state[slot] = State.OPEN
        self.part[slot] = part
        self.opened_ns[slot] = opened_ns
        self.append_ns[slot] = append_ns
        self.start_ns[slot] = FAR_FUTURE_NS
        self.end_ns[slot] = 0
        self.first_row[slot] = self.root_row[slot] = NO_ROW
        self.root_ended[slot] = self.closed_ns[slot] = self.seen_ns[slot] = 0
        self.sent_ns[slot] = now_ns  # a short run is sent once, when it closes
        self.unsure_ns[slot] = FAR_FUTURE_NS
        self.dirty[slot] = 1
        self.suspect[slot] = self.unbilled[slot] = 0
        return slot

    def silent_longest(self, done: npt.NDArray[np.bool_], most: int) -> npt.NDArray[np.bool_]:
        """Which runs must close so that no more than `most` are open: those silent longest; counted.

        Args:
            done: slots that close in any case.
            most: open runs.
        """
        which = np.zeros(len(self.runs), np.bool_)
        left = np.flatnonzero((self.state == State.OPEN) & ~done)
        if len(left) > most:
            which[left[np.argsort(self.seen_ns[left], kind="stable")[: len(left) - most]]] = True
            self.counts["runs.closed_early"] += len(left) - most
        return which

    def forget(self, slot: int) -> Run:
        """Free a slot; returns what was kept of the run."""
        run = self.run(slot)
        del self.slot_of[run.run_id]
        self.runs[slot] = None
        self.state[slot] = State.FREE
        self.dirty[slot] = self.suspect[slot] = self.unbilled[slot] = 0
        self._free.append(slot)
        return run

    def _grow(self) -> None:
        old = len(self.runs)
        self.runs += [None] * old
        self._free = list(range(2 * old - 1, old - 1, -1))
        self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])
        for name in self._ARRAYS:
            values = getattr(self, name)
            setattr(self, name, np.concatenate([values, np.zeros_like(values)]))
