"""Is an alarm a change, or the false alarm that was bound to come?

Shared by all detectors of ``slots.py``. Empirical, outside of the theorem. When a statistic reaches A an
incident opens: the reference is frozen and goes on as a judge with its evidence at ``head_start``, while a
second engine learns from the observations that follow. If the frozen reference is contradicted again
(statistic >= ``confirm_threshold`` within ``confirm_within`` observations) the change is confirmed and the
second engine becomes the reference; else the incident closes, the second engine is dropped and the old
reference goes on.
So a false alarm costs neither the reference nor a page.

Why a head start: a change began before its alarm, so most of the stake is put down at once instead of a part
at each observation (G. Moustakides, A. Polunchenko, A. Tartakovsky, Statistica Sinica 2011: SR-r). If the
frozen reference is the truth the statistic less the observations since is a martingale that begins at
``head_start``, so that a false incident is confirmed with a chance of at most (``head_start`` +
``confirm_within``) / ``confirm_threshold``; the error of a finite reference comes on top.

One change is one incident. What is still moving when it is confirmed contradicts the new reference, too, and
a slight change may take more than one alarm to be confirmed. So an alarm to the same side within
``settle_within`` observations of the end of an incident (closed, confirmed, or its reference learnt)
continues that incident. References, evidence and alarms are as if it opened another; only the name differs.

What is wrong with it: a true change that fades within ``confirm_within`` observations closes like a false
alarm; after a confirmed one the stream is blind until the new reference has W values; and a second change to
the same side that soon follows the first is told as more of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.contract import NO_CODE, Direction, IncidentKind, Incidents, Phase
from detectors.intervals import UNKNOWN, Level
from detectors.rows import REACHED
from detectors.state import NO_SIDE, Layout, Side, Streams, enlarge_side, make_side


class Change(NamedTuple):
    """What moved: the direction and, for categories, the code (NO_CODE for others)."""

    direction: Direction
    code: int


class Reference(Protocol):
    """What this layer asks of one kind of reference (numbers, 0/1, categories)."""

    layout: Layout
    warm_up: int
    head_start: float
    """What the statistic begins with when an incident opens."""
    settle_within: int
    """Observations after an incident's end within which an alarm to the same side continues it."""

    def settle(self, block: NDArray[np.int32]) -> None:
        """Turn a block that has taken its W values into what is watched against."""

    def stake(self, block: NDArray[np.int32], evidence: NDArray[np.float32], amount: float) -> None:
        """Put so much on the bets, of which none holds anything, that the statistic is ``amount`` at most."""

    def suspect(self, block: NDArray[np.int32], evidence: NDArray[np.float32], value: float) -> Change:
        """What the evidence speaks for most, at the observation that raised the alarm."""

    def contrast(
        self,
        old: NDArray[np.int32],
        new: NDArray[np.int32],
        evidence: NDArray[np.float32],
        taken: tuple[int, int],
    ) -> Change:
        """What moved, when two references are at hand, which have taken so many values."""

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:
        """What the change is about, in a reference that has taken so many values."""


class Event(NamedTuple):
    """Something happened to an incident: from what to what."""

    kind: IncidentKind
    change: Change
    old: Level
    new: Level


