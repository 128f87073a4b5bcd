"""What is a snapshot, byte by byte? Named parts of a state, one after another, with a manifest. Pure.

A processor gives parts quickly, at a frame's boundary: encoded values, copies of arrays, and Arrow batches,
which never change and are not copied. `encode` turns them into bytes, in another thread; `cut` makes
records of them. The manifest says where the records are, what they hash to, and under which versions they
were made. Nothing of it is code: an old or a foreign snapshot can be refused, never executed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

T = TypeVar("T")

FORMAT = 1
CHUNK_BYTES = 500_000

Arrays = dict[str, npt.NDArray[Any]]
# Encoded values; arrays by name; batches of one schema.
Part = bytes | Arrays | list[pa.RecordBatch]
Parts = Mapping[str, Part]


class SnapshotRefused(RuntimeError):
    """A snapshot that is whole, but that this version must not go on from. The message says what to do."""


class SnapshotDamaged(ValueError):
    """Bytes that are not the snapshot which its manifest describes. The message says what is wrong."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Where a snapshot is and what it holds.

    Attributes:
        format: of manifest and parts (`FORMAT`).
        role: whose state.
        partition: of the input topic.
        partitions: that the input topic has.
        next_offset: first input offset that the state does not hold.
        clock_ns: of the partition.
        state_version: of the state's schema, by role.
        logic: what decides how the state goes on: version of the logic, and parameters.
        taken_unix_ms: wall clock, for people and for its age.
        size_bytes: of all parts.
        digest: BLAKE2b-128 of them, hexadecimal.
        chunks: offsets of its records in the topic of parts.
    """

    role: str
    partition: int
    partitions: int
    next_offset: int
    clock_ns: int
    state_version: int
    logic: str
    taken_unix_ms: int
    size_bytes: int
    digest: str
    chunks: tuple[int, ...] = ()
    format: int = FORMAT


def encode(parts: Parts) -> bytes:
    """Bytes of a state's parts."""
    return msgspec.msgpack.encode({name: _encode_part(part) for name, part in parts.items()})


def decode(value: bytes) -> dict[str, Part]:
    """The parts of a state.

    Raises:
        SnapshotDamaged: the bytes are no parts.
    """
    try:
        found = msgspec.msgpack.decode(value, type=dict[str, tuple[str, msgspec.Raw]])
        return {name: _decode_part(kind, bytes(raw)) for name, (kind, raw) in found.items()}
    except (msgspec.MsgspecError, pa.ArrowInvalid, ValueError, TypeError) as error:
        raise SnapshotDamaged(f"The parts cannot be read: {error}") from error


def digest_of(value: bytes) -> str:
    """What a manifest's `digest` is."""
    return hashlib.blake2b(value, digest_size=16).hexdigest()


def cut(value: bytes) -> list[bytes]:
    """The records of a snapshot, in order; at least one."""
    return [value[at : at + CHUNK_BYTES] for at in range(0, max(len(value), 1), CHUNK_BYTES)]


def join(manifest: Manifest, records: Sequence[bytes]) -> bytes:
    """The bytes that `cut` made records of.

    Raises:
        SnapshotDamaged: they are not those of the manifest.
    """
    value = b"".join(records)
    if len(value) != manifest.size_bytes:
        raise SnapshotDamaged(f"{len(value)} bytes, the manifest says {manifest.size_bytes}")
    if digest_of(value) != manifest.digest:
        raise SnapshotDamaged("The bytes do not hash to what the manifest says")
    return value


def read_manifest(value: bytes) -> Manifest:
    """A manifest from its record.

    Raises:
        SnapshotDamaged: it is none.
        SnapshotRefused: it was written by a newer version.
    """
    try:
        manifest = msgspec.json.decode(value, type=Manifest)
    except msgspec.MsgspecError as error:
        raise SnapshotDamaged(f"The manifest cannot be read: {error}") from error
    if manifest.format > FORMAT:
        raise SnapshotRefused(
            f"A snapshot of {manifest.role} has format {manifest.format}, this version reads up to {FORMAT}: "
            "go on with the version that wrote it, or a newer one"
        )
    return manifest


# -- parts


def values(value: Any) -> bytes:
    """A part of plain values and dataclasses."""
    return msgspec.msgpack.encode(value)


def read_values(parts: Parts, name: str, kind: type[T]) -> T:
    """The values of a part.

    Raises:
        SnapshotDamaged: the part is missing or holds something else.
    """
    part = parts.get(name)
    if not isinstance(part, bytes):
        raise SnapshotDamaged(f"The part {name} is missing or holds no values")
    try:
        return msgspec.msgpack.decode(part, type=kind)
    except msgspec.MsgspecError as error:
        raise SnapshotDamaged(f"The part {name} cannot be read: {error}") from error


def read_arrays(parts: Parts, name: str) -> Arrays:
    """The arrays of a part; raises `SnapshotDamaged` when it is missing or holds something else."""
    part = parts.get(name)
    if not isinstance(part, dict):
        raise SnapshotDamaged(f"The part {name} is missing or holds no arrays")
    return part


def read_batches(parts: Parts, name: str) -> list[pa.RecordBatch]:
    """The batches of a part; raises `SnapshotDamaged` when it is missing or holds something else."""
    part = parts.get(name)
    if not isinstance(part, list):
        raise SnapshotDamaged(f"The part {name} is missing or holds no batches")
    return part


def _encode_part(part: Part) -> tuple[str, Any]:
    if isinstance(part, bytes):
        return "values", part
    if isinstance(part, dict):
        return "arrays", {
            name: (array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes())
            for name, array in part.items()
        }
    if not part:
        return "batches", b""
    sink = pa.BufferOutputStream()
    # With its schema: what an older version wrote still names its columns.
    with pa.ipc.new_stream(sink, part[0].schema) as writer:
        for batch in part:
            writer.write_batch(batch)
    return "batches", sink.getvalue().to_pybytes()


def _decode_part(kind: str, raw: bytes) -> Part:
    if kind == "arrays":
        return _decode_arrays(raw)
    value = msgspec.msgpack.decode(raw, type=bytes)
    if kind == "values":
        return value
    if kind != "batches":
        raise ValueError(f"there is no part of kind {kind!r}")
    return list(pa.ipc.open_stream(value)) if value else []


def _decode_arrays(raw: bytes) -> Arrays:
    found = msgspec.msgpack.decode(raw, type=dict[str, tuple[str, tuple[int, ...], bytes]])
    # Copied: arrays over the message's own bytes could not be written to.
    return {
        name: np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()
        for name, (dtype, shape, data) in found.items()
    }
