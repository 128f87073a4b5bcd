"""What is written down when numbers are to be read differently? Ledger rows, and the alert of a gap. Pure.

Ids are made from data, so that a repeat after a crash is the same row and the same alert.
"""

from collections.abc import Sequence

import pyarrow as pa

from schemas.alert import Alert
from schemas.columns import TIME, Kind
from schemas.frame import make_batch
from streams.state.processor import Note


def build_ledger(
    role: str, partition: int, offset: int, time_ns: int, notes: Sequence[Note]
) -> pa.RecordBatch:
    """A batch of kind LEDGER, a row for each note.

    Args:
        role: that says it.
        partition: of its input.
        offset: of the first frame that it holds for, or another number that makes the id one of a kind.
        time_ns: of the partition's clock at that frame.
        notes: at least one.
    """
    columns: dict[str, pa.Array] = {
        "ledger_id": pa.array([f"{role}.{partition}.{offset}.{note.entry}" for note in notes]),
        "time": pa.array([time_ns] * len(notes), pa.int64()).cast(TIME),
        "role": pa.array([role] * len(notes)),
        "entry": pa.array([note.entry for note in notes]),
        "count": pa.array([note.count for note in notes], pa.int64()),
        "detail": pa.array([note.detail for note in notes]),
    }
    return make_batch(Kind.LEDGER, columns)


def gap_alert(namespace: str, role: str, partition: int, first: int, last: int, time_ns: int) -> Alert:
    """Somebody must know: frames are gone that no state holds.

    Args:
        namespace: of the role.
        role: that misses them.
        partition: of its input.
        first: offset of the first frame that is missing.
        last: offset of the last one.
        time_ns: of the partition's clock at the first frame after them.
    """
    name = f"{namespace}.{role}.{partition}.{first}-{last}"
    return Alert(
        alert_id=f"gap.{name}",
        type="pipeline.gap",
        severity="critical",
        namespace=namespace,
        time_unix_ms=time_ns // 1_000_000,
        summary=(
            f"{role.upper()} misses {last - first + 1:,} frames of partition {partition} (offsets {first} to "
            f"{last}): they were deleted before they were read. Totals of that time are too low; `wakeline "
            "audit` says by how much"
        ),
        incident_id=f"gap.{name}",
    )
