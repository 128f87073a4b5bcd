"""What does every detector take and give? Read this file first.

A detector watches many streams at once. A stream is one signal of one segment (the duration of one step of
one agent); it has a 64-bit id chosen by the caller and lives in a slot, a row of the detector's arrays. On
the main path the caller turns a batch of observations into two arrays, ``slots`` and ``values`` in arrival
order, and gets one reading for each row and the few events of incidents among them.

A detector knows floats: no agents, no clock, no randomness but a hash of (stream id, number of the
observation). The same observations in the same order give the same readings to the bit, however they are cut
into batches, on any processor. What a value may be is the detector's: a number (``csr.py``), 0 or 1
(``binary.py``), the code of a category (``categorical.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Snapshot: TypeAlias = dict[str, NDArray[np.generic]]


class Phase(IntEnum):
    """Where a stream stands after an observation."""

    FREE = 0  # the slot holds no stream
    WARM_UP = 1  # learning its first reference; nothing can be found yet
    ARMED = 2  # watching
    OPEN = 3  # an incident is open, neither confirmed nor closed
    RELEARNING = 4  # a change was confirmed; learning the reference that follows it


class Direction(IntEnum):
    """What kind of change the evidence speaks for most.

    Of numbers all; of 0/1 UP and DOWN, of their rate; of categories UP and DOWN, of the share of one of them.
    """

    NONE = 0
    UP = 1
    DOWN = 2
    WIDER = 3
    NARROWER = 4
    UPPER_TAIL = 5
    LOWER_TAIL = 6


class IncidentKind(IntEnum):
    """What happened to an incident at a row. At most one of these happens at a row."""

    OPENED = 1  # the statistic reached its threshold
    CONFIRMED = 2  # the old reference was contradicted again: the change is real; the reference is replaced
    CLOSED = 3  # it was not contradicted again in time: taken for a false alarm; the old reference stays
    REBASED = 4  # the new reference is learnt, the stream is armed again (if it was not when CONFIRMED)
    CONTINUED = 5  # as OPENED, but soon after the incident before and to the same side: that one goes on


NO_CODE = -1
"""Stands where no category is meant."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """Events of incidents in one batch, ordered by ``row``; all columns have one length.

    ``reference`` and ``current`` say from what to what: a level with its interval, as (low, level, high), in
    the signal's unit. The level is what ``direction`` is about:

    - numbers: the median for UP and DOWN, the distance from the 5 % to the 95 % quantile for WIDER and
      NARROWER, the 95 % and the 5 % quantile for UPPER_TAIL and LOWER_TAIL;
    - 0/1: the rate of ones;
    - categories: the share of ``code``.

    The interval holds the level with 95 % at whatever moment the alarm comes, if the observations behind it
    are independent and of one law (proved: ``intervals.py``); a reference that saw some of the change has the
    level of the mixture. Its ends may be infinite. nan where a level is not known: ``current`` when OPENED or
    CONTINUED (nothing was seen since), ``reference`` when REBASED (it is gone; CONFIRMED had it).

    After a CONTINUED event ``reference`` is the level from which the incident goes on; that from which it
    began is told by the events before. Once an incident is confirmed its levels stay of one kind.
    """

    row: NDArray[np.int64]
    """Index into the batch that was given to ``update``."""
    slot: NDArray[np.int32]
    kind: NDArray[np.int8]
    """``IncidentKind``."""
    direction: NDArray[np.int8]
    """``Direction``; a CLOSED or REBASED event repeats that of the event before it."""
    code: NDArray[np.int64]
    """The category whose share moved most, repeated like ``direction``. NO_CODE: of numbers and 0/1, and of
    categories the rest, of which none can be named (``moves.py``)."""
    statistic: NDArray[np.float64]
    threshold: NDArray[np.float64]
    reference: NDArray[np.float64]
    """Shape (events, 3): low, level, high."""
    reference_n: NDArray[np.int64]
    """Observations behind ``reference``."""
    current: NDArray[np.float64]
    """Shape (events, 3): low, level, high."""
    current_n: NDArray[np.int64]
    """Observations behind ``current``."""


@dataclass(frozen=True, slots=True)
class Readings:
    """One reading for each row given to ``update``; all columns but ``incidents`` have that length.

    A row whose value was refused (nan, infinity) repeats the stream's state and never has an alarm.
    """

    statistic: NDArray[np.float64]
    """Evidence against the reference after this observation; 0 while a reference is learnt."""
    threshold: NDArray[np.float64]
    """What the statistic is held against: the stream's own; while an incident is open, the one to confirm."""
    n: NDArray[np.int64]
    """Accepted observations of the stream so far, this one included."""
    alarm: NDArray[np.bool_]
    """The statistic reached the stream's own threshold: an incident opens, or goes on, at this row."""
    direction: NDArray[np.int8]
    """``Direction`` where the statistic reached its threshold, else NONE."""
    phase: NDArray[np.int8]
    """``Phase`` after this observation."""
    incidents: Incidents


class Detector(Protocol):
    """Many streams of one kind of signal. Not thread-safe: one caller at a time."""

    def add(
        self, stream_ids: NDArray[np.uint64], thresholds: NDArray[np.float64] | None = None
    ) -> NDArray[np.int32]:
        """Give each stream a slot, growing as needed; slots of retired streams are used again.

        Args:
            stream_ids: one 64-bit id a stream; it seeds the stream's hash, so it must mean the same at a
            replay. thresholds: one a stream; None takes the detector's default.
        """

    def retire(self, slots: NDArray[np.int32]) -> None:
        """Forget these streams. Raises ``ValueError`` for a slot that holds none."""

    def update(self, slots: NDArray[np.int32], values: NDArray[np.float64]) -> Readings:
        """Take observations in arrival order; a slot may repeat. Raises ``ValueError`` before a change."""

    def snapshot(self) -> Snapshot:
        """The whole state as named arrays that share no memory with it."""

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state. Raises ``SnapshotMismatch`` if it was taken under other parameters or tables."""


class SnapshotMismatch(ValueError):
    """A snapshot was taken under other parameters, tables or logic; replay the stream instead."""
