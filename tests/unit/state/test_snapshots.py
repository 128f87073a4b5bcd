"""Snapshots as bytes: what goes in comes out, and what is damaged is refused."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from streams.state.snapshots import (
    CHUNK_BYTES,
    FORMAT,
    Manifest,
    SnapshotDamaged,
    SnapshotRefused,
    cut,
    decode,
    digest_of,
    encode,
    join,
    read_arrays,
    read_batches,
    read_manifest,
    read_values,
    values,
)


def manifest_of(value: bytes, **fields: object) -> Manifest:
    given = {
        "role": "runs",
        "partition": 1,
        "partitions": 4,
        "next_offset": 7,
        "clock_ns": 8,
        "state_version": 1,
        "logic": "1",
        "taken_unix_ms": 9,
        "size_bytes": len(value),
        "digest": digest_of(value),
    }
    return Manifest(**(given | fields))  # type: ignore[arg-type]


@given(
    arrays(
        st.sampled_from([np.int64, np.uint64, np.int8, np.bool_, np.float32, np.float64]),
        array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
    )
)
def test_arrays_keep_type_shape_and_every_bit_and_can_be_written_to(array: np.ndarray) -> None:
    (found,) = read_arrays(decode(encode({"a": {"x": array}})), "a").values()
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert found.flags.writeable


def test_batches_and_values_come_back_and_none_is_none() -> None:
    batch = pa.record_batch({"name": ["a", None], "n": [1, 2]})
    parts = decode(encode({"rows": [batch, batch], "no rows": [], "rest": values({"a": (1, None)})}))
    assert read_batches(parts, "rows") == [batch, batch]
    assert read_batches(parts, "no rows") == []
    assert read_values(parts, "rest", dict[str, tuple[int, int | None]]) == {"a": (1, None)}


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_records_join_to_what_was_cut(size: int) -> None:
    value = bytes(size)
    records = cut(value)
    assert max(map(len, records)) <= CHUNK_BYTES
    assert join(manifest_of(value), records) == value


def test_records_that_are_not_those_of_the_manifest_are_refused() -> None:
    value = b"x" * (CHUNK_BYTES + 5)
    manifest, records = manifest_of(value), cut(value)
    with pytest.raises(SnapshotDamaged, match=r"500000 bytes, the manifest says 500005"):
        join(manifest, records[:1])
    with pytest.raises(SnapshotDamaged, match="hash"):
        join(manifest, [records[0], b"yyyyy"])


def test_bytes_that_are_no_parts_are_refused() -> None:
    for value in (b"", b"no", encode({"a": values(1)})[:-1], b"\x81\xa1a\x92\xa7foreign\xc4\x00"):
        with pytest.raises(SnapshotDamaged):
            decode(value)


def test_a_part_of_another_kind_is_refused_by_its_name() -> None:
    parts = decode(encode({"a": values(1), "b": []}))
    for read in (read_arrays, read_batches):
        with pytest.raises(SnapshotDamaged, match="part a"):
            read(parts, "a")
    with pytest.raises(SnapshotDamaged, match="part b"):
        read_values(parts, "b", int)
    with pytest.raises(SnapshotDamaged, match="part a"):
        read_values(parts, "a", str)


def test_a_manifest_of_a_newer_format_is_refused_and_garbage_is_damaged() -> None:
    import msgspec

    newer = msgspec.json.encode(manifest_of(b"", format=FORMAT + 1))
    with pytest.raises(SnapshotRefused, match=f"format {FORMAT + 1}.*up to {FORMAT}"):
        read_manifest(newer)
    with pytest.raises(SnapshotDamaged):
        read_manifest(b"{}")
    assert read_manifest(msgspec.json.encode(manifest_of(b"x"))) == manifest_of(b"x")
