"""Snapshots that must be read for ever: made once for each version of a state, never changed.

``python -m tests.unit.state.golden`` writes those that are missing, beside what follows them: the outputs of
a restored processor for fixed frames, as rows. When a version rises, the old file stays and must still
give the same rows; those that a change of logic means to change are written anew (runs-2 and
runs-3: leaf billing, closed runs; drift-1: its streams start anew and a note says so, and more is watched;
drift-2: alarms that continue an incident; drift-1 to drift-3: ids of incidents with their times; drift-1 to
drift-5: what confirms an incident).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from schemas.columns import Kind
from schemas.event import Event
from schemas.frame import Writer
from streams.drift import processor as drift
from streams.drift.params import Params as DriftParams
from streams.runs import snapshot as runs
from streams.runs.params import Params as RunsParams
from streams.runs.processor import RunsProcessor
from streams.state.processor import Place, Processor
from streams.state.snapshots import encode
from tests.unit.drift.frames import Feed as DriftFeed
from tests.unit.drift.test_changes import make_fleet
from tests.unit.runs.frames import Feed as RunsFeed
from tests.unit.runs.frames import make_event

FOLDER = Path(__file__).parents[2] / "golden" / "snapshots"
DRIFT = DriftParams("test", detector_arl=1e3)
KINDS = {
    "runs": (Kind.RUNS, Kind.SIGNALS, Kind.CORRECTED_STEPS, Kind.INCIDENTS),
    "drift": (Kind.WINDOWS, Kind.READINGS, Kind.INCIDENTS),
}
VERSIONS = {"runs": runs.STATE_VERSION, "drift": drift.STATE_VERSION}

ARGUMENTS = msgspec.Raw(b'{"q":1}')

Rows = dict[str, list[dict[str, Any]]]


def make_call(event_id: str) -> Event:
    """The same call of a tool each time: two are a loop."""
    return make_event(event_id, "other", kind="tool", tool_name="search", tool_call_arguments=ARGUMENTS)


def runs_before(feed: RunsFeed) -> None:
    """Open and closed runs, a step that waits for its agent, two contents, a start, a loop."""
    feed.frame([make_event("a"), make_event("b", parent_event_id="a", agent_name=None)])
    feed.frame([make_call("c")])
    feed.tick(6)
    feed.frame([make_event("d", parent_event_id="nobody", agent_name=None, service_name="shop")])
    begun = make_event("e", state="started", end_time_unix_nano=None)
    feed.frame([make_event("a", input_tokens=7), begun])
    feed.tick(0.25)
    feed.frame([make_event("f", "third", parent_event_id="root", agent_name=None)])


def runs_after(feed: RunsFeed) -> None:
    feed.frame([make_event("root", "third", kind="agent", agent_name="late"), make_event("e")])
    feed.frame([make_call("c2")])
    feed.tick(31)
    feed.end()


def drift_before(feed: DriftFeed) -> None:
    """Detectors with a reference, an incident that is open, windows of an epoch."""
    rows = make_fleet(1)
    for start in range(0, len(rows), 20):
        feed.rows_of(rows[start : start + 20], after_s=1.0)
        if any(row["closed_time"] is None for row in feed.incidents().values()):
            return


def drift_after(feed: DriftFeed) -> None:
    for start in range(0, 2_000, 20):
        feed.rows_of(make_fleet(1)[-2_000:][start : start + 20], after_s=1.0)
    feed.tick(end=True)


def fresh_runs() -> RunsFeed:
    return RunsFeed(loop_calls=2)


def fresh_drift() -> DriftFeed:
    return DriftFeed(DRIFT)


BEFORE: dict[str, tuple[Callable[[], Any], Callable[[Any], None], Callable[[Any], None]]] = {
    "runs": (fresh_runs, runs_before, runs_after),
    "drift": (fresh_drift, drift_before, drift_after),
}


def new_processor(role: str) -> Processor:
    """Empty, as a restart makes it."""
    if role == "runs":
        return RunsProcessor(Place(Writer.RUNS, 0, 4), RunsParams("test", loop_calls=2))
    return drift.DriftProcessor(Place(Writer.DRIFT, 3, 4), DRIFT)


def follow(role: str, feed: Any) -> Rows:
    """What the fixed frames after the snapshot give."""
    before = {kind: len(feed.rows(kind)) for kind in KINDS[role]}
    BEFORE[role][2](feed)
    return {kind.name: feed.rows(kind)[before[kind] :] for kind in KINDS[role]}


def main() -> None:
    """Write the files of versions that have none."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for role, version in VERSIONS.items():
        file = FOLDER / f"{role}-{version}.bin"
        if file.exists():
            continue
        make, before, _ = BEFORE[role]
        feed = make()
        before(feed)
        file.write_bytes(encode(feed.processor.snapshot()))
        file.with_suffix(".json").write_text(json.dumps(follow(role, feed), default=str) + "\n")


if __name__ == "__main__":
    main()
