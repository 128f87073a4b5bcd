"""Are the committed dashboards those that the code makes?

`python -m dashboards` writes them, `--check` compares.
The JSON is committed, because whoever provisions Grafana should need no Python.
"""

import argparse
import sys
from pathlib import Path

from dashboards.builder import to_json
from dashboards.registry import DASHBOARDS

FOLDER = Path(__file__).parent / "json"


def texts() -> dict[str, str]:
    """File name to text of every dashboard."""
    return {f"{uid}.json": to_json(build()) for uid, build in DASHBOARDS.items()}


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Write the files, or compare.

    Args:
        arguments: of the command line; None takes those of the process.
        folder: of the files.

    Returns:
        0; 1 when `--check` finds a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="Write dashboards as JSON.")
    parser.add_argument("--check", action="store_true", help="only say which files differ")
    check = parser.parse_args(arguments).check
    made = texts()
    strangers = sorted(path.name for path in folder.glob("*.json") if path.name not in made)
    differ = [
        name
        for name, text in made.items()
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text
    ]
    if check:
        for name in [*differ, *strangers]:
            print(f"{folder / name} is not what the code makes: run python -m dashboards", file=sys.stderr)
        return 1 if differ or strangers else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in differ:
        (folder / name).write_text(made[name], encoding="utf-8")
        print(f"Wrote {folder / name}")
    for name in strangers:
        (folder / name).unlink()
        print(f"Removed {folder / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
