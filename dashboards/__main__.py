"""Are the committed dashboards and provisioning files those that the code makes?

`python -m dashboards` writes them, `--check` compares.
They are committed, because whoever provisions Grafana should need no Python.
"""

import argparse
import sys
from pathlib import Path

from dashboards.alerts.objectives import Objectives
from dashboards.builder import to_json
from dashboards.provisioning import provisioning_files
from dashboards.registry import DASHBOARDS
from dashboards.source import Source

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "json"
_JSON = Path("dashboards/json")
_PROVISIONING = Path("deploy/grafana/provisioning")


def texts() -> dict[str, str]:
    """File name to text of every dashboard."""
    return {f"{uid}.json": to_json(build()) for uid, build in DASHBOARDS.items()}


def files() -> dict[Path, str]:
    """Path in the repository to text of every file that code makes."""
    made = {_JSON / name: text for name, text in texts().items()}
    provisioned = provisioning_files(Objectives(), Source())
    return made | {_PROVISIONING / name: text for name, text in provisioned.items()}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write the files, or compare.

    Args:
        arguments: of the command line; None takes those of the process.
        root: of the repository.

    Returns:
        0; 1 when `--check` finds a difference.
    """
    parser = argparse.ArgumentParser(
        prog="python -m dashboards", description="Write dashboards as JSON, and Grafana's provisioning files."
    )
    parser.add_argument("--check", action="store_true", help="only say which files differ")
    check = parser.parse_args(arguments).check
    made = {root / name: text for name, text in files().items()}
    strangers = sorted(path for path in (root / _JSON).glob("*.json") if path not in made)
    differ = [
        path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if check:
        for path in [*differ, *strangers]:
            print(f"{path} is not what the code makes: run python -m dashboards", file=sys.stderr)
        return 1 if differ or strangers else 0
    for path in differ:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path], encoding="utf-8")
        print(f"Wrote {path}")
    for path in strangers:
        path.unlink()
        print(f"Removed {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
