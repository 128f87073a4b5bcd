"""How do decoded events become the columns of step-frames? Transposes, resolves, flags, prices. Pure.

Works on a block of up to 20,000 events at once: an event costs one tuple, and a value in each column that any
event of the block uses.
"""

import hashlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columns import TIME, Kind, TimeFlag, schema_of
from schemas.event import FIELDS, Event, has_content, resolve_run_id, resolve_step_name
from schemas.frame import make_batch
from streams.ingest.block import Block
from streams.pricing.apply import Usage, price
from streams.pricing.book import PICO_PER_USD, PriceBook

Ints = npt.NDArray[np.int64]
Column = Sequence[Any]

DAY_NS = 86_400 * 1_000_000_000
EARLIEST_NS = 1_577_836_800 * 1_000_000_000  # 2020-01-01
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
    arrays: dict[str, pa.Array] = {
        name: _array(columns[name], _STEP_SCHEMA.field(name).type) for name in _PLAIN
    }
    arrays["run_id"] = pa.array(_resolved(columns["trace_id"], events, resolve_run_id), pa.string())
    arrays["step_name"] = pa.array(_resolved(columns["step_name"], events, resolve_step_name), pa.string())
    for name in _MAPS:
        arrays[name] = _attributes(columns[name], keep_attributes or name == "sources")
    times = _times(columns, np.array(block.append_ns, np.int64))
    arrays |= times
    arrays["tool_call_hash"] = _tool_call_hashes(events, columns)
    arrays |= price(_usage(columns, arrays, block), book)
    arrays["source_topic"] = pa.array(block.topics, pa.int8())
    arrays["source_partition"] = pa.array(block.partitions, pa.int32())
    arrays["source_offset"] = pa.array(block.offsets, pa.int64())
    arrays["source_index"] = pa.array(block.numbers, pa.int32())
    return make_batch(Kind.STEPS, arrays)


def _transpose(events: list[Event]) -> dict[str, Column]:
    """A list for each field. In parts that fit a processor's cache: 0.9 us an event, against 4.4 at once."""
    columns: list[list[Any]] = [[] for _ in FIELDS]
    for start in range(0, len(events), TRANSPOSE_EVENTS):
        part = map(msgspec.structs.astuple, events[start : start + TRANSPOSE_EVENTS])
        for column, values in zip(columns, zip(*part, strict=True), strict=True):
            column += values
    return dict(zip(FIELDS, columns, strict=True))


def _is_empty(column: Column) -> bool:
    # Ends at the first value, and passes over None by identity: 5 ns each.
    return column == [None] * len(column)


def _resolved(column: Column, events: list[Event], resolve: Callable[[Event], str]) -> Column:
    """A column that `resolve` completes; most blocks need nothing."""
    if all(column):
        return column
    return [given or resolve(event) for given, event in zip(column, events, strict=True)]


def _array(column: Column, kind: pa.DataType) -> pa.Array:
    return pa.nulls(len(column), kind) if _is_empty(column) else pa.array(column, kind)


def _attributes(column: Column, keep: bool) -> pa.Array:
    kind = _STEP_SCHEMA.field("attributes").type
    if not keep or _is_empty(column):
        return pa.nulls(len(column), kind)
    return pa.array([None if given is None else _bounded(given) for given in column], kind)


def _bounded(attributes: dict[str, str]) -> list[tuple[str, str]]:
    """At most so many attributes of so many characters; a cut value says how long it was."""
    return [
        (
            key,
            value if len(value) <= MAX_ATTRIBUTE_CHARS else f"{value[:MAX_ATTRIBUTE_CHARS]}… ({len(value)})",
        )
        for key, value in sorted(attributes.items())[:MAX_ATTRIBUTES]
    ]


def _times(columns: dict[str, Column], append_ns: Ints) -> dict[str, pa.Array]:
    start = np.array(columns["start_time_unix_nano"], np.int64)
    ends: Column = columns["end_time_unix_nano"]
    has_end = np.array([end is not None for end in ends], np.bool_)
    end = np.array([0 if value is None else value for value in ends], np.int64)
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


def _usage(columns: dict[str, Column], arrays: dict[str, pa.Array], block: Block) -> Usage:
    given = [arrays[name] for name in _TOKENS]
    reported = _array(columns["reported_cost_usd"], pa.float64())
    has = np.zeros(len(block), np.bool_)
    for array in (*given, reported):
        if array.null_count < len(block):
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
        time_ns=np.where(time_ns == 0, np.array(block.append_ns, np.int64), time_ns),
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
        reported_pico_usd=_pico(columns["reported_cost_usd"]),
        has=has,
    )


def _pico(usd: Column) -> Sequence[int | None]:
    """Whole pico-USD. A double has 15 digits: what an emitter wrote as decimals comes back exactly."""
    return [None if value is None else int(Decimal(repr(value)) * PICO_PER_USD) for value in usd]


def _tool_call_hashes(events: list[Event], columns: dict[str, Column]) -> pa.Array:
    """The same tool with the same arguments has the same hash: what the loop rule counts."""
    if "tool" not in columns["kind"]:
        return pa.nulls(len(events), pa.int64())
    kinds = columns["kind"]
    return pa.array(
        [
            _tool_call_hash(event) if kind == "tool" else None
            for event, kind in zip(events, kinds, strict=True)
        ],
        pa.int64(),
    )


def _tool_call_hash(event: Event) -> int | None:
    if not has_content(event.tool_call_arguments):
        return None  # calls whose arguments are not known cannot be told apart
    name = (event.tool_name or event.step_name or "").encode()
    digest = hashlib.blake2b(name + b"\0" + bytes(event.tool_call_arguments), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
