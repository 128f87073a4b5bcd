"""Would RUNS and DRIFT get their state back? Each partition's newest snapshot against what Kafka holds."""

import time

from schemas.topics import SIGNAL_FRAMES, SNAPSHOT_TOPICS, STEP_FRAMES, Topic, topic_name
from streams.doctor.findings import Finding, failed, ok, span, warning
from streams.doctor.log import Log
from streams.reading import read_to_end
from streams.settings import Settings
from streams.state.snapshots import Manifest, SnapshotDamaged, SnapshotRefused, read_manifest

INPUTS: dict[str, Topic] = {"runs": STEP_FRAMES, "drift": SIGNAL_FRAMES}
# So many intervals without a snapshot are not a late turn.
MISSED = 3
GRACE_S = 30.0


def check_snapshots(log: Log, settings: Settings, role: str) -> Finding:
    """Age and place of the newest snapshot of each partition of a role."""
    check = f"snapshots of {role}"
    topic = INPUTS[role]
    name = topic_name(topic, settings.namespace)
    manifests = topic_name(SNAPSHOT_TOPICS[role][1], settings.namespace)
    counts = log.partitions()
    if name not in counts or manifests not in counts:
        return failed(check, "Their topics are missing.", "Run `wakeline topics`.")
    places = [(name, part) for part in range(counts[name])]
    starts, ends = log.starts(places), log.ends(places)
    now_s = time.time()
    oldest_s, near, missing = 0.0, [], []
    for part in range(min(counts[name], counts[manifests])):
        start, end = starts[name, part], ends[name, part]
        try:
            manifest = _newest(settings, manifests, part)
        except (SnapshotDamaged, SnapshotRefused) as error:
            return failed(
                check, f"Partition {part}: {error}.", "Use the version that wrote it, or a newer one."
            )
        if manifest is None:
            missing += [part] if end > start else []
            continue
        age_s = now_s - manifest.taken_unix_ms / 1_000
        oldest_s = max(oldest_s, age_s)
        if start > manifest.next_offset:
            return failed(
                check,
                f"Partition {part} would go on at offset {manifest.next_offset}, but {name} starts at "
                f"{start}: a restart now leaves a gap.",
                "Do not restart the role; find out why it takes no snapshots (its log), and give more disk.",
            )
        if is_near(manifest.next_offset, start, end) or age_s > topic.retention_ms / 1_000 / 2:
            near.append(part)
    if near:
        return warning(
            check,
            f"Partitions {near}: what Kafka still holds before the snapshot is less than what came after "
            "it; a longer outage leaves a gap.",
            "Give the topic more disk (`kafka_disk_bytes`), or let the role run.",
        )
    return _judge_age(check, settings, log, name, oldest_s, missing, starts)


def _judge_age(
    check: str,
    settings: Settings,
    log: Log,
    name: str,
    oldest_s: float,
    missing: list[int],
    starts: dict[tuple[str, int], int],
) -> Finding:
    limit_s = MISSED * settings.snapshot_every_s + GRACE_S
    if missing:
        appended = log.appended({(name, part): starts[name, part] for part in missing})
        first_s = max((time.time() - when_s for when_s in appended.values()), default=0.0)
        if first_s > limit_s:
            return warning(
                check,
                f"Partitions {missing} have none after {span(first_s)}; a restart reads them from the start.",
                "See that the role runs, and its log.",
            )
        return ok(check, f"The role began {span(first_s)} ago; the first one comes soon.")
    if oldest_s > limit_s:
        return warning(
            check,
            f"The newest one of some partition is {span(oldest_s)} old, {MISSED} were due since.",
            "See that the role runs, and its log; a restart would read as much again.",
        )
    return ok(check, f"Each partition has one, {span(oldest_s)} old at most.")


def is_near(next_offset: int, start: int, end: int) -> bool:
    """Is a snapshot in the older half of what Kafka holds, and does Kafka delete already?

    Args:
        next_offset: where it goes on.
        start: first offset that Kafka holds.
        end: behind the last.
    """
    return start > 0 and next_offset - start < end - next_offset


def _newest(settings: Settings, topic: str, partition: int) -> Manifest | None:
    newest = None
    for _, value in read_to_end(settings, topic, partition, 0):
        newest = value
    return None if newest is None else read_manifest(newest)
