"""What does DRIFT watch? Every signal: of which rows, by which detector, with which budget. Pure.

Read this file to know what is watched. A detector sees each step once, in offset order: when RUNS settles it
for the first time; and each run once, when it closes for the first time. What comes later of them corrects
windows alone.
"""

from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.windows.sums import Flags, Ints, integers, present

Floats = npt.NDArray[np.float64]


class Nature(Enum):
    """What a value is; the value is the name of the detector that takes it."""

    NUMBER = "csr"
    RATE = "csr-binary"  # 0 or 1
    MIX = "csr-categorical"  # a name
    SEASONAL = "csr-mondrian"  # a number, held against those of the same hour of the day


class Segment(Enum):
    """Whose values form one stream."""

    STEP = "agent and step"
    AGENT = "agent"


class Signal(NamedTuple):
    """Something that a step or a run may have.

    Attributes:
        name: on the wire; carries its unit. Two share one where the second succeeds the first (`seasons`).
        title: in sentences.
        unit: in sentences.
        nature: what a value is, and which detector takes it.
        segment: whose values form one stream.
        column: of kind SIGNALS. Null: the row has no value.
        kinds: of steps that have a value; empty: all.
        per_unit: of the column's integers.
        budget: false alarms that it may raise, as a multiple of what a stream may raise by the settings: its
            threshold is that of the settings divided by this. More for what is observed seldom.
        announced: the first value never seen before is told as an event of its own: it is news, not drift.
    """

    name: str
    title: str
    unit: str
    nature: Nature
    segment: Segment
    column: str
    kinds: tuple[str, ...] = ()
    per_unit: float = 1.0
    budget: float = 1.0
    announced: bool = False

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.name} by hour" if self.nature is Nature.SEASONAL else self.name


_STEP, _AGENT = Segment.STEP, Segment.AGENT
_NUMBER, _RATE, _MIX, _SEASONAL = Nature.NUMBER, Nature.RATE, Nature.MIX, Nature.SEASONAL
# Steps that do something and can fail; outcomes, feedback, handoffs and reports only tell.
_WORK = ("llm", "tool", "embedding", "retrieval", "guardrail", "agent", "run", "other")
_MODELS = ("llm", "embedding")

SIGNALS = (
    Signal("duration_s", "duration", "s", _NUMBER, _STEP, "duration_ns", per_unit=1e9),
    Signal("input_tokens", "input", "tokens", _NUMBER, _STEP, "input_tokens"),
    Signal("output_tokens", "output", "tokens", _NUMBER, _STEP, "output_tokens"),
    Signal("cost_usd", "cost", "USD", _NUMBER, _STEP, "cost_pico_usd", per_unit=1e12),
    Signal("error_ratio", "share of errors", "", _RATE, _STEP, "error", kinds=_WORK),
    Signal("outcome_success", "share of successes", "", _RATE, _STEP, "outcome_success"),
    Signal("tool_mix", "mix of tools", "", _MIX, _AGENT, "step_name", kinds=("tool",)),
    Signal("model_mix", "mix of models", "", _MIX, _AGENT, "model", kinds=_MODELS, announced=True),
    Signal("finish_reason_mix", "mix of finish reasons", "", _MIX, _STEP, "finish_reason", announced=True),
    Signal("run_steps", "steps of a run", "", _NUMBER, _AGENT, "run_steps", budget=2.0),
    Signal("run_cost_usd", "cost of a run", "USD", _NUMBER, _AGENT, "run_cost_pico_usd", (), 1e12, 2.0),
    Signal("run_failure_ratio", "share of failed runs", "", _RATE, _AGENT, "run_failed", budget=2.0),
    Signal("duration_s", "duration for the hour", "s", _SEASONAL, _STEP, "duration_ns", per_unit=1e9),
)

# Of these a detector takes one value of each run and step (`thinning`). A mix is what a run does step by
# step, and values of an agent are those of whole runs.
ONCE_A_RUN = np.array([s.segment is Segment.STEP and s.nature is not Nature.MIX for s in SIGNALS])


def values_of(batch: pa.RecordBatch, seen: Flags) -> tuple[Floats, Flags]:
    """Values of each row's signals, in their units, and where there is one; both of shape (rows, signals).

    Args:
        batch: of kind SIGNALS; columns that its version does not have are taken for null.
        seen: which signals of each row are watched at all; shape (rows, signals).

    Returns:
        Values, of mixes zeros (`names_in`), and where there is one.
    """
    values, has = np.zeros(seen.shape), np.zeros(seen.shape, np.bool_)
    works = ~is_closing(batch)
    kinds = batch.column("kind")
    for place, signal in enumerate(SIGNALS):
        if signal.column not in batch.schema.names:
            continue
        column = batch.column(signal.column)
        some = present(column) & seen[:, place]
        if not signal.column.startswith("run_"):
            some &= works
        if signal.kinds and some.any():
            some &= _is_in(kinds, signal.kinds)
        has[:, place] = some
        if some.any() and signal.nature is not Nature.MIX:
            values[:, place] = _numbers(column, signal)
    return values, has


def names_in(batch: pa.RecordBatch, rows: Ints, place: int) -> list[str]:
    """Values of the mix at this place of `SIGNALS` in these rows, which have one."""
    names: list[str] = batch.column(SIGNALS[place].column).take(pa.array(rows)).to_pylist()
    return names


def _numbers(column: pa.Array, signal: Signal) -> Floats:
    if signal.nature is Nature.RATE:
        return integers(column.cast(pa.int8())).astype(np.float64)
    return integers(column) / signal.per_unit


def _is_in(column: pa.Array, names: tuple[str, ...]) -> Flags:
    return np.asarray(pc.is_in(column, pa.array(names)).to_numpy(zero_copy_only=False), np.bool_)


def is_closing(batch: pa.RecordBatch) -> Flags:
    """Rows of runs that have closed: no steps, and windows know nothing of them."""
    closing: Flags = integers(batch.column("weight")) == 0
    return closing


def is_first(batch: pa.RecordBatch) -> Flags:
    """Steps that RUNS settles for the first time; the others take back or send again."""
    flags: Flags = batch.column("first").fill_null(False).to_numpy(zero_copy_only=False)
    return flags


def is_late(batch: pa.RecordBatch, late_ns: int) -> Flags:
    """Steps that the broker got more than `late_ns` after their end: nobody can send a long one before."""
    end_ns = integers(batch.column("time")) + integers(batch.column("duration_ns"))
    append_ns = integers(batch.column("append_time"))
    late: Flags = present(batch.column("append_time")) & (append_ns - end_ns > late_ns)
    return late
