"""Which label do the words of an emitter mean? What cleans a field's text; None where it says nothing."""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from schemas import dialect

# A name or id with one of these is another one in each run.
RUN_ID = re.compile("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|[0-9a-fA-F]{16}")


@lru_cache(1_024)
def _provider(text: str) -> str | None:
    """The provider that bills, by its canonical name."""
    name = text.strip().lower()
    if name in dialect.CANONICAL:
        return name
    if name in dialect.FRAMEWORKS:
        return None
    # `openai.responses`, `google.vertex.chat`: the Vercel AI SDK appends the sort of call.
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        begin = ".".join(parts[:length])
        if begin in dialect.PROVIDERS:
            return dialect.PROVIDERS[begin]
        if begin in dialect.CANONICAL:
            return begin
    return name


@lru_cache(1_024)
def lasting(text: str) -> str | None:
    """A name that is the same in every run."""
    return None if RUN_ID.search(text) else text


def _known(text: str) -> str | None:
    return None if text in ("unknown", "Unknown") else text


def operation_of(text: str) -> str | None:
    """An operation; the Vercel AI SDK appends the name of a function to its own."""
    return text.split(" ", 1)[0] if text.startswith("ai.") else _known(text)


@lru_cache(1_024)
def _host(text: str) -> str | None:
    """The host of an address, which some emitters give as that of an API."""
    if "://" not in text:
        return _known(text)
    try:
        return urlsplit(text).hostname
    except ValueError:
        return None


def _verdict(text: str) -> str | None:
    name = text.lower()
    verdict = dialect.VERDICTS.get(name, name)
    return verdict if verdict in ("allow", "deny", "modify", "warn", "escalate") else None


Clean = Callable[[str], str | None]

# What is not here is taken as it is. None of these is given more than a label's length.
CLEAN: dict[str, Clean] = {
    "provider_name": _provider,
    "agent_name": lasting,
    "agent_id": lasting,
    "agent_hint": lasting,
    "operation_name": operation_of,
    "server_address": _host,
    "guardrail_verdict": _verdict,
}
