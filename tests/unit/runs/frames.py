"""Makes step-frames for RUNS out of events, and adds up what RUNS sends."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.event import Event
from schemas.frame import Flag, Writer, make_header
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.pricing.book import PriceBook
from streams.runs.params import SECOND_NS, Params
from streams.runs.processor import RunsProcessor
from streams.state.processor import Output, Place

BOOK = PriceBook()
NOW_NS = 1_750_000_000 * SECOND_NS


def make_event(event_id: str, run_id: str = "r", **fields: Any) -> Event:
    """An LLM call of one second by the agent `planner`, unless told otherwise."""
    defaults: dict[str, Any] = {
        "kind": "llm",
        "start_time_unix_nano": NOW_NS,
        "end_time_unix_nano": NOW_NS + SECOND_NS,
        "agent_name": "planner",
        "request_model": "gpt-4o-mini",
        "provider_name": "openai",
        "input_tokens": 100,
        "output_tokens": 10,
    }
    return Event(event_id=event_id, run_id=run_id, **(defaults | fields))


class Feed:
    """A processor with its frames, ticks, offsets and clock; keeps all that comes out."""

    def __init__(self, **params: Any) -> None:
        self.processor = RunsProcessor(Place(Writer.RUNS, 0, 4), Params("test", **params))
        self.outputs: list[Output] = []
        self.alerts: list[Alert] = []
        self.now_ns = NOW_NS + 10 * SECOND_NS
        self._offset = 0
        self._source_offset = 0

    def frame(
        self, events: Sequence[Event], *, source_offset: int | None = None, source: tuple[int, int] = (0, 0)
    ) -> None:
        """One frame made from one message of a source: number of its topic, and partition."""
        if source_offset is None:
            source_offset = self._source_offset
            self._source_offset += 1
        block = Block()
        block.add(list(events), range(len(events)), *source, source_offset, self.now_ns)
        rows = build_steps(block, BOOK, keep_attributes=True)
        self._process(Kind.STEPS, rows, Flag.NONE)

    def tick(self, after_s: float = 0.25, *, end: bool = False) -> None:
        """A tick, so many seconds later."""
        self.now_ns += int(after_s * SECOND_NS)
        self._process(Kind.TICK, None, Flag.END if end else Flag.NONE)

    def end(self) -> None:
        self.tick(end=True)

    def _process(self, kind: Kind, rows: pa.RecordBatch | None, flags: Flag) -> None:
        header = make_header(kind, Writer.INGEST, rows=rows.num_rows if rows else 0, flags=flags)
        for output in self.processor.process(header, rows, self._offset, self.now_ns):
            if isinstance(output, Alert):
                self.alerts.append(output)
            else:
                self.outputs.append(output)
        self._offset += 1

    # -- what came out

    def rows(self, kind: Kind) -> list[dict[str, Any]]:
        return [
            row
            for output in self.outputs
            if output.kind is kind and output.rows is not None
            for row in plain(output.rows)
        ]

    def runs(self) -> dict[str, dict[str, Any]]:
        """The last row of each run."""
        return {row["run_id"]: row for row in self.rows(Kind.RUNS)}

    def signals(self) -> Counter[tuple[Any, ...]]:
        """Settled steps with their weights added up: what windows would hold."""
        total: Counter[tuple[Any, ...]] = Counter()
        for row in self.rows(Kind.SIGNALS):
            key = (
                row["event_id"],
                row["agent_name"],
                row["input_tokens"],
                row["cost_pico_usd"],
                row["duration_ns"],
            )
            total[key] += row["weight"]
        return Counter({key: weight for key, weight in total.items() if weight})


def plain(rows: pa.RecordBatch) -> Iterable[dict[str, Any]]:
    """Rows as dictionaries; times as integers."""
    columns = {
        name: (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
        for name, column in zip(rows.schema.names, rows.columns, strict=True)
    }
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
