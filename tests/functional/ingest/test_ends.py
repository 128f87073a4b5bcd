"""The end of the input is found though another process has read, and committed, a part of it."""

import threading

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from schemas.frame import Flag, decode_header
from schemas.topics import AGENT_EVENTS, CONTROL_END, CONTROL_HEADER, SOURCES, STEP_FRAMES, topic_name
from streams.health import Health
from streams.ingest import role
from streams.ingest.ends import Ends
from streams.loop import make_producer
from streams.settings import Settings
from tests.crash.fresh import read_topic

pytestmark = [pytest.mark.functional, pytest.mark.timeout(120)]

EVENT = b'{"event_id": "e", "kind": "tool", "start_time_unix_nano": 1750000000000000000}'


@pytest.fixture
def history(topics: Settings) -> Settings:
    return msgspec.structs.replace(topics, clock="event")


def places(settings: Settings) -> list[tuple[str, int]]:
    names = [topic_name(topic, settings.namespace) for topic in SOURCES]
    return [(name, partition) for name in names for partition in range(settings.partitions)]


def send(settings: Settings, *, ends: list[tuple[str, int]]) -> None:
    """An event to one partition, and the end to some."""
    producer = make_producer(settings, "ends")
    producer.produce(topic_name(AGENT_EVENTS, settings.namespace), EVENT, partition=0)
    for name, partition in ends:
        headers: list[tuple[str, str | bytes | None]] = [(CONTROL_HEADER, CONTROL_END)]
        producer.produce(name, b"", partition=partition, headers=headers)
    assert producer.flush(30) == 0


def commit(settings: Settings, some: list[tuple[str, int]]) -> None:
    """As a worker that was killed afterwards."""
    consumer = Consumer({"bootstrap.servers": settings.kafka, "group.id": settings.group("ingest")})
    ends = [(place, consumer.get_watermark_offsets(TopicPartition(*place))[1]) for place in some]
    offsets = [TopicPartition(*place, end) for place, end in ends]
    consumer.commit(offsets=offsets, asynchronous=False)
    consumer.close()


def test_a_worker_that_reads_the_last_ends_tells_of_the_end(history: Settings) -> None:
    send(history, ends=places(history))
    commit(history, places(history)[1:])
    stop = threading.Event()
    thread = threading.Thread(target=role.run, args=(history, Health("ingest"), stop))
    thread.start()
    try:
        ended: set[int] = set()
        while len(ended) < history.partitions:
            frames = [
                (message.partition, decode_header(message.value))
                for message in read_topic(history, STEP_FRAMES)
            ]
            ended = {partition for partition, header in frames if header.flags & Flag.END}
    finally:
        stop.set()
        thread.join(30)


def test_the_end_is_reached_only_when_every_other_partition_is_committed_and_ends(history: Settings) -> None:
    everything = places(history)
    ends = Ends(history, everything)
    last = everything[-1]
    send(history, ends=everything[:-1])
    commit(history, everything[:-1])
    assert ends.reached_but_for([last])
    assert not ends.reached_but_for([]), "one partition has no record"
    send(history, ends=[last])
    assert not ends.reached_but_for([]), "an end is not committed, and an event came after another"
    commit(history, everything)
    assert not ends.reached_but_for([]), "an event came after an end"
    send(history, ends=everything[:1])
    commit(history, everything)
    assert ends.reached_but_for([])
