"""What shape has a run, and which of its steps made it take as long as it did? Pure, many runs in one call.

The critical path is found by walking back from a step's end. Of the steps below it, the one that ended last
must have been waited for; before its start, the one that ended last by then; and so on to the step's own
start. What no step below covers is the step's own. Below each step on the path the same holds again. Above
all steps of a run stands the run itself, from the first start to the last end; what is its own is waiting.
So the path's nanoseconds add up to the run's duration. (The idea is that of critical paths in traces of
remote calls: a caller waits for the callee that returns last.)

A step is clipped to the time of those above it: what it did after they ended, nobody waited for. Steps
without times of their own (begun and not ended, or out of range) pass those below them on to the one above.
Everything is a function of the set of steps: equal times are decided by the greater event id.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NO_PARENT = -1
UNSEEN = -2

_EVER = np.int64(2**62)


@dataclass(frozen=True)
class Steps:
    """Steps of some runs, in any order.

    Attributes:
        run: number of the run, 0 up to `runs` - 1.
        parent: row of the step above; NO_PARENT, or UNSEEN when it names one that is not here.
        start_ns, end_ns: int64.
        timed: start and end are known and stand for something.
        ids: event ids.
        runs: how many.
    """

    run: Ints
    parent: Ints
    start_ns: Ints
    end_ns: Ints
    timed: Flags
    ids: Sequence[str]
    runs: int


@dataclass(frozen=True)
class Shape:
    """What `measure` finds.

    Attributes:
        depth: for each run, steps from a top to the deepest, both counted; 0 without steps.
        roots: for each run, steps without a parent.
        orphans: for each run, steps whose parent is not here.
        cycles: for each run, loops of parents; each is opened above its smallest event id.
        outside: for each run, steps that begin before the step above them, or end after it.
        self_ns: for each step, its time less that in which any step below it ran.
        critical_ns: for each step, its own time on the critical path.
        waiting_ns: for each run, time on the path in which no step ran.
    """

    depth: Ints
    roots: Ints
    orphans: Ints
    cycles: Ints
    outside: Ints
    self_ns: Ints
    critical_ns: Ints
    waiting_ns: Ints


def measure(steps: Steps) -> Shape:
    """The shape of each run; about 1.5 us a step, and log2(depth) passes."""
    above, opened = open_cycles(steps.parent, steps.ids)
    cycles = np.bincount(steps.run[opened], minlength=steps.runs).astype(np.int64)
    depth = np.zeros(steps.runs, np.int64)
    np.maximum.at(depth, steps.run, _depths(above)[0])
    tree = _clip(steps, above)
    return Shape(
        depth,
        _count(steps, steps.parent == NO_PARENT),
        _count(steps, steps.parent == UNSEEN),
        cycles,
        _count(steps, tree.outside),
        *_times(steps, tree),
    )


def inherit(codes: Ints, parent: Ints, places: int) -> Ints:
    """For each step its own code, else the nearest of the steps above it.

    Args:
        codes: of each step; below 0: none.
        parent: as in `Steps`; loops are allowed.
        places: steps looked at, the step itself included; a power of two.
    """
    found, above = np.append(codes, -1), _padded(parent)
    for _ in range(places.bit_length() - 1):
        found = np.where(found < 0, found[above], found)
        above = above[above]
    return found[:-1]


def _count(steps: Steps, which: Flags) -> Ints:
    return np.bincount(steps.run[which], minlength=steps.runs).astype(np.int64)


def _padded(parent: Ints) -> Ints:
    """Rows of the steps above; the last row, one beyond the steps, stands for none and is above itself."""
    count = len(parent)
    return np.append(np.where(parent < 0, count, parent), count)


def _depths(above: Ints) -> tuple[Ints, Ints]:
    """Depth of each step, and what lies further above than any chain reaches: steps of a loop, or none."""
    none = len(above) - 1
    depth = np.ones(len(above), np.int64)
    depth[none] = 0
    for _ in range(none.bit_length() + 1):
        if (above == none).all():
            break
        depth = depth + depth[above]
        above = above[above]
    return depth[:-1], above[above < none]


def open_cycles(parent: Ints, ids: Sequence[str]) -> tuple[Ints, Ints]:
    """Rows above, with each loop opened above its smallest event id.

    Args:
        parent, ids: as in `Steps`.

    Returns:
        The row above each step, `len(parent)` where there is none, with a last row that stands for none; and
        the steps whose parent was taken from them.
    """
    above = _padded(parent)
    opened = []
    # As many jumps as there are steps end in a loop or nowhere, and reach each step of every loop.
    left = set(np.unique(_depths(above)[1]).tolist())
    while left:
        row = first = left.pop()
        loop = [first]
        while (row := int(above[row])) != first:
            loop.append(row)
        left.difference_update(loop)
        opened.append(min(loop, key=lambda each: ids[each]))
        above[opened[-1]] = len(above) - 1
    return above, np.array(opened, np.int64)


@dataclass(frozen=True)
class _Tree:
    """Timed steps: `group` is the row of the timed step above, or `len(run) + 1 + run`; times are clipped."""

    group: Ints
    start: Ints
    end: Ints
    live: Flags
    outside: Flags


def _clip(steps: Steps, above: Ints) -> _Tree:
    none = len(steps.run)
    timed = np.append(steps.timed, True)
    # Each step, or the nearest timed one above it.
    nearest = np.where(timed, np.arange(none + 1), above)
    while not timed[nearest].all():
        nearest = nearest[nearest]
    above = np.where(timed, nearest[above], none)
    start, end = np.append(steps.start_ns, -_EVER), np.append(steps.end_ns, _EVER)
    outside = timed & ((start < start[above]) | (end > end[above]))
    jump = above
    while (jump < none).any():
        start, end = np.maximum(start, start[jump]), np.minimum(end, end[jump])
        jump = jump[jump]
    group = np.where(above[:-1] < none, above[:-1], none + 1 + steps.run)
    live = steps.timed & (start < end)[:-1]
    return _Tree(group, start[:-1], end[:-1], live, outside[:-1])


def _times(steps: Steps, tree: _Tree) -> tuple[Ints, Ints, Ints]:
    """Own time of each step, own time on the critical path, and the runs' own on it."""
    count, live = len(steps.run), np.flatnonzero(tree.live)
    groups = count + 1 + steps.runs
    group, start, end = tree.group[live], tree.start[live], tree.end[live]
    ids = [steps.ids[row] for row in live.tolist()] if _has_ties(group, start, end) else None
    by_end = _order_of_ends(group, start, end, ids)
    covered, before = _sweep(group, start, end, by_end, groups)
    last = np.full(groups, -1, np.int64)
    sorted_groups = group[by_end]
    ends_group = np.append(sorted_groups[1:] != sorted_groups[:-1], True) if len(live) else np.zeros(0, bool)
    last[sorted_groups[ends_group]] = by_end[ends_group]

    own = np.zeros(groups, np.int64)
    own[live] = end - start
    self_ns = (own - covered)[:count]
    on_path = _walk(last, before, live, count + 1)
    path = np.zeros(groups, np.int64)
    path[count + 1 :] = _durations(steps)
    path[live[on_path]] = (end - start)[on_path]
    np.subtract.at(path, group[on_path], (end - start)[on_path])
    return np.where(tree.live, self_ns, 0), path[:count], path[count + 1 :]


