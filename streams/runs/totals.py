"""What do the steps of a run say together: its shape, its critical path, each agent's share? Pure.

Made anew from the remembered steps of each run that is sent, many runs in one pass, so that nothing is kept
and nothing depends on how the steps came. Plain sums are not made here: `streams.runs.table` keeps them.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import COUNTS
from streams.runs import path
from streams.runs.attribution import CALLS, MAX_DEPTH, NO_SERVICE, RUN_ID, UNATTRIBUTED
from streams.runs.gathered import Gathered, gather, statuses
from streams.runs.path import NO_PARENT, Flags, Ints
from streams.runs.steps import as_flags, as_ints, is_unbilled
from streams.runs.store import RowStore
from streams.runs.table import Run

# A run of more steps gets no critical path: an open one is sent each 5 s, so a path would be paid for again
# and again. 2,000 steps take 3 ms.
MAX_PATH_STEPS = 2_000
# So many names of steps on the path are told.
TOP_STEPS = 5
# Between two agents in a key of `agents_started`.
ARROW = " -> "

_COLUMNS = [
    "kind",
    "step_name",
    "agent_name",
    "agent_hint",
    "span_name",
    "service_name",
    "scope_name",
    "time",
    "duration_ns",
    "input_tokens",
    "output_tokens",
    "cost_pico_usd",
    "cost_status",
    "tool_call_hash",
    "outcome_name",
    "outcome_success",
    "outcome_value",
]


def build_totals(
    runs: list[Run], store: RowStore, max_path_steps: int = MAX_PATH_STEPS
) -> dict[str, pa.Array]:
    """Columns of RUNS frames, a row for each run, in order.

    Args:
        runs: that are sent.
        store: of their steps.
        max_path_steps: a run of more has no critical path and no own times, and says so.
    """
    steps = gather(runs, store, _COLUMNS)
    too_many = np.array([len(run.events) for run in runs], np.int64) > max_path_steps
    start_ns, duration = as_ints(steps.rows.column("time")), steps.rows.column("duration_ns")
    timed = steps.ended & as_flags(pc.is_valid(duration)) & (start_ns > 0) & ~too_many[steps.run]
    shape = path.measure(
        path.Steps(
            steps.run, steps.parent, start_ns, start_ns + as_ints(duration), timed, steps.ids, steps.runs
        )
    )
    columns = {
        "depth": pa.array(shape.depth),
        "roots": pa.array(shape.roots),
        "orphans": pa.array(shape.orphans),
        "parent_cycles": pa.array(shape.cycles),
        "steps_outside_parent": pa.array(shape.outside),
        "unended_steps": pa.array(np.bincount(steps.run[~steps.ended], minlength=steps.runs)),
        "truncated": pa.array([run.overflowed > 0 for run in runs]),
        "path_truncated": pa.array(too_many),
    }
    columns["repeated_tool_calls"] = pa.array(_repeated(steps))
    return (
        columns
        | _outcomes(steps, start_ns)
        | _critical(steps, shape, too_many)
        | _shares(steps, shape, too_many, ~is_unbilled(statuses(runs, steps)))
    )


def _repeated(steps: Gathered) -> Ints:
    """How often the tool call came that came most often in its run."""
    most = np.zeros(steps.runs, np.int64)
    calls = steps.rows.column("tool_call_hash")
    rows = np.flatnonzero(steps.ended & as_flags(pc.is_valid(calls)))
    if not len(rows):
        return most
    hashes, run = as_ints(calls)[rows], steps.run[rows]
    order = np.lexsort((hashes, run))
    hashes, run = hashes[order], run[order]
    first = np.flatnonzero(np.append(True, (hashes[1:] != hashes[:-1]) | (run[1:] != run[:-1])))
    np.maximum.at(most, run[first], np.diff(first, append=len(rows)))
    return most


def _outcomes(steps: Gathered, start_ns: Ints) -> dict[str, pa.Array]:
    """Of the outcomes of a run the one that began last; of those the one of the greatest id."""
    latest: dict[int, tuple[int, str, int]] = {}
    rows = np.flatnonzero(steps.ended & as_flags(pc.is_valid(steps.rows.column("outcome_name"))))
    for row in rows.tolist():
        run, place = int(steps.run[row]), (int(start_ns[row]), steps.ids[row], row)
        latest[run] = max(latest.get(run, place), place)
    chosen = pa.array([latest[run][2] if run in latest else None for run in range(steps.runs)], pa.int64())
    names = ("outcome_name", "outcome_success", "outcome_value")
    return {name: steps.rows.column(name).take(chosen) for name in names}


def _critical(steps: Gathered, shape: path.Shape, too_many: Flags) -> dict[str, pa.Array]:
    """The path's nanoseconds by kind, and the names that have most of them."""
    kinds = steps.rows.column("kind")
    llm, tool = (as_flags(pc.equal(kinds, kind)) for kind in ("llm", "tool"))
    columns = {"critical_waiting_ns": pa.array(shape.waiting_ns, mask=too_many)}
    for name, which in (("llm", llm), ("tool", tool), ("other", ~(llm | tool))):
        sums = _sums(steps.run, np.where(which, shape.critical_ns, 0), steps.runs)
        columns[f"critical_{name}_ns"] = pa.array(sums, mask=too_many)
    names, codes = _encode(steps.rows.column("step_name").fill_null(""))
    on_path = shape.critical_ns > 0
    keys, inverse = np.unique((steps.run * len(names) + codes)[on_path], return_inverse=True)
    sums = _sums(inverse, shape.critical_ns[on_path], len(keys))
    order = np.lexsort((keys, -sums, keys // max(len(names), 1)))
    keys, sums = keys[order], sums[order]
    run = keys // max(len(names), 1)
    top = np.arange(len(keys)) - np.searchsorted(run, run) < TOP_STEPS
    columns["critical_steps"] = _map(
        run[top], [names[code] for code in (keys % max(len(names), 1))[top].tolist()], sums[top], steps.runs
    )
    return columns


def _shares(steps: Gathered, shape: path.Shape, too_many: Flags, billed: Flags) -> dict[str, pa.Array]:
    """Maps from agents, in the order of their names, to their share; and who started whom."""
    rows, ended = steps.rows, steps.ended
    names, agent = _agents(steps)
    numbers = {
        "steps_by_agent": ended,
        "llm_calls_by_agent": ended & as_flags(pc.equal(rows.column("kind"), "llm")),
        "tool_calls_by_agent": ended & as_flags(pc.equal(rows.column("kind"), "tool")),
        "input_tokens_by_agent": as_ints(rows.column("input_tokens")) * (billed & ended),
        "output_tokens_by_agent": as_ints(rows.column("output_tokens")) * (billed & ended),
        "cost_by_agent_pico_usd": as_ints(rows.column("cost_pico_usd")) * (billed & ended),
        "self_ns_by_agent": shape.self_ns,
    }
    wide = max(len(names), 1)
    keys, inverse = np.unique((steps.run * wide + agent)[ended], return_inverse=True)
    run, texts = keys // wide, [names[code] for code in (keys % wide).tolist()]
    columns = {}
    for name, values in numbers.items():
        sums = _sums(inverse, values[ended].astype(np.int64), len(keys))
        columns[name] = _map(run, texts, sums, steps.runs)
    if too_many.any():
        columns["self_ns_by_agent"] = pc.if_else(
            pa.array(too_many), pa.nulls(steps.runs, COUNTS), columns["self_ns_by_agent"]
        )
    above = np.where(steps.parent >= 0, agent[np.maximum(steps.parent, 0)], agent)
    started = ended & (above != agent)
    pairs, counts = np.unique(((steps.run * wide + above) * wide + agent)[started], return_counts=True)
    ends = zip((pairs // wide % wide).tolist(), (pairs % wide).tolist(), strict=True)
    texts = [f"{names[one]}{ARROW}{names[other]}" for one, other in ends]
    columns["agents_started"] = _map(pairs // (wide * wide), texts, counts, steps.runs)
    return columns


def _agents(steps: Gathered) -> tuple[list[str], Ints]:
    """Names in order, and of each step whose it is, by number (the rule of `streams.runs.attribution`)."""
    rows = steps.rows
    service = rows.column("service_name").fill_null("")
    service = pc.if_else(pc.starts_with(service, NO_SERVICE), "", service)
    last = pc.if_else(pc.equal(service, ""), rows.column("scope_name").fill_null(""), service)
    texts = [pc.if_else(pc.equal(last, ""), UNATTRIBUTED, last)]
    places: list[Flags] = []
    span = pc.if_else(
        pc.match_substring_regex(rows.column("span_name"), RUN_ID), None, rows.column("span_name")
    )
    root = (steps.parent == NO_PARENT) & ~as_flags(pc.is_in(rows.column("kind"), pa.array(CALLS)))
    # The nearer the last, the more it says.
    for text, where in ((span, root), (rows.column("agent_hint"), True), (rows.column("agent_name"), True)):
        said = as_flags(pc.not_equal(text, "")) & where
        if said.any():
            texts.append(text.fill_null(""))
            places.append(said)
    names, codes = _encode(pa.concat_arrays(texts))
    found, *others = codes.reshape(len(texts), len(steps.ids))
    for code, said in zip(others, places, strict=True):
        inherited = path.inherit(np.where(said, code, -1), steps.parent, MAX_DEPTH)
        found = np.where(inherited < 0, found, inherited)
    return names, found


def _encode(texts: pa.Array) -> tuple[list[str], Ints]:
    """Different texts in order, and each text's number."""
    coded = texts.dictionary_encode()
    found: list[str] = coded.dictionary.to_pylist()
    order = sorted(range(len(found)), key=found.__getitem__)
    ranks = np.empty(len(found), np.int64)
    ranks[np.array(order, np.int64)] = np.arange(len(found))
    return [found[code] for code in order], ranks[coded.indices.to_numpy()]


def _map(run: Ints, keys: list[str], values: Ints, runs: int) -> pa.Array:
    """A map for each run; `run` is sorted."""
    offsets = np.searchsorted(run, np.arange(runs + 1)).astype(np.int32)
    return pa.MapArray.from_arrays(
        pa.array(offsets), pa.array(keys, pa.string()), pa.array(values, pa.int64())
    )


def _sums(groups: Ints, values: Ints, count: int) -> Ints:
    sums = np.zeros(count, np.int64)
    np.add.at(sums, groups, values)
    return sums
