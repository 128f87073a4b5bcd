"""Does every role run, and how far behind is it?"""

import time
from collections.abc import Mapping

from schemas.topics import ALERTS, SIGNAL_FRAMES, SOURCES, STEP_FRAMES, Topic, topic_name
from streams.doctor.findings import Finding, failed, ok, span, warning
from streams.doctor.log import Group, Log, Place
from streams.settings import Settings
from streams.settled import WRITTEN

READS: Mapping[str, tuple[Topic, ...]] = {
    "ingest": SOURCES,
    "write": WRITTEN,
    "runs": (STEP_FRAMES,),
    "drift": (SIGNAL_FRAMES,),
    "notify": (ALERTS,),
}
STATEFUL = ("runs", "drift")
LAG_WARNING_S = 60.0


def check_role(log: Log, settings: Settings, role: str) -> Finding:
    """Members of the role's group, and its lag in records and in seconds of append time."""
    group = log.group(settings.group(role))
    counts = log.partitions()
    places = [
        (name, part)
        for name in (topic_name(topic, settings.namespace) for topic in READS[role])
        for part in range(counts.get(name, 0))
    ]
    if not group.members:
        return failed(
            f"role {role}",
            f"Nobody runs it: the group {settings.group(role)} has no members.",
            f"Start it: `wakeline worker --role {role}`, or `wakeline up` for all of them.",
        )
    if group.state != "STABLE":
        return warning(
            f"role {role}",
            f"Its group is in the state {group.state}: a worker is joining or leaving.",
            "Ask again in 10 s; if it stays so, a worker starts and dies: read its log.",
        )
    return _lag(log, settings, role, group, places)


def _lag(log: Log, settings: Settings, role: str, group: Group, places: list[Place]) -> Finding:
    starts, ends = log.starts(places), log.ends(places)
    done = {place: max(group.committed.get(place, 0), starts[place]) for place in places}
    lost = [place for place, offset in group.committed.items() if offset < starts.get(place, 0)]
    behind = {place: done[place] for place in places if done[place] < ends[place]}
    records = sum(ends[place] - offset for place, offset in behind.items())
    appended = log.appended(behind)
    late_s = max((time.time() - when_s for when_s in appended.values()), default=0.0)
    limit_s = LAG_WARNING_S + (3 * settings.snapshot_every_s if role in STATEFUL else 0.0)
    said = f"{len(group.members)} member(s); {records} record(s) behind, the oldest {span(late_s)} old"
    if role in STATEFUL:
        said += ", as of its last snapshot"
    if lost:
        name, part = lost[0]
        return failed(
            f"role {role}",
            f"{said}; {name}/{part} has deleted records that it had not read.",
            "They are lost to it: give the topic more retention (`kafka_disk_bytes`), and see the ledger.",
        )
    if late_s > limit_s:
        return warning(f"role {role}", f"{said}.", _what_to_do(role))
    return ok(f"role {role}", f"{said}.")


def _what_to_do(role: str) -> str:
    if role == "write":
        return "Look at its /readyz: it waits for ClickHouse, or needs a second worker."
    return f"Look at its /readyz; if it is ready, start a second worker: `wakeline worker --role {role}`."
