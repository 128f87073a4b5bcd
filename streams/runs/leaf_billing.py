"""Whose usage is billed? Each call once: that of its innermost span, never that of those around it too. Pure.

A function of the set of steps of a run, of many runs in one pass: order and time of arrival change nothing.

- The usage of a call counts, unless a call of the same sort lies within it, and no agent, run or tool between
  them: then two instrumentations tell of one call, and the inner one counts. A tool that runs within the span
  of a call may run an agent with calls of its own.
- The usage of any other step repeats that of the calls below it. It counts only when nothing below it has
  usage, nor may have: a step whose ancestors have not all come may lie below whatever ran when it began.
- Of calls with one response id that several emitters report (SDK and gateway, on branches that do not meet)
  the one whose price is known best counts, then the one of the smallest event id. One emitter reports a call
  once: some servers give one id to many answers, and then the first report of an emitter is the first of
  another, and so on. Answers out of a cache cost nothing and repeat the id, so they stay apart.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import CostStatus
from streams.runs.gathered import Gathered
from streams.runs.path import NO_PARENT, UNSEEN, Flags, Ints, open_cycles
from streams.runs.steps import as_flags, as_ints

# Columns of steps that decide.
COLUMNS: tuple[str, ...] = (
    "kind",
    "time",
    "duration_ns",
    "cost_status",
    "price_status",
    "response_id",
    "response_cached",
    "scope_name",
    "service_name",
)
# What runs within these is not part of the call around them.
_APART = ("agent", "run", "tool", "handoff")
# Which of two reports of a call is kept: the best known price first.
_PREFERENCE = np.full(len(CostStatus), len(CostStatus), np.int64)
_PREFERENCE[[CostStatus.PRICED, CostStatus.PARTIAL, CostStatus.REPORTED, CostStatus.FREE]] = range(4)
_FOREVER_NS = 2**63 - 1


def verdicts(steps: Gathered) -> Ints:
    """The `CostStatus` of each step: its price's where it is billed, else ROLLUP, DUPLICATE, or NONE.

    Args:
        steps: gathered with at least `COLUMNS`.
    """
    parent = _opened(steps)
    emitted, priced = as_ints(steps.rows.column("cost_status")), steps.rows.column("price_status")
    usage = steps.ended & (emitted != CostStatus.NONE)
    calls = usage & (emitted != CostStatus.ROLLUP)
    # A row of an older version tells no price of what is not a call: there is nothing to bill.
    others = usage & ~calls & as_flags(pc.is_valid(priced))
    billed = calls & ~_around_another(steps, parent, calls)
    billed |= others & ~_above(parent, usage) & ~_may_be_above(steps, parent, others, usage)
    status = np.where(calls, emitted, np.where(others, as_ints(priced), CostStatus.NONE))
    verdict = np.where(billed, status, np.where(usage, CostStatus.ROLLUP, emitted))
    verdict[_repeated(steps, billed, status)] = CostStatus.DUPLICATE
    return verdict.astype(np.int64)


def _opened(steps: Gathered) -> Ints:
    """The row above each step; a loop of parents is opened, as if one of them had not come."""
    above = open_cycles(steps.parent, steps.ids)[0][:-1]
    opened = (above == len(above)) & (steps.parent >= 0)
    return np.where(opened, UNSEEN, steps.parent)


def _around_another(steps: Gathered, parent: Ints, calls: Flags) -> Flags:
    """Calls with a call of the same sort within them."""
    kind = steps.rows.column("kind")
    apart = as_flags(pc.is_in(kind, pa.array(_APART)))
    models = as_flags(pc.equal(kind, "llm"))
    return (calls & models & _above(parent, calls & models, apart)) | (
        calls & ~models & _above(parent, calls & ~models, apart)
    )


def _above(parent: Ints, which: Flags, until: Flags | None = None) -> Flags:
    """Steps above any of `which`; a way up ends at a step of `until`."""
    found = np.zeros(len(parent) + 1, np.bool_)
    level = np.flatnonzero(which)
    while len(level):
        level = np.unique(parent[level])
        level = level[level >= 0]
        if until is not None:
            level = level[~until[level]]
        level = level[~found[level]]
        found[level] = True
    return found[:-1]


def _may_be_above(steps: Gathered, parent: Ints, others: Flags, usage: Flags) -> Flags:
    """Steps of `others` that ran when a step with usage began whose ancestors have not all come.

    Steps that hang together on the same missing step are no ancestors of one another but where that is seen.
    """
    found = np.zeros(len(steps.run), np.bool_)
    top = _tops(parent)
    hanging = parent[top] != NO_PARENT
    loose = np.flatnonzero(usage & hanging)
    if not len(loose):
        return found
    start = as_ints(steps.rows.column("time"))
    length = steps.rows.column("duration_ns")
    end = np.where(as_flags(pc.is_valid(length)), start + as_ints(length), _FOREVER_NS)
    begun: dict[tuple[int, str | None], list[int]] = {}
    for row in loose[np.argsort(start[loose], kind="stable")].tolist():
        for missing in (None, steps.parent_ids[top[row]]):
            begun.setdefault((int(steps.run[row]), missing), []).append(int(start[row]))
    for row in np.flatnonzero(others).tolist():
        run, first, last = int(steps.run[row]), int(start[row]), int(end[row])
        strange = _between(begun.get((run, None), []), first, last)
        if strange and hanging[row]:
            strange -= _between(begun.get((run, steps.parent_ids[top[row]]), []), first, last)
        found[row] = strange > 0
    return found


def _between(times: list[int], first: int, last: int) -> int:
    return bisect_right(times, last) - bisect_left(times, first)


def _tops(parent: Ints) -> Ints:
    """The uppermost step that is seen above each, itself where there is none."""
    top = np.where(parent >= 0, parent, np.arange(len(parent)))
    for _ in range(max(len(parent), 1).bit_length()):
        top = top[top]
    return top


def _repeated(steps: Gathered, billed: Flags, status: Ints) -> Ints:
    """Rows of billed steps that report a call that another emitter in the run reports too."""
    answers = steps.rows.column("response_id").fill_null("")
    named = billed & as_flags(pc.not_equal(answers, "")) & ~as_flags(steps.rows.column("response_cached"))
    rows = np.flatnonzero(named)
    if len(rows) < 2:
        return rows[:0]
    codes = np.asarray(answers.dictionary_encode().indices.to_numpy(), np.int64)[rows]
    same, counts = np.unique(
        np.stack([steps.run[rows], codes]), axis=1, return_inverse=True, return_counts=True
    )[1:]
    # Few, from here on: Python is good enough.
    again = np.flatnonzero(counts[same] > 1).tolist()
    emitters = steps.rows.select(["scope_name", "service_name"]).take(pa.array(rows[again])).to_pylist()
    start = as_ints(steps.rows.column("time"))[rows]
    order = sorted(
        range(len(again)), key=lambda place: (int(start[again[place]]), steps.ids[rows[again[place]]])
    )
    told: Counter[tuple[int, Any, Any]] = Counter()
    calls: dict[tuple[int, int], list[int]] = {}
    for place in order:
        number, emitter = again[place], emitters[place]
        key = (int(same[number]), emitter["scope_name"], emitter["service_name"])
        calls.setdefault((key[0], told[key]), []).append(int(rows[number]))
        told[key] += 1
    lost: list[int] = []
    for reports in calls.values():
        reports.sort(key=lambda row: (_PREFERENCE[status[row]], steps.ids[row]))
        lost += reports[1:]
    return np.array(lost, np.int64)