def _durations(steps: Steps) -> Ints:
    """From the first start to the last end of each run's timed steps."""
    first, last = np.full(steps.runs, _EVER), np.full(steps.runs, -_EVER)
    np.minimum.at(first, steps.run[steps.timed], steps.start_ns[steps.timed])
    np.maximum.at(last, steps.run[steps.timed], steps.end_ns[steps.timed])
    return np.where(first <= last, last - first, 0)


def _has_ties(group: Ints, start: Ints, end: Ints) -> bool:
    """Two steps of one group have the same times: only then ids must decide, and sorting text costs most."""
    order = np.lexsort((start, end, group))
    same = [values[order][1:] == values[order][:-1] for values in (group, start, end)]
    return bool((same[0] & same[1] & same[2]).any())


def _order_of_ends(group: Ints, start: Ints, end: Ints, ids: list[str] | None) -> Ints:
    """By group and end; of those that end together the longest is last, then the one of the greatest id."""
    if ids is None:
        return np.lexsort((-start, end, group))
    ranks = np.empty(len(ids), np.int64)
    ranks[np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)] = np.arange(len(ids))
    return np.lexsort((ranks, -start, end, group))


def _sweep(group: Ints, start: Ints, end: Ints, by_end: Ints, groups: int) -> tuple[Ints, Ints]:
    """One pass in time over starts and ends of each group.

    Returns:
        For each group the time in which any of its steps ran; for each step the one of its group that had
        ended last when it began, or -1.
    """
    count = len(group)
    is_start = np.repeat([True, False], count)
    both, times = np.concatenate([group, group]), np.concatenate([start, end])
    order = np.lexsort((is_start, times, both))
    both, times = both[order], times[order]
    running = np.cumsum(np.where(is_start[order], 1, -1))
    covered = np.zeros(groups, np.int64)
    np.add.at(covered, both[:-1], np.where(running[:-1] > 0, np.diff(times), 0))
    # Ends stand here in the order of `by_end`, so that their number is a place in it.
    ended = np.cumsum(~is_start[order])
    at_start = is_start[order]
    begun, number = order[at_start], ended[at_start]
    before = np.full(count, -1, np.int64)
    candidate = by_end[np.maximum(number - 1, 0)]
    before[begun] = np.where((number > 0) & (group[candidate] == group[begun]), candidate, -1)
    return covered, before


def _walk(last: Ints, before: Ints, live: Ints, first_run: int) -> Ints:
    """Places, in `live`, of the steps on the path: in each group the last to end, and back from its start."""
    found, frontier = [np.zeros(0, np.int64)], last[first_run:]
    while len(frontier := frontier[frontier >= 0]):
        found.append(frontier)
        frontier = np.concatenate([last[live[frontier]], before[frontier]])
    return np.concatenate(found)
