"""What is to be written, and what was? Looks at every item, decides, writes, and tells each.

The rule of all of it: what is as it should be is not written; what somebody else has changed is not
overwritten, unless asked to. A second run writes nothing.
"""

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dashboards.publish.client import Grafana
from dashboards.publish.item import Found, Item, Json, State


class Action(StrEnum):
    """What is done about an item."""

    CREATE = "create"
    UPDATE = "update"
    OVERWRITE = "overwrite"
    NOTHING = "nothing"
    LEAVE = "leave"


@dataclass(frozen=True)
class Decision:
    """One item with what was found, and what is done about it."""

    item: Item
    found: Found
    action: Action

    @property
    def writes(self) -> bool:
        """Is it written?"""
        return self.action in (Action.CREATE, Action.UPDATE, Action.OVERWRITE)


def decide(item: Item, found: Found, *, force: bool, secrets: bool) -> Action:
    """What is done about what was found."""
    if found.state is State.FOREIGN:
        return Action.OVERWRITE if force else Action.LEAVE
    if found.state is State.SAME and secrets and item.has_secret:
        return Action.UPDATE
    return {
        State.ABSENT: Action.CREATE,
        State.SAME: Action.NOTHING,
        State.OURS: Action.UPDATE,
        State.FILE: Action.LEAVE,
    }[found.state]


def plan(
    grafana: Grafana, items: Sequence[Item], *, force: bool = False, secrets: bool = False
) -> Iterator[Decision]:
    """Look at each item in turn. Writes nothing.

    Raises:
        GrafanaRefused: Grafana answers with an error.
        GrafanaUnavailable: it does not answer.
    """
    for item in items:
        found = item.look(grafana)
        yield Decision(item, found, decide(item, found, force=force, secrets=secrets))


def publish(
    grafana: Grafana,
    items: Sequence[Item],
    *,
    force: bool = False,
    secrets: bool = False,
    told: Callable[[Decision], None],
) -> list[Decision]:
    """Look at each item and write it where that is called for, before the next is looked at.

    Args:
        grafana: where to.
        items: in an order in which each finds what it needs, as `items_of` has them.
        force: also overwrite what somebody else has changed.
        secrets: also write what holds a secret, though all that can be seen of it is the same.
        told: called with each decision when it is done.

    Raises:
        GrafanaRefused, GrafanaUnavailable: what was written until then stays; a further run goes on.
    """
    done = []
    for decision in plan(grafana, items, force=force, secrets=secrets):
        if decision.writes:
            decision.item.write(grafana, decision.found)
        told(decision)
        done.append(decision)
    return done


def difference(decision: Decision) -> list[str]:
    """Lines of a unified diff from what Grafana holds to what should be there; none where nothing differs."""
    if decision.action is Action.NOTHING or decision.found.held is None:
        return []
    held, wanted = _lines(decision.found.held), _lines(decision.item.wanted)
    return list(difflib.unified_diff(held, wanted, "in Grafana", "here", lineterm="", n=2))


def _lines(content: Json) -> list[str]:
    """JSON by lines; a text of several lines, such as SQL, too."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    return [part for line in text.splitlines() for part in line.split("\\n")]
