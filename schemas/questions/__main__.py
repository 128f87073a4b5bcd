"""Is docs/questions.md what the files of questions say? Writes it; `--check` compares."""

import argparse
import sys
from pathlib import Path

from schemas.questions import load_questions

FILE = Path(__file__).parents[2] / "docs" / "questions.md"
_HEAD = """# Questions, and their SQL

Twenty questions that people ask first, made by `python -m schemas.questions` from `schemas/questions/`. At
the prompt of `wakeline sql`, `\\questions` lists them and `\\questions 4` runs one; without a prompt, here
for the demo, `wakeline sql --namespace demo '\\questions 4'`. What columns mean:
[data-dictionary.md](data-dictionary.md).

`{namespace:String}`, `{since:DateTime('UTC')}` and `{until:DateTime('UTC')}` are parameters of ClickHouse.
`wakeline sql` fills them: the namespace of the settings, and the last seven days (in a namespace other than
`live`: all that it has), unless `\\set since 2026-11-01 00:00:00` or `--param since=...` says otherwise.
`clickhouse-client` takes them as `--param_namespace=live`, HTTP as `param_namespace=live`.
"""


def make_text() -> str:
    """The page: byte-stable."""
    parts = [_HEAD]
    for one in load_questions():
        parts.append(f"## {one.number}. {one.title}\n\n{one.question}\n\n```sql\n{one.sql}\n```\n")
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with `--check` say whether it is current.

    Returns:
        0; 1 when `--check` finds a difference.
    """
    parser = argparse.ArgumentParser(
        prog="python -m schemas.questions", description="Write docs/questions.md."
    )
    parser.add_argument("--check", action="store_true", help="only say whether the page is current")
    if not parser.parse_args(arguments).check:
        FILE.write_text(make_text(), encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != make_text():
        print(f"{FILE} is not what the questions make: run python -m schemas.questions", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
