"""What must be added to windows so that they are the sum of their steps? One row for each (window, segment).

An adjustment is truth from `steps` less the sum of the epochs. It lies in an epoch that no clock can reach,
so the views add it up like any other, and it replaces the last adjustment of its window. Where nothing
differs nothing is written.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from schemas.columns import BUCKETS, TIME, Kind
from schemas.frame import Writer, make_batch, make_header
from streams.audit.totals import SUMS, WIDTHS_S, steps_sums
from streams.settings import Settings
from streams.windows.buckets import bucket_of
from streams.windows.segments import SEGMENT_COLUMNS
from streams.write.rows import CLASS_BIT, to_table

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Above the classes of `streams.write.rows`: an adjustment is never replaced by a frame.
ADJUSTED = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS = 1_000_000_000
_PICO = 10**12
_SEGMENTS = ", ".join(SEGMENT_COLUMNS)
_EXACT = (*SUMS, "durations", "duration_ns")

Key = tuple[Any, ...]  # window (Unix seconds), and the segment


@dataclass
class Window:
    """Sums of one window of one segment, in the order of `_EXACT`, and its durations by bucket."""

    sums: list[int | Decimal] = field(default_factory=lambda: [0] * len(_EXACT))
    buckets: Counter[int] = field(default_factory=Counter)

    def less(self, other: "Window") -> "Window":
        """This less another; buckets of 0 are left out."""
        buckets = Counter(self.buckets)
        buckets.subtract(other.buckets)
        sums = [mine - theirs for mine, theirs in zip(self.sums, other.sums, strict=True)]
        return Window(sums, Counter({bucket: count for bucket, count in buckets.items() if count}))

    def plus(self, other: "Window") -> "Window":
        """Both together; buckets of 0 are left out."""
        return self.less(Window().less(other))

    @property
    def empty(self) -> bool:
        return not any(self.sums) and not self.buckets


def adjust(settings: Settings, client: "Client", hours: Iterable[int]) -> dict[int, pa.Table]:
    """The adjustments that some hours need, as rows of `windows`, by width; hours by their Unix second."""
    found: dict[int, pa.Table] = {}
    for width_s in WIDTHS_S:
        rows: dict[Key, tuple[Window, int]] = {}
        for hour in hours:
            rows |= _Hour(settings, client, width_s, hour).adjustments()
        if rows:
            found[width_s] = _table(settings, width_s, rows)
    return found


class _Hour:
    def __init__(self, settings: Settings, client: "Client", width_s: int, hour: int) -> None:
        self._client = client
        self._width_s = width_s
        self._given = {
            "namespace": settings.namespace,
            "since": hour,
            "until": hour + 3_600,
            "width": width_s,
            "epoch": EPOCH,
        }

    def adjustments(self) -> dict[Key, tuple[Window, int]]:
        """What the adjustment of each window must be, and the version of the one that it replaces."""
        truth, have = self._truth(), self._have()
        before = self._adjusted()
        needed = {}
        for key in truth.keys() | have.keys():
            missing = truth.get(key, Window()).less(have.get(key, Window()))
            if not missing.empty:
                last, version = before.get(key, (Window(), 0))
                needed[key] = (last.plus(missing), version)
        return needed

    def _truth(self) -> dict[Key, Window]:
        start = f"toUnixTimestamp(toStartOfInterval(time, INTERVAL {self._width_s} SECOND))"
        rows = self._ask(
            f"SELECT {start} AS window_s, {_SEGMENTS}, {', '.join(steps_sums())}, count(duration_ns), "
            "ifNull(sum(duration_ns), 0), groupArray(duration_ns) FROM agent_steps WHERE namespace = "
            "{namespace:String} AND state = 'ended' AND time >= toDateTime({since:Int64}) AND time < "
            f"toDateTime({{until:Int64}}) GROUP BY window_s, {_SEGMENTS}"
        )
        found = {}
        for window_s, *rest in rows:
            segment, sums, durations = rest[:6], rest[6:-1], rest[-1]
            buckets = bucket_of(np.array(durations, np.int64)).tolist() if durations else []
            found[window_s, *segment] = Window(sums, Counter(buckets))
        return found

    def _have(self) -> dict[Key, Window]:
        sums = ", ".join(f"sum(w.{name})" for name in _EXACT)
        rows = self._ask(
            f"SELECT toUnixTimestamp(window_start) AS window_s, {_SEGMENTS}, {sums}, "
            f"sumMap(w.duration_buckets) FROM windows AS w FINAL WHERE {_RANGE} "
            f"GROUP BY window_s, {_SEGMENTS}"
        )
        return {(window_s, *rest[:6]): Window(rest[6:-1], _counts(rest[-1])) for window_s, *rest in rows}

    def _adjusted(self) -> dict[Key, tuple[Window, int]]:
        rows = self._ask(
            f"SELECT toUnixTimestamp(window_start) AS window_s, {_SEGMENTS}, {', '.join(_EXACT)}, "
            f"duration_buckets, row_version FROM windows FINAL WHERE {_RANGE} AND epoch_start = "
            "toDateTime64(0, 9, 'UTC')"
        )
        return {
            (window_s, *rest[:6]): (Window(rest[6:-2], _counts(rest[-2])), rest[-1])
            for window_s, *rest in rows
        }

    def _ask(self, sql: str) -> list[list[Any]]:
        return [list(row) for row in self._client.query(sql, self._given).result_rows]


_RANGE = (
    "namespace = {namespace:String} AND width_s = {width:Int32} "
    "AND window_start >= toDateTime({since:Int64}) AND window_start < toDateTime({until:Int64})"
)


def _counts(buckets: Mapping[int, int]) -> Counter[int]:
    return Counter({bucket: count for bucket, count in buckets.items() if count})


def _table(settings: Settings, width_s: int, rows: dict[Key, tuple[Window, int]]) -> pa.Table:
    """Rows of `windows`; each has the version after that of the adjustment it replaces."""
    keys = sorted(rows)
    windows = [rows[key][0] for key in keys]
    columns: dict[str, pa.Array] = {
        "width_s": pa.array([width_s] * len(keys), pa.int32()),
        "window_start": pa.array([key[0] * _NANOS for key in keys], pa.int64()).cast(TIME),
        "epoch_start": pa.array([0] * len(keys), pa.int64()).cast(TIME),
        "duration_buckets": pa.array([sorted(w.buckets.items()) for w in windows], BUCKETS),
    }
    for place, name in enumerate(SEGMENT_COLUMNS, start=1):
        columns[name] = pa.array([key[place] for key in keys], pa.string())
    for place, name in enumerate(_EXACT):
        values = [window.sums[place] for window in windows]
        if name == "cost_usd":
            columns["cost_pico_usd"] = pa.array([int(value * _PICO) for value in values], pa.int64())
        else:
            columns[name] = pa.array([int(value) for value in values], pa.int64())
    batch = make_batch(Kind.WINDOWS, columns)
    header = make_header(Kind.WINDOWS, Writer.INGEST, rows=batch.num_rows)  # the version is set below
    table = to_table(header, batch, 0, settings.namespace)
    first = ADJUSTED << CLASS_BIT
    versions = pa.array([max(rows[key][1], first) + 1 for key in keys], pa.uint64())
    return table.set_column(table.schema.get_field_index("row_version"), "row_version", versions)
