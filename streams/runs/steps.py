"""What does RUNS need to know of each step in a frame? The columns of a frame as arrays and lists. Pure."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import CostStatus
from streams.runs.table import SUM_OF, SUMS

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

USAGE: tuple[str, ...] = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
    "cost_pico_usd",
)
# Sums that only steps with a bill of their own are in.
BILLED: tuple[str, ...] = (*USAGE, "unpriced_steps")
# What `billed_numbers` needs.
NUMBER_COLUMNS: tuple[str, ...] = (*USAGE, "price_status", "cost_status")
_INDEX_BITS = 20  # a message of 8 MB holds fewer events than 2**20


class Steps:
    """Columns of one step-frame, read once.

    Attributes:
        batch: the frame.
        event_ids: list of str.
        ended: false for steps that have only started.
        named: the step names its agent.
        is_root: it has no parent.
        start_ns, end_ns, append_ns: int64; `end_ns` is 0 where there is none.
        has_usage: it has a cost status.
        numbers: int64 matrix, a row for each step and a column for each of `SUMS`; as if what was emitted
            were right about what is billed.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self.event_ids: list[str] = batch.column("event_id").to_pylist()
        self.run_ids = batch.column("run_id").dictionary_encode()
        self.ended: Flags = as_flags(pc.equal(batch.column("state"), "ended"))
        self.named: Flags = as_flags(pc.is_valid(batch.column("agent_name")))
        self.is_root: Flags = as_flags(pc.is_null(batch.column("parent_event_id")))
        self.start_ns = as_ints(batch.column("time"))
        duration = batch.column("duration_ns")
        self.end_ns = np.where(as_flags(pc.is_valid(duration)), self.start_ns + as_ints(duration), 0)
        self.append_ns = as_ints(batch.column("append_time"))
        self.has_usage: Flags = as_ints(batch.column("cost_status")) != CostStatus.NONE
        self.numbers = self._numbers(batch)

    @staticmethod
    def _numbers(batch: pa.RecordBatch) -> Ints:
        kind = batch.column("kind")
        derived: dict[str, Any] = {
            "steps": np.ones(batch.num_rows, np.int64),
            "llm_calls": pc.equal(kind, "llm"),
            "tool_calls": pc.equal(kind, "tool"),
            "errors": pc.is_valid(batch.column("error_type")),
            "duplicates": np.zeros(batch.num_rows, np.int64),
            "unpriced_steps": pc.equal(price_status(batch), CostStatus.UNPRICED),
        }
        billed = ~is_unbilled(as_ints(batch.column("cost_status")))
        numbers = np.empty((batch.num_rows, len(SUMS)), np.int64)
        for place, name in enumerate(SUMS):
            values = derived[name] if name in derived else batch.column(name)
            numbers[:, place] = values if isinstance(values, np.ndarray) else as_ints(values)
            if name in BILLED:
                numbers[:, place] *= billed
        return numbers


def is_unbilled(status: Ints) -> Flags:
    """Steps whose usage repeats that of others: it stays on the step and is in no sum."""
    unbilled: Flags = (status == CostStatus.ROLLUP) | (status == CostStatus.DUPLICATE)
    return unbilled


def price_status(batch: pa.RecordBatch) -> pa.Array:
    """The status of each step by its price alone; frames of version 1 tell it of calls only."""
    return pc.coalesce(batch.column("price_status"), batch.column("cost_status"))


def billed_numbers(batch: pa.RecordBatch) -> Ints:
    """For each step, as wide as `Steps.numbers`, what it adds to sums when it is billed and else does not."""
    numbers = np.zeros((batch.num_rows, len(SUMS)), np.int64)
    for name in USAGE:
        numbers[:, SUM_OF[name]] = as_ints(batch.column(name))
    numbers[:, SUM_OF["unpriced_steps"]] = as_ints(price_status(batch)) == CostStatus.UNPRICED
    return numbers


def origins(batch: pa.RecordBatch) -> tuple[Ints, Ints]:
    """For each step its source partition (with topic) and its place there, as comparable integers."""
    topic, partition = as_ints(batch.column("source_topic")), as_ints(batch.column("source_partition"))
    offset, index = as_ints(batch.column("source_offset")), as_ints(batch.column("source_index"))
    return (topic << 32) | partition, (offset << _INDEX_BITS) | index


def as_flags(values: pa.Array) -> Flags:
    return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False), np.bool_)


def as_ints(values: pa.Array) -> Ints:
    if pa.types.is_boolean(values.type):
        return as_flags(values).astype(np.int64)
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return np.asarray(values.fill_null(0).to_numpy(zero_copy_only=False)).astype(np.int64, copy=False)
