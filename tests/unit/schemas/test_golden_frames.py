"""Frames that were once written are read for ever, and the version before is still written on demand."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.columns import NEWEST, SCHEMAS, Kind, version_to_write
from schemas.frame import Writer, decode_batch, decode_header, encode, make_batch, make_header
from tests.unit.schemas.golden import FOLDER, header_of, path_of, plain

FILES = sorted(FOLDER.glob("*.frame"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_frame_of_the_past_says_what_it_said(file: Path) -> None:
    value = file.read_bytes()
    header = decode_header(value)
    assert header == header_of(header.kind, header.version, 2)
    assert file == path_of(header.kind, header.version)
    assert plain(decode_batch(header, value)) == json.loads(file.with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize(("kind", "version"), SCHEMAS, ids=lambda value: getattr(value, "name", value))
def test_every_kind_and_version_has_a_frame_that_is_kept(kind: Kind, version: int) -> None:
    assert path_of(kind, version) in FILES, "run python -m tests.unit.schemas.golden and commit what it wrote"


@pytest.mark.parametrize("kind", sorted(NEWEST), ids=lambda kind: kind.name)
def test_the_newest_version_and_the_one_before_are_known_and_one_only_adds_to_the_other(kind: Kind) -> None:
    newest = NEWEST[kind]
    if newest == 1:
        assert version_to_write(kind, "previous") == 1, "there is no other"
        return
    assert version_to_write(kind, "newest") == newest
    assert version_to_write(kind, "previous") == newest - 1
    older, newer = SCHEMAS[kind, newest - 1], SCHEMAS[kind, newest]
    assert list(newer)[: len(older)] == list(older)


def test_rows_of_the_newest_version_are_written_as_the_version_before() -> None:
    rows = make_batch(
        Kind.RUNS, {"run_id": pa.array(["r"]), "steps": pa.array([3]), "depth": pa.array([2], pa.int64())}
    )
    header = make_header(Kind.RUNS, Writer.RUNS, rows=1, version=version_to_write(Kind.RUNS, "previous"))
    value = encode(header, rows)
    read = decode_header(value)
    assert read.version == 1
    batch = decode_batch(read, value)
    assert batch.schema.equals(SCHEMAS[Kind.RUNS, 1])
    assert batch.column("steps").to_pylist() == [3]


def test_rows_of_an_older_version_are_not_passed_off_as_newer() -> None:
    schema = SCHEMAS[Kind.RUNS, 1]
    rows = pa.RecordBatch.from_pylist([], schema=schema)
    with pytest.raises(ValueError, match="not of the schema of RUNS version 2"):
        encode(make_header(Kind.RUNS, Writer.RUNS), rows)
