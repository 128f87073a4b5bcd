"""When did a step come to be known? By this moment history is put in order. Pure; for the event clock alone.

A live agent tells of a step when it ends, so its end is the moment; its beginning, where no end is known. A
moment that cannot be right (before 2020, or over a day after the broker had the step) orders nothing.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.event import Event

DAY_NS = 86_400 * 1_000_000_000
EARLIEST_NS = 1_577_836_800 * 1_000_000_000  # 2020-01-01


def moment_of(event: Event, append_ns: int) -> int:
    """Unix nanoseconds; 0 when the event's start cannot be right.

    Args:
        event: of any source.
        append_ns: when the broker got it.
    """
    start, end = event.start_time_unix_nano, event.end_time_unix_nano
    latest = append_ns + DAY_NS
    if not EARLIEST_NS <= start <= latest:
        return 0
    return end if end is not None and start <= end <= latest else start


def moments_of(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """The same of each row of a batch with the columns `time`, `duration_ns` and `append_time`."""
    start, append = (_integers(batch.column(name)) for name in ("time", "append_time"))
    end = start + _integers(batch.column("duration_ns"))
    return np.where(end <= append + DAY_NS, end, start) * (start > 0)


def _integers(column: pa.Array) -> npt.NDArray[np.int64]:
    values = column.cast(pa.int64()).fill_null(0)
    return np.asarray(values.to_numpy(zero_copy_only=False), np.int64)
