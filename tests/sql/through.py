"""Puts events through INGEST, RUNS and DRIFT into tables, without Kafka between them."""

from collections.abc import Sequence

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schemas.columns import Kind
from schemas.event import Event
from schemas.frame import NO_LABEL, Flag, Label, Writer, make_header
from streams.drift.params import Params as DriftParams
from streams.drift.processor import DriftProcessor
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.ingest.contents import build_contents
from streams.pricing.book import PriceBook
from streams.runs.params import SECOND_NS, Params
from streams.runs.processor import RunsProcessor
from streams.state.processor import Output, Place
from streams.write.rows import TABLES, to_table

MAX_CONTENT_BYTES = 256 * 1024


class Path:
    """One partition of everything; the clock is the events'."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        book: PriceBook | None = None,
        *,
        keep_contents: bool = False,
        keep_changes: bool = True,
        detector_arl: float = DriftParams.detector_arl,
    ) -> None:
        """
        Args:
            client: of a database with tables.
            namespace: of everything.
            book: of prices.
            keep_contents: prompts and answers are stored.
            keep_changes: what the detectors say is stored.
            detector_arl: observations to a false alarm.
        """
        self.client = client
        self.namespace = namespace
        self.book = book or PriceBook()
        self._keep_contents = keep_contents
        self._keep_changes = keep_changes
        self._runs = RunsProcessor(Place(Writer.RUNS, 0, 1), Params(namespace))
        self._drift = DriftProcessor(Place(Writer.DRIFT, 0, 1), DriftParams(namespace, detector_arl))
        self._offset = self._number = 0
        self._previous = NO_LABEL
        self._clock_ns = 0
        # What INGEST has sent, to be sent again.
        self.emitted: list[pa.Table] = []

    def send(self, events: Sequence[Event]) -> None:
        """One frame of steps and a tick."""
        block = Block()
        now_ns = max(event.end_time_unix_nano or event.start_time_unix_nano for event in events) + SECOND_NS
        block.add(list(events), range(len(events)), 0, 0, self._offset, now_ns)
        rows = build_steps(block, self.book, keep_attributes=True)
        self._clock_ns = max(self._clock_ns, now_ns)
        header = make_header(
            Kind.STEPS, Writer.INGEST, rows=rows.num_rows, flags=Flag.EVENT_CLOCK, clock_ns=self._clock_ns
        )
        table = to_table(header, rows, self._offset, self.namespace)
        self.emitted.append(table)
        self._insert("steps", table)
        if self._keep_contents and (contents := build_contents(block, rows, MAX_CONTENT_BYTES)) is not None:
            told = make_header(Kind.CONTENTS, Writer.INGEST, rows=contents.num_rows)
            self._insert("contents", to_table(told, contents, self._offset, self.namespace))
        self._through_runs(header.flags, Kind.STEPS, rows)
        self._tick(Flag.EVENT_CLOCK)

    def end(self) -> None:
        """All runs close."""
        self._tick(Flag.EVENT_CLOCK | Flag.END)

    def _tick(self, flags: Flag) -> None:
        self._through_runs(flags, Kind.TICK, None)

    def _through_runs(self, flags: Flag, kind: Kind, rows: pa.RecordBatch | None) -> None:
        header = make_header(
            kind, Writer.INGEST, rows=rows.num_rows if rows else 0, flags=flags, clock_ns=self._clock_ns
        )
        for output in self._runs.process(header, rows, self._offset, self._clock_ns):
            if isinstance(output, Output):
                self._take(output)
        self._offset += 1

    def _take(self, output: Output) -> None:
        if output.kind in TABLES and output.rows is not None:
            self._store(output, Writer.RUNS)
        if output.kind in (Kind.SIGNALS, Kind.TICK):
            self._number += 1
            header = make_header(
                output.kind,
                Writer.RUNS,
                rows=output.rows.num_rows if output.rows else 0,
                flags=output.flags,
                partition=0,
                label=Label(self._offset, self._number),
                previous=self._previous,
                clock_ns=output.clock_ns,
            )
            self._previous = header.label
            for made in self._drift.process(header, output.rows, self._offset, self._clock_ns):
                if not isinstance(made, Output) or made.kind not in TABLES or made.rows is None:
                    continue
                if self._keep_changes or made.kind not in (Kind.READINGS, Kind.INCIDENTS):
                    self._store(made, Writer.DRIFT)

    def _store(self, output: Output, writer: Writer) -> None:
        assert output.rows is not None
        self._number += 1
        header = make_header(
            output.kind, writer, rows=output.rows.num_rows, label=Label(self._offset, self._number)
        )
        self._insert(TABLES[output.kind], to_table(header, output.rows, self._number, self.namespace))

    def _insert(self, table: str, rows: pa.Table) -> None:
        self.client.insert_arrow(table, rows, settings={"input_format_null_as_default": 1})
