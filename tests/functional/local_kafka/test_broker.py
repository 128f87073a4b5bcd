"""The embedded broker as its users meet it: started, killed, restarted, refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.local.kafka import DataFolderInUse, KafkaFailed, LocalKafka, ask_cluster_id
from streams.local.kafka_config import MESSAGE_MAX_BYTES
from streams.local.kafka_data import DataFolderForeign
from streams.local.ports import PortBusy, free_port

pytestmark = pytest.mark.functional


def create_topic(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)


def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "linger.ms": 0,
            "message.max.bytes": MESSAGE_MAX_BYTES,
        }
    )
    failures: list[KafkaError] = []
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(30) == 0
    assert failures == []


def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": str(uuid.uuid4()), "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes] = []
    while len(values) < count:
        for message in consumer.consume(count - len(values), 10):
            assert message.error() is None
            values.append(message.value() or b"")
    consumer.close()
    return values


@contextmanager
def running_by_hand(data: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """``python -m streams.local.kafka`` as a process of its own, ready."""
    command = [sys.executable, "-m", "streams.local.kafka", "--data", str(data), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while f"answers on 127.0.0.1:{port}" not in (line := process.stdout.readline()):
            assert line, "it ended before it was ready"
        try:
            yield process
        finally:
            process.kill()


def broker_pid(parent: int) -> int:
    while True:
        for child in psutil.Process(parent).children():
            if child.name() == "java":
                return child.pid
        time.sleep(0.05)


def wait_until_gone(pid: int) -> None:
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)


def test_what_is_produced_is_consumed(broker: LocalKafka) -> None:
    values = [b"x" * size for size in (1, 1000, MESSAGE_MAX_BYTES - 1000)]
    create_topic(broker.bootstrap, "round-trip")
    produce(broker.bootstrap, "round-trip", values)
    assert consume(broker.bootstrap, "round-trip", 3) == values


def test_consumers_join_a_group_and_see_their_committed_offset(broker: LocalKafka) -> None:
    create_topic(broker.bootstrap, "grouped")
    produce(broker.bootstrap, "grouped", [b"a", b"b"])
    group = {"bootstrap.servers": broker.bootstrap, "group.id": "g", "auto.offset.reset": "earliest"}
    for expected in (b"a", b"b"):
        consumer = Consumer({**group, "enable.auto.commit": False})
        consumer.subscribe(["grouped"])
        message = consumer.poll(30)
        assert message is not None
        assert message.value() == expected
        consumer.commit(message=message, asynchronous=False)
        consumer.close()


def test_a_transaction_commits(broker: LocalKafka) -> None:
    create_topic(broker.bootstrap, "transacted")
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": "t"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("transacted", b"in")
    producer.commit_transaction(30)
    assert consume(broker.bootstrap, "transacted", 1) == [b"in"]


def test_a_misspelt_topic_is_not_created(broker: LocalKafka) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    asked = admin.list_topics("no-such-topic", 30).topics["no-such-topic"]
    assert asked.error is not None
    assert asked.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    assert "no-such-topic" not in admin.list_topics(timeout=30).topics


def test_the_brokers_log_goes_to_its_file(broker: LocalKafka) -> None:
    assert "Kafka Server started" in broker.log_path.read_text()
    assert "ERROR" not in (broker.data / "kafka.out").read_text()


def test_a_busy_port_is_refused_before_java_starts_and_names_its_holder(
    broker: LocalKafka, tmp_path: Path
) -> None:
    with pytest.raises(PortBusy) as raised:
        LocalKafka(tmp_path, port=broker.port).start()
    assert raised.value.holder == f"java, process {broker.pid}"
    assert "--kafka-port" in str(raised.value)
    assert not (tmp_path / "kafka.out").exists()


def test_a_data_folder_in_use_is_refused_and_names_its_owner(broker: LocalKafka) -> None:
    with pytest.raises(DataFolderInUse) as raised:
        LocalKafka(broker.data, port=free_port()).start()
    assert raised.value.pid == os.getpid()


def test_another_broker_on_the_port_is_not_taken_for_ours(broker: LocalKafka, tmp_path: Path) -> None:
    with pytest.raises(KafkaFailed, match="Another broker"):
        LocalKafka(tmp_path, port=broker.port).wait_ready(30)


def test_nobody_on_the_port_gives_no_cluster_id() -> None:
    assert ask_cluster_id(f"127.0.0.1:{free_port()}", 0.3) is None


def test_data_survives_a_restart_and_half_a_format_does_not(data: Path) -> None:
    (data / "kafka.partial" / "log").mkdir(parents=True)
    (data / "kafka.partial" / "log" / "meta.properties").write_text("half")
    with LocalKafka(data, port=free_port()) as kafka:
        kafka.start()
        kafka.wait_ready()
        create_topic(kafka.bootstrap, "kept")
        produce(kafka.bootstrap, "kept", [b"1", b"2"])
    with LocalKafka(data, port=free_port()) as kafka:
        kafka.start()
        kafka.wait_ready()
        assert consume(kafka.bootstrap, "kept", 2) == [b"1", b"2"]
    assert not (data / "kafka.partial").exists()


def test_killed_brokers_come_back_with_their_data_and_leave_no_java_behind(data: Path) -> None:
    port = free_port()
    bootstrap = f"127.0.0.1:{port}"
    with running_by_hand(data, port) as parent:
        create_topic(bootstrap, "kept")
        produce(bootstrap, "kept", [b"1"])
        first = broker_pid(parent.pid)
        os.kill(first, signal.SIGKILL)
        wait_until_gone(first)
        produce(bootstrap, "kept", [b"2"])
        second = broker_pid(parent.pid)
        assert second != first
        parent.kill()
        parent.wait()
        wait_until_gone(second)
    with running_by_hand(data, port) as parent:
        assert consume(bootstrap, "kept", 2) == [b"1", b"2"]
        third = broker_pid(parent.pid)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait() == 0
        assert not psutil.pid_exists(third)
    assert (data / "kafka" / "log" / ".kafka_cleanshutdown").exists()


def test_data_of_another_version_is_refused(data: Path) -> None:
    (data / "kafka").mkdir(parents=True)
    (data / "kafka" / "format.json").write_text('{"kafka": "3.9.1", "cluster_id": "x"}')
    with pytest.raises(DataFolderForeign, match=r"3\.9\.1.*4\.4\.0.*--data"):
        LocalKafka(data, port=free_port()).prepare()


def test_data_of_somebody_else_is_refused(data: Path) -> None:
    (data / "kafka").mkdir(parents=True)
    with pytest.raises(DataFolderForeign, match="--data"):
        LocalKafka(data, port=free_port()).prepare()


def test_a_broker_that_cannot_start_says_why(data: Path) -> None:
    with LocalKafka(data, port=free_port(), heap_mb=4) as kafka:
        kafka.start()
        with pytest.raises(KafkaFailed, match=r"heap|OutOfMemory"):
            kafka.wait_ready()


def test_a_folder_that_kafka_could_not_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="comma"):
        LocalKafka(tmp_path / "a,b", port=free_port()).prepare()