class IncidentLog:
    """The incident events of one batch, in any order until ``build``."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, float, float, Event]] = []

    def append(self, row: int, slot: int, statistic: float, threshold: float, event: Event) -> None:
        """Note one event."""
        self._rows.append((row, slot, statistic, threshold, event))

    def build(self) -> Incidents:
        """The events as columns, ordered by row."""
        rows = sorted(self._rows, key=lambda row: row[0])
        events = [row[-1] for row in rows]
        shape = (len(rows), 3)
        return Incidents(
            row=np.array([row[0] for row in rows], np.int64),
            slot=np.array([row[1] for row in rows], np.int32),
            kind=np.array([event.kind for event in events], np.int8),
            direction=np.array([event.change.direction for event in events], np.int8),
            code=np.array([event.change.code for event in events], np.int64),
            statistic=np.array([row[2] for row in rows], np.float64),
            threshold=np.array([row[3] for row in rows], np.float64),
            reference=np.array([event.old[:3] for event in events], np.float64).reshape(shape),
            reference_n=np.array([event.old.n for event in events], np.int64),
            current=np.array([event.new[:3] for event in events], np.float64).reshape(shape),
            current_n=np.array([event.new.n for event in events], np.int64),
        )


class SideEngines:
    """The second engines of the incidents that are open, and the rows that are free for more."""

    def __init__(self, layout: Layout, side: Side | None = None) -> None:
        """``side``: engines that are all in use."""
        self._layout = layout
        self.arrays = make_side(0, layout) if side is None else side
        self._free: list[int] = []

    def take(self) -> int:
        """A row for an engine that has taken nothing, growing if there is none."""
        if not self._free:
            old = len(self.arrays.taken)
            self.arrays = enlarge_side(self.arrays, self._layout)
            self._free = list(range(len(self.arrays.taken) - 1, old - 1, -1))
        return self._free.pop()

    def give_back(self, row: int) -> None:
        """Empty a row."""
        self.arrays.block[row] = 0
        self.arrays.taken[row] = 0
        self._free.append(row)


class IncidentLayer:
    """The incidents of a detector's streams: opened, confirmed, closed, and their references replaced."""

    def __init__(self, reference: Reference, side: Side | None = None) -> None:
        """``side``: second engines of incidents that are open."""
        self._reference = reference
        self.engines = SideEngines(reference.layout, side)

    def move_on(self, streams: Streams, slot: int, flag: int, value: float) -> Event:
        """An alarm was raised, an open incident was judged, or a new reference is learnt; what that means."""
        phase = streams.phase[slot]
        if phase == Phase.ARMED:
            return self._open(streams, slot, value)
        if phase == Phase.RELEARNING:
            streams.phase[slot] = Phase.ARMED
            streams.ended[slot] = _count(streams, slot)
            change = _told(streams, slot)
            level = self._reference.level(streams.block[slot], int(streams.taken[slot]), change)
            return Event(IncidentKind.REBASED, change, UNKNOWN, level)
        return self._judge(streams, slot, IncidentKind.CONFIRMED if flag & REACHED else IncidentKind.CLOSED)

    def _open(self, streams: Streams, slot: int, value: float) -> Event:
        """Freeze the reference and start the second engine; go on with the incident before if it is one."""
        block = streams.block[slot]
        change, before = self._reference.suspect(block, streams.evidence[slot], value), _told(streams, slot)
        continues = bool(self.settling(streams, slot)) and _same_side(change, before)
        if not continues:
            streams.ended[slot] = 0
            streams.confirmed[slot] = False
        elif streams.confirmed[slot]:
            change = before
        level = self._reference.level(block, int(streams.taken[slot]), change)
        _tell(streams, slot, change)
        streams.evidence[slot] = 0
        self._reference.stake(block, streams.evidence[slot], self._reference.head_start)
        streams.phase[slot] = Phase.OPEN
        streams.since[slot] = 0
        streams.side[slot] = self.engines.take()
        return Event(IncidentKind.CONTINUED if continues else IncidentKind.OPENED, change, level, UNKNOWN)

    def settling(self, streams: Streams, slots: int | NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether the incident before may be continued, or is: of each slot."""
        ended = streams.ended[slots]
        since = (_count(streams, slots) - ended) & _COUNTED
        recent = (streams.phase[slots] != Phase.ARMED) | (since <= self._reference.settle_within)
        may: NDArray[np.bool_] = (ended != 0) & recent
        return may

    def _judge(self, streams: Streams, slot: int, kind: IncidentKind) -> Event:
        """Put the second engine in the reference's place, or drop it and go on with the old reference.

        In its place it goes on learning if it has not all its W values. An incident that is confirmed again
        keeps the change that it was told of, so that its levels are of one kind from first to last.
        """
        row = int(streams.side[slot])
        block, taken = self.engines.arrays.block[row], int(self.engines.arrays.taken[row])
        old, old_taken = streams.block[slot], int(streams.taken[slot])
        change = _told(streams, slot)
        if kind is IncidentKind.CONFIRMED and not streams.confirmed[slot]:
            change = self._reference.contrast(old, block, streams.evidence[slot], (old_taken, taken))
        event = Event(
            kind,
            change,
            self._reference.level(old, old_taken, change),
            self._reference.level(block, taken, change),
        )
        streams.phase[slot] = Phase.ARMED
        if kind is IncidentKind.CONFIRMED:
            _tell(streams, slot, change)
            streams.confirmed[slot] = True
            streams.block[slot] = block
            streams.taken[slot] = taken
            if taken < self._reference.warm_up:
                streams.phase[slot] = Phase.RELEARNING
        self.engines.give_back(row)
        streams.side[slot] = NO_SIDE
        streams.since[slot] = 0
        streams.ended[slot] = _count(streams, slot)
        streams.evidence[slot] = 0
        return event


_COUNTED = 2**31 - 1
_SIDES = {Direction.UPPER_TAIL: Direction.UP, Direction.LOWER_TAIL: Direction.DOWN}


def _same_side(one: Change, other: Change) -> bool:
    """Of the same category if any, and a tail is on the side of its shift."""
    sides = [_SIDES.get(change.direction, change.direction) for change in (one, other)]
    return one.code == other.code and sides[0] == sides[1]


def _count(streams: Streams, slots: int | NDArray[np.int32]) -> Any:
    """Accepted observations, beginning anew after 2^31, which is long after anything has settled."""
    return streams.seen[slots] & _COUNTED


def _tell(streams: Streams, slot: int, change: Change) -> None:
    streams.direction[slot] = change.direction
    streams.code[slot] = change.code


def _told(streams: Streams, slot: int) -> Change:
    """What was told of the stream's incident last."""
    codes = streams.code[slot]
    return Change(Direction(int(streams.direction[slot])), int(codes[0]) if len(codes) else NO_CODE)
