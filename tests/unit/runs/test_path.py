"""The shape of a run: against a slow reference that walks step by step, and by what must hold of any run."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.runs.path import NO_PARENT, UNSEEN, Shape, Steps, inherit, measure


@dataclass(frozen=True)
class One:
    """A step; times are small integers, None where unknown."""

    id: str
    run: int
    parent: str | None
    start: int | None
    end: int | None


def shape_of(steps: list[One], runs: int) -> Shape:
    row_of = {(step.run, step.id): row for row, step in enumerate(steps)}
    parent = [
        NO_PARENT if step.parent is None else row_of.get((step.run, step.parent), UNSEEN) for step in steps
    ]
    return measure(
        Steps(
            np.array([step.run for step in steps], np.int64),
            np.array(parent, np.int64),
            np.array([step.start or 0 for step in steps], np.int64),
            np.array([step.end or 0 for step in steps], np.int64),
            np.array([step.start is not None and step.end is not None for step in steps], np.bool_),
            [step.id for step in steps],
            runs,
        )
    )


# -- the reference: one run, dictionaries and recursion


class Reference:
    def __init__(self, steps: list[One]) -> None:
        self.steps = {step.id: step for step in steps}
        self.above = {
            step.id: step.parent if step.parent in self.steps else None for step in self.steps.values()
        }
        self.cycles = self._open_cycles()
        self.path: dict[str, int] = dict.fromkeys(self.steps, 0)
        self.own: dict[str, int] = dict.fromkeys(self.steps, 0)
        timed = [step for step in self.steps.values() if step.start is not None]
        self.waiting = 0
        if timed:
            first = min(step.start for step in timed if step.start is not None)
            last = max(step.end for step in timed if step.end is not None)
            self.waiting = self._walk(None, first, last)

    def _open_cycles(self) -> int:
        count = 0
        for start in sorted(self.steps):
            seen: list[str] = []
            at: str | None = start
            while at is not None and at not in seen:
                seen.append(at)
                at = self.above[at]
            if at is not None:
                self.above[min(seen[seen.index(at) :])] = None
                count += 1
        return count

    def depth(self) -> int:
        def of(step_id: str) -> int:
            above = self.above[step_id]
            return 1 if above is None else 1 + of(above)

        return max((of(step_id) for step_id in self.steps), default=0)

    def _timed_above(self, step_id: str) -> str | None:
        above = self.above[step_id]
        while above is not None and self.steps[above].start is None:
            above = self.above[above]
        return above

    def outside(self) -> int:
        count = 0
        for step in self.steps.values():
            above = self._timed_above(step.id)
            if step.start is None or step.end is None or above is None:
                continue
            over = self.steps[above]
            assert over.start is not None
            assert over.end is not None
            count += step.start < over.start or step.end > over.end
        return count

    def _walk(self, node: str | None, start: int, end: int) -> int:
        """Follow the path through what lies below a step; returns the step's own time on it."""
        below = []
        for step in self.steps.values():
            if step.start is None or step.end is None or self._timed_above(step.id) != node:
                continue
            low, high = max(step.start, start), min(step.end, end)
            if low < high:
                below.append((high, -low, step.id))
        cells = {t for high, low, _ in below for t in range(-low, high)}
        if node is not None:
            self.own[node] = end - start - len(cells)
        own, cursor = 0, end
        while True:
            ended = [each for each in below if each[0] <= cursor]
            if not ended:
                break
            high, low, step_id = max(ended)
            own += cursor - high
            self.path[step_id] = self._walk(step_id, -low, high)
            cursor = -low
        for high, low, step_id in below:
            if not self.path[step_id]:  # off the path: for its own time alone
                saved = dict(self.path)
                self._walk(step_id, -low, high)
                self.path = saved
        return own + cursor - start


