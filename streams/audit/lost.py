"""Where are rows that ClickHouse has lost? In the frames that they came in, which Kafka keeps for a week.

Frames are read anew and inserted with the versions that WRITE gave them: a row that is there already is not
changed, and a second time changes nothing. What Kafka has deleted cannot be found here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import Kind
from schemas.frame import Header, InvalidFrame, decode_batch, decode_header
from schemas.topics import RESULT_FRAMES, STEP_FRAMES, Topic, topic_name
from streams.audit.source import read_letters
from streams.reading import read_to_end
from streams.settings import Settings
from streams.write import dead_letters
from streams.write.rows import TABLES, to_table
from streams.write.sink import Sink


@dataclass
class Wanted:
    """Rows that are missing.

    Attributes:
        events: ids of steps.
        runs: ids of runs.
        hours: Unix seconds of hours whose windows are.
        letters: topic, partition and offset of dead letters, as their headers say them.
    """

    events: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    hours: set[int] = field(default_factory=set)
    letters: set[tuple[str | None, str | None, str | None]] = field(default_factory=set)


def insert_again(settings: Settings, sink: Sink, wanted: Wanted, check: Callable[[], None]) -> dict[str, int]:
    """Insert the wanted rows from the frames that hold them.

    Args:
        settings: of the namespace.
        sink: of ClickHouse.
        wanted: what is missing.
        check: called before each insert; raises when somebody else repairs.

    Returns:
        Rows by table.
    """
    counts: dict[str, int] = {}
    if wanted.letters and (count := _insert_letters(settings, sink, wanted, check)):
        counts[dead_letters.TABLE] = count
    if not (wanted.events or wanted.runs or wanted.hours):
        return counts
    topics = [*([STEP_FRAMES] if wanted.events else []), RESULT_FRAMES]
    for topic in topics:
        for header, batch, offset in _frames(settings, topic):
            mask = _mask(header.kind, batch, wanted)
            if mask is None or not pc.any(mask).as_py():
                continue
            check()
            table = to_table(header, batch, offset, settings.namespace).filter(mask)
            name = TABLES[header.kind]
            sink.write(name, table)
            counts[name] = counts.get(name, 0) + table.num_rows
    return counts


def _mask(kind: Kind, batch: pa.RecordBatch, wanted: Wanted) -> pa.Array | None:
    if kind in (Kind.STEPS, Kind.CORRECTED_STEPS):
        return pc.is_in(batch.column("event_id"), pa.array(sorted(wanted.events), pa.string()))
    if kind is Kind.RUNS:
        return pc.is_in(batch.column("run_id"), pa.array(sorted(wanted.runs), pa.string()))
    if kind is Kind.WINDOWS:
        seconds = pc.divide(batch.column("window_start").cast(pa.int64()), 3_600 * 1_000_000_000)
        return pc.is_in(seconds, pa.array([hour // 3_600 for hour in sorted(wanted.hours)], pa.int64()))
    return None


def _frames(settings: Settings, topic: Topic) -> Iterator[tuple[Header, pa.RecordBatch, int]]:
    name = topic_name(topic, settings.namespace)
    for partition in range(settings.partitions):
        for offset, value in read_to_end(settings, name, partition, 0):
            try:
                header = decode_header(value)
                if header.kind is not Kind.TICK:
                    yield header, decode_batch(header, value), offset
            except InvalidFrame:
                continue  # WRITE has made a dead letter of it


def _insert_letters(settings: Settings, sink: Sink, wanted: Wanted, check: Callable[[], None]) -> int:
    letters = [
        (headers, payload, offset)
        for headers, payload, offset in read_letters(settings)
        if (headers.get("topic"), headers.get("partition"), headers.get("offset")) in wanted.letters
    ]
    if letters:
        check()
        sink.write(dead_letters.TABLE, dead_letters.to_table(letters, settings.namespace))
    return len(letters)
