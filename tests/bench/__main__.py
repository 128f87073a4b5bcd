"""Runs the benchmarks and prints one table; `python -m tests.bench NAME...` runs some of them."""

import argparse
import importlib
import platform
import sys

from rich.console import Console
from rich.table import Table

MODULES = (
    "sdk_speed",
    "ingest_speed",
    "dialects_speed",
    "runs_speed",
    "drift_speed",
    "detectors_speed",
    "stages_speed",
    "write_speed",
    "query_cost",
    "restart",
    "steady",
    "end_to_end",
)


def main() -> int:
    """Print what was measured; each row says against what."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *MODULES], help="benchmarks to run (default: all)")
    names = parser.parse_args().names or MODULES
    console = Console()
    table = Table(
        "benchmark", "value", "unit", title=f"Python {platform.python_version()}, {platform.machine()}"
    )
    for name in names:
        with console.status(f"Measuring {name}…"):
            rows = importlib.import_module(f"tests.bench.{name}").run()
        for what, value, unit in rows:
            text = f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
            table.add_row(what, text, unit)
        table.add_section()
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
