"""How is a change told in one sentence? Names, numbers, units; for pagers and tables. Pure."""

import math

from detectors.contract import Direction
from streams.drift.table import Stream

# A level with its interval, as in `detectors.contract.Incidents`: low, level, high.
Levels = tuple[float, float, float]

_SUBJECTS = {
    Direction.WIDER: "spread of ",
    Direction.NARROWER: "spread of ",
    Direction.UPPER_TAIL: "high end of ",
    Direction.LOWER_TAIL: "low end of ",
}
_VERBS = {
    Direction.UP: "up",
    Direction.DOWN: "down",
    Direction.WIDER: "wider",
    Direction.NARROWER: "narrower",
    Direction.UPPER_TAIL: "changed",
    Direction.LOWER_TAIL: "changed",
    Direction.NONE: "changed",
}


def level_of(levels: Levels) -> float | None:
    """The number that a change is about, in the signal's unit; None where it is not known."""
    return levels[1] if math.isfinite(levels[1]) else None


def summarize(
    stream: Stream,
    state: str,
    direction: Direction,
    reference: Levels,
    current: Levels | None,
    *,
    over: bool = False,
) -> str:
    """A sentence about an incident.

    Args:
        stream: in which it happened.
        state: of the incident: open, confirmed, closed.
        direction: of the change.
        reference: levels before it.
        current: levels since; None while they are not known.
        over: a confirmed one is over: the stream has a new reference.
    """
    what = f"{stream.agent_name} · {stream.step_name}: {_SUBJECTS.get(direction, '')}{stream.signal.title}"
    unit, verb = stream.signal.unit, _VERBS[direction]
    before = level_of(reference)
    after = None if current is None else level_of(current)
    usual = "" if before is None else f" (usually {_number(before)} {unit})"
    if state == "open":
        return f"{what} may be {verb}{usual}; not confirmed yet"
    if state == "closed":
        return f"{what} goes on as before{usual}; the alarm was false"
    then = "; watched against the new level from now on" if over else ""
    if before is None or after is None:
        return f"{what} {verb}{usual}{then}"
    numbers = f"from {_number(before)} {unit} to {_number(after)} {unit}{_change(before, after)}"
    return f"{what} {verb} {numbers}{then}"


def _number(value: float) -> str:
    """Three digits that count, without an exponent where a person would not write one."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _change(before: float, after: float) -> str:
    if before <= 0:
        return ""
    percent = round(100 * (after / before - 1))
    return f" ({'+' if percent >= 0 else '−'}{abs(percent)} %)"
