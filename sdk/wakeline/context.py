"""Within which step does a step happen? Carried by a context variable, and by headers to other services.

A context variable is what asyncio tasks and copied contexts inherit, so whatever is opened there finds its
parent. Steps may end out of order or in another context (a generator that is closed elsewhere): an ended step
is passed over, so a parent is the innermost that is open. When none is open any more the outermost stands: a
task that outlives its run still belongs to it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from urllib.parse import quote, unquote

from wakeline.fields import FOR_WHOM

HEADER_PREFIX = "wakeline-"
PARENT_HEADER = f"{HEADER_PREFIX}parent-event-id"
HEADERS: dict[str, str] = {f"{HEADER_PREFIX}{name.replace('_', '-')}": name for name in FOR_WHOM}


class Place:
    """Where steps are opened: within a step of ours, or of another service.

    Attributes:
        event_id: of the step within which; None when only the run is known.
        labels: what steps opened here inherit. Shared between places: never changed.
        outer: the place around this one.
        ended: passed over when a parent is looked for.
        owner: the emitter whose names `labels` carries; None for another service's.
    """

    __slots__ = ("ended", "event_id", "labels", "outer", "owner")

    def __init__(
        self,
        event_id: str | None,
        labels: dict[str, object],
        outer: "Place | None" = None,
        owner: object | None = None,
    ) -> None:
        self.event_id = event_id
        self.labels = labels
        self.outer = outer
        self.owner = owner
        self.ended = False


_CURRENT: ContextVar[Place | None] = ContextVar("wakeline_place", default=None)


def current() -> Place | None:
    """The innermost open place; when all have ended, the outermost."""
    place = _CURRENT.get()
    while place is not None and place.ended and place.outer is not None:
        place = place.outer
    return place


def enter(place: Place) -> Token[Place | None]:
    """Make this the place of whatever is opened from now on in this context."""
    return _CURRENT.set(place)


def leave(token: Token[Place | None]) -> None:
    """Undo `enter`, if this is the context in which it was done; else the ended place is passed over."""
    try:
        _CURRENT.reset(token)
    except ValueError:  # entered in another context: that one keeps a place that has ended
        return


def current_context() -> dict[str, str]:
    """Headers that let another service go on with the run of this context.

    Names are lower-case and values percent-encoded, so that HTTP and Kafka carry them. They hold the ids of
    run, conversation, user and business key: give them to your own services alone.

    Returns:
        Headers; empty outside of a run.

    Example:
        `requests.post(url, json=task, headers=wakeline.current_context())`
    """
    place = current()
    if place is None:
        return {}
    labels = place.labels
    headers = {
        header: quote(str(labels[name]), safe="")
        for header, name in HEADERS.items()
        if labels.get(name) is not None
    }
    if place.event_id is not None:
        headers[PARENT_HEADER] = quote(place.event_id, safe="")
    return headers


def place_of(headers: Mapping[str, object]) -> Place | None:
    """The place that headers name; None when they name none. Names are compared without case.

    Args:
        headers: of `current_context`, among any others; values may be bytes, as Kafka's are.
    """
    found: dict[str, str] = {}
    for name, value in dict(headers).items():
        key = name.lower() if isinstance(name, str) else ""
        if key.startswith(HEADER_PREFIX):
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            found[key] = unquote(text)
    labels: dict[str, object] = {name: found[header] for header, name in HEADERS.items() if found.get(header)}
    parent = found.get(PARENT_HEADER) or None
    if parent is None and not labels:
        return None
    return Place(parent, labels)


@contextmanager
def continue_run(headers: Mapping[str, object] | None) -> Iterator[None]:
    """What is opened within belongs to the run of another service.

    Headers that name no run, or cannot be read, change nothing: the steps then are a run of their own.

    Args:
        headers: of a request or a message; `current_context` made some of them.

    Example:
        `with continue_run(request.headers), emitter.agent("billing"): ...`
    """
    place = place_of(headers) if isinstance(headers, Mapping) else None
    if place is None:
        yield
        return
    token = enter(place)
    try:
        yield
    finally:
        place.ended = True
        leave(token)
