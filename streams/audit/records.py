"""Where is each record now? Stored, a repeat of one that is stored, a dead letter, or missing.

A record is stored when `steps` has a row with its origin (topic, partition, offset, place in the message).
One whose id is stored from another origin is a duplicate: sent twice, sent by two doors, or a start that its
end has replaced. One that the decoder refuses must be a dead letter, and so may be one that ClickHouse
refused.

Works through a partition in pieces of 200,000 events, so memory does not grow with the topic.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.decoded import Reason
from schemas.event import Event, resolve_run_id
from schemas.sources import DECODERS
from streams.audit.source import Place, Record
from streams.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

HOUR_NS = 3_600 * 1_000_000_000
PIECE_EVENTS = 200_000
ASK_IDS = 2_000
_INDEX_BITS = 20

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Finding:
    """A record that is not accounted for.

    Attributes:
        what: `missing` (in no table), `missing letter` (refused, and not among the dead letters) or `surplus`
            (a row of `steps` whose record is not there).
        topic, partition, offset, index: its origin.
        run_id, event_id: of it; empty where it has none.
    """

    what: str
    topic: str
    partition: int
    offset: int
    index: int
    run_id: str = ""
    event_id: str = ""

    def __str__(self) -> str:
        step = f" event {self.event_id} of run {self.run_id}" if self.event_id else ""
        return f"{self.what}:{step} at {self.topic}/{self.partition} offset {self.offset} record {self.index}"


@dataclass
class Tally:
    """What became of the records that one partition got in one hour of append time."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    dead: int = 0
    control: int = 0
    missing: int = 0
    surplus: int = 0

    @property
    def exact(self) -> bool:
        """Every record is accounted for, and there is nothing else."""
        return self.received == self.stored + self.duplicate + self.dead and not self.surplus


@dataclass
class _Piece:
    """Events that were read and not yet looked for."""

    events: list[tuple[int, int, str, str]] = field(default_factory=list)  # key, hour, run, event
    rejected: list[tuple[int, int]] = field(default_factory=list)  # key, hour
    whole: list[tuple[int, int]] = field(default_factory=list)  # offsets over the size limit, hour
    hours: dict[int, int] = field(default_factory=dict)  # by offset
    first: int = -1
    last: int = -1


