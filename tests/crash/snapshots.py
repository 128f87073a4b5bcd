"""Has a role written snapshots since? Else every restart of those that are killed would begin at nothing."""

import time

from confluent_kafka import Consumer, TopicPartition

from schemas.topics import SNAPSHOT_TOPICS, topic_name
from streams.settings import Settings

STATEFUL = tuple(SNAPSHOT_TOPICS)
WAIT_S = 60.0
_ASK_S = 10.0


def written(settings: Settings, role: str) -> list[int]:
    """How much each partition of the role's manifests holds; more with each snapshot."""
    name = topic_name(SNAPSHOT_TOPICS[role][1], settings.namespace)
    consumer = Consumer({"bootstrap.servers": settings.kafka, "group.id": settings.group("crash-suite")})
    try:
        places = [TopicPartition(name, partition) for partition in range(settings.partitions)]
        return [consumer.get_watermark_offsets(place, timeout=_ASK_S)[1] for place in places]
    finally:
        consumer.close()


def wait_for_more(settings: Settings, role: str, before: list[int]) -> None:
    """Wait until every partition has another snapshot than `before`.

    Raises:
        AssertionError: none is written.
    """
    until_s = time.monotonic() + WAIT_S
    while not all(now > had for now, had in zip(written(settings, role), before, strict=True)):
        assert time.monotonic() < until_s, f"{role} writes no snapshots"
        time.sleep(0.2)
