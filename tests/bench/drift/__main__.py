"""Measures the detectors beside others and writes a dated report: ``make bench-drift``."""

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import Progress

from detectors.synthetic import FAMILIES
from tests.bench.drift import plots
from tests.bench.drift.protocol import FULL, QUICK, Size
from tests.bench.drift.report import PICTURES, write_report
from tests.bench.drift.results import Results, gather
from tests.bench.drift.targets import judge

DRAW = dict(zip(PICTURES, (plots.draw_delays, plots.draw_arl, plots.draw_nulls), strict=True))


def main(arguments: list[str] | None = None) -> int:
    """Write the report and its pictures; print which targets were reached."""
    options = _parse(arguments)
    size: Size = QUICK if options.quick else FULL
    console = Console()
    start = perf_counter()
    with Progress(console=console) as progress:
        task = progress.add_task("Measuring", total=None)
        results = gather(
            size,
            options.jobs,
            lambda done, total: progress.update(task, completed=done, total=total),
            options.family or None,
            options.resume,
        )
    file = _write(results, size, options.out, perf_counter() - start)
    for verdict in judge(results):
        console.print(f"{'reached' if verdict.reached else 'MISSED ':8} {verdict.number}: {verdict.measured}")
    console.print(f"Written to {file}")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drift", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and short streams: no evidence")
    parser.add_argument(
        "--family",
        action="append",
        choices=[family.name for family in FAMILIES],
        help="only this family (may be repeated; default: all)",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs/reports"), help="folder of the report (default: docs/reports)"
    )
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="keep each result there, and begin with those that are; empty it when the code changes",
    )
    return parser.parse_args(arguments)


def _write(results: Results, size: Size, folder: Path, seconds: float) -> Path:
    date = datetime.now(UTC).date().isoformat()
    stem = f"drift-{date}"
    about = {
        "date": date,
        "size": "quick: no evidence" if size is QUICK else "full",
        "processor": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[2]:.1f}",
        "Python": platform.python_version(),
        **{package: _version(package) for package in ("numpy", "numba", "river", "frouros")},
        "seconds": f"{seconds:,.0f}",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for picture, draw in DRAW.items():
        draw(results, folder / f"{stem}-{picture}.png")
    file = folder / f"{stem}.md"
    file.write_text(write_report(results, size, about, stem))
    return file


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())
