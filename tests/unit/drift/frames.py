"""Makes signal-frames for windows and DRIFT, and keeps what DRIFT sends."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.alert import Alert
from schemas.columns import SCHEMAS, TIME, CostStatus, Kind
from schemas.frame import NO_LABEL, Flag, Header, Label, Writer, encode, make_batch, make_header
from schemas.topics import RESULT_FRAMES
from streams.drift.params import Params
from streams.drift.processor import DriftProcessor
from streams.partitions import cut
from streams.state.processor import Clock, LabelWriter, Output, Place

SECOND_NS = 1_000_000_000
# A whole hour, so that tests may count minutes and epochs from it.
START_NS = 486_111 * 3_600 * SECOND_NS

Row = dict[str, Any]


def make_row(**values: Any) -> Row:
    """A settled LLM call of one second by `planner`; times in nanoseconds."""
    row: Row = {
        "event_id": "e",
        # Each is a run of its own.
        "run_id": None,
        "weight": 1,
        "first": True,
        "kind": "llm",
        "step_name": "chat",
        "agent_name": "planner",
        "agent_version": "1",
        "environment": "prod",
        "model": "gpt-4o-mini",
        "time": START_NS,
        "duration_ns": SECOND_NS,
        "input_tokens": 100,
        "output_tokens": 10,
        "error": False,
        "cost_pico_usd": 21_000_000,
        "cost_status": int(CostStatus.PRICED),
    }
    row |= values
    return {"append_time": row["time"] + SECOND_NS, **row}


def make_frame(rows: Sequence[Row]) -> pa.RecordBatch:
    """A batch of kind SIGNALS."""
    columns = {}
    for field in SCHEMAS[Kind.SIGNALS, 1]:
        given = pa.int64() if field.type == TIME else field.type
        columns[field.name] = pa.array([row.get(field.name) for row in rows], given).cast(field.type)
    return make_batch(Kind.SIGNALS, columns)


def plain(rows: pa.RecordBatch) -> Iterator[Row]:
    """Rows as dictionaries; times as integers, maps as dictionaries."""
    columns = {}
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        values = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
        columns[name] = [dict(v) for v in values] if pa.types.is_map(column.type) else values
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def random_rows(rng: np.random.Generator, count: int, span_s: int = 7_200) -> list[Row]:
    """Steps of few segments over some hours, with all that may be absent, and corrections of some."""
    rows: list[Row] = []
    for number in range(count):
        row = make_row(
            event_id=f"e{number}",
            agent_name=f"agent-{rng.integers(3)}",
            agent_version=[None, "1", "2"][rng.integers(3)],
            step_name=f"step-{rng.integers(3)}",
            kind=["llm", "tool"][rng.integers(2)],
            model=[None, "small", "large"][rng.integers(3)],
            time=START_NS + int(rng.integers(span_s * SECOND_NS)),
            duration_ns=None if rng.random() < 0.1 else int(rng.lognormal(20, 2)),
            output_tokens=None if rng.random() < 0.3 else int(rng.integers(5_000)),
            cost_pico_usd=None if rng.random() < 0.3 else int(rng.integers(2**45)),
            cost_status=int(rng.integers(6)),
            error=bool(rng.random() < 0.1),
        )
        rows.append(row)
        if rng.random() < 0.1:
            rows.append({**row, "weight": -1, "first": False})
            rows.append({**row, "agent_name": "planner", "input_tokens": 7})
    return rows


def split(rows: Sequence[Row], places: Sequence[int]) -> list[list[Row]]:
    """Rows cut before each of the places."""
    edges = [0, *sorted(place % (len(rows) + 1) for place in places), len(rows)]
    return [list(rows[a:b]) for a, b in pairwise(edges) if b > a]


class Feed:
    """A processor with its frames, ticks, labels, offsets and clock; keeps all that comes out.

    `frames` has every output as the shell would put it on the wire.
    """

    def __init__(self, params: Params | None = None, *, event_clock: bool = False, inputs: int = 1) -> None:
        self.place = Place(Writer.DRIFT, 3, 4)
        self.processor = DriftProcessor(self.place, params or Params("test"))
        self.outputs: list[Output] = []
        self.alerts: list[Alert] = []
        self.frames: list[bytes] = []
        self.now_ns = START_NS
        self._flags = Flag.EVENT_CLOCK if event_clock else Flag.NONE
        self._inputs = inputs
        self._last = [NO_LABEL] * inputs
        self._labels = LabelWriter()
        self._clock = Clock()
        self._offset = 0

    def rows_of(self, rows: Sequence[Row], after_s: float = 0.0, source: int = 0) -> Header:
        """One frame, so many seconds later."""
        return self._send(Kind.SIGNALS, make_frame(rows), after_s, source, self._flags)

    def tick(self, after_s: float = 1.0, source: int = 0, *, end: bool = False) -> Header:
        """A tick, so many seconds later."""
        return self._send(Kind.TICK, None, after_s, source, self._flags | (Flag.END if end else Flag.NONE))

    def _send(
        self, kind: Kind, rows: pa.RecordBatch | None, after_s: float, source: int, flags: Flag
    ) -> Header:
        self.now_ns += int(after_s * SECOND_NS)
        label = Label(self._last[source].offset + 1, 0)
        header = make_header(
            kind,
            Writer.RUNS,
            rows=0 if rows is None else rows.num_rows,
            flags=flags,
            partition=source,
            partitions=self._inputs,
            label=label,
            previous=self._last[source],
            clock_ns=self.now_ns if flags & Flag.EVENT_CLOCK else 0,
        )
        self._last[source] = label
        self.take(header, rows)
        return header

    def take(self, header: Header, rows: pa.RecordBatch | None) -> None:
        """Hand a message over as it is; twice is a repeat."""
        clock_ns = self._clock.read(header, self.now_ns)
        for output in self.processor.process(header, rows, self._offset, clock_ns):
            if isinstance(output, Alert):
                self.alerts.append(output)
                continue
            self.outputs.append(output)
            for part in (None,) if output.rows is None else cut(output.rows):
                self.frames.append(self._encode(output, part))
        self._offset += 1

    def _encode(self, output: Output, rows: pa.RecordBatch | None) -> bytes:
        label, previous = self._labels.next(RESULT_FRAMES.name, output.partition, self._offset)
        header = make_header(
            output.kind,
            Writer.DRIFT,
            rows=0 if rows is None else rows.num_rows,
            flags=output.flags,
            partition=3,
            partitions=4,
            label=label,
            previous=previous,
            clock_ns=output.clock_ns,
        )
        return encode(header, rows)

    # -- what came out

    def rows(self, kind: Kind) -> list[Row]:
        return [
            row
            for output in self.outputs
            if output.kind is kind and output.rows is not None
            for row in plain(output.rows)
        ]

    def ticks(self) -> list[Output]:
        return [output for output in self.outputs if output.kind is Kind.TICK]

    def incidents(self) -> dict[str, Row]:
        """The last row of each incident."""
        return {row["incident_id"]: row for row in self.rows(Kind.INCIDENTS)}
