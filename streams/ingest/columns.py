"""How do decoded events become the columns of step-frames? Transposes, resolves, flags, prices. Pure.

Works on a block of up to 20,000 events at once: an event costs one tuple, and a value in each column that any
event of the block uses.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columns import TIME, Kind, TimeFlag, schema_of
from schemas.event import FIELDS, RUN_ID_FIELDS, Event, content_of, resolve_step_name
from schemas.frame import make_batch
from streams.event_time import DAY_NS, EARLIEST_NS
from streams.ingest.block import Block
from streams.pricing.apply import Usage, price
from streams.pricing.book import PICO_PER_USD, PriceBook

Ints = npt.NDArray[np.int64]
Column = Sequence[Any]

MAX_ATTRIBUTES = 128
MAX_ATTRIBUTE_CHARS = 1_024
TRANSPOSE_EVENTS = 256

_STEP_SCHEMA = schema_of(Kind.STEPS)
_MAPS = ("attributes", "resource_attributes", "sources")
# Columns that an event brings as they are.
_PLAIN = tuple(
    name for name in _STEP_SCHEMA.names if name in FIELDS and name not in ("run_id", "step_name", *_MAPS)
)
_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "cache_write_1h_input_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "reasoning_output_tokens",
)


def build_steps(block: Block, book: PriceBook, *, keep_attributes: bool) -> pa.RecordBatch:
    """A batch of kind STEPS, a row an event, in the block's order.

    Args:
        block: at least one event.
        book: prices.
        keep_attributes: false drops free text that dialects we do not decode put into attributes.
    """
    events = block.events
    columns = _transpose(events)
    append_ns = np.array(block.append_ns, np.int64)
    arrays = {name: _array(columns, name, _STEP_SCHEMA.field(name).type) for name in _PLAIN}
    arrays["run_id"] = pa.array(_run_ids(columns), pa.string())
    arrays["step_name"] = pa.array(_step_names(columns, events), pa.string())
    for name in _MAPS:
        arrays[name] = _attributes(columns, name, keep_attributes or name == "sources")
    arrays |= _times(columns, append_ns)
    arrays["tool_call_hash"] = _tool_call_hashes(events, columns)
    arrays |= price(_usage(columns, arrays, append_ns), book)
    arrays["source_topic"] = pa.array(block.topics, pa.int8())
    arrays["source_partition"] = pa.array(block.partitions, pa.int32())
    arrays["source_offset"] = pa.array(block.offsets, pa.int64())
    arrays["source_index"] = pa.array(block.numbers, pa.int32())
    return make_batch(Kind.STEPS, arrays)


class _Columns(dict[str, list[Any]]):
    """The fields that any event has; all others are one and the same column, of None alone."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._absent: list[Any] = [None] * length

    def __missing__(self, name: str) -> list[Any]:
        return self._absent


def _transpose(events: list[Event]) -> _Columns:
    """A list for each field. In parts that fit a processor's cache: several times faster than at once."""
    columns = _Columns(len(events))
    for start in range(0, len(events), TRANSPOSE_EVENTS):
        part = list(map(msgspec.structs.astuple, events[start : start + TRANSPOSE_EVENTS]))
        empty = (None,) * len(part)
        for name, values in zip(FIELDS, zip(*part, strict=True), strict=True):
            if name in columns:
                columns[name] += values
            # Ends at the first value, and passes over None by identity: 5 ns each.
            elif values != empty:
                columns[name] = [*[None] * start, *values]
    return columns


def _run_ids(columns: _Columns) -> Column:
    found: Column = columns[RUN_ID_FIELDS[0]]
    for name in RUN_ID_FIELDS[1:]:
        if all(found):  # most blocks need no more than two
            break
        found = [given or other for given, other in zip(found, columns[name], strict=True)]
    return found


def _step_names(columns: _Columns, events: list[Event]) -> Column:
    given = columns["step_name"]
    if all(given):
        return given
    return [name or resolve_step_name(event) for name, event in zip(given, events, strict=True)]


def _array(columns: _Columns, name: str, kind: pa.DataType) -> pa.Array:
    return pa.array(columns[name], kind) if name in columns else pa.nulls(columns.length, kind)


def _attributes(columns: _Columns, name: str, keep: bool) -> pa.Array:
    """A map for each event, bounded; of flat lists, which Arrow reads faster than lists of pairs.

    Events of one emitter share maps (its resource, what its names mean): each is looked at once.
    """
    kind = _STEP_SCHEMA.field(name).type
    if not keep or name not in columns:
        return pa.nulls(columns.length, kind)
    column = columns[name]
    keys: list[str] = []
    values: list[str] = []
    ends = [0]
    known: dict[int, int] = {}
    for row, given in enumerate(column):
        if given:
            first = known.setdefault(id(given), row)
            if first < row:
                keys += keys[ends[first] : ends[first + 1]]
                values += values[ends[first] : ends[first + 1]]
            else:
                for key, value in sorted(given.items())[:MAX_ATTRIBUTES]:
                    keys.append(key)
                    values.append(value if len(value) <= MAX_ATTRIBUTE_CHARS else _cut(value))
        ends.append(len(keys))
    return pa.MapArray.from_arrays(
        pa.array(ends, pa.int32()),
        pa.array(keys, pa.string()),
        pa.array(values, pa.string()),
        type=kind,
        mask=pa.array([given is None for given in column], pa.bool_()),
    )


