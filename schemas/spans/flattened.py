"""How do attributes whose names say a place, `llm.input_messages.0.message.role`, become lists again?"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from schemas import dialect

# Parts of a flattened name: deeper nesting is no message.
_MAX_PARTS = 16
# Longer names are looked at anew each time, so that nobody can fill the memory with them.
_MAX_KEPT_CHARS = 256
_FLATTENED = re.compile(f"({'|'.join(map(re.escape, dialect.FLATTENED))})\\.([0-9]{{1,6}})(?:\\.(.+))?")
# The first two parts of such names: what has others needs no closer look.
_STARTS = frozenset(tuple(root.split(".")[:2]) for root in dialect.FLATTENED)


def place_of(name: str) -> tuple[str, str] | None:
    """The root of a flattened name and the path below it; None if it is no such name."""
    return _kept_place(name) if len(name) <= _MAX_KEPT_CHARS else _place(name)


def _place(name: str) -> tuple[str, str] | None:
    if tuple(name.split(".", 2)[:2]) not in _STARTS:
        return None
    match = _FLATTENED.fullmatch(name)
    return None if match is None else (match[1], name[len(match[1]) + 1 :])


_kept_place = lru_cache(8_192)(_place)


def nested(items: Iterable[tuple[str, Any]]) -> Any:
    """The value whose leaves are given by dotted paths; levels whose keys are all numbers are lists.

    Numbers order a list and are no places in it, so a great one costs nothing.
    """
    tree: dict[str, Any] = {}
    for path, value in items:
        parts = path.split(".", _MAX_PARTS)
        befores = ("", *parts)
        parts = [
            part for part, before in zip(parts, befores, strict=False) if not _wraps(before, part)
        ] or parts
        node = tree
        for part in parts[:-1]:
            child = node.get(part)
            if not isinstance(child, dict):
                child = node[part] = {} if child is None else {"": child}
            node = child
        held = node.get(parts[-1])
        if isinstance(held, dict):
            held[""] = value
        else:
            node[parts[-1]] = value
    return _listed(tree)


def filled(form: Any, values: list[Any]) -> Any:
    """What `nested` makes of values, out of what it made of their places among them.

    The same for values that are neither None nor a dict: those decide about the form.
    """
    if type(form) is int:
        return values[form]
    if type(form) is list:
        return [filled(item, values) for item in form]
    return {key: filled(item, values) for key, item in form.items()}


def _wraps(before: str, part: str) -> bool:
    return part in dialect.WRAPPERS and before.isdigit()


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if all(key.isdecimal() and key.isascii() for key in node):
        return [_listed(node[key]) for key in sorted(node, key=_number)]
    return {key: _listed(value) for key, value in node.items()}


def _number(text: str) -> tuple[int, str]:
    return len(text.lstrip("0")), text.lstrip("0")
