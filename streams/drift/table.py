"""Which streams are watched, and where do they stand in the detector? Names on one side, slots on the other.

A stream is one signal of one (agent, step); it is allocated when its first value is seen. Its 64-bit id seeds
the detector's randomness, so it is made from names alone: a replay gives the same.
"""

import hashlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.contract import Detector
from streams.drift.signals import SIGNALS, Signal
from streams.windows.labels import Labels, group_rows, names_of
from streams.windows.sums import Flags, Ints

Slots = npt.NDArray[np.int32]
UNWATCHED = -1


class Stream(NamedTuple):
    """What a slot watches."""

    agent_name: str
    step_name: str
    signal: Signal


def stream_key(namespace: str, stream: Stream) -> bytes:
    """What a stream is, in bytes."""
    names = (namespace, stream.agent_name, stream.step_name, stream.signal.name)
    return b"".join(len(name.encode()).to_bytes(4, "little") + name.encode() for name in names)


def stream_id(namespace: str, stream: Stream) -> int:
    """64-bit BLAKE2b of namespace, agent, step and signal."""
    digest = hashlib.blake2b(stream_key(namespace, stream), digest_size=8).digest()
    return int.from_bytes(digest, "little")


class StreamTable:
    """State: pairs by number, the slot of each (pair, signal), and what each slot watches."""

    def __init__(self, namespace: str, limit: int) -> None:
        """
        Args:
            namespace: of the deployment.
            limit: pairs that are watched.
        """
        self._namespace = namespace
        self._limit = limit
        self._pair_of: dict[tuple[str, ...], int] = {}
        self._slots: Slots = np.full((16, len(SIGNALS)), UNWATCHED, np.int32)
        self.streams: list[Stream] = []

    def state(self) -> tuple[list[tuple[str, ...]], list[tuple[int, str]]]:
        """For a snapshot: pairs by number; of each slot its pair's number and its signal's name."""
        places = np.full(len(self.streams), UNWATCHED, np.int64)
        flat = self._slots.reshape(-1)
        used = np.flatnonzero(flat != UNWATCHED)
        places[flat[used]] = used
        return list(self._pair_of), [
            (place // len(SIGNALS), SIGNALS[place % len(SIGNALS)].name) for place in places.tolist()
        ]

    def load(self, pairs: list[tuple[str, ...]], slots: list[tuple[int, str]]) -> None:
        """Go on from `state`; raises KeyError for a signal that there is not."""
        numbers = {signal.name: number for number, signal in enumerate(SIGNALS)}
        self._pair_of = {pair: number for number, pair in enumerate(pairs)}
        self._grow()
        self.streams = []
        for slot, (pair, name) in enumerate(slots):
            agent, step = pairs[pair]
            self.streams.append(Stream(agent, step, SIGNALS[numbers[name]]))
            self._slots[pair, numbers[name]] = slot

    def ids(self) -> npt.NDArray[np.uint64]:
        """The detector's id of each slot's stream."""
        return np.array([stream_id(self._namespace, stream) for stream in self.streams], np.uint64)

    def pairs_of(self, agents: Labels, steps: Labels) -> Ints:
        """Pair of each row; `UNWATCHED` for those beyond the limit."""
        columns = (agents, steps)
        groups = group_rows(columns)
        pairs = [self._pair(names) for names in names_of(groups, columns)]
        return np.array(pairs, np.int64)[groups.of_row]

    def slots_of(self, pairs: Ints, has: Flags, detector: Detector) -> Slots:
        """Slots of the values of some rows, row by row; streams not known are added to the detector.

        Args:
            pairs: of each row; `UNWATCHED` only where it has nothing that counts.
            has: which signals of each row have a value that counts; shape (rows, signals).
            detector: that the slots are of.
        """
        self._grow()
        slots = self._slots[pairs]
        new = has & (slots == UNWATCHED)
        if new.any():
            self._add(np.unique((pairs[:, None] * len(SIGNALS) + np.arange(len(SIGNALS)))[new]), detector)
            slots = self._slots[pairs]
        found: Slots = slots[has]
        return found

    def _pair(self, names: tuple[str, ...]) -> int:
        pair = self._pair_of.get(names)
        if pair is None:
            if len(self._pair_of) >= self._limit:
                return UNWATCHED
            pair = self._pair_of[names] = len(self._pair_of)
        return pair

    def _grow(self) -> None:
        more = len(self._pair_of) - len(self._slots)
        if more > 0:
            more = max(more, len(self._slots))
            self._slots = np.pad(self._slots, ((0, more), (0, 0)), constant_values=UNWATCHED)

    def _add(self, places: Ints, detector: Detector) -> None:
        names = list(self._pair_of)
        streams = []
        for place in places.tolist():
            agent, step = names[place // len(SIGNALS)]
            streams.append(Stream(agent, step, SIGNALS[place % len(SIGNALS)]))
        ids = np.array([stream_id(self._namespace, stream) for stream in streams], np.uint64)
        slots = detector.add(ids)
        if slots.tolist() != list(range(len(self.streams), len(self.streams) + len(streams))):
            raise RuntimeError("The detector's slots and the names of streams do not go together any more")
        self.streams += streams
        self._slots.reshape(-1)[places] = slots
