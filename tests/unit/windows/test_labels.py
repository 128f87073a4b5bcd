"""Rows of equal labels, grouped by codes."""

import pyarrow as pa
import pytest

from streams.windows.labels import encode_labels, group_rows, names_of


@pytest.mark.parametrize("distinct", [1, 32, 4_096])
def test_rows_are_in_one_group_when_all_labels_agree_and_only_then(distinct: int) -> None:
    # Six columns of 4,096 labels each have 2^72 combinations; in 64 bits, the first column would lose all but
    # four bits of its codes, and rows that differ there by 16 would be one.
    rows: list[tuple[str, ...]] = [(str(n % distinct),) * 6 for n in range(4_096)]
    rows += [(str((n + 16) % distinct), *[str(n)] * 5) for n in range(distinct)]
    columns = [encode_labels(pa.array(column)) for column in zip(*rows, strict=True)]
    groups = group_rows(columns)
    names = names_of(groups, columns)
    assert [names[group] for group in groups.of_row.tolist()] == rows
    assert len(set(names)) == len(names)


def test_an_absent_label_is_the_empty_one() -> None:
    labels = encode_labels(pa.array(["a", None, "b", None]))
    assert [labels.names[code] for code in labels.codes.tolist()] == ["a", "", "b", ""]
