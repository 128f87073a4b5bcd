"""What may a browser ask? Names of things, choices and a range of time, checked here; never SQL.

Each answer of `scope` is what `dashboards.macros` expands SQL for.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from dashboards.macros import Scope, Value

# From 1970 to 2261, where DateTime64(9) ends; in this range every sum of two times is exact.
_TIME = Meta(ge=0, le=9_180_000_000_000)
Milliseconds = Annotated[int, _TIME]
Name = Annotated[str, Meta(max_length=200)]
Chosen = Annotated[str, Meta(max_length=4_000)] | Annotated[
    list[Annotated[str, Meta(max_length=4_000)]], Meta(max_length=5_000)
]  # fmt: skip

# Widths that people read easily, in seconds; those of Grafana from one second on.
_WIDTHS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600)
_LONG_WIDTHS_S = (43_200, 86_400, 604_800, 2_592_000, 31_536_000)
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class BadRequest(ValueError):
    """A question that cannot be read. The message says which part."""


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every question about a dashboard carries.

    Attributes:
        dashboard: its uid.
        start_ms: beginning of the range, Unix milliseconds.
        end_ms: its end.
        points: width of the picture in pixels; buckets are not narrower than one.
        variables: what was chosen, by name; `$__all` is all.
    """

    dashboard: Name
    start_ms: Milliseconds
    end_ms: Milliseconds
    points: Annotated[int, Meta(ge=1, le=20_000)] = 1_000
    variables: dict[Name, Chosen] = {}

    def scope(self, least_s: int = 1, **changes: Value) -> Scope:
        """What SQL is expanded for.

        Args:
            least_s: least width of a bucket.
            changes: variables that take another value.

        Raises:
            BadRequest: the range ends before it begins.
        """
        if self.end_ms < self.start_ms:
            raise BadRequest("The range ends before it begins")
        return Scope(
            start_s=self.start_ms // 1_000,
            # As Grafana does: a day's last millisecond does not begin the next one.
            end_s=self.end_ms // 1_000,
            interval_s=interval_s(self.start_ms, self.end_ms, self.points, least_s),
            variables={**self.variables, **changes},
        )


class PanelQuestion(Question, frozen=True, kw_only=True):
    """About a panel.

    Attributes:
        panel: its id.
        ref: which of its targets.
    """

    panel: int
    ref: Name


class NamespaceQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """About a namespace, apart from any dashboard."""

    namespace: Name


class StepQuestion(NamespaceQuestion, frozen=True, kw_only=True):
    """What a step was told and said. `step` is its id, or the id of its span in an OpenTelemetry trace."""

    run: Annotated[str, Meta(min_length=1, max_length=1_000)]
    step: Annotated[str, Meta(min_length=1, max_length=1_000)]


class SearchQuestion(NamespaceQuestion, frozen=True, kw_only=True):
    """Which contents hold all of these words?"""

    text: Annotated[str, Meta(min_length=1, max_length=500)]
    start_ms: Milliseconds
    end_ms: Milliseconds


def interval_s(start_ms: int, end_ms: int, points: int, least_s: int = 1) -> int:
    """Width of a bucket in seconds: as wide as a point of the range at least, and a width that reads easily.

    Args:
        start_ms: beginning of the range.
        end_ms: its end.
        points: how many fit side by side.
        least_s: never narrower.
    """
    exact_s = (end_ms - start_ms) / 1_000 / max(points, 1)
    widths = (*_WIDTHS_S, *_LONG_WIDTHS_S)
    wide = next((width for width in widths if width >= exact_s * 0.999), widths[-1])
    return max(wide, least_s, 1)


def seconds_of(text: str | None) -> int:
    """Seconds of a width such as "1m", as panels give their least one; at least 1.

    Raises:
        BadRequest: it is none.
    """
    if text is None or text == "":
        return 1
    number = text.lstrip("<>").rstrip("".join(_UNITS_S))
    unit = text.lstrip("<>")[len(number) :]
    if unit not in _UNITS_S or not number.isdigit():
        raise BadRequest(f"{text!r} is no width of time such as 30s, 1m or 2h")
    return max(1, int(int(number) * _UNITS_S[unit]))


def words(text: str) -> list[str]:
    """The words of a search: at blanks, but what stands in double quotes stays together.

    Raises:
        BadRequest: there are none, or more than 12.
    """
    parts = text.split('"')
    found = [part.strip() for part in parts[1::2]]
    for part in parts[::2]:
        found += part.split()
    found = [word for word in found if word]
    if not 1 <= len(found) <= 12:
        raise BadRequest("A search takes one to twelve words or phrases in double quotes")
    return found
