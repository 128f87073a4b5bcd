"""Examples that decode for ever: what was once right input gives the same events in every later version."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from schemas import json_schema, native, otlp
from schemas.event import FIELDS

EXAMPLES = Path(json_schema.__file__).parent / "examples"
INPUTS = sorted(path for path in EXAMPLES.iterdir() if path.is_file())
# OTLP has a schema of its own.
NATIVE = [path for path in INPUTS if path.suffix == ".json" and not path.name.startswith("otlp")]
SCHEMA = jsonschema.Draft202012Validator(json_schema.make_schema())

GOOD = {"event_id": "a", "kind": "llm", "start_time_unix_nano": 1}
BAD = [
    {"kind": "llm", "start_time_unix_nano": 1},
    GOOD | {"kind": "dream"},
    GOOD | {"input_tokens": -1},
    GOOD | {"input_tokens": "many"},
    GOOD | {"input_tokens": 1.5},
    GOOD | {"start_time_unix_nano": "yesterday"},
    GOOD | {"agent_name": 7},
    GOOD | {"state": "paused"},
    GOOD | {"event_id": ""},
    GOOD | {"finish_reasons": "stop"},
    GOOD | {"attributes": {"a": 1}},
]


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_an_example_decodes_to_what_it_always_did(path: Path) -> None:
    decoder = otlp if path.name.startswith("otlp") else native
    decoded = decoder.decode(path.read_bytes())
    expected = json.loads((EXAMPLES / "expected" / f"{path.name}.json").read_text(encoding="utf-8"))
    assert decoded.rejected == []
    assert json.loads(msgspec.json.encode(decoded.events)) == expected


def test_every_example_has_an_expectation_and_protobuf_equals_json() -> None:
    assert {f"{path.name}.json" for path in INPUTS} == {
        path.name for path in (EXAMPLES / "expected").iterdir()
    }
    twins = [(EXAMPLES / "expected" / name).read_text() for name in ("otlp.pb.json", "otlp.json.json")]
    assert twins[0] == twins[1]


def test_the_committed_json_schema_is_current() -> None:
    assert json_schema.FILE.read_text(encoding="utf-8") == json_schema.make_text()


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.name)
def test_the_json_schema_takes_the_examples(path: Path) -> None:
    given = json.loads(path.read_text(encoding="utf-8"))
    for event in given if isinstance(given, list) else [given]:
        SCHEMA.validate(event)


@pytest.mark.parametrize("event", BAD, ids=lambda event: json.dumps(event)[-40:])
def test_the_json_schema_refuses_what_the_decoder_refuses(event: dict[str, object]) -> None:
    assert not SCHEMA.is_valid(event)
    [rejected] = native.decode(json.dumps(event).encode()).rejected
    assert rejected.reason == "invalid_event"


def test_every_field_is_explained_to_emitters() -> None:
    text = (Path(json_schema.__file__).parents[1] / "docs" / "events.md").read_text(encoding="utf-8")
    missing = [name for name in FIELDS if f"`{name}`" not in text]
    assert missing == []
