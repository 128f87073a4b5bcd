"""How does any value of an attribute become a text, a label, a number or a fingerprint?"""

import hashlib
import math
from typing import Any, TypeAlias

import msgspec

Attributes: TypeAlias = dict[str, Any]

LABEL_CHARS = 256


def text_of(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return msgspec.json.encode(value).decode()


def texts_of(attributes: Attributes) -> dict[str, str] | None:
    """Every value that there is as a text; None for none."""
    return {
        key: value if type(value) is str else text_of(value)
        for key, value in attributes.items()
        if value is not None
    } or None


def label_of(value: Any) -> str:
    """A text, cut where labels end."""
    return value[:LABEL_CHARS] if isinstance(value, str) else text_of(value)[:LABEL_CHARS]


def number_of(value: Any) -> float | None:
    """A finite number, also out of a text."""
    if isinstance(value, (list, dict, bool)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def parsed(value: Any) -> Any:
    """What a text that is JSON holds; anything else as it is."""
    try:
        return msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, RecursionError):
        return value


def fingerprint_of(value: Any) -> str:
    """The same for the same text."""
    return hashlib.blake2b(text_of(value).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
