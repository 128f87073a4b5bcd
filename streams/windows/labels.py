"""Which rows of a frame have the same labels? Codes instead of strings, so that numpy can group.

First step of windows and detectors alike. Codes mean something within one frame only.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]

# Codes of several columns are joined in one integer up to this; beyond, they are renumbered first.
_SPACE = 2**62


class Labels(NamedTuple):
    """A column of labels.

    Attributes:
        codes: index into `names` of each row.
        names: by first appearance. Absent is "", as in ClickHouse's keys.
    """

    codes: Ints
    names: list[str]


class Groups(NamedTuple):
    """Rows of equal labels.

    Attributes:
        of_row: group of each row, from 0 on.
        first_row: of each group.
    """

    of_row: Ints
    first_row: Ints


def encode_labels(column: pa.Array) -> Labels:
    """Codes of a column of strings; 10 ns a row."""
    coded = column.dictionary_encode()
    names: list[str] = coded.dictionary.to_pylist()
    indices = coded.indices
    if indices.null_count:
        indices = indices.fill_null(len(names))
        names.append("")
    return Labels(indices.to_numpy().astype(np.int64), names)


def group_rows(columns: Sequence[Labels]) -> Groups:
    """Groups of rows that agree in all columns."""
    key, space = columns[0].codes, len(columns[0].names)
    for codes, names in columns[1:]:
        if space * len(names) > _SPACE:
            distinct, key = np.unique(key, return_inverse=True)
            space = len(distinct)
        key, space = key * len(names) + codes, space * len(names)
    _, first_row, of_row = np.unique(key, return_index=True, return_inverse=True)
    return Groups(of_row, first_row)


def names_of(groups: Groups, columns: Sequence[Labels]) -> list[tuple[str, ...]]:
    """The labels of each group, a tuple in the order of `columns`."""
    parts = [[names[code] for code in codes[groups.first_row].tolist()] for codes, names in columns]
    return list(zip(*parts, strict=True))
