"""Which of our detectors watches a family? Its default setting, whatever the family: nothing is tuned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors.ar import ArCsr
from detectors.binary import BinaryParameters, CsrBinary
from detectors.categorical import CategoricalParameters, CsrCategorical
from detectors.contract import IncidentKind, Incidents
from detectors.csr import Csr, CsrParameters
from detectors.evaluate import Alarms
from detectors.mondrian import Mondrian, MondrianParameters
from detectors.slots import SlotDetector
from detectors.synthetic import Nature, Values, season_buckets

_CHUNK_ROWS = 2_000_000
_FIRST_ID = 0x57414B45

MakeDetector = Callable[[float], SlotDetector]
DETECTORS: dict[Nature, tuple[str, MakeDetector]] = {
    Nature.NUMBER: ("CSR", lambda threshold: Csr(CsrParameters(threshold=threshold))),
    Nature.CORRELATED: ("AR + CSR", lambda threshold: ArCsr(CsrParameters(threshold=threshold))),
    Nature.SEASONAL: ("Mondrian", lambda threshold: Mondrian(MondrianParameters(threshold=threshold))),
    Nature.BIT: ("CSR of 0/1", lambda threshold: CsrBinary(BinaryParameters(threshold=threshold))),
    Nature.CATEGORY: (
        "CSR of categories",
        lambda threshold: CsrCategorical(CategoricalParameters(threshold=threshold)),
    ),
}


@dataclass(frozen=True, slots=True)
class Watched:
    """What happened to the incidents of many streams; the times are rows of a stream."""

    alarms: Alarms
    """Those that open an incident and those that continue one."""
    opened: Alarms
    confirmed: Alarms
    closed: Alarms


def watch(
    nature: Nature, threshold: float, values: Values, hours: NDArray[np.int64] | None = None
) -> Watched:
    """Watch streams, shape (length, streams), row by row, with the detector of their nature.

    Args:
        hours: hour of day of each row, for seasonal streams; None is that of synthetic ones.
    """
    detector = DETECTORS[nature][1](threshold)
    length, streams = values.shape
    hours = season_buckets(length) if hours is None else hours
    slots = detector.add(np.arange(_FIRST_ID, _FIRST_ID + streams, dtype=np.uint64))
    rows = max(_CHUNK_ROWS // streams, 1)
    parts = []
    for start in range(0, length, rows):
        part = values[start : start + rows]
        arriving = np.tile(slots, len(part)), part.ravel()
        if isinstance(detector, Mondrian):
            readings = detector.update(*arriving, hours[start : start + rows].repeat(streams))
        else:
            readings = detector.update(*arriving)
        parts.append((start, readings.incidents))
    return Watched(*(_alarms(parts, kinds, streams) for kinds in _KINDS))


_KINDS = (
    (IncidentKind.OPENED, IncidentKind.CONTINUED),
    (IncidentKind.OPENED,),
    (IncidentKind.CONFIRMED,),
    (IncidentKind.CLOSED,),
)


def _alarms(parts: list[tuple[int, Incidents]], kinds: tuple[IncidentKind, ...], streams: int) -> Alarms:
    kept = [(start, incidents, np.isin(incidents.kind, kinds)) for start, incidents in parts]
    return Alarms(
        np.concatenate([incidents.slot[mask].astype(np.int64) for _, incidents, mask in kept]),
        np.concatenate([start + incidents.row[mask] // streams for start, incidents, mask in kept]),
    )


def as_watch(nature: Nature, threshold: float) -> Callable[[Values, NDArray[np.int64]], Alarms]:
    """For the protocol: every alarm counts, whether it opens an incident or continues one."""
    return partial(_alarms_of, nature, threshold)


def _alarms_of(nature: Nature, threshold: float, values: Values, _: NDArray[np.int64]) -> Alarms:
    return watch(nature, threshold, values).alarms


def warm_up(nature: Nature) -> int:
    """Observations that a detector of this nature learns its first reference from."""
    return DETECTORS[nature][1](1.0).warm_up
