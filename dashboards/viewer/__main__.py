"""How is a viewer started on its own? `python -m dashboards.viewer --clickhouse URL`.

Prints one line when it answers, ends on SIGTERM with status 0, and with status 1 and a sentence when it
cannot start. The password comes from the environment: every user of a machine reads a process's arguments.
"""

import argparse
import os
import sys

from dashboards.viewer.database import Source, Unavailable
from dashboards.viewer.serve import CannotServe, serve

PASSWORD_VARIABLE = "WAKELINE_VIEWER_PASSWORD"


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM.

    Args:
        arguments: of the command line; None takes those of the process.

    Returns:
        Exit status.
    """
    options = _parser().parse_args(arguments)
    source = Source(
        url=options.clickhouse,
        user=options.user,
        password=os.environ.get(PASSWORD_VARIABLE, ""),
        database=options.database,
    )
    try:
        serve(
            source,
            host=options.host,
            port=options.port,
            names=options.allow_host,
            namespace=options.namespace,
            ready=lambda url: print(f"Viewer ready url={url}", flush=True),
        )
    except (Unavailable, CannotServe) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m dashboards.viewer", description="Dashboards in a browser.")
    parser.add_argument("--clickhouse", required=True, metavar="URL", help="its HTTP interface")
    parser.add_argument("--user", default="grafana_reader", help="that may read (default %(default)s)")
    parser.add_argument("--database", default="wakeline", help="with the tables (default %(default)s)")
    parser.add_argument("--namespace", metavar="NAME", help="to show first")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=3900, help="0 for a free one (default %(default)s)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name by which browsers may call this server; may be given more than once",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
