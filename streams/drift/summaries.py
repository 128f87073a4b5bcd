"""How is a change told in one sentence? Names, numbers, units; for pagers and tables. Pure."""

import math

from detectors.contract import Direction
from streams.drift.signals import Nature, Signal
from streams.drift.table import Stream

# A level with its interval, as in `detectors.contract.Incidents`: low, level, high.
Levels = tuple[float, float, float]

_SHARES = (Nature.RATE, Nature.MIX)
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
    return known(levels[1])


def known(value: float) -> float | None:
    """None for nan and the infinite end of an interval."""
    return value if math.isfinite(value) else None


def place_of(stream: Stream) -> str:
    """Whose signal it is: agent and step, or the agent alone."""
    return f"{stream.agent_name} · {stream.step_name}" if stream.step_name else stream.agent_name


def summarize(
    stream: Stream,
    state: str,
    direction: Direction,
    reference: Levels,
    current: Levels | None,
    *,
    category: str = "",
    over: bool = False,
    further: bool = False,
) -> str:
    """A sentence about an incident.

    Args:
        stream: in which it happened.
        state: of the incident: open, confirmed, closed.
        direction: of the change.
        reference: levels before it.
        current: levels since; None while they are not known.
        category: of a mix: whose share is told.
        over: a confirmed one is over: the stream has a new reference.
        further: it was over before.
    """
    signal, verb = stream.signal, _VERBS[direction]
    subject = f"{signal.title}, {category or 'the rest'}" if signal.nature is Nature.MIX else signal.title
    what = f"{place_of(stream)}: {_SUBJECTS.get(direction, '')}{subject}"
    verb += " further" if further else ""
    before = level_of(reference)
    after = None if current is None else level_of(current)
    usual = "" if before is None else f" (usually {_told(before, signal)})"
    if state == "open":
        return f"{what} may be {verb}{usual}; not confirmed yet"
    if state == "closed":
        return f"{what} goes on as before{usual}; the alarm was false"
    then = "; watched against the new level from now on" if over else ""
    if before is None or after is None:
        return f"{what} {verb}{usual}{then}"
    numbers = f"from {_told(before, signal)} to {_told(after, signal)}{_change(before, after, signal)}"
    return f"{what} {verb} {numbers}{then}"


def summarize_first_seen(stream: Stream, category: str, n: int) -> str:
    """A sentence about a value that a stream had never seen.

    Args:
        stream: in which it was seen.
        category: the value; "": values that are not told one by one.
        n: observations of the stream until then.
    """
    if not category:
        return f"{place_of(stream)}: more values than can be told are new in the {stream.signal.title} today"
    return (
        f"{place_of(stream)}: {category} seen for the first time in the {stream.signal.title} ({n:,} before)"
    )


def _told(value: float, signal: Signal) -> str:
    if signal.nature in _SHARES:
        return f"{100 * value:.3g} %"
    return f"{_number(value)} {signal.unit}".rstrip()


def _number(value: float) -> str:
    """Three digits that count, without an exponent where a person would not write one."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _change(before: float, after: float, signal: Signal) -> str:
    """In percent of a number; of a share that would be a percentage of percentages."""
    if before <= 0 or signal.nature in _SHARES:
        return ""
    percent = round(100 * (after / before - 1))
    return f" ({'+' if percent >= 0 else '−'}{abs(percent)} %)"
