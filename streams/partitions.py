"""In which partition does a row lie, and how are rows cut into frames? Pure; for all that write frames."""

import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.frame import MAX_BYTES, MAX_ROWS


def partition_of(key: str, count: int) -> int:
    """Partition of a key: CRC-32 of its UTF-8 bytes, modulo the number of partitions."""
    return zlib.crc32(key.encode()) % count


def split_by(
    batch: pa.RecordBatch, partitions: npt.NDArray[np.int64]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Each partition that has rows, in rising order, with its rows in their order.

    Args:
        batch: the rows.
        partitions: the partition of each row.
    """
    for partition in np.unique(partitions).tolist():
        rows = np.flatnonzero(partitions == partition)
        yield partition, batch if len(rows) == batch.num_rows else batch.take(pa.array(rows))


def cut(rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Parts of at most 5,000 rows and about 900 kB; a single row is never cut."""
    for start in range(0, rows.num_rows, MAX_ROWS):
        part = rows.slice(start, MAX_ROWS)
        if part.num_rows > 1 and part.nbytes > MAX_BYTES:
            half = part.num_rows // 2
            yield from cut(part.slice(0, half))
            yield from cut(part.slice(half))
        else:
            yield part