def times() -> st.SearchStrategy[tuple[int | None, int | None]]:
    known = st.tuples(st.integers(1, 12), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
    return st.one_of(known, known, known, st.just((None, None)))


@st.composite
def forests(draw: st.DrawFn) -> list[One]:
    """Steps of up to three runs, with parents that are missing, later, themselves, or in a loop."""
    steps = []
    for run in range(draw(st.integers(1, 3))):
        for number in range(draw(st.integers(0, 7))):
            parent = draw(st.one_of(st.none(), st.integers(0, 9), st.integers(0, max(number - 1, 0))))
            start, end = draw(times())
            name = None if parent is None else f"s{parent}"
            steps.append(One(f"s{number}", run, name, start, end))
    return steps


@given(forests(), st.randoms())
@settings(max_examples=400, deadline=None)
def test_any_run_in_any_order_has_the_shape_that_a_walk_step_by_step_finds(
    steps: list[One], random: object
) -> None:
    random.shuffle(steps)  # type: ignore[attr-defined]  # hypothesis types it loosely
    runs = 3
    shape = shape_of(steps, runs)
    for run in range(runs):
        mine = [step for step in steps if step.run == run]
        slow = Reference(mine)
        assert shape.depth[run] == slow.depth()
        assert shape.cycles[run] == slow.cycles
        assert shape.outside[run] == slow.outside()
        assert shape.waiting_ns[run] == slow.waiting
        rows = [row for row, step in enumerate(steps) if step.run == run]
        assert {steps[row].id: int(shape.critical_ns[row]) for row in rows} == slow.path
        assert {steps[row].id: int(shape.self_ns[row]) for row in rows} == slow.own


@given(forests())
@settings(max_examples=200, deadline=None)
def test_the_path_adds_up_to_the_duration_of_the_run(steps: list[One]) -> None:
    shape = shape_of(steps, 3)
    for run in range(3):
        timed = [step for step in steps if step.run == run and step.start is not None]
        whole = max((s.end or 0 for s in timed), default=0) - min((s.start or 0 for s in timed), default=0)
        on_path = sum(int(ns) for ns, step in zip(shape.critical_ns, steps, strict=True) if step.run == run)
        assert on_path + shape.waiting_ns[run] == whole
    assert (shape.critical_ns >= 0).all()
    assert (shape.self_ns >= 0).all()


def test_of_parallel_steps_the_one_that_ends_last_is_on_the_path() -> None:
    steps = [
        One("root", 0, None, 0, 100),
        One("fast", 0, "root", 10, 40),
        One("slow", 0, "root", 10, 90),
        One("first", 0, "root", 0, 10),
    ]
    shape = shape_of(steps, 1)
    assert shape.critical_ns.tolist() == [10, 0, 80, 10]
    assert shape.self_ns.tolist() == [10, 30, 80, 10]


def test_a_step_whose_clock_runs_ahead_of_its_callers_is_clipped_and_counted() -> None:
    steps = [One("root", 0, None, 100, 200), One("early", 0, "root", 50, 150), One("x", 0, "early", 50, 160)]
    shape = shape_of(steps, 1)
    assert shape.outside.tolist() == [2]
    assert shape.waiting_ns.tolist() == [50], "before the root began, by the run's first start"
    assert shape.critical_ns.tolist() == [50, 0, 50]


def test_a_loop_of_parents_ends_and_is_counted_once() -> None:
    steps = [One("a", 0, "c", 0, 9), One("b", 0, "a", 1, 8), One("c", 0, "b", 2, 7), One("d", 0, "d", 3, 4)]
    shape = shape_of(steps, 1)
    assert (shape.cycles.tolist(), shape.depth.tolist(), shape.roots.tolist()) == ([2], [3], [0])


def test_a_chain_as_long_as_a_run_may_be_is_measured() -> None:
    count = 2_000
    steps = [One(f"{n}", 0, f"{n - 1}" if n else None, n, 2 * count - n) for n in range(count)]
    shape = shape_of(steps, 1)
    assert shape.depth.tolist() == [count]
    assert shape.critical_ns.sum() == 2 * count


@pytest.mark.parametrize(("places", "found"), [(1, [-1, -1, 7]), (2, [-1, 7, 7]), (4, [7, 7, 7])])
def test_a_code_is_inherited_over_so_many_places(places: int, found: list[int]) -> None:
    codes, parent = np.array([-1, -1, 7], np.int64), np.array([1, 2, NO_PARENT], np.int64)
    assert inherit(codes, parent, places).tolist() == found
