"""CSR for one stream in plain Python, written from DRIFT.md: what both engines must equal.

Only the betting tables and their stakes are taken from the package. float32 is ``numpy.float32`` on single
numbers. Not a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite, sqrt

import numpy as np

from detectors.bets import DIRECTIONS, STAKES, make_tables
from detectors.contract import Direction

MASK = (1 << 64) - 1
WARM_UP, CONFIRM, WITHIN, SETTLE = 50, 1e4, 600, 1200
SIDES = {Direction.UPPER_TAIL: Direction.UP, Direction.LOWER_TAIL: Direction.DOWN}


def splitmix(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def uniform(stream_id: int, number: int) -> float:
    golden = 0x9E3779B97F4A7C15
    return (splitmix((splitmix((stream_id + golden) & MASK) + number * golden) & MASK) >> 11) / 2**53


def single(value: float) -> np.float32:
    limit = float(np.finfo(np.float32).max)
    return np.float32(max(-limit, min(limit, value))) + np.float32(0)


@dataclass
class Engine:
    """One reference: values until there are 50, then edges and counts."""

    values: list[np.float32] = field(default_factory=list)
    edges: list[np.float32] = field(default_factory=list)
    counts: list[int] = field(default_factory=lambda: [0] * 64)

    def learn(self, value: np.float32) -> None:
        if self.edges:
            self.counts[self.bin(value)] += 1
            return
        self.values.append(value)
        if len(self.values) == WARM_UP:
            self.set_edges(sorted(self.values))

    def set_edges(self, ordered: list[np.float32]) -> None:
        low, middle, high = float(ordered[0]), float(ordered[WARM_UP // 2]), float(ordered[-1])
        up, down = high - middle, middle - low
        if up == 0 and down == 0:
            up = down = abs(middle)
        up, down = up or down, down or up
        inner = [ordered[i * WARM_UP // 40] for i in range(40)]
        inner.append(np.nextafter(ordered[-1], np.float32(np.inf)))
        ratio = sqrt(sqrt(sqrt(sqrt(2.0)))) ** 5
        above = [max(inner[-1], single(middle + up * ratio**k)) for k in range(1, 12)]
        below = [min(inner[0], single(middle - down * ratio**k)) for k in range(1, 12)]
        self.edges = below[::-1] + inner + above

    def bin(self, value: np.float32) -> int:
        return sum(1 for edge in self.edges if edge <= value)


class ScalarCsr:
    """One stream. ``update`` returns (statistic, event), ``p`` is the last rank or None."""

    def __init__(self, stream_id: int, threshold: float) -> None:
        self.stream_id, self.threshold = stream_id, threshold
        self.tables = make_tables()
        self.engine, self.side, self.since = Engine(), None, 0  # type: Engine, Engine | None, int
        self.evidence = [np.float32(0)] * 20
        self.seen = 0
        self.p: float | None = None
        self.relearning = False
        # Of the incident that is open or before: what it was told of, and since when it may be continued.
        self.direction, self.confirmed, self.ended = Direction.NONE, False, -SETTLE

    def update(self, value: float) -> tuple[float, str]:
        self.p = None
        if not isfinite(value):
            return self.total(), ""
        self.seen += 1
        v = single(value)
        if not self.engine.edges:
            self.engine.learn(v)
            done = bool(self.engine.edges) and self.relearning
            self.ended = self.seen if done else self.ended
            self.relearning = self.relearning and not done
            return 0.0, "REBASED" if done else ""
        inside = self.engine.bin(v)
        n = sum(self.engine.counts) + 1
        u = uniform(self.stream_id, self.seen)
        self.p = (sum(self.engine.counts[:inside]) + u * (self.engine.counts[inside] + 1)) / n
        row = self.tables[min(int(self.p * 1024), 1023)]
        self.evidence = [(r + np.float32(STAKES[j])) * row[j] for j, r in enumerate(self.evidence)]
        statistic = self.total()
        if self.side is None:
            self.engine.learn(v)
            return statistic, self.open() if statistic >= self.threshold else ""
        self.side.learn(v)
        self.since += 1
        return statistic, self.judge(statistic)

    def open(self) -> str:
        self.side, self.since = Engine(), 0
        suspected, told = self.speaks_for(), self.direction
        same = SIDES.get(suspected, suspected) == SIDES.get(told, told)
        continued = same and self.seen - self.ended <= SETTLE
        self.confirmed = self.confirmed and continued
        self.direction = told if self.confirmed else suspected
        self.evidence = [np.float32(WITHIN) * np.float32(stake) for stake in STAKES]
        return "CONTINUED" if continued else "OPENED"

    def judge(self, statistic: float) -> str:
        assert self.side is not None
        if statistic >= CONFIRM:
            self.engine, event = self.side, "CONFIRMED"
            self.direction = self.direction if self.confirmed else self.speaks_for()
            self.confirmed = True
            self.relearning = not self.engine.edges
        elif self.since == WITHIN:
            event = "CLOSED"
        else:
            return ""
        self.side, self.ended = None, self.seen
        self.evidence = [np.float32(0)] * 20
        return event

    def speaks_for(self) -> Direction:
        return DIRECTIONS[max(range(20), key=lambda j: self.evidence[j] / np.float32(STAKES[j]))]

    def total(self) -> float:
        column = [np.float32(0)] * 4
        for j, r in enumerate(self.evidence):
            column[j % 4] = r if j < 4 else column[j % 4] + r
        return float((column[0] + column[1]) + (column[2] + column[3]))
