"""Where on this machine do downloads and data belong?

The answer follows the XDG base directory rules, or Apple's on macOS. Nothing here creates a folder.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return the folder of what can be fetched again.

    Args:
        environ: The process environment; ``XDG_CACHE_HOME`` counts when it is an absolute path.
        platform: As ``sys.platform`` names it.

    Returns:
        ``.../wakeline``; it may not exist yet.
    """
    return _folder(environ, "XDG_CACHE_HOME", ".cache", "Caches", platform)


def data_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return the folder of what must not be lost: the broker's log and the engine's tables.

    Args:
        environ: The process environment; ``XDG_DATA_HOME`` counts when it is an absolute path.
        platform: As ``sys.platform`` names it.

    Returns:
        ``.../wakeline``; it may not exist yet.
    """
    return _folder(environ, "XDG_DATA_HOME", ".local/share", "Application Support", platform)


def _folder(environ: Mapping[str, str], variable: str, unix: str, apple: str, platform: str) -> Path:
    # The XDG rules say that a relative path is invalid and must be ignored.
    chosen = Path(environ.get(variable, ""))
    if chosen.is_absolute():
        return chosen / "wakeline"
    if platform == "darwin":
        return Path.home() / "Library" / apple / "wakeline"
    return Path.home() / unix / "wakeline"
