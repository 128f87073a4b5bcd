"""How do rows travel between roles? As frames: a header and an Arrow record batch. A tick is a header alone.

The header is 64 bytes, so that Arrow's buffers behind it stay aligned. The batch is an Arrow IPC message
without its schema, which the header's kind and version name: with the schema, a frame of one row would be
9 kB. Compression is Kafka's (an uncompressed frame reads in 0.25 us a row, one compressed in Arrow in 0.4).
"""

import struct
from enum import IntEnum, IntFlag
from typing import NamedTuple

import pyarrow as pa

from schemas.columns import NEWEST, SCHEMAS, Kind, schema_of

MAX_ROWS = 5_000
MAX_BYTES = 900_000
MAX_AGE_S = 0.2

_MAGIC = b"WKL1"
_HEADER = struct.Struct("<4sBBHIBxHiqiiqqI8x")
HEADER_BYTES = _HEADER.size


class InvalidFrame(ValueError):
    """Bytes that are not a frame of a version we read. The message says what is wrong."""


class NewerFrame(InvalidFrame):
    """A frame of a version that this reader does not know yet: nothing is wrong with it."""


class Writer(IntEnum):
    """Which role wrote a frame; with the partition it names the chain of labels that the frame is part of."""

    INGEST = 1
    RUNS = 2
    DRIFT = 3


class Flag(IntFlag):
    NONE = 0
    EVENT_CLOCK = 1  # the clock is `clock_ns`, not the broker's append time
    END = 2  # nothing follows from this partition: settle and close everything


class Label(NamedTuple):
    """Where an output frame comes from: the input's offset and the number of the output made from it."""

    offset: int
    number: int


NO_LABEL = Label(-1, -1)


class Header(NamedTuple):
    """What a frame says of itself.

    Attributes:
        kind: what the rows are; `TICK` has none.
        version: schema version of the kind.
        flags: see `Flag`.
        rows: number of rows.
        writer: the role that wrote it.
        partition: the writer's input partition.
        partitions: how many input partitions the writer's topic has (whoever waits for all of them to end).
        label: input offset and output index that the frame was made from; (-1, -1) for INGEST.
        previous: the label before it from `partition` to the partition that the frame lies in.
        clock_ns: event clock in Unix nanoseconds (0 when the broker's append time is the clock).
    """

    kind: Kind
    version: int
    flags: Flag
    rows: int
    writer: Writer
    partition: int
    partitions: int
    label: Label
    previous: Label
    clock_ns: int


def make_header(
    kind: Kind,
    writer: Writer,
    *,
    rows: int = 0,
    flags: Flag = Flag.NONE,
    partition: int = -1,
    partitions: int = 0,
    label: Label = NO_LABEL,
    previous: Label = NO_LABEL,
    clock_ns: int = 0,
    version: int | None = None,
) -> Header:
    """A header of `version`, else of the newest version of `kind`."""
    if version is None:
        version = NEWEST.get(kind, 1)
    return Header(kind, version, flags, rows, writer, partition, partitions, label, previous, clock_ns)


def encode(header: Header, batch: pa.RecordBatch | None = None) -> bytes:
    """Bytes of a frame, or of a tick when there is no batch.

    A batch of the newest schema under a header of an older version loses the columns that are newer.

    Raises:
        ValueError: the batch is not of the header's schema, or its length differs from `header.rows`.
    """
    head = _HEADER.pack(
        _MAGIC,
        header.kind,
        header.version,
        header.flags,
        header.rows,
        header.writer,
        0,
        header.partition,
        header.label.offset,
        header.label.number,
        header.previous.number,
        header.previous.offset,
        header.clock_ns,
        header.partitions,
    )
    if batch is None:
        return head
    if batch.num_rows != header.rows:
        raise ValueError(f"The header says {header.rows} rows, the batch has {batch.num_rows}")
    schema = SCHEMAS[header.kind, header.version]
    if header.version < NEWEST[header.kind] and batch.schema.equals(schema_of(header.kind)):
        batch = batch.select(schema.names)
    if not batch.schema.equals(schema):
        raise ValueError(f"The batch is not of the schema of {header.kind.name} version {header.version}")
    return b"".join((head, batch.serialize()))


def decode_header(value: bytes) -> Header:
    """The header alone: enough for ticks and for frames that were seen before.

    Raises:
        NewerFrame: a version that this reader does not know.
        InvalidFrame: not a frame, or of no kind that there is.
    """
    if len(value) < HEADER_BYTES:
        raise InvalidFrame(f"{len(value)} bytes, a frame has at least {HEADER_BYTES}")
    magic, kind, version, flags, rows, writer, _, part, off, idx, pidx, poff, clock, parts = (
        _HEADER.unpack_from(value)
    )
    if magic != _MAGIC:
        raise InvalidFrame(f"It begins with {magic!r}, a frame with {_MAGIC!r}")
    try:
        known, wrote = Kind(kind), Writer(writer)
    except ValueError as error:
        raise InvalidFrame(str(error)) from error
    if known is not Kind.TICK and (known, version) not in SCHEMAS:
        raise NewerFrame(
            f"{known.name} version {version}; this reader knows up to {NEWEST[known]}: upgrade readers first"
        )
    return Header(
        known, version, Flag(flags), rows, wrote, part, parts, Label(off, idx), Label(poff, pidx), clock
    )


def decode_batch(header: Header, value: bytes) -> pa.RecordBatch:
    """The rows of a frame, without a copy; empty for a tick.

    Raises:
        InvalidFrame: the batch is damaged or has another number of rows than the header says.
    """
    if header.kind is Kind.TICK:
        raise InvalidFrame("A tick has no rows")
    try:
        body = pa.py_buffer(value).slice(HEADER_BYTES)
        batch = pa.ipc.read_record_batch(body, SCHEMAS[header.kind, header.version])
        batch.validate()
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        raise InvalidFrame(f"The batch of a {header.kind.name} frame is damaged: {error}") from error
    if batch.num_rows != header.rows:
        raise InvalidFrame(f"The header says {header.rows} rows, the batch has {batch.num_rows}")
    return batch


def make_batch(kind: Kind, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    """A batch of the newest schema of `kind`; columns that are not given are null.

    Raises:
        ValueError: a column that the kind does not have, or columns of different lengths.
    """
    schema = schema_of(kind)
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise ValueError(f"{kind.name} has no column {sorted(unknown)}")
    length = len(next(iter(columns.values())))
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(length, field.type) for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
