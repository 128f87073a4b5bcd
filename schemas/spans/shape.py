"""What do these names of attributes mean, whatever their values? With the tables of `schemas.dialect`.

Spans of one instrumentation have the same names in the same order, so this is worked out once for each such
sequence, its `Shape`, and looked up from then on.
"""

from enum import IntEnum
from typing import NamedTuple, TypeAlias

from schemas import dialect
from schemas.event import FIELDS
from schemas.spans.flattened import nested, place_of
from schemas.spans.labels import CLEAN, Clean

# Shapes of more or longer names are worked out anew each time: 60 MB is the most that is remembered.
MAX_SHAPES = 512
MAX_NAMES = 100
MAX_CHARS = 8_192

# A name of an attribute, or an attribute that is JSON and a key in it.
Name: TypeAlias = str | tuple[str, str]


class Sort(IntEnum):
    """What a field is read as."""

    LABEL = 0
    USAGE = 1
    CONTENT = 2
    NUMBER = 3
    FLAG = 4
    REASONS = 5
    TOOLS = 6


class Said(NamedTuple):
    """Where a value of a field is: the place of its name on the field's line, the name, the value's place."""

    rank: int
    name: str
    place: int


class Flat(NamedTuple):
    """A list whose parts are attributes: their paths and places, and what `nested` makes of the places."""

    parts: tuple[tuple[str, int], ...]
    form: object


_LAST = 1_000
_LINES: tuple[tuple[Sort, dict[str, tuple[str, ...]]], ...] = (
    (Sort.LABEL, dialect.LABELS),
    (Sort.USAGE, dialect.TOKENS),
    (Sort.NUMBER, dialect.NUMBERS),
    (Sort.FLAG, dialect.FLAGS),
    (Sort.CONTENT, dialect.CONTENTS),
    (Sort.REASONS, dialect.LISTS),
    (Sort.TOOLS, dialect.FINGERPRINTED),
)
_SORT_OF = {name: sort for sort, lines in _LINES for name in lines}


def _dialect_of(name: str) -> int:
    if name not in dialect.CURRENT:
        for place, (_, beginnings) in enumerate(dialect.DIALECTS):
            for begin in beginnings:
                if name == begin or name.startswith(begin if begin[-1] in ".:" else begin + "."):
                    return place
    return len(dialect.DIALECTS) - 1 if name.startswith("gen_ai.") else len(dialect.DIALECTS)


class _Target(NamedTuple):
    """What a name means: a field ("" for what only decides), its place on the line and in `DIALECTS`."""

    field: str
    rank: int
    dialect: int


def _index() -> dict[str, _Target]:
    index: dict[str, _Target] = {}
    for _, lines in _LINES:
        for name, aliases in lines.items():
            for rank, alias in enumerate(aliases):
                assert alias not in index, f"{alias} is on two lines"
                index[alias] = _Target(name, rank, _dialect_of(alias))
    for alias in (*dialect.HINTS, *dialect.JSON_USAGE):
        index.setdefault(alias, _Target("", 0, _dialect_of(alias)))
    return index


INDEX = _index()
_FLAT_DIALECT = {root: _dialect_of(root + ".0") for root in dialect.FLATTENED}


class Shape:
    """What a sequence of names means. Places are those of values: of attributes, then lists, then JSON keys.

    Attributes:
        said: field -> where its values are, in order of precedence.
        labels: fields that are text, the place of the value that comes first, and what cleans it.
        numbers: fields that are numbers, that place, and what the value is multiplied by.
        firsts: the fields of each `Sort`, in the order in which they are met, and that place.
        sources: field of an event -> the name that said it, where that is not OpenTelemetry's current one.
        hints: attributes that decide something, and stay.
        rest: attributes that are no field.
        flats: lists whose parts are attributes.
        texts: attributes that are JSON and may say fields.
        dialect: see `dialect.DIALECTS`.
    """

    __slots__ = (
        "dialect",
        "firsts",
        "flats",
        "hints",
        "labels",
        "numbers",
        "rest",
        "said",
        "sources",
        "texts",
    )

    def __init__(self, names: tuple[Name, ...]) -> None:
        attributes = [name for name in names if isinstance(name, str)]
        keys = [name for name in names if not isinstance(name, str)]
        self.said: dict[str, list[Said]] = {}
        self.rest: list[tuple[str, int]] = []
        self.hints: list[tuple[str, int]] = []
        flat: dict[str, list[tuple[str, int]]] = {}
        spoken = len(dialect.DIALECTS)
        for place, name in enumerate(attributes):
            if (target := INDEX.get(name)) is not None:
                self._add(target, name, place)
                spoken = min(spoken, target.dialect)
            elif (at := place_of(name)) is not None:
                flat.setdefault(at[0], []).append((at[1], place))
                spoken = min(spoken, _FLAT_DIALECT[at[0]])
            else:
                self.rest.append((name, place))
        self.texts = [(name, place) for place, name in enumerate(attributes) if name in dialect.JSON_USAGE]
        self.flats = [Flat(tuple(parts), nested(parts)) for parts in flat.values()]
        later = [(dialect.FLATTENED[root], root) for root in flat]
        later += [(dialect.JSON_KEYS[key], f"{name}:{key}") for name, key in keys]
        for place, (field, source) in enumerate(later, len(attributes)):
            self.said.setdefault(field, []).append(Said(_LAST, source, place))
        self.dialect = dialect.DIALECTS[spoken][0] if spoken < len(dialect.DIALECTS) else None
        self._settle()

    def _add(self, target: _Target, name: str, place: int) -> None:
        if target.field:
            self.said.setdefault(target.field, []).append(Said(target.rank, name, place))
        else:
            self.hints.append((name, place))
            self.rest.append((name, place))

    def _settle(self) -> None:
        """Which value of each field comes first?"""
        self.firsts: tuple[list[tuple[str, int]], ...] = tuple([] for _ in Sort)
        self.sources: dict[str, str] = {}
        for field, said in self.said.items():
            said.sort(key=_rank)
            self.firsts[_SORT_OF[field]].append((field, said[0].place))
            if said[0].rank and field in FIELDS and field not in dialect.CONTENTS:
                self.sources[field] = said[0].name
        self.labels: list[tuple[str, int, Clean | None]] = [
            (field, place, CLEAN.get(field)) for field, place in self.firsts[Sort.LABEL]
        ]
        self.numbers = [
            (field, place, dialect.SCALES.get(self.said[field][0].name, 1))
            for field, place in self.firsts[Sort.NUMBER]
        ]


def _rank(said: Said) -> int:
    return said.rank


class Shapes(dict[tuple[Name, ...], Shape]):
    """Shapes that were met; all are forgotten when there are many."""

    def __missing__(self, names: tuple[Name, ...]) -> Shape:
        shape = Shape(names)
        if len(names) <= MAX_NAMES and sum(map(len, names)) <= MAX_CHARS:
            if len(self) >= MAX_SHAPES:
                self.clear()
            self[names] = shape
        return shape
