"""What was found of what was changed? Holds known changes against incidents. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Stream = tuple[str, str, str]  # agent, step, signal

FOUND: Final = "found"
MISSED: Final = "missed"
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
        state: open, confirmed or closed.
        detector: which.
        n: observations of the stream at the alarm.
        summary: in a sentence.
    """

    stream: Stream
    opened_ns: int
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
        """Event time from the change to its first incident."""
        return None if self.sighting is None else (self.sighting.opened_ns - self.change.at_ns) / 1e9


@dataclass(frozen=True)
class Judgement:
    """All verdicts, and the incidents that no change explains.

    `withdrawn` are those of the latter that closed by themselves: nobody was alerted of them.
    """

    verdicts: tuple[Verdict, ...]
    false_alarms: tuple[Sighting, ...]
    withdrawn: tuple[Sighting, ...]


def judge(changes: Sequence[Change], sightings: Sequence[Sighting]) -> Judgement:
    """Hold changes against incidents.

    A change is found when an incident opens on the stream it is meant for, at or after its time. Incidents on
    streams that it changes too are explained by it. All others are false: those that were confirmed (somebody
    was alerted) and those that closed by themselves are counted apart.
    """
    ordered = sorted(sightings, key=lambda sighting: sighting.opened_ns)
    verdicts = tuple(_verdict(change, ordered) for change in changes)
    unexplained = [
        sighting for sighting in ordered if not any(_explains(change, sighting) for change in changes)
    ]
    return Judgement(
        verdicts,
        tuple(sighting for sighting in unexplained if sighting.state != "closed"),
        tuple(sighting for sighting in unexplained if sighting.state == "closed"),
    )


def _verdict(change: Change, ordered: Sequence[Sighting]) -> Verdict:
    for sighting in ordered:
        if sighting.stream == change.streams[0] and sighting.opened_ns >= change.at_ns:
            return Verdict(change, FOUND, sighting)
    return Verdict(change, MISSED)


def _explains(change: Change, sighting: Sighting) -> bool:
    return sighting.stream in change.streams and sighting.opened_ns >= change.at_ns
