"""Runs everything, on all cores, and gathers what came of it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar
from zlib import crc32

from detectors.evaluate import Alarms
from detectors.startup import warm_up
from detectors.synthetic import FAMILIES, LAWS, Nature
from tests.bench.drift import nab, ours
from tests.bench.drift.families import THRESHOLD, FamilyResult, find_matched, run_family
from tests.bench.drift.laws import PROMISES, LawResult, run_law
from tests.bench.drift.protocol import Size
from tests.bench.drift.speed import Speed, measure_speed

T = TypeVar("T")
Report = Callable[[int, int], None]
"""Told how many jobs are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Results:
    """All that the report tells."""

    families: list[FamilyResult]
    laws: list[LawResult]
    series: list[nab.SeriesResult]
    """Empty where the series are not at hand."""
    speed: Speed


def gather(
    size: Size, jobs: int, report: Report, families: list[str] | None = None, kept: Path | None = None
) -> Results:
    """Run everything; of the families only those that are named, if any are.

    Speed is measured last and alone, so that the other jobs do not slow it down.

    Args:
        size: how much is drawn.
        jobs: processes.
        report: told of progress.
        families: names; None is all.
        kept: folder in which each job's result is kept, so that a run that was cut goes on where it was.
    """
    warm_up()
    names = [family.name for family in FAMILIES if families is None or family.name in families]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        # The longest first: streams of five times 10,000 observations.
        by_law = [
            pool.submit(_once, kept, run_law, law, size, promised)
            for promised in sorted(PROMISES, reverse=True)
            for law in LAWS
        ]
        matched = find_matched(size)
        by_family = [pool.submit(_once, kept, run_family, name, size, matched) for name in names]
        _tell_progress([*by_law, *by_family], report)
        laws, rows = [job.result() for job in by_law], [job.result() for job in by_family]
    return Results(rows, laws, score_nab(nab.FOLDER), measure_speed())


def _once(kept: Path | None, run: Callable[..., T], *arguments: object) -> T:
    """What the function gives, from the folder if it was kept there under the same arguments."""
    if kept is None:
        return run(*arguments)
    file = kept / f"{run.__name__}-{crc32(repr(arguments).encode()):08x}.pickle"
    if not file.exists():
        result = run(*arguments)
        kept.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".part").write_bytes(pickle.dumps(result))
        file.with_suffix(".part").replace(file)
    found: T = pickle.loads(file.read_bytes())
    return found


def _tell_progress(jobs: list[Future[LawResult] | Future[FamilyResult]], report: Report) -> None:
    for done, job in enumerate(as_completed(jobs), start=1):
        job.result()
        report(done, len(jobs))


def score_nab(folder: Path) -> list[nab.SeriesResult]:
    """Each of our detectors of numbers on each real series; empty if the folder is not there."""
    if not folder.is_dir():
        return []
    return [
        nab.score_series(series, ours.DETECTORS[nature][0], partial(_watch_series, nature))
        for series in nab.load_series(folder)
        for nature in (Nature.NUMBER, Nature.CORRELATED, Nature.SEASONAL)
    ]


def _watch_series(nature: Nature, series: nab.Series) -> Alarms:
    return ours.watch(nature, THRESHOLD, series.values[:, None], series.hours).alarms
