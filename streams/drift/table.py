"""Which streams are watched, and under which numbers? Names on one side, numbers on the other.

A stream is one signal of one segment, an agent's step or an agent; it is allocated when its first value is
seen. Its 64-bit id seeds the detector's randomness, so it is made from names alone: a replay gives the same.
"""

import hashlib
from collections import Counter
from typing import NamedTuple

import numpy as np

from streams.drift.signals import SIGNALS, Segment, Signal
from streams.windows.labels import Labels, group_rows, names_of
from streams.windows.sums import Flags, Ints

UNWATCHED = -1

# Which signals are those of a step; the others are those of its agent.
_OF_STEP = np.array([signal.segment is Segment.STEP for signal in SIGNALS])


class Stream(NamedTuple):
    """What a number stands for; `step_name` is "" where the segment is an agent."""

    agent_name: str
    step_name: str
    signal: Signal


def stream_key(namespace: str, stream: Stream) -> bytes:
    """What a stream is, in bytes."""
    names = (namespace, stream.agent_name, stream.step_name, stream.signal.key)
    return b"".join(len(name.encode()).to_bytes(4, "little") + name.encode() for name in names)


def stream_id(namespace: str, stream: Stream) -> int:
    """64-bit BLAKE2b of namespace, agent, step and signal."""
    digest = hashlib.blake2b(stream_key(namespace, stream), digest_size=8).digest()
    return int.from_bytes(digest, "little")


class StreamTable:
    """State: segments by number, the number of each (segment, signal), and what each number watches."""

    def __init__(self, namespace: str, limit: int, agent_limit: int) -> None:
        """
        Args:
            namespace: of the deployment.
            limit: steps of agents that are watched, and agents.
            agent_limit: of these of one agent: one that names each step anew leaves others their places.
        """
        self._namespace = namespace
        self._limit = limit
        self._agent_limit = agent_limit
        self._segment_of: dict[tuple[str, ...], int] = {}
        # Agents under 1, steps of agents under 2: the number of their names.
        self._known: Counter[int] = Counter()
        self._steps_of: Counter[str] = Counter()
        self._numbers: Ints = np.full((16, len(SIGNALS)), UNWATCHED, np.int64)
        self.streams: list[Stream] = []

    def state(self) -> tuple[list[tuple[str, ...]], list[tuple[int, str]]]:
        """For a snapshot: segments by number; of each stream its segment's number and its signal's name."""
        places = np.full(len(self.streams), UNWATCHED, np.int64)
        flat = self._numbers.reshape(-1)
        used = np.flatnonzero(flat != UNWATCHED)
        places[flat[used]] = used
        return list(self._segment_of), [
            (place // len(SIGNALS), SIGNALS[place % len(SIGNALS)].key) for place in places.tolist()
        ]

    def load(self, segments: list[tuple[str, ...]], streams: list[tuple[int, str]]) -> None:
        """Go on from `state`; raises KeyError for a signal that there is not."""
        signals = {signal.key: number for number, signal in enumerate(SIGNALS)}
        self._segment_of = {segment: number for number, segment in enumerate(segments)}
        self._known = Counter(len(names) for names in segments)
        self._steps_of = Counter(names[0] for names in segments if len(names) > 1)
        self._grow()
        self.streams = []
        for number, (segment, name) in enumerate(streams):
            self.streams.append(_stream(segments[segment], SIGNALS[signals[name]]))
            self._numbers[segment, signals[name]] = number

    def id_of(self, stream: Stream) -> int:
        """The id under which a detector knows a stream."""
        return stream_id(self._namespace, stream)

    def segments_of(self, agents: Labels, steps: Labels, is_step: Flags) -> Ints:
        """Segments of each row, shape (rows, 2): its step's and its agent's; `UNWATCHED` beyond the limit.

        Args:
            agents, steps: labels of the rows.
            is_step: rows that have a step; the first segment of the others is `UNWATCHED`.
        """
        found = np.full((len(is_step), 2), UNWATCHED, np.int64)
        found[:, 1] = self._find([agents])
        found[is_step, 0] = self._find(
            [Labels(label.codes[is_step], label.names) for label in (agents, steps)]
        )
        return found

    def numbers_of(self, segments: Ints, has: Flags) -> tuple[Ints, range]:
        """Numbers of the streams of some values, row by row.

        Args:
            segments: of each row, as `segments_of` gives them.
            has: which signals of each row have a value that counts; shape (rows, signals). None whose segment
                is `UNWATCHED`.

        Returns:
            The numbers, and those of them that are new: streams that no detector knows yet.
        """
        self._grow()
        places = np.where(_OF_STEP, segments[:, :1], segments[:, 1:]) * len(SIGNALS) + np.arange(len(SIGNALS))
        wanted = places[has]
        flat = self._numbers.reshape(-1)
        known = len(self.streams)
        new = np.unique(wanted[flat[wanted] == UNWATCHED])
        if len(new):
            names = list(self._segment_of)
            for place in new.tolist():
                self.streams.append(_stream(names[place // len(SIGNALS)], SIGNALS[place % len(SIGNALS)]))
            flat[new] = np.arange(known, len(self.streams))
        numbers: Ints = flat[wanted]
        return numbers, range(known, len(self.streams))

    def plain_of(self, number: int) -> int:
        """The stream of the same segment and signal that knows no hours; `UNWATCHED` if there is none."""
        stream = self.streams[number]
        segment = self._segment_of[(stream.agent_name, stream.step_name)]
        place = next(n for n, signal in enumerate(SIGNALS) if signal.name == stream.signal.name)
        return int(self._numbers[segment, place])

    def _find(self, labels: list[Labels]) -> Ints:
        groups = group_rows(labels)
        found = [self._segment(names) for names in names_of(groups, labels)]
        return np.array(found, np.int64)[groups.of_row]

    def _segment(self, names: tuple[str, ...]) -> int:
        segment = self._segment_of.get(names)
        if segment is None:
            is_step = len(names) > 1
            if self._known[len(names)] >= self._limit:
                return UNWATCHED
            if is_step and self._steps_of[names[0]] >= self._agent_limit:
                return UNWATCHED
            self._known[len(names)] += 1
            self._steps_of[names[0]] += is_step
            segment = self._segment_of[names] = len(self._segment_of)
        return segment

    def _grow(self) -> None:
        more = len(self._segment_of) - len(self._numbers)
        if more > 0:
            more = max(more, len(self._numbers))
            self._numbers = np.pad(self._numbers, ((0, more), (0, 0)), constant_values=UNWATCHED)


def _stream(names: tuple[str, ...], signal: Signal) -> Stream:
    return Stream(names[0], names[1] if len(names) > 1 else "", signal)


def watched(segments: Ints) -> Flags:
    """Which signals of each row may be watched at all; shape (rows, signals)."""
    found: Flags = np.where(_OF_STEP, segments[:, :1], segments[:, 1:]) != UNWATCHED
    return found
