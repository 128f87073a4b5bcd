"""Frames come back as they were written, and damaged ones are refused."""

import pyarrow as pa
import pytest

from schemas.columns import NEWEST, Kind
from schemas.frame import (
    Flag,
    InvalidFrame,
    Label,
    NewerFrame,
    Writer,
    decode_batch,
    decode_header,
    encode,
    make_batch,
    make_header,
)
from streams.partitions import cut, partition_of
from streams.state.processor import LabelHole, LabelReader, LabelWriter

ROWS = make_batch(Kind.LEDGER, {"ledger_id": pa.array(["a", "b"]), "count": pa.array([1, None], pa.int64())})
HEADER = make_header(
    Kind.LEDGER,
    Writer.RUNS,
    rows=2,
    flags=Flag.EVENT_CLOCK | Flag.END,
    partition=3,
    partitions=16,
    label=Label(7, 1),
    previous=Label(6, 0),
    clock_ns=-5,
)


def test_a_frame_comes_back_as_it_was() -> None:
    value = encode(HEADER, ROWS)
    assert decode_header(value) == HEADER
    assert decode_batch(HEADER, value).equals(ROWS)


def test_every_truncation_is_refused() -> None:
    value = encode(HEADER, ROWS)
    for end in range(len(value)):
        with pytest.raises(InvalidFrame):
            decode_batch(decode_header(value[:end]), value[:end])


def test_a_newer_version_and_foreign_bytes_are_refused_by_name() -> None:
    value = bytearray(encode(HEADER, ROWS))
    value[5] = NEWEST[Kind.LEDGER] + 1
    with pytest.raises(NewerFrame, match="upgrade readers first"):
        decode_header(bytes(value))
    with pytest.raises(InvalidFrame, match="begins with"):
        decode_header(b"x" * 64)


def test_frames_are_cut_at_rows_and_bytes_and_lose_none() -> None:
    rows = make_batch(Kind.LEDGER, {"detail": pa.array(["x" * 1_000] * 12_001)})
    parts = list(cut(rows))
    assert sum(part.num_rows for part in parts) == 12_001
    assert all(part.num_rows <= 5_000 and part.nbytes <= 900_000 for part in parts)


def test_partitions_of_keys_never_change() -> None:
    assert [partition_of(key, 16) for key in ("", "run-1", "größe", "planner")] == [0, 3, 9, 1]
    assert partition_of("123456789", 2**32) == 0xCBF43926  # the check value of CRC-32


def test_a_reader_drops_repeats_and_stops_at_a_hole() -> None:
    writer, reader = LabelWriter(), LabelReader()
    labels = [writer.next("t", 0, offset) for offset in (5, 5, 9)]
    headers = [make_header(Kind.TICK, Writer.RUNS, label=label, previous=before) for label, before in labels]
    assert [reader.is_new(header) for header in headers] == [True, True, True]
    assert [reader.is_new(header) for header in headers] == [False, False, False]
    with pytest.raises(LabelHole):
        LabelReader().is_new(headers[1])
