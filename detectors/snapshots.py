"""How does a detector's state become named arrays, and state again?

Called by ``slots.py``. It stores nothing: the caller writes the arrays where it keeps snapshots.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.contract import Snapshot, SnapshotMismatch
from detectors.state import NO_SIDE, Layout, Side, Streams, make_side, make_streams

# Arrays of no width are not written.
_NO_WIDTH = (0,)


def pack(streams: Streams, used: int, side: Side) -> Snapshot:
    """Copies of the first ``used`` slots and of the second engines in use, in the order of their slots.

    The rows that second engines happen to have depend on how batches were cut; their order here does not.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, array in streams._asdict().items():
        if array.shape[1:] != _NO_WIDTH:
            arrays[name] = array[:used].copy()
    opened = np.flatnonzero(arrays["side"] != NO_SIDE)
    rows = arrays["side"][opened]
    arrays["side"][opened] = np.arange(len(opened))
    arrays["side_block"] = side.block[rows]
    arrays["side_taken"] = side.taken[rows]
    return arrays


def unpack(snapshot: Snapshot, layout: Layout) -> tuple[Streams, Side]:
    """New arrays with a snapshot's content; every row of the second engines is in use.

    Raises:
        SnapshotMismatch: an array is missing, or has another type or width than this version's.
    """
    side = make_side(1, layout)
    empty = make_streams(len(load_array(snapshot, "phase", np.empty(0, np.int8))), layout)
    loaded = [
        array if array.shape[1:] == _NO_WIDTH else load_array(snapshot, name, array)
        for name, array in empty._asdict().items()
    ]
    return Streams(*loaded), Side(
        *(load_array(snapshot, f"side_{name}", x) for name, x in side._asdict().items())
    )


def load_array(snapshot: Snapshot, name: str, like: NDArray[Any]) -> NDArray[Any]:
    """A copy of one array, which must have the type and width of ``like``.

    Raises:
        SnapshotMismatch: it has not, or is missing.
    """
    array = snapshot.get(name)
    if array is None or array.dtype != like.dtype or array.shape[1:] != like.shape[1:]:
        raise SnapshotMismatch(
            f"the snapshot's array {name!r} is missing or of another kind than {like.dtype}"
        )
    return np.array(array, order="C")
