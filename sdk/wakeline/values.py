"""How does whatever an agent hands over become a value that the pipeline takes? Never by raising.

Here alone the SDK runs foreign code (`__str__`, `model_dump`), so here alone any exception is possible.
"""

import hashlib
import operator
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from wakeline.fields import CONTENT_FIELDS, ID_LENGTH, LABEL_LENGTH, TEXT_LENGTH, TYPES, Id, Label, Text

_SIZES = {Label: LABEL_LENGTH, Text: TEXT_LENGTH}
_NUMBERS = (int, float)


def text_of(value: object) -> str:
    """The object as text that UTF-8 can carry.

    Example:
        >>> text_of(3), text_of("a\\ud800")
        ('3', 'a?')
    """
    try:
        text = value if type(value) is str else str(value)
    except Exception:  # noqa: BLE001  # a foreign __str__ may raise anything; its class still says something
        text = f"<{type(value).__name__}>"
    return text.encode("utf-8", "replace").decode("utf-8")


def attributes_of(value: object) -> dict[str, str] | None:
    """Own data as strings; None when it is no mapping.

    Example:
        >>> attributes_of({"shard": 3, 1: None})
        {'shard': '3', '1': 'None'}
    """
    if not isinstance(value, Mapping):
        return None
    return {text_of(key): text_of(item) for key, item in list(value.items())}


def content_of(value: object, max_bytes: int) -> tuple[msgspec.Raw, bool]:
    """An object as JSON: pydantic models, dataclasses and Structs by their fields, the unknown by its text.

    Args:
        value: anything.
        max_bytes: a longer content becomes a JSON string of its first so many bytes.

    Returns:
        The JSON, and whether it was cut.
    """
    try:
        data = msgspec.json.encode(value, enc_hook=_plain)
    except Exception:  # noqa: BLE001  # foreign hooks, depth, lone surrogates, integers beyond 64 bits
        data = msgspec.json.encode(text_of(value))
    if len(data) <= max_bytes:
        return msgspec.Raw(data), False
    head = data[:max_bytes].decode("utf-8", "ignore")
    return msgspec.Raw(msgspec.json.encode(head)), True


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    return dump() if callable(dump) else text_of(value)


def repair(fields: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Make fields valid one by one.

    Args:
        fields: as given; contents are JSON already.

    Returns:
        What is valid, or could be made so, and the names of the fields that were given up.
    """
    kept: dict[str, Any] = {}
    refused: list[str] = []
    for name, value in fields.items():
        if value is None or name in CONTENT_FIELDS:
            kept[name] = value
            continue
        fixed = _fix(TYPES[name], value)
        if fixed is None:
            refused.append(name)
        else:
            kept[name] = fixed
    return {name: value for name, value in kept.items() if value is not None}, refused


def _fix(kind: Any, value: object) -> Any:
    wanted = get_args(kind)[0]
    for candidate in (value, _coerce(wanted, value)):
        try:
            fixed = msgspec.convert(candidate, wanted)
            msgspec.json.encode(fixed)  # lone surrogates pass `convert`
        except (msgspec.ValidationError, TypeError, ValueError, OverflowError, RecursionError):
            continue
        return fixed
    return None


def _coerce(wanted: Any, value: object) -> object:
    """The nearest value of the wanted type; the value itself when there is none."""
    if wanted is Id:
        return _shorten_id(text_of(value))
    if wanted in _SIZES:
        return text_of(value)[: _SIZES[wanted]]
    base = get_args(wanted)[0] if get_args(wanted) else wanted
    try:
        if base is int and not isinstance(value, (bool, str)):
            return operator.index(value)  # type: ignore[arg-type]  # that it may have no index is the question
        if base is float and not isinstance(value, (bool, str)):
            return float(value)  # type: ignore[arg-type]  # as above
        if base == list[Label]:
            items = [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]  # as above
            return [text_of(item)[:LABEL_LENGTH] for item in items[:64]]
        return bool(value) if wanted is bool and type(value).__name__ in ("bool_", "bool") else value
    except Exception:  # noqa: BLE001  # foreign __index__, __float__, __iter__
        return value


def _shorten_id(text: str) -> str:
    """Long ids keep their difference: a cut alone would make two of them one."""
    if len(text) <= ID_LENGTH:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text[: ID_LENGTH - 33]}~{digest}"
