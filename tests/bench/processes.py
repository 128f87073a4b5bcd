"""Roles as processes, for benchmarks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.local.site import environment_of
from streams.settings import Settings


@contextmanager
def role_process(settings: Settings, role: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A role with these settings; killed at the end. Its log lies in `folder`."""
    with (folder / f"{role}.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "streams.app", role], env=os.environ | environment_of(settings), stderr=log
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait(10)
