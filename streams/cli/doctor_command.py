"""What does `wakeline doctor` do? Looks at the site, prints what it found, and exits accordingly."""

import sys
from pathlib import Path

from streams.doctor.report import print_json, print_table
from streams.doctor.run import examine
from streams.settings import Settings


def run_doctor(settings: Settings, data: Path, *, as_json: bool) -> int:
    """Examine and print.

    Args:
        settings: of the site.
        data: folder of the local servers.
        as_json: for scripts.

    Returns:
        0; 1 when something failed; 69 when Kafka does not answer.
    """
    findings, code = examine(settings, data)
    if as_json:
        print_json(findings, settings.namespace, sys.stdout)
    else:
        print_table(findings, sys.stdout)
    return code
