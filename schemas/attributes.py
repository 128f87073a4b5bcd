"""What do the attributes of a span say? Their values, by the fields that their names mean.

Every usable value of a field is kept in order of precedence, so that one that cannot be read gives way to the
next. What no table knows stays an attribute.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from schemas import dialect
from schemas.spans.flattened import filled, nested
from schemas.spans.shape import INDEX, Flat, Shape, Shapes, Sort
from schemas.spans.values import Attributes

__all__ = ["Attributes", "Found", "Read", "Sort", "nested", "read"]

# Keys looked at in one JSON text.
_MAX_NODES = 2_000


class Found(NamedTuple):
    """One value of a field: the place of its name on the field's line, the name, the value."""

    rank: int
    name: str
    value: Any


class Read:
    """Fields with their values, what is none, and the convention that the names belong to.

    Attributes:
        shape: what the names mean; its places are those of `values`.
        values: of attributes, of lists made of several, and of keys of JSON.
        hints: attributes that decide something, and stay.
        rest: attributes that are no field.
        preferred: field -> the value that counts, where that is not the one that comes first.
    """

    __slots__ = ("hints", "preferred", "rest", "shape", "values")

    def __init__(self, shape: Shape, values: list[Any]) -> None:
        self.shape = shape
        self.values = values
        self.hints: Attributes = {name: values[place] for name, place in shape.hints} if shape.hints else {}
        self.rest: Attributes = {name: values[place] for name, place in shape.rest}
        self.preferred: dict[str, Found] = {}

    def first(self, field: str) -> Found | None:
        """The value of a field that comes first; None for none."""
        said = self.shape.said.get(field)
        return None if said is None else Found(said[0].rank, said[0].name, self.values[said[0].place])

    def all(self, field: str) -> list[Found]:
        """All values of a field that has one, in order."""
        return [Found(rank, name, self.values[place]) for rank, name, place in self.shape.said[field]]

    def prefer(self, field: str, value: Found) -> None:
        """Another of its values is the one that counts."""
        self.preferred[field] = value

    def refuse(self, value: Found) -> None:
        """A value says something, if not its field: it stays an attribute."""
        self.rest[value.name] = value.value


_SHAPES = Shapes()


def read(attributes: Attributes) -> Read:
    """The attributes of a span by the fields that they mean; quickly where the names were met before."""
    if not all(attributes.values()):
        attributes = {name: value for name, value in attributes.items() if not _says_nothing(name, value)}
    names, values = tuple(attributes), list(attributes.values())
    shape = _SHAPES[names]
    if shape.flats:
        values += [_list_of(flat, values) for flat in shape.flats]
    if shape.texts:
        told = [one for name, place in shape.texts for one in _in_json(name, values[place])]
        if told:
            shape = _SHAPES[*names, *[name for name, _ in told]]
            values += [value for _, value in told]
    return Read(shape, values)


def _says_nothing(name: str, value: Any) -> bool:
    return (value is None or value == "" or value == []) and name in INDEX


def _list_of(flat: Flat, values: list[Any]) -> Any:
    for _, place in flat.parts:
        if values[place] is None or type(values[place]) is dict:
            return nested((path, values[place]) for path, place in flat.parts)
    return filled(flat.form, values)


def _in_json(name: str, value: Any) -> list[tuple[tuple[str, str], Any]]:
    """What the keys of a JSON text say, with the text's name and the key; only where nothing else does."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return []  # it is content too, and kept as the text that it is
    found: list[tuple[tuple[str, str], Any]] = []
    waiting, nodes = deque([value]), 0
    while waiting and nodes < _MAX_NODES:
        node = waiting.popleft()
        for key, child in _inside(node):
            nodes += 1
            field = dialect.JSON_KEYS.get(key)
            if field is not None and _can_be(field, child):
                if child != "":
                    found.append(((name, key), child))
            elif isinstance(child, (dict, list)):
                waiting.append(child)
    return found


def _inside(node: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(node, dict):
        return node.items()
    return [("", item) for item in node] if isinstance(node, list) else ()


def _can_be(field: str, value: Any) -> bool:
    wanted = str if field == "service_tier" else int
    return isinstance(value, wanted) and not isinstance(value, bool)
