"""How is the endpoint started on its own? `python -m streams.local.engine --data DIR`.

Prints one line when requests are answered, ends on SIGTERM with status 0, and with status 1 and a sentence
when it cannot start.
"""

import argparse
import os
import sys
from pathlib import Path

from streams.local.engine.config import (
    PASSWORD_VARIABLE,
    READER_PASSWORD_VARIABLE,
    EngineConfig,
    Limits,
    load_accounts,
)
from streams.local.engine.server import serve
from streams.local.errors import LocalError


def main(arguments: list[str] | None = None) -> int:
    """Starts the endpoint and returns when it has ended.

    Args:
        arguments: Without the program's name; None for those of the process.

    Returns:
        Exit status.
    """
    options = _parser().parse_args(arguments)
    limits = Limits(
        body_bytes=options.max_body_bytes,
        result_bytes=options.max_result_bytes,
        execution_s=options.max_execution_time,
        memory_bytes=options.max_memory_bytes,
        query_memory_bytes=min(options.max_memory_bytes, Limits().query_memory_bytes),
    )
    try:
        accounts = load_accounts(options.users, os.environ)
        config = EngineConfig(options.data, accounts, options.host, options.port, limits)
        serve(config, lambda line: print(line, flush=True))
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    limits = Limits()
    parser = argparse.ArgumentParser("python -m streams.local.engine", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the tables")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8123, help="port, 0 for a free one (default %(default)s)")
    parser.add_argument(
        "--users",
        type=Path,
        metavar="FILE",
        help='JSON: {"name": {"password": "...", "readonly": false}}; without it the users wakeline and '
        f"grafana_reader (read-only) with passwords from {PASSWORD_VARIABLE} and {READER_PASSWORD_VARIABLE}",
    )
    parser.add_argument("--max-body-bytes", type=int, default=limits.body_bytes, help="default %(default)s")
    parser.add_argument(
        "--max-result-bytes", type=int, default=limits.result_bytes, help="default %(default)s"
    )
    parser.add_argument(
        "--max-memory-bytes", type=int, default=limits.memory_bytes, help="default %(default)s"
    )
    parser.add_argument(
        "--max-execution-time",
        type=int,
        default=limits.execution_s,
        metavar="S",
        help="default %(default)s s",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
