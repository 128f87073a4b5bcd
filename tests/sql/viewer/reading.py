"""What number does a person read on a page? A text as it is shown, and how exactly it says it."""

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"(?P<sign>[−-]?)\$?(?P<digits>[\d,]*\.?\d+)\s*(?P<unit>\S*)")
# What stands behind a number, in the unit that numbers of its kind have.
_UNITS = {
    "": 1.0,
    "%": 0.01,
    "K": 1e3,
    "M": 1e6,
    "B": 1e9,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
}


@dataclass(frozen=True)
class Shown:
    """A number on a page: what it says, and half of its last digit."""

    value: float
    half: float

    def says(self, expected: float, rel: float = 0.0) -> bool:
        """Is this what stands there for an expected number, rounded; give or take `rel` of it?"""
        return abs(self.value - expected) <= self.half * 1.000_001 + abs(expected) * rel


def read(text: str) -> Shown:
    """Read a text such as `$1.2 K`, `77.3%`, `9,200` or `10.62 s`.

    Raises:
        ValueError: it is no number.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None or found["unit"] not in _UNITS:
        raise ValueError(f"{text!r} is no number")
    digits = found["digits"].replace(",", "")
    scale = _UNITS[found["unit"]] * (-1 if found["sign"] else 1)
    decimals = len(digits.partition(".")[2])
    return Shown(float(digits) * scale, abs(scale) * 10**-decimals / 2)
