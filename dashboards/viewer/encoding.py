"""How does a column of ClickHouse become one that a browser can read, without a digit lost on the way?

JSON has numbers that JavaScript reads as doubles: whole numbers beyond 2^53 and what is not finite go as
text. NULL stays null; it is never 0.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clickhouse_connect.datatypes.base import ClickHouseType
from clickhouse_connect.datatypes.temporal import DateTime64

# JavaScript's whole numbers are exact up to here.
_EXACT = 2**53
_DAY_MS = 86_400_000
# As JavaScript's `Number` reads them.
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_BOOLEAN = "Bool"
_NUMBERS = ("Int", "UInt", "Float", "Decimal", "BFloat")
_TEXTS = ("String", "FixedString", "Enum", "UUID", "IPv4", "IPv6")

Encode = Callable[[Any], Any]


@dataclass(frozen=True)
class Kind:
    """What a column is to a browser.

    Attributes:
        name: `time` (Unix milliseconds), `number`, `boolean`, `string` or `other` (lists, maps).
        encode: makes of a value, read with times as whole numbers, what JSON holds.
    """

    name: str
    encode: Encode


# How values must be read for `Kind.encode`: times as whole numbers of their own unit.
READ_AS = {"Date*": "int"}


def kind_of(type_: ClickHouseType) -> Kind:
    """The kind of a column of this type."""
    base = type_.base_type or ""
    if base == "DateTime64" and isinstance(type_, DateTime64):
        return Kind("time", _scaled(1_000 / 10**type_.scale))
    if base == "DateTime":
        return Kind("time", _scaled(1_000))
    if base in ("Date", "Date32"):
        return Kind("time", _scaled(_DAY_MS))
    if base == _BOOLEAN:
        return Kind("boolean", lambda value: value)
    if base.startswith(_NUMBERS):
        return Kind("number", number)
    if base.startswith(_TEXTS):
        return Kind("string", lambda value: None if value is None else str(value))
    return Kind("other", plain)


def number(value: Any) -> Any:
    """A number as JSON has it, or as text where JSON would lose or lack it."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _NOT_FINITE[str(value)]
    return value if -_EXACT <= value <= _EXACT else str(value)


def plain(value: Any) -> Any:
    """What lists, maps and tuples hold, as JSON."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, int | float | Decimal):
        return number(value)
    return str(value)


def characters(value: Any) -> int:
    """How much text a value holds, also within lists and maps; what is no text there counts as eight."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(characters(key) + characters(one) for key, one in value.items())
    if isinstance(value, list):
        return sum(map(characters, value))
    return 8


def _scaled(milliseconds: float) -> Encode:
    """Times in a unit of so many milliseconds; whole milliseconds, where they are, stay whole numbers."""

    def encode(value: int | None) -> float | int | None:
        if value is None:
            return None
        scaled = value * milliseconds
        return int(scaled) if float(scaled).is_integer() else round(scaled, 6)

    return encode
