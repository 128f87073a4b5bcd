"""How does WRITE turn frames into inserts? Collects rows by table, and inserts blocks of them.

A block is written after 1 s, 10,000 rows or 16 MB. The loop commits offsets after it; a repeat after a crash
gives rows of the same version. A block that ClickHouse refuses is halved until the bad row is alone: that row
becomes a dead letter, the others are written.
"""

import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import structlog
from confluent_kafka import KafkaError, Message, Producer

from schemas.columns import Kind
from schemas.decoded import Reason
from schemas.frame import InvalidFrame, NewerFrame, decode_batch, decode_header
from schemas.topics import DEAD_LETTERS, topic_name
from streams.dead_letters import headers as letter_headers
from streams.fault_points import FaultPoint, reach
from streams.health import Health
from streams.loop import offset_of, place_of, settle
from streams.partitions import partition_of
from streams.settings import Settings
from streams.write import dead_letters
from streams.write.metrics import Metrics
from streams.write.rows import TABLES, to_table
from streams.write.sink import RowsRejected, Sink

log = structlog.get_logger()

BLOCK_ROWS = 40_000
BLOCK_BYTES = 16_000_000
BLOCK_AGE_S = 1.0
# ClickHouse refuses an insert into more than 100 partitions.
MOST_MONTHS = 50
# A block takes 0.1 s. An engine that hangs is left in time to keep the group's membership (300 s without a
# poll end it).
INSERT_TIMEOUT_S = 60
MONTH_COLUMN = {
    "steps": "time",
    "contents": "time",
    "runs": "opened_time",
    "windows": "window_start",
    "readings": "time",
    "incidents": "opened_time",
    "ledger": "time",
    dead_letters.TABLE: "append_time",
}


class WriteStage:
    """The stage of WRITE (see `streams.loop.Stage`)."""

    def __init__(self, settings: Settings, sink: Sink, producer: Producer, health: Health) -> None:
        self._settings = settings
        self._sink = sink
        self._producer = producer
        self._health = health
        self._metrics = Metrics(health.metrics, lambda: self._bytes)
        self._letters_topic = topic_name(DEAD_LETTERS, settings.namespace)
        self._failed: KafkaError | None = None
        self._tables: dict[str, list[pa.Table]] = {}
        self._letters: list[tuple[dict[str, str], bytes, int]] = []
        self._rows = self._bytes = 0
        self._opened_s: float | None = None

    # -- the loop's calls

    def feed(self, messages: Sequence[Message]) -> None:
        if self._opened_s is None:
            self._opened_s = time.monotonic()
        for message in messages:
            topic, partition = place_of(message)
            value = message.value() or b""
            self._bytes += len(value)
            if topic == self._letters_topic:
                self._letters.append((_headers(message), value, offset_of(message)))
            else:
                self._take(topic, partition, offset_of(message), value)

    def due(self, now_s: float) -> bool:
        if self._opened_s is None:
            return False
        return now_s - self._opened_s >= BLOCK_AGE_S or self._rows >= BLOCK_ROWS or self._bytes >= BLOCK_BYTES

    def flush(self, now_s: float) -> None:  # noqa: ARG002 - of the protocol
        reach(FaultPoint.WRITE_FED)
        if self._letters:
            letters = dead_letters.to_table(self._letters, self._settings.namespace)
            self._tables.setdefault(dead_letters.TABLE, []).append(letters)
            self._letters.clear()
        for table in list(self._tables):
            rows = pa.concat_tables(self._tables[table], promote_options="default")
            for part in by_months(rows, MONTH_COLUMN[table]):
                self.write(table, part)
            reach(FaultPoint.WRITE_TABLE_INSERTED)
            del self._tables[table]  # what is written is not written again while another table waits
        settle(self._producer, "dead letters")
        if self._failed is not None:
            raise RuntimeError(f"Kafka refused a dead letter: {self._failed.str()}")
        reach(FaultPoint.WRITE_INSERTED)
        self._open()

    def drop(self) -> None:
        self._open()

    # -- parts

    def _open(self) -> None:
        self._tables = {}
        self._letters = []
        self._rows = self._bytes = 0
        self._opened_s = None

    def _take(self, topic: str, partition: int, offset: int, value: bytes) -> None:
        try:
            header = decode_header(value)
            if header.kind is Kind.TICK:
                self._metrics.frame(header.kind)
                return
            if header.kind not in TABLES:
                raise InvalidFrame(f"{header.kind.name} frames are not stored")
            batch = decode_batch(header, value)
        except NewerFrame:
            raise  # rows of a newer writer are no dead letters: this process ends, and says what to do
        except InvalidFrame as error:
            self._send_letter(Reason.INVALID_FRAME, str(error), topic, partition, offset, 0, value)
            return
        self._tables.setdefault(TABLES[header.kind], []).append(
            to_table(header, batch, offset, self._settings.namespace)
        )
        self._metrics.frame(header.kind, batch.num_rows)
        self._rows += batch.num_rows

    def write(self, table: str, rows: pa.Table) -> None:
        """Insert rows; what is refused is halved until the bad row is alone, which becomes a dead letter."""
        try:
            limit_s, reason = INSERT_TIMEOUT_S + 30.0, "ClickHouse to take a block"
            with self._metrics.inserting(table), self._health.blocking(limit_s, reason):
                self._sink.write(table, rows)
            self._metrics.wrote(table, rows.num_rows)
        except RowsRejected as error:
            if rows.num_rows > 1:
                half = rows.num_rows // 2
                self.write(table, rows.slice(0, half))
                self.write(table, rows.slice(half))
            elif table == dead_letters.TABLE:
                # It would become a dead letter of itself for ever. It stays on its topic.
                log.error("A dead letter cannot be stored; it stays on its topic", reason=str(error))
            else:
                payload = dead_letters.row_as_json(rows)
                offset, number = dead_letters.place_of_row(rows, payload)
                self._send_letter(Reason.ROW_REJECTED, str(error), table, -1, offset, number, payload)

    def _send_letter(
        self, reason: Reason, detail: str, topic: str, partition: int, offset: int, number: int, value: bytes
    ) -> None:
        log.error("A record cannot be stored", reason=reason.value, topic=topic, detail=detail[:200])
        self._metrics.dead_letter(reason)
        self._producer.produce(
            self._letters_topic,
            value,
            partition=partition_of(f"{topic}/{partition}", self._settings.partitions),
            headers=letter_headers(reason, detail, topic, partition, offset, number, time.time_ns()),
            on_delivery=self._delivered,
        )

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed = error


def by_months(rows: pa.Table, column: str) -> list[pa.Table]:
    """The rows in parts of at most 50 months each; in one part unless history is replayed."""
    months = rows.column(column).cast(pa.int64()).to_numpy() // (86_400 * 1_000_000_000) // 28
    found = np.unique(months)
    if len(found) <= MOST_MONTHS:
        return [rows]
    parts = []
    for start in range(0, len(found), MOST_MONTHS):
        last = found[min(start + MOST_MONTHS, len(found)) - 1]
        inside = (months >= found[start]) & (months <= last)
        parts.append(rows.take(pa.array(np.flatnonzero(inside))))
    return parts


def _headers(message: Message) -> dict[str, str]:
    found: list[tuple[str, bytes | None]] = message.headers() or []  # type: ignore[assignment]
    return {name: (text or b"").decode("utf-8", "replace") for name, text in found}
