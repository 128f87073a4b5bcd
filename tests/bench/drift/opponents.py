"""What would one use without us? river's detectors, frouros' where installed, and one that always fires.

Each is one object a stream in a plain loop, as its documentation shows it. A ladder is a detector with one
parameter from loose to strict: tuning takes the loosest rung with at most one false alarm in 10,000
observations of a null.

The oracle is more than any user has: for each family it sees the family's own nulls and changes beforehand,
gets the values divided by the standard deviation of its null (of categories: 0/1 of the very tool that
moves), and the best of all ladders. KSWIN takes 3,000 observations a second, too few to be tuned here: it
comes as it is, on few streams and from 300 observations before the change on (it remembers 100).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN, KSWIN, PageHinkley
from river.drift.binary import DDM, FHDDM, HDDMA, HDDMW

from detectors.evaluate import Alarms
from detectors.synthetic import Family, Nature, Values

KSWIN_MEMORY = 300
_FIRE_EVERY = 1_000


class OneStream(Protocol):
    """What river's detectors have in common."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value raised an alarm."""

    def update(self, x: Any) -> Any:
        """Take one value."""


Make = Callable[[], OneStream]


@dataclass(frozen=True, slots=True)
class Ladder:
    """A detector with one parameter, from its loosest value to its strictest."""

    name: str
    rungs: tuple[tuple[str, Make], ...]


def watch_each(make: Make, values: Values, enough_from: NDArray[np.int64]) -> Alarms:
    """One detector a stream, until its first alarm at or after ``enough_from``."""
    streams: list[int] = []
    times: list[int] = []
    for stream, since in enumerate(enough_from.tolist()):
        detector = make()
        for time, value in enumerate(values[:, stream].tolist()):
            detector.update(value)
            if detector.drift_detected:
                streams.append(stream)
                times.append(time)
                if time >= since:
                    break
    return Alarms(np.array(streams, np.int64), np.array(times, np.int64))


def watch_recent(make: Make, values: Values, enough_from: NDArray[np.int64]) -> Alarms:
    """The same from shortly before the change on, for a detector that remembers no more."""
    starts = np.maximum(enough_from - KSWIN_MEMORY, 0)
    parts = [
        watch_each(make, values[start:, [stream]], enough_from[[stream]] - start)
        for stream, start in enumerate(starts.tolist())
    ]
    stream = np.repeat(np.arange(len(parts)), [len(part.time) for part in parts])
    return Alarms(stream, np.concatenate([part.time for part in parts]) + starts[stream])


def watch_always_firing(values: Values, _: NDArray[np.int64]) -> Alarms:
    """An alarm every 1,000 observations, whatever they are."""
    times = np.arange(_FIRE_EVERY - 1, len(values), _FIRE_EVERY)
    streams = values.shape[1]
    return Alarms(np.repeat(np.arange(streams), len(times)), np.tile(times, streams))


class Bits:
    """One of river's detectors of error rates, which want whether the prediction was wrong."""

    def __init__(self, detector: OneStream, turned: bool = False) -> None:
        """``turned``: the detector counts hits (FHDDM, whatever its documentation says)."""
        self._detector, self._turned = detector, turned
        self.drift_detected = False

    def update(self, x: float) -> None:
        """Take 1 for an error."""
        self._detector.update((x != 0.0) != self._turned)
        self.drift_detected = self._detector.drift_detected


def _ladder(name: str, symbol: str, rungs: tuple[float, ...], make: Callable[[float], OneStream]) -> Ladder:
    return Ladder(name, tuple((f"{name}, {symbol} {rung:.3g}", partial(make, rung)) for rung in rungs))


def _make_adwin(clock: int, delta: float) -> OneStream:
    return ADWIN(delta=delta, clock=clock)


def _make_page_hinkley(drift: float, threshold: float) -> OneStream:
    return PageHinkley(delta=drift, threshold=threshold)


def _make_hddm(kind: Callable[..., OneStream], confidence: float) -> OneStream:
    return Bits(kind(drift_confidence=confidence, two_sided_test=True))


_DELTAS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 2e-3, 5e-4, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-14)
_THRESHOLDS = tuple(float(3.0 * 1.25**k) for k in range(31))
_CONFIDENCES = (0.05, 0.02, 0.01, 5e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)

NUMBERS: tuple[Ladder, ...] = (
    *(_ladder(f"ADWIN clock {clock}", "delta", _DELTAS, partial(_make_adwin, clock)) for clock in (1, 32)),
    *(
        _ladder(f"Page-Hinkley drift {drift:g}", "threshold", _THRESHOLDS, partial(_make_page_hinkley, drift))
        for drift in (0.005, 0.05, 0.125, 0.25, 0.5)
    ),
)
BITS: tuple[Ladder, ...] = (
    *NUMBERS,
    _ladder("HDDM_A", "confidence", _CONFIDENCES, partial(_make_hddm, HDDMA)),
    _ladder("HDDM_W", "confidence", _CONFIDENCES, partial(_make_hddm, HDDMW)),
    _ladder("DDM", "threshold", (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0), lambda t: Bits(DDM(drift_threshold=t))),
    _ladder("FHDDM", "confidence", _CONFIDENCES, lambda c: Bits(FHDDM(200, c), turned=True)),
)


def make_kswin() -> OneStream:
    """KSWIN as it comes, with a seed for the part of its window that it draws."""
    return KSWIN(seed=1)


def find_rung(label: str) -> Make:
    """What a label stands for. Labels, unlike makers, can be sent to another process."""
    for ladder in BITS:
        for name, make in ladder.rungs:
            if name == label:
                return make
    raise ValueError(f"no rung of any ladder is called {label!r}")


def default_makers(nature: Nature) -> dict[str, Make]:
    """river's detectors as they come; those of error rates for 0/1 alone."""
    plain: dict[str, Make] = {"ADWIN": ADWIN, "Page-Hinkley": PageHinkley}
    if nature is Nature.BIT:
        plain["DDM"] = lambda: Bits(DDM())
        plain["HDDM_A"] = lambda: Bits(HDDMA())
        plain["HDDM_W"] = lambda: Bits(HDDMW())
        plain["FHDDM"] = lambda: Bits(FHDDM(), turned=True)
    return plain


def frouros_makers() -> dict[str, Make]:
    """frouros' CUSUM as it comes; nothing where frouros is not installed.

    It pins numpy < 2.2 and scipy < 1.15, which wakeline does not meet, so it is no dependency: install it
    without its own (``pip install --no-deps frouros requests tqdm``) to have its column.
    """
    try:
        from frouros.detectors.concept_drift import CUSUM
    except ModuleNotFoundError:
        return {}
    return {"frouros CUSUM": lambda: Frouros(CUSUM())}


class Frouros:
    """One of frouros' detectors behind river's interface; it is reset at an alarm, as its examples do."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self.drift_detected = False

    def update(self, x: float) -> None:
        """Take one value."""
        self._detector.update(value=x)
        self.drift_detected = bool(self._detector.drift)
        if self.drift_detected:
            self._detector.reset()


def oracle_view(family: Family, values: Values, null: Values) -> Values:
    """What the oracle is shown: unit scale, and of categories whether it is the tool that moves."""
    if family.nature is Nature.CATEGORY:
        rarest = null.max()
        return np.where(values >= rarest if "new" in family.name else values == 0.0, 1.0, 0.0)
    return np.asarray(values / null.std())