class Records:
    """Compares the records of source partitions with the tables.

    Attributes:
        tallies: by topic, partition and hour (Unix, nanoseconds).
        findings: all that is not accounted for.
    """

    def __init__(self, settings: Settings, client: "Client") -> None:
        self._settings = settings
        self._client = client
        self.tallies: dict[tuple[str, int, int], Tally] = {}
        self.findings: list[Finding] = []
        self._refused = self._refused_rows()

    def compare(self, place: Place, records: Iterable[Record], progress: Callable[[int], None]) -> None:
        """Compare one partition; `progress` is told how many records were read since it was told last."""
        for piece, read in self._pieces(place, records):
            self._look(place, piece)
            progress(read)

    # -- reading

    def _pieces(self, place: Place, records: Iterable[Record]) -> Iterator[tuple[_Piece, int]]:
        piece, read = _Piece(), 0
        for record in records:
            piece.first = record.offset if piece.first < 0 else piece.first
            piece.last = record.offset
            read += 1
            self._take(place, record, piece)
            if len(piece.events) >= PIECE_EVENTS:
                yield piece, read
                piece, read = _Piece(), 0
        if read:
            yield piece, read

    def _take(self, place: Place, record: Record, piece: _Piece) -> None:
        hour = record.append_ns - record.append_ns % HOUR_NS
        piece.hours[record.offset] = hour
        tally = self._tally(place, hour)
        if record.value is None:
            tally.control += 1
            return
        if len(record.value) > self._settings.max_message_bytes:
            tally.received += 1
            piece.whole.append((record.offset, hour))
            return
        decoded = DECODERS[place.source_topic](record.value)
        tally.received += len(decoded.events) + len(decoded.rejected)
        base = record.offset << _INDEX_BITS
        for number, event in zip(decoded.numbers, decoded.events, strict=True):
            piece.events.append((base | number, hour, *_ids(event)))
        piece.rejected += [(base | one.number, hour) for one in decoded.rejected]

    # -- comparing

    def _look(self, place: Place, piece: _Piece) -> None:
        stored = self._stored(place, piece)
        letters, whole = self._letters(place, piece)
        keys = np.array([key for key, *_ in piece.events], np.int64)
        self._count_surplus(place, piece, stored, keys)
        there = np.isin(keys, stored)
        left = []
        for (key, hour, run_id, event_id), found in zip(piece.events, there.tolist(), strict=True):
            tally = self._tally(place, hour)
            if found:
                tally.stored += 1
            elif key in letters or (place.source_topic, place.partition, key) in self._refused:
                tally.dead += 1
            else:
                left.append((key, hour, run_id, event_id))
        known = self._known(left)
        for key, hour, run_id, event_id in left:
            if (run_id, event_id) in known:
                self._tally(place, hour).duplicate += 1
            else:
                self._miss(place, "missing", key, hour, run_id, event_id)
        for key, hour in piece.rejected:
            if key in letters:
                self._tally(place, hour).dead += 1
            else:
                self._miss(place, "missing letter", key, hour)
        for offset, hour in piece.whole:
            if offset in whole:
                self._tally(place, hour).dead += 1
            else:
                self._miss(place, "missing letter", offset << _INDEX_BITS, hour)

    def _count_surplus(self, place: Place, piece: _Piece, stored: Ints, keys: Ints) -> None:
        for key in np.setdiff1d(stored, keys).tolist():
            hour = piece.hours.get(key >> _INDEX_BITS, 0)
            self._tally(place, hour).surplus += 1
            self.findings.append(Finding("surplus", place.topic, place.partition, *_place_of(key)))

    def _miss(
        self, place: Place, what: str, key: int, hour: int, run_id: str = "", event_id: str = ""
    ) -> None:
        self._tally(place, hour).missing += 1
        where = _place_of(key)
        self.findings.append(Finding(what, place.topic, place.partition, *where, run_id, event_id))

    def _tally(self, place: Place, hour: int) -> Tally:
        return self.tallies.setdefault((place.topic, place.partition, hour), Tally())

    # -- asking

    def _stored(self, place: Place, piece: _Piece) -> Ints:
        rows = self._ask(
            "SELECT bitOr(bitShiftLeft(source_offset, 20), source_index) FROM steps FINAL WHERE "
            "namespace = {namespace:String} AND source_topic = {topic:UInt8} AND source_partition = "
            "{part:Int32} AND source_offset BETWEEN {first:Int64} AND {last:Int64}",
            topic=place.source_topic,
            part=place.partition,
            first=piece.first,
            last=piece.last,
        )
        return np.array([row[0] for row in rows], np.int64)

    def _letters(self, place: Place, piece: _Piece) -> tuple[set[int], set[int]]:
        """Keys of records that are dead letters, and offsets of messages that are as a whole."""
        rows = self._ask(
            "SELECT `offset`, number, reason FROM dead_letters FINAL WHERE namespace = {namespace:String} "
            "AND topic = {topic:String} AND `partition` = {part:Int32} "
            "AND `offset` BETWEEN {first:Int64} AND {last:Int64}",
            topic=place.topic,
            part=place.partition,
            first=piece.first,
            last=piece.last,
        )
        keys = {offset << _INDEX_BITS | number for offset, number, _ in rows}
        return keys, {offset for offset, _, reason in rows if reason == Reason.TOO_LARGE}

    def _known(self, left: list[tuple[int, int, str, str]]) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for start in range(0, len(left), ASK_IDS):
            some = left[start : start + ASK_IDS]
            rows = self._ask(
                "SELECT DISTINCT run_id, event_id FROM steps FINAL WHERE namespace = {namespace:String} AND "
                "event_id IN {ids:Array(String)}",
                ids=[event_id for *_, event_id in some],
            )
            found.update((run_id, event_id) for run_id, event_id in rows)
        return found

    def _refused_rows(self) -> set[tuple[int, int, int]]:
        """Origins of steps that ClickHouse refused: their dead letters are rows as JSON."""
        rows = self._ask(
            "SELECT payload FROM dead_letters FINAL WHERE namespace = {namespace:String} AND topic = 'steps' "
            "AND reason = {reason:String}",
            reason=Reason.ROW_REJECTED.value,
        )
        origins = set()
        for (payload,) in rows:
            row = msgspec.json.decode(payload)
            key = row["source_offset"] << _INDEX_BITS | row["source_index"]
            origins.add((row["source_topic"], row["source_partition"], key))
        return origins

    def _ask(self, sql: str, **parameters: object) -> list[tuple]:  # type: ignore[type-arg]
        given = {"namespace": self._settings.namespace, **parameters}
        return [tuple(row) for row in self._client.query(sql, given).result_rows]


def _ids(event: Event) -> tuple[str, str]:
    return resolve_run_id(event), event.event_id


def _place_of(key: int) -> tuple[int, int]:
    return key >> _INDEX_BITS, key & ((1 << _INDEX_BITS) - 1)


def totals_of(tallies: Iterable[Tally]) -> Counter[str]:
    """All tallies added up, by field."""
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(vars(tally))
    return total
