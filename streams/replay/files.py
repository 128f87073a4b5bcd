"""What messages does a file hold? OTLP in protobuf or JSON, or native events as JSON; also gzipped.

Messages carry the file's own bytes; each is decoded here only to count its records and to place and pace it.
"""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from schemas import native, otlp
from schemas.decoded import Decoded
from schemas.event import Event
from schemas.topics import AGENT_EVENTS, OTLP_SPANS, Topic

PROTOBUF = (".pb", ".binpb")
JSON_LINES = (".jsonl", ".ndjson")
JSON = (".json",)


class UnknownFile(ValueError):
    """A file that cannot be replayed. The message names it, and what can be."""


class Piece(NamedTuple):
    """What is sent at once, or, of native events, one line of it.

    Attributes:
        topic: AGENT_EVENTS or OTLP_SPANS.
        key: of the run; what has the same key keeps its order.
        value: bytes as they are in the file.
        event_ids: of the events in it, in order.
        rejected: how many records in it are no events.
        time_ns: when the first of its events ended (or began, without an end), as it would have been sent;
            Unix nanoseconds. None when it has none.
    """

    topic: Topic
    key: str
    value: bytes
    event_ids: tuple[str, ...]
    rejected: int
    time_ns: int | None


class _Shape(msgspec.Struct):
    """Tells OTLP JSON from native events."""

    resource_spans: msgspec.Raw = msgspec.Raw(b"")
    camel: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="resourceSpans")


_SHAPE = msgspec.json.Decoder(_Shape)
_RAW = msgspec.json.Decoder(msgspec.Raw)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def kind_of(path: Path) -> tuple[str, bool]:
    """What a file's name says: its ending without `.gz`, and whether there is one.

    Raises:
        UnknownFile: the name ends in nothing that we know, or there is no such file.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    kind = "".join(suffixes[-2:-1] if zipped else suffixes[-1:])
    known = (*PROTOBUF, *JSON_LINES, *JSON)
    if kind not in known:
        raise UnknownFile(f"{path}: its name must end in one of {', '.join(known)}, or one of these and .gz")
    if not path.is_file():
        raise UnknownFile(f"{path} cannot be read: there is no such file")
    return kind, zipped


def read_pieces(path: Path) -> Iterator[Piece]:
    """The messages of a file, in order.

    Raises:
        UnknownFile: as `kind_of`, or it cannot be read.
    """
    kind, zipped = kind_of(path)
    try:
        with gzip.open(path) if zipped else path.open("rb") as file:
            if kind in PROTOBUF:
                yield _otlp(path, file.read())
            elif kind in JSON_LINES:
                yield from _lines(path, file)
            else:
                yield from _json(path, file)
    except (OSError, EOFError) as error:
        raise UnknownFile(f"{path} cannot be read: {error}") from error


def _json(path: Path, file: IO[bytes] | gzip.GzipFile) -> Iterator[Piece]:
    """A document, or lines in spite of the name."""
    value = file.read()
    start = value[:64].lstrip()[:1]
    try:
        if start == b"[":
            for raw in _RAWS.decode(value):
                yield _line(path, _one_line(bytes(raw)))
            return
        _RAW.decode(value)
    except _FAULTS:
        yield from _lines(path, value.splitlines())
        return
    yield _line(path, value if _is_otlp(value) else _one_line(value))


def _one_line(value: bytes) -> bytes:
    """A document may span lines; native events go on as one line each."""
    return msgspec.json.format(value, indent=-1)


def _lines(path: Path, lines: Iterable[bytes]) -> Iterator[Piece]:
    for line in lines:
        if stripped := line.strip():
            yield _line(path, stripped)


def _line(path: Path, value: bytes) -> Piece:
    return _otlp(path, value) if _is_otlp(value) else _native(path, value)


def _is_otlp(value: bytes) -> bool:
    try:
        shape = _SHAPE.decode(value)
    except _FAULTS:
        return False
    return bool(bytes(shape.camel) or bytes(shape.resource_spans))


def _otlp(path: Path, value: bytes) -> Piece:
    decoded = otlp.decode(value)
    key = next((event.trace_id for event in decoded.events if event.trace_id), None)
    return _piece(OTLP_SPANS, key or path.name, value, decoded)


def _native(path: Path, value: bytes) -> Piece:
    decoded = native.decode(value)
    key = _run_of(decoded.events[0]) if decoded.events else path.name
    return _piece(AGENT_EVENTS, key, value, decoded)


def _run_of(event: Event) -> str:
    return event.trace_id or event.run_id or event.conversation_id or event.event_id


def _piece(topic: Topic, key: str, value: bytes, decoded: Decoded) -> Piece:
    return Piece(
        topic,
        key,
        value,
        tuple(event.event_id for event in decoded.events),
        len(decoded.rejected),
        min(map(_sent_ns, decoded.events), default=None),
    )


def _sent_ns(event: Event) -> int:
    return max(event.start_time_unix_nano, event.end_time_unix_nano or 0)
