"""What does a check give? One finding: its state, what that means, and what to do about it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """How bad; in this order."""

    OK = "ok"
    WARNING = "warning"  # works, and will not for ever
    FAILED = "failed"


class Finding(NamedTuple):
    """The outcome of one check.

    Attributes:
        check: what was looked at.
        state: how bad.
        means: one sentence, with the numbers.
        do: one sentence; empty when there is nothing to do.
    """

    check: str
    state: State
    means: str
    do: str = ""


def ok(check: str, means: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, means)


def warning(check: str, means: str, do: str) -> Finding:
    """It works, and will not for ever."""
    return Finding(check, State.WARNING, means, do)


def failed(check: str, means: str, do: str) -> Finding:
    """Something does not work, or is lost."""
    return Finding(check, State.FAILED, means, do)


def worst(findings: Iterable[Finding]) -> State:
    """The worst of them; `ok` for none."""
    order = list(State)
    return max((finding.state for finding in findings), key=order.index, default=State.OK)


def span(seconds: float) -> str:
    """A time for people: `0.4 s`, `12 s`, `5 min`, `3.2 h`, `2.5 d`."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3_600:.1f} h"
    return f"{seconds / 86_400:.1f} d"


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1_000:
            return f"{count:.0f} {unit}"
        count /= 1_000
    return f"{count:.1f} TB"