def _cut(value: str) -> str:
    """Of a long value its beginning, and how long it was."""
    return f"{value[:MAX_ATTRIBUTE_CHARS]}… ({len(value)})"


def _times(columns: _Columns, append_ns: Ints) -> dict[str, pa.Array]:
    start = np.array(columns["start_time_unix_nano"], np.int64)
    ends = pa.array(columns["end_time_unix_nano"], pa.int64())
    has_end = np.asarray(ends.is_valid().to_numpy(zero_copy_only=False))
    end = np.asarray(ends.fill_null(0).to_numpy())
    early, late = start < EARLIEST_NS, start > append_ns + DAY_NS
    backwards = has_end & (end < start)
    flag = np.where(backwards, TimeFlag.ENDS_BEFORE_START, TimeFlag.OK)
    flag = np.where(early, TimeFlag.BEFORE_2020, np.where(late, TimeFlag.AFTER_APPEND, flag))
    # Times near the ends of the 64-bit range would overflow in the subtraction; they are flagged already.
    no_duration = ~has_end | backwards | (start < 0)
    duration = np.where(no_duration, 0, end - np.where(no_duration, 0, start))
    return {
        "time": pa.array(np.where(early | late, 0, start)).cast(TIME),
        "start_time": pa.array(start).cast(TIME),
        "duration_ns": pa.array(duration, mask=no_duration),
        "time_flag": pa.array(flag.astype(np.int8)),
        "append_time": pa.array(append_ns).cast(TIME),
    }


def _usage(columns: _Columns, arrays: dict[str, pa.Array], append_ns: Ints) -> Usage:
    given = [arrays[name] for name in _TOKENS]
    reported = _array(columns, "reported_cost_usd", pa.float64())
    has = np.zeros(columns.length, np.bool_)
    for array in (*given, reported):
        if array.null_count < columns.length:
            has |= array.is_valid().to_numpy(zero_copy_only=False)
    values: dict[str, Ints] = {
        name: array.fill_null(0).to_numpy() for name, array in zip(_TOKENS, given, strict=True)
    }
    time_ns = arrays["time"].cast(pa.int64()).to_numpy()
    return Usage(
        kind=columns["kind"],
        provider_name=columns["provider_name"],
        request_model=columns["request_model"],
        response_model=columns["response_model"],
        # A step whose time cannot be right is priced as of its arrival.
        time_ns=np.where(time_ns == 0, append_ns, time_ns),
        input_tokens=values["input_tokens"],
        output_tokens=values["output_tokens"],
        cache_read_tokens=values["cache_read_input_tokens"],
        cache_write_tokens=values["cache_write_input_tokens"],
        cache_write_1h_tokens=values["cache_write_1h_input_tokens"],
        input_audio_tokens=values["input_audio_tokens"],
        output_audio_tokens=values["output_audio_tokens"],
        reasoning_tokens=values["reasoning_output_tokens"],
        service_tier=columns["service_tier"],
        server_address=columns["server_address"],
        response_cached=columns["response_cached"],
        reported_pico_usd=[None if usd is None else _pico(usd) for usd in columns["reported_cost_usd"]],
        has=has,
    )


def _pico(usd: float) -> int:
    """Whole pico-USD. A double has 15 digits: what an emitter wrote as decimals comes back exactly."""
    return int(Decimal(repr(usd)) * PICO_PER_USD)


def _tool_call_hashes(events: list[Event], columns: _Columns) -> pa.Array:
    """The same tool with the same arguments has the same hash: what the loop rule counts."""
    rows: list[int] = []
    digests: list[bytes] = []
    for row, kind in enumerate(columns["kind"]):
        if kind == "tool":
            event = events[row]
            arguments = content_of(event.tool_call_arguments)
            if arguments is not None:  # calls whose arguments are not known cannot be told apart
                name = (event.tool_name or event.step_name or "").encode()
                rows.append(row)
                digests.append(hashlib.blake2b(name + b"\0" + arguments, digest_size=8).digest())
    hashes, absent = np.zeros(len(events), np.int64), np.ones(len(events), np.bool_)
    hashes[rows] = np.frombuffer(b"".join(digests), "<i8")
    absent[rows] = False
    return pa.array(hashes, mask=absent)
