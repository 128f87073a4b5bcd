"""The SDK against a real broker: messages, exit, fork, an outage."""

import os
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

import wakeline
from schemas.event import Event
from schemas.native import decode
from schemas.topics import AGENT_EVENTS, topic_name
from streams.admin import create_topics
from streams.local.kafka import LocalKafka
from streams.local.ports import free_port
from streams.settings import Settings
from wakeline.sender import MAX_MESSAGE_BYTES, MAX_MESSAGE_EVENTS

pytestmark = pytest.mark.functional


@dataclass(frozen=True)
class Got:
    """One message: its key, its events, its partition and its size."""

    key: str
    events: list[Event]
    partition: int
    size: int


def read(settings: Settings) -> list[Got]:
    """All messages of the topic, by partition and offset."""
    topic = topic_name(AGENT_EVENTS, settings.namespace)
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka, "group.id": "reader", "enable.auto.commit": False}
    )
    try:
        partitions = sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        ends = {
            p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in partitions
        }
        consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
        found: list[Message] = []
        until = time.monotonic() + 60
        while len(found) < sum(ends.values()):
            assert time.monotonic() < until, "The messages did not come"
            found += consumer.consume(500, timeout=1)
    finally:
        consumer.close()
    return [_got(message) for message in found]


def _got(message: Message) -> Got:
    value, key, partition = message.value(), message.key(), message.partition()
    assert isinstance(value, bytes)
    assert isinstance(key, bytes)
    assert partition is not None
    decoded = decode(value)
    assert not decoded.rejected
    return Got(key.decode(), decoded.events, partition, len(value))


def events_of(settings: Settings) -> list[Event]:
    return [event for got in read(settings) for event in got.events]


def emitter_of(settings: Settings, **options: Any) -> wakeline.Emitter:
    topic = topic_name(AGENT_EVENTS, settings.namespace)
    return wakeline.Emitter(settings.kafka, topic, **({"environ": {}, "agent_name": "a"} | options))


@pytest.fixture
def emitter(topics: Settings) -> Iterator[wakeline.Emitter]:
    with emitter_of(topics) as emitter:
        yield emitter


def script(settings: Settings, code: str) -> "subprocess.CompletedProcess[str]":
    """Run an agent in a process of its own, configured by its environment."""
    environ = {
        **os.environ,
        "WAKELINE_BOOTSTRAP_SERVERS": settings.kafka,
        "WAKELINE_TOPIC": topic_name(AGENT_EVENTS, settings.namespace),
        "WAKELINE_AGENT_NAME": "scripted",
        "WAKELINE_EXIT_TIMEOUT_S": "20",
    }
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_runs_arrive_whole_and_in_order_in_messages_of_their_own(
    emitter: wakeline.Emitter, topics: Settings
) -> None:
    for number in range(40):
        with emitter.run(run_id=f"run-{number}"):
            for step in range(10):
                with emitter.tool_call("t", {"n": step}):
                    pass
    assert emitter.flush(30)
    messages = read(topics)
    assert {event.run_id for got in messages for event in got.events} == {f"run-{n}" for n in range(40)}
    for number in range(40):
        mine = [got for got in messages if got.key == f"run-{number}"]
        assert len({got.partition for got in mine}) == 1
        events = [event for got in mine for event in got.events]
        assert [bytes(event.tool_call_arguments) for event in events[:-1]] == [
            b'{"n":%d}' % n for n in range(10)
        ]
        assert events[-1].kind == "run"
    assert len({got.partition for got in messages}) > 1
    assert len(messages) < 440 / 2
    stats = emitter.stats()
    assert (stats.events, stats.delivered, stats.dropped) == (440, 440, {})


def test_messages_are_bounded_in_events_and_bytes(emitter: wakeline.Emitter, topics: Settings) -> None:
    with emitter.run():
        for _ in range(250):
            emitter.step("small").end()
        for _ in range(30):
            emitter.step("large", input_messages="x" * 60_000).end()
    assert emitter.flush(30)
    messages = read(topics)
    assert sum(len(got.events) for got in messages) == 281
    assert max(len(got.events) for got in messages) <= MAX_MESSAGE_EVENTS
    assert 60_000 < max(got.size for got in messages) <= MAX_MESSAGE_BYTES


def test_a_process_that_just_ends_has_sent_everything(topics: Settings) -> None:
    done = script(
        topics,
        """
        import wakeline
        emitter = wakeline.Emitter(flush_interval_s=3600)
        with emitter.run():
            for _ in range(500):
                emitter.step("s").end()
        """,
    )
    assert done.returncode == 0, done.stderr
    assert len(events_of(topics)) == 501


