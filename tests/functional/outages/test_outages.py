"""What is away is waited for, and nothing is lost: an engine that hangs or dies, a broker killed, poison."""

import signal
import time

import msgspec
import psutil
import pytest
from confluent_kafka import Producer

from schemas.alert import Alert
from schemas.topics import ALERTS, RESULT_FRAMES, STEP_FRAMES, topic_name
from streams.loop import make_producer
from tests.functional.outages.conftest import Load, Outage

pytestmark = [pytest.mark.functional, pytest.mark.timeout(180)]

# What WRITE may hold: a block (16 MB, and the batch that filled it), the client's queue (16 MB), copies.
HELD_BYTES = 150_000_000


def memory(outage: Outage, role: str) -> int:
    return int(psutil.Process(outage.pid(role)).memory_info().rss)


def members(outage: Outage) -> dict[str, float]:
    return {role: outage.metric(role, "wakeline_rebalances_total") for role in outage.site.health_ports}


def pids(outage: Outage) -> dict[str, int]:
    return {role: outage.pid(role) for role in outage.site.health_ports}


def raise_alert(producer: Producer, outage: Outage, name: str) -> None:
    alert = Alert(
        alert_id=name,
        type="loop.detected",
        severity="warning",
        namespace=outage.site.settings.namespace,
        time_unix_ms=1,
        summary="A loop.",
        incident_id="i",
    )
    topic = topic_name(ALERTS, outage.site.settings.namespace)
    producer.produce(topic, msgspec.json.encode(alert), name, partition=0)
    producer.poll(0)


def settled(outage: Outage, name: str, load: Load) -> None:
    """Wait until all is stored, and find exactly what was sent."""
    outage.mind(lambda: outage.stored(name)[0] >= load.sent)
    outage.mind(lambda: outage.metric("write", "wakeline_lag_records") == 0)
    assert outage.stored(name) == (load.sent, load.tokens)


def test_an_engine_that_hangs_stops_write_alone_and_nothing_is_lost(outage: Outage) -> None:
    before, group, size = pids(outage), members(outage), memory(outage, "write")
    with Load(outage.site.settings, "hang") as load:
        outage.mind(lambda: outage.stored("hang")[0] > 0)
        outage.signal("clickhouse", signal.SIGSTOP)
        try:
            outage.wait(lambda: not outage.ready("write")["ready"])
            assert outage.ready("write")["waiting_for"] == "ClickHouse to take a block"
            framed = outage.metric("ingest", "wakeline_rows_total", kind="steps")
            outage.wait(lambda: outage.metric("ingest", "wakeline_rows_total", kind="steps") > framed + 5_000)
            assert outage.ask("write", "/healthz")[0] == 200, "a restart would not help"
            assert outage.ready("ingest")["ready"]
            assert outage.ready("notify")["ready"]
            assert memory(outage, "write") < size + HELD_BYTES
        finally:
            outage.signal("clickhouse", signal.SIGCONT)
        outage.mind(lambda: bool(outage.ready("write")["ready"]))
    settled(outage, "hang", load)
    assert (pids(outage), members(outage)) == (before, group)


def test_an_engine_that_dies_under_load_is_waited_for_by_the_same_member(outage: Outage) -> None:
    before, group = pids(outage), members(outage)
    with Load(outage.site.settings, "dies") as load:
        outage.mind(lambda: outage.stored("dies")[0] > 0)
        outage.kill("clickhouse")
        outage.wait(lambda: outage.ready("write")["attempts"] >= 3)
        report = outage.ready("write")
        assert "unreachable" in report["waiting_for"]
        assert report["healthy"]
        assert outage.metric("write", "wakeline_sink_failures_total", cause="unreachable") >= 3
        outage.wait(lambda: outage.metric("ingest", "wakeline_lag_records") < 3_000)
        outage.mind(lambda: bool(outage.ready("write")["ready"]))
    settled(outage, "dies", load)
    assert (pids(outage), members(outage)) == (before, group)


def test_a_broker_killed_under_load_and_started_again_ends_no_role(outage: Outage) -> None:
    before = pids(outage)
    alerts = make_producer(outage.site.settings, "alerts")
    with Load(outage.site.settings, "broker") as load:
        outage.mind(lambda: outage.stored("broker")[0] > 0)
        raise_alert(alerts, outage, "before")
        outage.kill("kafka")
        raise_alert(alerts, outage, "during")
        time.sleep(4)  # the load goes on into its client's queue
        sent = load.sent
        outage.mind(lambda: outage.stored("broker")[0] > sent, 90)
    settled(outage, "broker", load)
    assert alerts.flush(30) == 0
    outage.mind(lambda: len(outage.webhook.posts) == 2)
    assert pids(outage) == before
    assert outage.webhook.posts == {"before": 1, "during": 1}
    outage.mind(lambda: all(report["ready"] for report in outage.readiness()))


def test_a_poisoned_frame_becomes_a_dead_letter_and_the_others_flow(outage: Outage) -> None:
    settings = outage.site.settings
    producer = make_producer(settings, "poison")
    with Load(settings, "poison") as load:
        outage.mind(lambda: outage.stored("poison")[0] > 0)
        poison = {STEP_FRAMES: b"no frame at all", RESULT_FRAMES: b"\x00" * 64}
        for topic, value in poison.items():
            producer.produce(topic_name(topic, settings.namespace), value, partition=0)
        producer.flush()
        outage.mind(
            lambda: outage.metric("write", "wakeline_dead_letters_total", reason="invalid_frame") == 2
        )
    settled(outage, "poison", load)
    letters = (
        "SELECT topic, hex(payload) FROM dead_letters FINAL "
        f"WHERE namespace = '{settings.namespace}' AND reason = 'invalid_frame'"
    )
    outage.mind(lambda: len(outage.query(letters)) == 2)
    expected = {
        (topic_name(topic, settings.namespace), value.hex().upper()) for topic, value in poison.items()
    }
    assert set(outage.query(letters)) == expected
