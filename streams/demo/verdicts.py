"""What was found of what was changed? Holds known changes against incidents. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Stream = tuple[str, str, str]  # agent, step, signal

FOUND: Final = "found"
MISSED: Final = "missed"
# Detector of the rule for loops: it needs no confirmation.
RULE: Final = "repeated-tool-call"
Outcome = Literal["found", "missed"]


@dataclass(frozen=True)
class Change:
    """A change that was made on purpose.

    Attributes:
        name: for the table.
        streams: those it changes, the one it is meant for first; what follows from it comes after.
        at_ns: event time from when on.
    """

    name: str
    streams: tuple[Stream, ...]
    at_ns: int


@dataclass(frozen=True)
class Sighting:
    """An incident.

    Attributes:
        stream: where.
        opened_ns: event time.
        confirmed_ns: event time; None if it was not confirmed.
        state: open, confirmed or closed.
        detector: which.
        n: observations of the stream at the alarm.
        summary: in a sentence.
    """

    stream: Stream
    opened_ns: int
    confirmed_ns: int | None
    state: str
    detector: str
    n: int
    summary: str


@dataclass(frozen=True)
class Verdict:
    """What became of one change; `sighting` is the first of it when it was found."""

    change: Change
    outcome: Outcome
    sighting: Sighting | None = None

    @property
    def delay_s(self) -> float | None:
        """Event time from the change to what was first said of it."""
        if self.sighting is None:
            return None
        seen_ns = _seen_ns(self.change, self.sighting)
        return None if seen_ns is None else (seen_ns - self.change.at_ns) / 1e9


@dataclass(frozen=True)
class Judgement:
    """All verdicts, and the incidents that no change explains.

    `withdrawn` are those of the latter that were not confirmed, closed or open still: nobody was alerted of
    them.
    """

    verdicts: tuple[Verdict, ...]
    false_alarms: tuple[Sighting, ...]
    withdrawn: tuple[Sighting, ...]


def judge(changes: Sequence[Change], sightings: Sequence[Sighting]) -> Judgement:
    """Hold changes against incidents.

    A change is found when an incident opens on the stream it is meant for, at or after its time, or one
    that was open by chance is confirmed. Incidents on streams that it changes too are explained by it. All
    others are false: those that were confirmed (somebody was alerted) and the others are counted apart. A
    rule tells at opening, so that its incidents count as confirmed.
    """
    ordered = sorted(sightings, key=lambda sighting: sighting.opened_ns)
    verdicts = tuple(_verdict(change, ordered) for change in changes)
    unexplained = [
        sighting for sighting in ordered if not any(_explains(change, sighting) for change in changes)
    ]
    return Judgement(
        verdicts,
        tuple(sighting for sighting in unexplained if _told(sighting)),
        tuple(sighting for sighting in unexplained if not _told(sighting)),
    )


def _verdict(change: Change, ordered: Sequence[Sighting]) -> Verdict:
    for sighting in ordered:
        if sighting.stream == change.streams[0] and _seen_ns(change, sighting) is not None:
            return Verdict(change, FOUND, sighting)
    return Verdict(change, MISSED)


def _explains(change: Change, sighting: Sighting) -> bool:
    return sighting.stream in change.streams and _seen_ns(change, sighting) is not None


def _seen_ns(change: Change, sighting: Sighting) -> int | None:
    """When an incident first spoke of what was there since the change; None if it did before alone."""
    if sighting.opened_ns >= change.at_ns:
        return sighting.opened_ns
    confirmed_ns = sighting.confirmed_ns
    return confirmed_ns if confirmed_ns is not None and confirmed_ns >= change.at_ns else None


def _told(sighting: Sighting) -> bool:
    return sighting.confirmed_ns is not None or sighting.detector == RULE
