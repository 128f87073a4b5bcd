"""Makes broken payloads out of good ones: bytes that flip, trees whose leaves are something else."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas import json_schema

EXAMPLES = Path(json_schema.__file__).parent / "examples"
# Values that software trips over.
NASTY: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    -(2**63) - 1,
    10**400,
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "NaN",
    "9" * 400,
    "\x00",
    "\ud800",
    "𝄞" * 300,
    "a" * 70_000,
    [],
    {},
    [[[[[]]]]],
    {"": {"": {}}},
)
NAMES = (
    "llm.input_messages.999999999.message.role",
    "llm.input_messages.0.message" + ".a" * 200,
    "gen_ai.prompt.-1.role",
    "gen_ai.usage.input_tokens",
    "ai.response.providerMetadata",
    "langfuse.observation.usage_details",
    "gen_ai.response.finish_reasons",
    "evaluations.0.evaluation.score",
    "",
)


def log_example() -> dict[str, Any]:
    """A log export of every sort of record."""
    ids = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}

    def record(name: str, body: Any, *attributes: tuple[str, Any]) -> dict[str, Any]:
        pairs = [{"key": key, "value": {"stringValue": value}} for key, value in attributes]
        times = {"timeUnixNano": "1750000000000000000"}
        return {"eventName": name, "body": {"stringValue": body}, "attributes": pairs, **ids, **times}

    records = [
        record("gen_ai.user.message", "Hi"),
        record("gen_ai.choice", "Hello"),
        record("gen_ai.client.inference.operation.details", "", ("gen_ai.input.messages", "[1]")),
        record("gen_ai.evaluation.result", "", ("gen_ai.evaluation.name", "tone")),
        record("", "GET /"),
    ]
    return {"resourceLogs": [{"scopeLogs": [{"scope": {"name": "s"}, "logRecords": records}]}]}


def seeds() -> list[tuple[int, bytes]]:
    """Good payloads, with the number of the topic that takes them."""
    found: list[tuple[int, bytes]] = []
    for path in sorted(EXAMPLES.iterdir()):
        if path.is_file():
            found.append((1 if path.name.startswith("otlp") else 0, path.read_bytes()))
    found.append((2, json.dumps(log_example()).encode()))
    found += [
        (topic, _protobuf(topic, value)) for topic, value in found if topic and value.lstrip()[:1] == b"{"
    ]
    return found


def _protobuf(topic: int, value: bytes) -> bytes:
    """OTLP JSON in protobuf; ids, which protobuf's own JSON has in base64, are put in by hand."""
    document = json.loads(value)
    message: Any = ExportTraceServiceRequest() if topic == 1 else ExportLogsServiceRequest()
    ids: list[dict[str, str]] = []
    for resource in document.get("resourceSpans", document.get("resourceLogs")):
        for scope in resource.get("scopeSpans", resource.get("scopeLogs")):
            for one in scope.get("spans", scope.get("logRecords")):
                names = ("traceId", "spanId", "parentSpanId")
                ids.append({name: one.pop(name) for name in names if name in one})
    Parse(json.dumps(document), message, ignore_unknown_fields=True)
    left = iter(ids)
    for resource in message.resource_spans if topic == 1 else message.resource_logs:
        for scope in resource.scope_spans if topic == 1 else resource.scope_logs:
            for one in scope.spans if topic == 1 else scope.log_records:
                said = next(left)
                one.trace_id, one.span_id = bytes.fromhex(said["traceId"]), bytes.fromhex(said["spanId"])
                if said.get("parentSpanId"):
                    one.parent_span_id = bytes.fromhex(said["parentSpanId"])
    return bytes(message.SerializeToString())


def mutate(value: bytes, rng: random.Random) -> bytes:
    """The payload, broken once to three times."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        value = rng.choice(WAYS)(value, rng)
    return value


def _flip(value: bytes, rng: random.Random) -> bytes:
    found = bytearray(value or b"x")
    for _ in range(rng.randint(1, 8)):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def _cut(value: bytes, rng: random.Random) -> bytes:
    return value[: rng.randrange(len(value) + 1)]


def _splice(value: bytes, rng: random.Random) -> bytes:
    first, last = sorted((rng.randrange(len(value) + 1), rng.randrange(len(value) + 1)))
    place = rng.randrange(len(value) + 1)
    return value[:place] + value[first:last] + value[place:]


def _insert(value: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(value) + 1)
    junk = rng.choice((rng.randbytes(8), b"\xff\xfe", b'{"a":' * 50, b"[" * 2_000, b"\x00", b'"', b"NaN"))
    return value[:place] + junk + value[place:]


def _tree(value: bytes, rng: random.Random) -> bytes:
    """Another leaf or another key somewhere in a JSON document; other bytes are flipped."""
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return _flip(value, rng)
    node, places = document, []
    while isinstance(node, (dict, list)) and node:
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        places.append((node, key))
        node = node[key]
    if not places:
        return json.dumps(rng.choice(NASTY)).encode()
    # Mostly deep down, now and then further up.
    parent, key = places[-1 if rng.random() < 0.7 else rng.randrange(len(places))]
    if isinstance(parent, dict) and rng.random() < 0.3:
        parent[rng.choice((*NAMES, *parent))] = parent.pop(key)
    else:
        parent[key] = rng.choice(NAMES) if key == "key" and rng.random() < 0.5 else rng.choice(NASTY)
    return json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip,
    _cut,
    _splice,
    _insert,
    _tree,
    _tree,
    _tree,
    _tree,
)
