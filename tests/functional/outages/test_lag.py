"""Lag is told truthfully, also where a topic ends with what is no record."""

import json
import threading
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Producer

from schemas.topics import AGENT_EVENTS, topic_name
from streams.health import Health
from streams.ingest import role as ingest
from streams.settings import Settings

pytestmark = pytest.mark.functional


def wait(until: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30
    while not until():
        assert time.monotonic() < end_s, "it does not come"
        time.sleep(0.05)


def test_a_topic_that_ends_with_a_transactions_marker_is_no_lag(topics: Settings) -> None:
    """Else the watchdog would end an idle role each minute."""
    health, stop = Health("ingest"), threading.Event()
    name = topic_name(AGENT_EVENTS, topics.namespace)
    thread = threading.Thread(target=ingest.run, args=(topics, health, stop))
    thread.start()

    def value(metric: str, **labels: str) -> float | None:
        return health.registry.get_sample_value(metric, {"role": "ingest", **labels})

    try:
        producer = Producer({"bootstrap.servers": topics.kafka, "transactional.id": topics.namespace})
        producer.init_transactions(30)
        producer.begin_transaction()
        event = {"event_id": "e", "kind": "tool", "start_time_unix_nano": 1}
        producer.produce(name, json.dumps(event).encode(), partition=0)
        producer.commit_transaction(30)
        wait(lambda: value("wakeline_rows_total", kind="steps") == 1)
        wait(lambda: value("wakeline_lag_records", topic=name, partition="0") == 0)
        assert value("wakeline_records_total", topic=name) == 1
        assert value("wakeline_end_to_end_delay_seconds_count", topic=name) == 1
        assert health.is_ready()
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
