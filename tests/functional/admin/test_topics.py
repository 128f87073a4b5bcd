"""`streams.admin` against a real broker: created once, checked, changed with care, deleted."""

import msgspec
import pytest
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from schemas.topics import AGENT_EVENTS, DEAD_LETTERS, DELIVERIES, STEP_FRAMES, TOPICS, Topic, topic_name
from streams import admin
from streams.admin import (
    KafkaUnavailable,
    NamespaceBusy,
    TopicsRefused,
    check_topics,
    connect,
    create_topics,
    declared_config,
    delete_topics,
    partition_counts,
)
from streams.local.ports import free_port
from streams.loop import make_consumer, make_producer
from streams.settings import ConfigError, Settings

pytestmark = pytest.mark.functional


def names(settings: Settings) -> set[str]:
    return {topic_name(topic, settings.namespace) for topic in TOPICS}


def config_of(settings: Settings, topic: Topic) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic_name(topic, settings.namespace))
    admin = connect(settings)
    [future] = admin.describe_configs([resource]).values()
    return {key: str(entry.value) for key, entry in future.result(30).items()}


def make_topic(settings: Settings, name: str, partitions: int) -> None:
    admin = connect(settings)
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)


def test_all_topics_are_created_as_declared_and_a_second_call_finds_nothing_to_do(settings: Settings) -> None:
    assert len(check_topics(settings)) == len(TOPICS)
    assert set(create_topics(settings).create) == names(settings)
    assert check_topics(settings) == []
    again = create_topics(settings)
    assert (dict(again.create), again.drift) == ({}, ())
    counts = partition_counts(settings, connect(settings))
    assert {counts[name] for name in names(settings)} == {settings.partitions}
    assert config_of(settings, DELIVERIES)["cleanup.policy"] == "compact"
    assert config_of(settings, STEP_FRAMES)["message.timestamp.type"] == "LogAppendTime"
    assert config_of(settings, STEP_FRAMES)["retention.bytes"] == "-1"
    assert config_of(settings, DEAD_LETTERS)["max.message.bytes"] == str(8 << 20)


def test_a_changed_setting_is_reported_by_the_check_and_put_right_by_creating(settings: Settings) -> None:
    create_topics(settings)
    bounded = msgspec.structs.replace(settings, kafka_disk_bytes=2_000_000_000)
    problems = check_topics(bounded)
    assert any("step-frames: retention.bytes is -1, declared" in problem for problem in problems)
    assert check_topics(bounded) == problems
    create_topics(bounded)
    left = check_topics(bounded)
    assert left
    assert all(
        any(name in problem for name in ("agent-events", "otlp_spans", "otlp_logs")) for problem in left
    )
    create_topics(bounded, sources_too=True)
    assert check_topics(bounded) == []


def test_the_bytes_of_all_topics_stay_within_the_disk(settings: Settings) -> None:
    disk = 1_000_000_000
    bounded = msgspec.structs.replace(settings, kafka_disk_bytes=disk)
    total = 0
    # Topics without a share stay small; those of snapshots hold two states, whatever the disk.
    for topic in (topic for topic in TOPICS if topic.share):
        config = declared_config(topic, bounded, bounded.partitions)
        total += bounded.partitions * (
            int(config.get("retention.bytes", 0)) + int(config.get("segment.bytes", 0))
        )
    assert 0.99 * disk < total <= disk


def test_a_disk_too_small_for_the_partitions_is_refused_with_the_least_that_would_do() -> None:
    small = Settings(kafka_disk_bytes=10**8, partitions=64)
    with pytest.raises(ConfigError, match="at least") as raised:
        declared_config(STEP_FRAMES, small, 64)
    least = int(str(raised.value).split("it must be ")[1].split(" ")[0])
    declared_config(STEP_FRAMES, msgspec.structs.replace(small, kafka_disk_bytes=least), 64)


def test_an_internal_topic_with_other_partitions_is_refused_and_nothing_is_changed(
    settings: Settings,
) -> None:
    name = topic_name(STEP_FRAMES, settings.namespace)
    make_topic(settings, name, 2)
    with pytest.raises(TopicsRefused, match=r"has 2 partitions, the settings say 4.*drain.*stop emitters"):
        create_topics(settings)
    assert names(settings) & set(partition_counts(settings, connect(settings))) == {name}
    assert any("drain" in problem for problem in check_topics(settings))


def test_a_source_topic_with_other_partitions_is_fine(settings: Settings) -> None:
    name = topic_name(AGENT_EVENTS, settings.namespace)
    make_topic(settings, name, 7)
    create_topics(settings)
    assert partition_counts(settings, connect(settings))[name] == 7


def test_deleting_takes_topics_and_offsets_so_that_a_namespace_starts_anew(
    topics: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "FORGET_S", 0.5)
    name = topic_name(AGENT_EVENTS, topics.namespace)
    for _ in range(2):
        producer = make_producer(topics, "test")
        producer.produce(name, b"one", partition=0)
        assert producer.flush(30) == 0
        consumer = make_consumer(topics, "ingest")
        consumer.subscribe([name])
        message = consumer.poll(30)
        while message is not None and message.error() is not None:
            message = consumer.poll(30)  # the ends of other partitions
        assert message is not None
        assert (message.offset(), message.value()) == (0, b"one")
        with pytest.raises(NamespaceBusy, match="stop the roles"):
            delete_topics(topics)
        consumer.commit(message=message, asynchronous=False)
        consumer.close()
        assert set(delete_topics(topics)) == names(topics)
        assert delete_topics(topics) == []
        create_topics(topics)


def test_topics_of_live_are_never_deleted(settings: Settings) -> None:
    with pytest.raises(ValueError, match="never deleted"):
        delete_topics(msgspec.structs.replace(settings, namespace="live"))


def test_without_a_broker_the_error_says_where_we_asked_and_what_to_do() -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    with pytest.raises(KafkaUnavailable, match=rf"{nowhere}.*wakeline up"):
        check_topics(Settings(kafka=nowhere))