def test_a_process_that_ends_by_an_exception_has_sent_the_failed_run(topics: Settings) -> None:
    done = script(
        topics,
        """
        import wakeline
        with wakeline.Emitter().run():
            raise ValueError("bad order")
        """,
    )
    assert "ValueError: bad order" in done.stderr
    (event,) = events_of(topics)
    assert (event.kind, event.error_type, event.error_message) == ("run", "ValueError", "bad order")
    assert event.agent_name == "scripted"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_parent_and_forked_children_send_their_own_events_once(topics: Settings) -> None:
    done = script(
        topics,
        """
        import os, sys, wakeline
        emitter = wakeline.Emitter()
        emitter.step("before").end()
        emitter.flush(20)
        emitter.step("waiting").end()
        children = []
        for number in range(3):
            child = os.fork()
            if child == 0:
                for _ in range(50):
                    emitter.step(f"child-{number}").end()
                sys.exit(0)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        emitter.step("after").end()
        print(codes)
        """,
    )
    assert done.stdout.strip() == "[0, 0, 0]", done.stderr
    events = events_of(topics)
    names = sorted(event.step_name or "" for event in events)
    assert names == sorted(
        ["before", "waiting", "after"] + [f"child-{n}" for n in range(3) for _ in range(50)]
    )
    assert len({event.event_id for event in events}) == len(events)


def test_a_call_that_hangs_can_be_seen_before_it_ends(topics: Settings) -> None:
    with emitter_of(topics, started_after_s=0.05, flush_interval_s=0.05) as emitter, emitter.run():
        with emitter.llm_call("m", "p", input_messages="a question") as call:
            until = time.monotonic() + 30
            while emitter.stats().delivered < 2 and time.monotonic() < until:
                time.sleep(0.02)
            open_ = events_of(topics)
        emitter.flush(20)
    assert {(event.kind, event.state) for event in open_} == {("run", "started"), ("llm", "started")}
    both = [event for event in events_of(topics) if event.event_id == call.event_id]
    assert [event.state for event in both] == ["started", "ended"]


def test_what_is_dropped_is_reported_exactly(topics: Settings) -> None:
    with emitter_of(topics, max_queue_events=100, flush_interval_s=3_600) as emitter:
        for _ in range(350):
            emitter.step("s", run_id="r").end()
        stats = emitter.stats()
        emitter.step("s", run_id="r", attributes={"big": "x" * 300_000}).end()
    events = events_of(topics)
    reported: Counter[str] = Counter()  # one reason may have several reports, as drops went on
    for event in events:
        if event.kind == "report":
            reported[(event.attributes or {})["reason"]] += event.dropped_events or 0
    assert reported == {"queue_full": stats.dropped["queue_full"], "too_large": 1}
    assert len([event for event in events if event.kind != "report"]) + reported.total() == 351


def test_a_blocking_emitter_drops_nothing(topics: Settings) -> None:
    with emitter_of(topics, max_queue_events=500, block=True) as emitter:
        for number in range(5_000):
            emitter.step("s", run_id=f"r{number // 50}").end()
    stats = emitter.stats()
    assert (stats.delivered, stats.dropped) == (5_000, {})
    assert len(events_of(topics)) == 5_000


def test_an_outage_loses_only_what_is_counted_and_the_report_comes_afterwards(tmp_path: Path) -> None:
    settings = Settings(kafka=f"127.0.0.1:{free_port()}", namespace="outage", partitions=1)
    port = int(settings.kafka.rsplit(":", 1)[1])
    with LocalKafka(tmp_path, port=port) as broker:
        broker.start()
        broker.wait_ready()
        create_topics(settings)
        emitter = emitter_of(settings, max_queue_events=60, report_interval_s=0.2, flush_interval_s=0.05)
        for _ in range(10):
            emitter.step("before").end()
        assert emitter.flush(30)
        broker.stop()
        for _ in range(100):
            emitter.step("during").end()
        assert emitter.stats().dropped == {"queue_full": 40}
        broker.start()
        broker.wait_ready()
        assert emitter.flush(60)
        emitter.step("after").end()
        assert emitter.close(60)
        events = {event.event_id: event for event in events_of(settings)}.values()
        names = [event.step_name for event in events if event.kind != "report"]
        assert (names.count("before"), names.count("during"), names.count("after")) == (10, 60, 1)
        reports = [event.dropped_events or 0 for event in events if event.kind == "report"]
        assert sum(reports) == 40
