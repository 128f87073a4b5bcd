"""What does `wakeline check-config` print? Every setting with value, source and description; no password."""

from collections.abc import Callable
from typing import get_type_hints
from urllib.parse import urlsplit, urlunsplit

from msgspec import Meta

from streams.settings import FIELDS, Settings

SECRETS = frozenset({"clickhouse_password"})
HIDDEN = "(hidden)"


def print_config(settings: Settings, source_of: Callable[[str], str]) -> None:
    """Print a block for each setting.

    Args:
        settings: what was loaded.
        source_of: where the value of a setting comes from.
    """
    for name in FIELDS:
        print(f"{name} = {shown(name, getattr(settings, name))}  [{source_of(name)}]")
        print(f"    {describe(name)}")


def shown(name: str, value: object) -> str:
    """A value without what is secret in it."""
    if value is None:
        return "(unset)"
    if name in SECRETS:
        return HIDDEN if value else "(empty)"
    if isinstance(value, tuple):
        return "(none)" if not value else ", ".join(_without_secret(str(url)) for url in value)
    if name == "clickhouse_url":
        return _without_user(str(value))
    return str(value)


def describe(name: str) -> str:
    """The description of a setting."""
    annotated = get_type_hints(Settings, include_extras=True)[name]
    texts = [meta.description for meta in _metas(annotated) if meta.description]
    return texts[0] if texts else ""


def _metas(annotated: object) -> list[Meta]:
    """Descriptions may sit on the whole type or on a part of a union."""
    found = [meta for meta in getattr(annotated, "__metadata__", ()) if isinstance(meta, Meta)]
    for part in getattr(annotated, "__args__", ()):
        found += _metas(part)
    return found


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _without_secret(url: str) -> str:
    """Paths and queries of webhooks are their password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/..."
