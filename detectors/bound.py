"""Is a promise broken that was made in numbers: "errors at most 1 %", "95 % of answers within 2 s"?

e-SR against a known bound. Of each value it is asked whether it is over ``limit`` (x = 1) or not (x = 0), and
what is watched is that no more than ``share`` of them are. Nothing is learnt, so nothing is awaited: watching
begins with the first value. For a rate of 0/1 the limit is .5; for "p95 <= 2 s" limit 2 s and share .05.

The bets are likelihood ratios of a rate with r times the bound's odds, r = 1.2 .. 100:

    f(1) = r / (1 + (r - 1) share),    f(0) = 1 / (1 + (r - 1) share),    R_j <- (R_j + 1) f_j(x),

and the alarm is at mean_j R_j >= A. Proved: the mean number of observations to a false alarm is at least A
for every law under which the chance of x = 1, given all that went before, is never above ``share``. Not only
for exchangeable streams: seasons, bursts and trends are covered as long as they keep the bound. As E[f(x)] =
f(0) + (f(1) - f(0)) P(x = 1) <= 1, the mean of the R_j less n is a supermartingale, so E[N] >= E[M_N] >= A
(J. Shin, A. Ramdas, A. Rinaldo, E-detectors, NEJSDS 2024). The bets are rounded down to float32.

A stream that keeps the bound on average but breaks it for an hour breaks it. At A = 1e4 a rate of 2 % against
a bound of 1 % is found in 800 observations, 3 % in 360, 5 % in 150 (medians of 300).

An incident is confirmed by the next observation that is over the limit: the bound is known, a second opinion
adds nothing (raise ``confirm_threshold`` to ask for one). It then stays until the same kind of evidence
speaks for a rate below the bound (REBASED): bets with r = 1/1.2 .. 1/100 against ``recover_threshold``, the
mean number of observations to a false all-clear while the bound is broken. With a share of 1 % the all-clear
needs some 550 values that keep the limit; a rate at the bound gives neither alarm nor all-clear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.bound_kernel import take_rows
from detectors.contract import NO_CODE, Direction, Phase, Readings, Snapshot
from detectors.incidents import Change
from detectors.intervals import Level, rate_level
from detectors.parameters import Parameters, check_thresholds
from detectors.rows import EXPIRED, FULL, REACHED, Rows
from detectors.shiryaev_roberts import mean
from detectors.slots import Engine, SlotDetector
from detectors.snapshots import load_array
from detectors.state import MOST_TAKEN, Layout

VERSION = 1
ODDS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
BETS = len(ODDS)
_ENDLESS = 2**31 - 1


class Bounds(NamedTuple):
    """What each stream is held to, one row a slot."""

    limit: NDArray[np.float64]
    share: NDArray[np.float64]
    bets: NDArray[np.float32]
    """Shape (slots, 2, 2, BETS): against the bound and, while it is broken, for it; x = 0 and 1."""


@dataclass(frozen=True, slots=True)
class BoundParameters(Parameters):
    """The settings of e-SR; there is no warm-up."""

    warm_up: int = 0
    confirm_threshold: float = 1.0
    recover_threshold: float = 1e4
    """Evidence for a rate below the bound at which an incident is over. Lower: all-clears that are false."""

    def __post_init__(self) -> None:
        Parameters.__post_init__(self)
        self._check_warm_up(0, 0)
        check_thresholds(np.array([self.recover_threshold]))


def make_bets(share: float) -> NDArray[np.float32]:
    """The bets of one bound, shape (2, 2, BETS), float32 rounded down: their means at the bound are <= 1.

    >>> bets = make_bets(0.01)
    >>> bets[0, :, 2].astype(np.float64).round(4).tolist()  # of twice the odds: x = 0, x = 1
    [0.9901, 1.9802]
    """
    odds = np.array([ODDS, [1.0 / r for r in ODDS]])
    missed = 1.0 / (1.0 + (odds - 1.0) * share)
    exact = np.stack([missed, odds * missed], axis=1)
    return np.nextafter(exact.astype(np.float32), np.float32(0.0))


class Bound(SlotDetector):
    """e-SR against a known bound, many streams; implements ``Detector``.

    >>> from detectors.contract import IncidentKind
    >>> errors = Bound(limit=0.5, share=0.01)
    >>> slots = errors.add(np.array([7], np.uint64))
    >>> readings = errors.update(slots.repeat(800), np.repeat([0.0, 1.0, 0.0], [100, 5, 695]))
    >>> readings.incidents.row.tolist(), [IncidentKind(k).name for k in readings.incidents.kind]
    ([102, 103, 651], ['OPENED', 'CONFIRMED', 'REBASED'])
    """

    layout = Layout(block=1, evidence=BETS, codes=0)
    """A block counts the values over the limit since an incident was opened."""
    first_phase = Phase.ARMED

    def __init__(
        self,
        limit: float,
        share: float,
        parameters: BoundParameters | None = None,
        engine: Engine = "numba",
    ) -> None:
        """
        Args:
            limit: in the signal's unit; a value above it is over. For streams that are added without one.
            share: of values that may be over, above 0 and below 1; likewise.
            parameters: what all streams share.
            engine: compiled, or plain numpy.
        """
        own = parameters or BoundParameters()
        super().__init__(own, engine)
        # No new reference is ever learnt: what follows a confirmed incident ends with the evidence for it.
        self.warm_up = _ENDLESS
        # A bound that is broken again after the all-clear is told again.
        self.settle_within = 0
        self._recover_threshold = own.recover_threshold
        self._limit, self._share = limit, share
        _check_bounds(np.array([limit]), np.array([share]))
        self._bounds = _make_bounds(0)

    def add(
        self,
        stream_ids: NDArray[np.uint64],
        thresholds: NDArray[np.float64] | None = None,
        limits: NDArray[np.float64] | None = None,
        shares: NDArray[np.float64] | None = None,
    ) -> NDArray[np.int32]:
        """Give each stream a slot; see ``Detector.add``.

        Args:
            stream_ids: one a stream.
            thresholds: one a stream; None takes the parameters'.
            limits: one a stream, in its unit; None takes the detector's.
            shares: one a stream, above 0 and below 1; None takes the detector's.

        Raises:
            ValueError: a threshold, limit or share is out of range, or there are too few or too many; then
                nothing was added.
        """
        count = len(stream_ids)
        limits = np.full(count, self._limit) if limits is None else limits
        shares = np.full(count, self._share) if shares is None else shares
        if limits.shape != (count,) or shares.shape != (count,):
            raise ValueError(
                f"{count} streams need as many limits and shares, not {limits.shape} and {shares.shape}"
            )
        _check_bounds(limits, shares)
        slots = super().add(stream_ids, thresholds)
        self._bounds = _enlarge_bounds(self._bounds, len(self._streams.phase))
        self._bounds.limit[slots] = limits
        self._bounds.share[slots] = shares
        for slot, share in zip(slots.tolist(), shares.tolist(), strict=True):
            self._bounds.bets[slot] = make_bets(share)
        return slots

    def update(self, slots: NDArray[np.int32], values: NDArray[np.float64]) -> Readings:
        """See ``Detector.update``; an incident's reference is the bound, with no observations behind it.

        While an incident waits for its end, statistic and threshold are those of the all-clear.
        """
        readings = super().update(slots, values)
        incidents = readings.incidents
        known = ~np.isnan(incidents.reference).all(axis=1)
        bound = np.where(known, self._bounds.share[incidents.slot], np.nan)[:, None].repeat(3, axis=1)
        incidents = replace(incidents, reference=bound, reference_n=np.zeros(len(bound), np.int64))
        return replace(readings, incidents=incidents)

    def settle(self, block: NDArray[np.int32]) -> None:
        """See ``incidents.Reference``; there is nothing to settle."""

    def stake(self, block: NDArray[np.int32], evidence: NDArray[np.float32], amount: float) -> None:
        """See ``incidents.Reference``; nothing: the bound is known, and any evidence confirms."""

    def suspect(
        self,
        block: NDArray[np.int32],  # noqa: ARG002 - of the protocol
        evidence: NDArray[np.float32],  # noqa: ARG002 - of the protocol
        value: float,  # noqa: ARG002 - of the protocol
    ) -> Change:
        """See ``incidents.Reference``; too many are over the limit."""
        return Change(Direction.UP, NO_CODE)

    def level(self, block: NDArray[np.int32], taken: int, change: Change) -> Level:  # noqa: ARG002
        """See ``incidents.Reference``; the share over the limit since the incident was opened."""
        return rate_level(int(block[0]), taken)

    def snapshot(self) -> Snapshot:
        """The whole state as copies of arrays."""
        bounds = {name: array[: self._used].copy() for name, array in self._bounds._asdict().items()}
        return {**super().snapshot(), **bounds}

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state by a snapshot's; the arrays are copied. Raises ``SnapshotMismatch``."""
        empty = _make_bounds(0)
        bounds = Bounds(*(load_array(snapshot, name, like) for name, like in empty._asdict().items()))
        super().restore(snapshot)
        self._bounds = bounds

    def _take_compiled(self, rows: Rows, start: int) -> int:
        row: int = take_rows(
            rows,
            start,
            self._streams,
            self._incidents.engines.arrays,
            self._bounds.limit,
            self._bounds.bets,
            self.parameters.confirm_threshold,
            self.parameters.confirm_within,
            self._recover_threshold,
        )
        return row

    def _take_round(self, rows: Rows, group: NDArray[np.int64]) -> NDArray[np.int64]:
        slots, phases, accepted = self._begin_round(rows, group)
        recovering = phases == Phase.RELEARNING
        rows.threshold[group[recovering]] = self._recover_threshold
        over = rows.value[group] > self._bounds.limit[slots]
        self._bet(slots[accepted], over[accepted])
        rows.statistic[group] = mean(self._streams.evidence[slots])

        reached = accepted & (rows.statistic[group] >= rows.threshold[group])
        rows.flag[group[reached & ~recovering]] |= REACHED
        rows.flag[group[reached & recovering]] |= FULL
        self._streams.evidence[slots[reached & recovering]] = 0
        opened = accepted & (phases == Phase.OPEN)
        self._count(rows, group[opened], over[opened])
        counted = accepted & recovering & (self._streams.taken[slots] < MOST_TAKEN)
        self._streams.block[slots[counted], 0] += over[counted]
        self._streams.taken[slots[counted]] += 1
        flagged: NDArray[np.int64] = group[rows.flag[group] != 0]
        return flagged

    def _bet(self, slots: NDArray[np.int32], over: NDArray[np.bool_]) -> None:
        recovering = (self._streams.phase[slots] == Phase.RELEARNING).astype(np.int64)
        factors = self._bounds.bets[slots, recovering, over.astype(np.int64)]
        self._streams.evidence[slots] = (self._streams.evidence[slots] + np.float32(1.0)) * factors

    def _count(self, rows: Rows, group: NDArray[np.int64], over: NDArray[np.bool_]) -> None:
        slots = rows.slot[group]
        engines = self._streams.side[slots]
        self._incidents.engines.arrays.block[engines, 0] += over
        self._incidents.engines.arrays.taken[engines] += 1
        self._streams.since[slots] += 1
        rows.flag[group[self._streams.since[slots] == self.parameters.confirm_within]] |= EXPIRED

    def _version(self) -> tuple[int, int]:
        return VERSION, crc32(np.array(ODDS).tobytes())


def _make_bounds(slots: int) -> Bounds:
    return Bounds(np.zeros(slots), np.zeros(slots), np.zeros((slots, 2, 2, BETS), np.float32))


def _enlarge_bounds(bounds: Bounds, slots: int) -> Bounds:
    larger = _make_bounds(slots)
    for name, array in bounds._asdict().items():
        getattr(larger, name)[: len(array)] = array
    return larger


def _check_bounds(limits: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
    if not bool(np.all(np.isfinite(limits))):
        raise ValueError("a limit must be a finite number in the signal's unit")
    if not bool(np.all((shares > 0.0) & (shares < 1.0))):
        raise ValueError(
            "a share must be above 0 and below 1: the part of the values that may be over the limit"
        )
