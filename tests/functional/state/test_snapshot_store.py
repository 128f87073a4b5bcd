"""Snapshots in a real broker: whole or not at all, one owner, the last two."""

import msgspec
import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.topics import RUNS_MANIFESTS, RUNS_SNAPSHOTS, topic_name
from streams.settings import Settings
from streams.snapshot_store import Fenced, SnapshotFailed, SnapshotStore
from streams.state.snapshots import (
    CHUNK_BYTES,
    Manifest,
    SnapshotRefused,
    digest_of,
    encode,
    read_values,
    values,
)

pytestmark = pytest.mark.functional

PARTITION = 2


def opened(settings: Settings) -> SnapshotStore:
    store = SnapshotStore(settings, "runs", PARTITION)
    store.open()
    return store


def save(store: SnapshotStore, next_offset: int, size: int = 10) -> Manifest:
    noise = np.random.default_rng(next_offset).bytes(size)
    value = encode({"a": values((next_offset, noise))})
    manifest = Manifest(
        role="runs",
        partition=PARTITION,
        partitions=4,
        next_offset=next_offset,
        clock_ns=1,
        state_version=1,
        logic="1",
        taken_unix_ms=2,
        size_bytes=len(value),
        digest=digest_of(value),
    )
    return store.save(manifest, value)


def loaded(settings: Settings) -> int:
    """The `next_offset` of the newest snapshot, checked against its content."""
    found = opened(settings).load()
    assert found is not None
    manifest, parts = found
    assert read_values(parts, "a", tuple[int, bytes])[0] == manifest.next_offset
    return manifest.next_offset


def low_mark(settings: Settings, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": settings.kafka, "group.id": "low"})
    try:
        low: int = consumer.get_watermark_offsets(TopicPartition(topic, PARTITION), timeout=10)[0]
        return low
    finally:
        consumer.close()


def test_there_is_none_at_first_and_then_the_newest_is_found(topics: Settings) -> None:
    store = opened(topics)
    assert store.load() is None
    save(store, 10)
    save(store, 20, size=5 * CHUNK_BYTES)
    assert loaded(topics) == 20


def test_who_opens_takes_over_and_the_owner_before_can_write_nothing_more(topics: Settings) -> None:
    zombie = opened(topics)
    save(zombie, 10)
    save(opened(topics), 20)
    with pytest.raises(Fenced):
        save(zombie, 5)
    assert loaded(topics) == 20


def test_a_closed_store_writes_nothing(topics: Settings) -> None:
    store = opened(topics)
    store.close()
    with pytest.raises(SnapshotFailed, match="closed"):
        save(store, 1)


def test_what_was_sent_without_its_transaction_is_never_seen(topics: Settings) -> None:
    save(opened(topics), 10)
    dying = Producer(
        {
            "bootstrap.servers": topics.kafka,
            "transactional.id": f"wakeline.{topics.namespace}.runs.{PARTITION}",
        }
    )
    dying.init_transactions(10)
    dying.begin_transaction()
    manifest = msgspec.json.encode({"role": "runs", "next_offset": 99})
    dying.produce(topic_name(RUNS_MANIFESTS, topics.namespace), manifest, partition=PARTITION)
    dying.flush(10)
    assert loaded(topics) == 10, "and the open transaction of the dead holds nobody up"


def test_the_last_two_are_kept_and_a_damaged_one_gives_way_to_the_one_before(topics: Settings) -> None:
    store = opened(topics)
    first = save(store, 10)
    second = save(store, 20)
    third = save(store, 30)
    parts = topic_name(RUNS_SNAPSHOTS, topics.namespace)
    assert first.chunks[0] < low_mark(topics, parts) == second.chunks[0]
    liar = msgspec.structs.replace(third, next_offset=40, digest="0" * 32)
    producer = Producer({"bootstrap.servers": topics.kafka})
    for value in (msgspec.json.encode(liar), b"no manifest"):
        producer.produce(topic_name(RUNS_MANIFESTS, topics.namespace), value, partition=PARTITION)
    producer.flush(10)
    assert loaded(topics) == 30


def test_a_snapshot_of_a_newer_format_is_refused(topics: Settings) -> None:
    manifest = save(opened(topics), 10)
    newer = msgspec.json.encode(msgspec.structs.replace(manifest, format=9))
    producer = Producer({"bootstrap.servers": topics.kafka})
    producer.produce(topic_name(RUNS_MANIFESTS, topics.namespace), newer, partition=PARTITION)
    producer.flush(10)
    with pytest.raises(SnapshotRefused, match="newer"):
        opened(topics).load()
