"""How are values written in OTLP? Attributes of protobuf and of JSON as Python values, the same from both."""

import base64
import binascii
from typing import Any

import msgspec

from schemas.spans.model import InvalidSpan
from schemas.spans.values import Attributes


def pb_attributes(pairs: Any) -> Attributes:
    """Attributes of a protobuf message."""
    found: Attributes = {}
    # Of a copy: the container itself is read up to an IndexError, which takes longer.
    for pair in pairs[:]:
        value = pair.value
        # Most are texts, then numbers, and asking which one it is costs as much as reading it.
        found[pair.key] = value.string_value or value.int_value or pb_value(value)
    return found


def pb_value(value: Any) -> Any:
    """One value; bytes in base64, as OTLP JSON has them."""
    field = value.WhichOneof("value")
    if field is None:
        return None
    if field == "array_value":
        return [pb_value(item) for item in value.array_value.values]
    if field == "kvlist_value":
        return pb_attributes(value.kvlist_value.values)
    found = getattr(value, field)
    return base64.b64encode(found).decode() if field == "bytes_value" else found


# -- JSON


class Value(msgspec.Struct, rename="camel"):
    """A value of OTLP JSON."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | None = None
    double_value: float | None = None
    array_value: "Array | None" = None
    kvlist_value: "KeyValues | None" = None
    bytes_value: str | None = None


class Array(msgspec.Struct):
    """A list."""

    values: list[Value] = []


class KeyValue(msgspec.Struct):
    """One attribute."""

    key: str
    value: Value | None = None


class KeyValues(msgspec.Struct):
    """A map."""

    values: list[KeyValue] = []


class Attributed(msgspec.Struct):
    """What has attributes alone: a resource."""

    attributes: list[KeyValue] = []


class Scope(msgspec.Struct):
    """The instrumentation."""

    name: str = ""
    version: str = ""


def hex_id(text: str, name: str) -> str:
    """An id in lower-case hexadecimal.

    Raises:
        InvalidSpan: it is none.
    """
    try:
        return binascii.unhexlify(text).hex()
    except ValueError as error:
        raise InvalidSpan(f"{name} {text[:64]!r} is not hexadecimal") from error


def json_attributes(pairs: list[KeyValue]) -> Attributes:
    """Attributes of a JSON message."""
    return {pair.key: None if pair.value is None else json_value(pair.value) for pair in pairs}


def json_value(value: Value) -> Any:
    """One value; bytes stay in base64."""
    if value.array_value is not None:
        return [json_value(item) for item in value.array_value.values]
    if value.kvlist_value is not None:
        return json_attributes(value.kvlist_value.values)
    for found in (value.string_value, value.int_value, value.double_value, value.bool_value):
        if found is not None:
            return found
    return value.bytes_value
