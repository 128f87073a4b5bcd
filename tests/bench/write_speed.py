"""How fast do step-frames become rows of ClickHouse? Against inserting the same Arrow table alone."""

import tempfile
from functools import partial
from pathlib import Path

import pyarrow as pa

from schemas.frame import decode_batch, decode_header
from streams.clickhouse import connect
from streams.local.ports import free_port
from streams.local.site import Servers, Site
from streams.settings import Settings
from streams.write.rows import to_table
from streams.write.sink import ClickHouseSink
from tests.bench.clock import Row, best_s
from tests.bench.load import make_frames

STEPS = 40_000


def run() -> list[Row]:
    """Rows of the table."""
    frames = make_frames(STEPS)
    with tempfile.TemporaryDirectory(prefix="wakeline-bench-") as folder:
        servers = Servers(kafka_port=free_port(), clickhouse_port=free_port())
        with Site(Settings(partitions=4), Path(folder), servers=servers, roles=()) as site:
            database = site.settings.clickhouse_database
            sink = ClickHouseSink(lambda: connect(site.settings), database)
            ready = _rows(frames)
            bare_s = best_s(partial(sink.write, "steps", ready))
            ours_s = best_s(lambda: sink.write("steps", _rows(frames)))
    return [
        ("write: insert of a ready Arrow table", STEPS / bare_s, "rows/s"),
        ("write: frames to rows, and the insert", STEPS / ours_s, "rows/s"),
        ("write: share of the bare insert", bare_s / ours_s, "ratio"),
    ]


def _rows(frames: list[bytes]) -> pa.Table:
    tables = []
    for offset, value in enumerate(frames):
        header = decode_header(value)
        tables.append(to_table(header, decode_batch(header, value), offset, "bench"))
    return pa.concat_tables(tables, promote_options="default")
