"""What is read from files: each record once, the bytes as they are, in whatever form they come."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas import native
from schemas.topics import AGENT_EVENTS, OTLP_SPANS
from streams.replay.files import Piece, UnknownFile, read_pieces


def event(number: int, run: str = "r") -> dict[str, Any]:
    return {
        "event_id": f"e{number}",
        "kind": "tool",
        "run_id": run,
        "start_time_unix_nano": 1_700_000_000_000_000_000 + number,
    }


def request(trace: str = "0a" * 16) -> dict[str, Any]:
    span = {
        "traceId": trace,
        "spanId": "0b" * 8,
        "name": "chat",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000001000000000",
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def protobuf() -> bytes:
    made = ExportTraceServiceRequest()
    span = made.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = b"\x0a" * 16, b"\x0b" * 8, "chat"
    span.start_time_unix_nano, span.end_time_unix_nano = 1_700_000_000 * 10**9, 1_700_000_001 * 10**9
    return made.SerializeToString()


def pieces(folder: Path, name: str, value: bytes) -> list[Piece]:
    path = folder / name
    path.write_bytes(gzip.compress(value) if name.endswith(".gz") else value)
    return list(read_pieces(path))


@pytest.mark.parametrize("name", ["a.pb", "a.binpb", "a.otlp.pb.gz"])
def test_protobuf_is_one_message_with_the_files_bytes(tmp_path: Path, name: str) -> None:
    [piece] = pieces(tmp_path, name, protobuf())
    assert (piece.topic, piece.value, piece.rejected) == (OTLP_SPANS, protobuf(), 0)
    assert piece.time_ns == 1_700_000_001 * 10**9, "its span was sent when it ended"


def test_the_twins_of_a_trace_go_to_one_partition_with_the_same_ids(tmp_path: Path) -> None:
    [first] = pieces(tmp_path, "a.pb", protobuf())
    [second] = pieces(tmp_path, "b.json", json.dumps(request(), indent=2).encode())
    assert (first.key, first.event_ids) == (second.key, second.event_ids)
    assert second.value == json.dumps(request(), indent=2).encode()


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.ndjson.gz"])
def test_lines_are_read_one_by_one_whatever_the_name(tmp_path: Path, name: str) -> None:
    lines = [json.dumps(event(1)), "", "  ", json.dumps(request()), json.dumps(event(2, "other")), "{broken"]
    found = pieces(tmp_path, name, "\r\n".join(lines).encode())
    assert [piece.topic for piece in found] == [AGENT_EVENTS, OTLP_SPANS, AGENT_EVENTS, AGENT_EVENTS]
    assert [piece.key for piece in found] == ["r", "0a" * 16, "other", Path(name).name]
    assert [(len(piece.event_ids), piece.rejected) for piece in found] == [(1, 0), (1, 0), (1, 0), (0, 1)]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_gives_a_line_for_each_event_also_when_it_is_pretty(
    tmp_path: Path, indent: int | None
) -> None:
    found = pieces(
        tmp_path, "a.json", json.dumps([event(1), event(2), {"no": "event"}], indent=indent).encode()
    )
    assert [(piece.event_ids, piece.rejected) for piece in found] == [(("e1",), 0), (("e2",), 0), ((), 1)]
    joined = native.decode(b"\n".join(piece.value for piece in found))
    assert ([event.event_id for event in joined.events], len(joined.rejected)) == (["e1", "e2"], 1)


def test_one_pretty_event_is_one_line(tmp_path: Path) -> None:
    [piece] = pieces(tmp_path, "a.json", json.dumps(event(1), indent=2).encode())
    assert piece.event_ids == ("e1",)
    assert b"\n" not in piece.value


def test_an_empty_protobuf_is_a_record_that_is_none(tmp_path: Path) -> None:
    [piece] = pieces(tmp_path, "a.pb", b"")
    assert (piece.event_ids, piece.rejected) == ((), 1)


def test_unknown_and_unreadable_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownFile, match=r"a\.csv.*\.jsonl"):
        pieces(tmp_path, "a.csv", b"x")
    with pytest.raises(UnknownFile, match=r"none\.pb"):
        list(read_pieces(tmp_path / "none.pb"))
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b"{}" * 1000)[:-9])
    with pytest.raises(UnknownFile, match=r"cut\.jsonl\.gz"):
        list(read_pieces(tmp_path / "cut.jsonl.gz"))
