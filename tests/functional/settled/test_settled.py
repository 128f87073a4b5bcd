"""Waiting for a namespace to settle, with roles played by hand: each stage waits for the one before it."""

import pytest
from confluent_kafka import TopicPartition

from schemas.columns import Kind
from schemas.frame import Flag, Writer, encode, make_header
from schemas.topics import AGENT_EVENTS, RESULT_FRAMES, SOURCES, STEP_FRAMES, Topic, topic_name
from streams.loop import make_consumer, make_producer
from streams.settings import Settings
from streams.settled import WRITTEN, NotSettled, ends_of_results, source_partitions, wait_until_done

pytestmark = pytest.mark.functional


def put(settings: Settings, topic: Topic, partition: int, value: bytes) -> None:
    producer = make_producer(settings, "test")
    producer.produce(topic_name(topic, settings.namespace), value, partition=partition)
    assert producer.flush(30) == 0


def mark_end(settings: Settings, writer: Writer, partition: int) -> None:
    put(settings, RESULT_FRAMES, partition, encode(make_header(Kind.TICK, writer, flags=Flag.END)))


def commit_all(settings: Settings, role: str, topics: tuple[Topic, ...]) -> None:
    consumer = make_consumer(settings, role)
    places = []
    for topic in topics:
        for partition in range(settings.partitions):
            place = TopicPartition(topic_name(topic, settings.namespace), partition)
            place.offset = consumer.get_watermark_offsets(place, timeout=30)[1]
            places.append(place)
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


def stuck_at(settings: Settings, since: dict[int, int] | None = None, stuck_s: float = 0.3) -> str:
    with pytest.raises(NotSettled) as raised:
        wait_until_done(settings, since=since, stuck_s=stuck_s)
    return str(raised.value)


def test_each_stage_is_waited_for_and_an_earlier_end_does_not_pass_for_this_one(topics: Settings) -> None:
    put(topics, AGENT_EVENTS, 0, b"{}")
    put(topics, AGENT_EVENTS, 3, b"{}")
    assert "2 records are not done at the stage ingest" in stuck_at(topics)
    commit_all(topics, "ingest", SOURCES)
    for partition in range(4):
        mark_end(topics, Writer.RUNS, partition)
    for partition in range(3):
        mark_end(topics, Writer.DRIFT, partition)
    assert "1 partitions have not ended at the stage settle" in stuck_at(topics, stuck_s=5.0)
    mark_end(topics, Writer.DRIFT, 3)
    put(topics, STEP_FRAMES, 1, b"frame")
    assert "9 records are not done at the stage write" in stuck_at(topics, stuck_s=5.0)
    commit_all(topics, "write", WRITTEN)
    told: list[tuple[str, int, int]] = []
    wait_until_done(topics, progress=lambda *how: told.append(how))
    assert [how for how in told if how[1] == how[2]] == [("ingest", 2, 2), ("settle", 4, 4), ("write", 9, 9)]
    assert "4 partitions have not ended" in stuck_at(topics, ends_of_results(topics))


def test_the_source_topics_are_found_with_their_partitions(topics: Settings) -> None:
    assert source_partitions(topics) == {topic_name(topic, topics.namespace): 4 for topic in SOURCES}
