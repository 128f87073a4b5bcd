"""Old snapshots are read, and what follows them is what followed them then."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.state.snapshots import decode
from tests.unit.state import golden

FILES = sorted(golden.FOLDER.glob("*.bin"))


def test_the_newest_version_of_every_state_has_a_golden_snapshot() -> None:
    newest = {f"{role}-{version}" for role, version in golden.VERSIONS.items()}
    assert newest <= {file.stem for file in FILES}, "run `python -m tests.unit.state.golden` and commit"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_golden_snapshot_is_read_and_gives_the_rows_that_it_gave(file: Path) -> None:
    role, version = file.stem.split("-")
    make, before, _ = golden.BEFORE[role]
    feed: Any = make()
    before(feed)  # for its clock, labels and offsets; its state is thrown away
    feed.processor = golden.new_processor(role)
    notes = feed.processor.restore(int(version), decode(file.read_bytes()))
    found = json.loads(json.dumps(golden.follow(role, feed), default=str))
    expected = json.loads(file.with_suffix(".json").read_text())
    # Detectors of an older version start anew, and the ledger says so.
    assert [note.entry for note in notes] == expected.pop("notes", [])
    for kind, rows in expected.items():
        # Columns that came later are not in the file.
        known = [{name: row[name] for name in then} for row, then in zip(found[kind], rows, strict=True)]
        # The book's name is another with each release of prices; what follows the snapshot is priced by it.
        for row in (*known, *rows):
            row.pop("price_book", None)
        assert known == rows, kind
        assert rows, f"the frames after it give {kind}"
