"""Which of the targets were reached, and by how much were the others missed?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.evaluate import found_share
from tests.bench.drift.families import FamilyResult
from tests.bench.drift.protocol import HORIZON, Score
from tests.bench.drift.results import Results

MUST_BE_FAR_AHEAD = ("sd x2", "sd x.5", "Pareto tokens x1.3", "spikes +1 sd", "season +.5 sd")
"""Families on which the opponents are blind or deafening."""
REMEMBERS = "AR(.9) +1 sd"
ENOUGH_INCIDENTS = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target."""

    number: str
    target: str
    measured: str
    reached: bool


def judge(results: Results) -> list[Verdict]:
    """All targets, in order."""
    rows = results.families
    return [
        _arl(results),
        _nulls(results, rows),
        _found("T3", "found >= 97 % on every family", rows, lambda score: score.delays),
        _found("T3, cold", "the same after 150 to 300 observations", rows, lambda score: score.cold_delays),
        _delay(rows),
        _far_ahead(rows),
        *_speed(results),
        _closing(rows),
        _incidents(rows),
    ]


def ratio_to_oracle(row: FamilyResult) -> float:
    """Our median delay over the oracle's."""
    return row.ours.median / row.oracle.median


def _verdict(number: str, target: str, misses: Iterable[str], otherwise: str) -> Verdict:
    """Reached if nothing misses it; else the measured column names what does."""
    missed = list(misses)
    return Verdict(number, target, "; ".join(missed) if missed else otherwise, not missed)


def _arl(results: Results) -> Verdict:
    judged = [law for law in results.laws if law.promised >= 1e3]
    least = min(judged, key=lambda law: law.realised.lower_99 / law.promised)
    return _verdict(
        "T1",
        f"realised ARL >= A on {len({law.law for law in judged})} laws, A = 1e3 and 1e4 (lower 99 % bound)",
        (
            f"{law.law}, A = {law.promised:g}: {law.realised.lower_99:,.0f}"
            for law in judged
            if law.realised.lower_99 < law.promised
        ),
        f"least bound {least.realised.lower_99 / least.promised:.2f} A ({least.law}, A = {least.promised:g})",
    )


def _nulls(results: Results, rows: list[FamilyResult]) -> Verdict:
    rates = {row.family: row.ours.fa_null for row in rows}
    rates |= {law.law: law.alarms_per_10k for law in results.laws if law.promised == 1e4}
    worst = max(rates, key=lambda name: rates[name])
    return _verdict(
        "T2",
        "<= 1 false alarm in 10,000 on every null, <= 2 on AR(.9)",
        (
            f"{name}: {rate:.2f}"
            for name, rate in rates.items()
            if not rate <= (2.0 if name == REMEMBERS else 1.0)
        ),
        f"at most {rates[worst]:.2f} ({worst})",
    )


def _found(
    number: str, target: str, rows: list[FamilyResult], delays: Callable[[Score], NDArray[np.float64]]
) -> Verdict:
    shares = {row.family: found_share(delays(row.ours)) for row in rows}
    return _verdict(
        number,
        target,
        (f"{name}: {share:.1%}" for name, share in shares.items() if not share >= 0.97),
        f"at least {min(shares.values()):.1%}",
    )


def _delay(rows: list[FamilyResult]) -> Verdict:
    worst = max(rows, key=ratio_to_oracle)
    return _verdict(
        "T4",
        "median delay <= 1.1 x the oracle's on every family",
        (f"{row.family}: {ratio_to_oracle(row):.2f} x" for row in rows if not ratio_to_oracle(row) <= 1.1),
        f"at most {ratio_to_oracle(worst):.2f} x ({worst.family})",
    )


def _far_ahead(rows: list[FamilyResult]) -> Verdict:
    gains = {row.family: 1.0 / ratio_to_oracle(row) for row in rows if row.family in MUST_BE_FAR_AHEAD}
    return _verdict(
        "T4, far ahead",
        f">= 3 x faster than the oracle on {', '.join(MUST_BE_FAR_AHEAD)}",
        (f"{name}: {gain:.1f} x" for name, gain in gains.items() if not gain >= 3.0),
        "; ".join(f"{name}: {gain:.1f} x" for name, gain in gains.items()),
    )


def _speed(results: Results) -> list[Verdict]:
    speed = results.speed
    return [
        Verdict(
            "T5",
            "on one core >= 10 M updates/s at 10,000 streams, whatever the skew, >= 5 M at 100,000; "
            ">= 3 x ADWIN",
            f"{speed.updates_10k / 1e6:.1f} M/s at 10,000 ({speed.updates_10k_skewed / 1e6:.1f} skewed), "
            f"{speed.updates_100k / 1e6:.1f} at 100,000; {speed.updates_10k / speed.adwin:.1f} x ADWIN",
            min(speed.updates_10k, speed.updates_10k_skewed) >= 1e7
            and speed.updates_100k >= 5e6
            and speed.updates_10k >= 3 * speed.adwin,
        ),
        Verdict(
            "T6",
            "snapshot and restore of 100,000 streams bit-identical, under 100 ms; <= 640 bytes a stream",
            f"{speed.snapshot_ms:.0f} ms, {'' if speed.snapshot_identical else 'not '}identical, "
            f"{speed.stream_bytes} bytes",
            speed.snapshot_identical and speed.snapshot_ms < 100 and speed.stream_bytes <= 640,
        ),
    ]


def _closing(rows: list[FamilyResult]) -> Verdict:
    shares = {
        row.family: row.incidents.closed_share
        for row in rows
        if row.incidents.false_incidents >= ENOUGH_INCIDENTS
    }
    return _verdict(
        "T7, closing",
        f">= 85 % of false incidents close themselves (families with at least {ENOUGH_INCIDENTS})",
        [f"{name}: {share:.1%}" for name, share in shares.items() if not share >= 0.85]
        or ([] if shares else ["no family had as many"]),
        f"at least {min(shares.values(), default=float('nan')):.1%}",
    )


def _incidents(rows: list[FamilyResult]) -> Verdict:
    counts = {row.family: row.incidents.opened_per_change for row in rows}
    return _verdict(
        "T7, incidents",
        f"<= 1.2 incidents for each true drift, within {HORIZON:,} observations",
        (f"{name}: {count:.2f}" for name, count in counts.items() if not count <= 1.2),
        f"at most {max(counts.values()):.2f}",
    )
