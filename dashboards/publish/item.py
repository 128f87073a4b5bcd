"""What is published, and what does Grafana hold of it? The contract of everything that can be written.

An item looks, and writes. Whether it may write is decided by `dashboards.publish.publish` alone, from what
the look has found. No item ever deletes.
"""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from dashboards.publish.client import Grafana

Json = dict[str, Any]


class State(StrEnum):
    """What Grafana holds of an item."""

    ABSENT = "absent"
    SAME = "same"
    OURS = "ours"  # as it was published last, and no longer what it should be
    FOREIGN = "foreign"  # changed or made by somebody else since
    FILE = "file"  # provisioned from files of the server: no API can change it


@dataclass(frozen=True)
class Found:
    """What a look has found.

    Attributes:
        state: of the item.
        held: what Grafana holds, in the shape of the item's `wanted`; None when absent.
        why: what somebody else has done, where that can be said.
        raw: Grafana's answer, for the write.
    """

    state: State
    held: Json | None = None
    why: str = ""
    raw: Json = field(default_factory=dict)


class Item(Protocol):
    """One thing that is published."""

    @property
    def kind(self) -> str:
        """For people: folder, data source, dashboard, contact point, alert rules."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def wanted(self) -> Json:
        """What it should be, without secrets, to be shown beside `Found.held`."""

    @property
    def has_secret(self) -> bool:
        """Does it hold what Grafana never shows, so that no look can tell whether it is the same?"""

    def look(self, grafana: Grafana) -> Found:
        """Ask what Grafana holds."""

    def write(self, grafana: Grafana, found: Found) -> None:
        """Create it or bring it to what it should be, over what was found."""


def fingerprint(content: Any) -> str:
    """16 hexadecimal digits that are the same for the same content: what is published carries its own."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def judge(wanted: Json, held: Json, mark: str, *, raw: Json, why: str = "It was changed by hand") -> Found:
    """Same, ours or foreign.

    Args:
        wanted: what it should be.
        held: what Grafana holds, in the same shape.
        mark: fingerprint that what Grafana holds carries; empty when it carries none.
        raw: for the write.
        why: said when the mark does not fit.
    """
    if held == wanted:
        return Found(State.SAME, held, raw=raw)
    if mark and mark == fingerprint(held):
        return Found(State.OURS, held, raw=raw)
    return Found(State.FOREIGN, held, why if mark else "It was made by hand, or by another program", raw)
