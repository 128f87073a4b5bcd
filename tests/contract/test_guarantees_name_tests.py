"""A guarantee that names a test which is not there promises nothing."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")


def test_every_test_that_a_guarantee_names_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", TEXT))
    assert len(named) >= 10
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_fault_of_the_table_names_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| failure")]
    above = ""
    for row in rows:
        last = row.strip("| ").split("|")[-1].strip()
        if last in ("shown by", ""):
            continue
        named = above if last == "the same" else last
        assert "tests/" in named, row
        above = named
