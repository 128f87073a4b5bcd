"""What is the native event, for tools of any language? Writes `schemas/json/event.json` from `schemas.event`.

`python -m schemas.json_schema` writes the file, `--check` compares it. Two things differ from what the types
say: whole numbers may come as strings of digits (a double cannot hold Unix nanoseconds), and content may be
any JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from schemas.event import CONTENT_FIELDS, EVENT_VERSION, Event

FILE = Path(__file__).parent / "json" / "event.json"


def make_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one event."""
    # Content is left out and put back: msgspec has no schema for a default of raw bytes.
    described = [_field(field) for field in msgspec.structs.fields(Event) if field.name not in CONTENT_FIELDS]
    plain = msgspec.defstruct("Event", described, kw_only=True)
    (reference,), components = msgspec.json.schema_components([plain], ref_template="#/$defs/{name}")
    schema: dict[str, Any] = components[reference["$ref"].rsplit("/", 1)[-1]]
    for name, about in schema["properties"].items():
        schema["properties"][name] = _with_digits(about)
    schema["properties"] |= {name: {"description": "Any JSON."} for name in CONTENT_FIELDS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"wakeline event, version {EVENT_VERSION}",
        **schema,
    }


def _field(field: msgspec.structs.FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    return (field.name, field.type) if field.required else (field.name, field.type, field.default)


def _with_digits(about: dict[str, Any]) -> dict[str, Any]:
    choices = about.get("anyOf", [about])
    if not any(choice.get("type") == "integer" for choice in choices):
        return about
    default = {"default": about["default"]} if "default" in about else {}
    plain = [{key: value for key, value in choice.items() if key != "default"} for choice in choices]
    return {"anyOf": [*plain, {"type": "string", "pattern": "^-?[0-9]+$"}], **default}


def make_text() -> str:
    """The file's text: byte-stable."""
    return json.dumps(make_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` say whether it is current."""
    if "--check" in arguments:
        return 0 if FILE.read_text(encoding="utf-8") == make_text() else 1
    FILE.write_text(make_text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
