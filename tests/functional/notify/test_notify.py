"""NOTIFY as a process of its own between a real broker and real endpoints, killed and started again."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from confluent_kafka import TopicPartition

from schemas.alert import Alert, Delivery
from schemas.topics import ALERTS, topic_name
from streams.local.ports import free_port
from streams.loop import make_consumer, make_producer
from streams.notify.deliveries import read_deliveries
from streams.partitions import partition_of
from streams.settings import PREFIX, Settings

pytestmark = pytest.mark.functional

# The schedule is quick here; everything else is as in production.
PROGRAM = """
import signal
import threading
from streams.health import Health
from streams.notify.role import run
from streams.settings import load_settings
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
run(load_settings(), Health("notify"), stop, (0.0,) + (0.3,) * 200)
"""


class Receiver:
    """An endpoint that notes what it gets and answers as it is told."""

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.got: list[str] = []
        self.taken: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert body["data"]["alert_id"] == self.headers["webhook-id"]
                receiver.got.append(self.headers["webhook-id"])
                status = receiver.status
                if 200 <= status < 300:
                    receiver.taken.append(self.headers["webhook-id"])
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receivers() -> Iterator[Callable[..., Receiver]]:
    opened: list[Receiver] = []

    def open_one(port: int = 0) -> Receiver:
        opened.append(Receiver(port))
        return opened[-1]

    yield open_one
    for receiver in opened:
        receiver.close()


@contextmanager
def notifying(settings: Settings, *urls: str, notify: str = "true") -> Iterator[subprocess.Popen[bytes]]:
    own = {
        "KAFKA": settings.kafka,
        "NAMESPACE": settings.namespace,
        "PARTITIONS": str(settings.partitions),
        "WEBHOOKS": ",".join(urls),
    }
    if notify:
        own["NOTIFY"] = notify
    environment = dict(os.environ) | {PREFIX + name: value for name, value in own.items()}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def send(settings: Settings, *alert_ids: str) -> None:
    producer = make_producer(settings, "test")
    for alert_id in alert_ids:
        alert = Alert(
            alert_id=alert_id,
            type="drift.detected",
            severity="warning",
            namespace=settings.namespace,
            time_unix_ms=1_700_000_000_000,
            summary="slower",
            incident_id="i",
        )
        where = partition_of(alert_id, settings.partitions)
        producer.produce(topic_name(ALERTS, settings.namespace), msgspec.json.encode(alert), partition=where)
    assert producer.flush(30) == 0


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    give_up_s = time.monotonic() + 60
    while not condition():
        assert process is None or process.poll() is None, "NOTIFY ended"
        assert time.monotonic() < give_up_s, "it does not come"
        time.sleep(0.02)


def has_taken(receiver: Receiver, count: int) -> bool:
    return len(receiver.taken) >= count


def states(settings: Settings) -> dict[tuple[str, str], Delivery]:
    found = read_deliveries(settings, range(settings.partitions))
    return {(f.delivery.alert_id, f.delivery.target): f.delivery for f in found}


def committed(settings: Settings) -> int:
    consumer = make_consumer(settings, "notify")
    topic = topic_name(ALERTS, settings.namespace)
    places = consumer.committed([TopicPartition(topic, part) for part in range(settings.partitions)], 30)
    consumer.close()
    return sum(max(place.offset, 0) for place in places)


def test_each_alert_reaches_each_target_once_also_when_it_is_repeated(
    topics: Settings, receivers: Callable[..., Receiver]
) -> None:
    first, second = receivers(), receivers()
    alerts = [f"alert-{number}" for number in range(20)]
    with notifying(topics, first.url, second.url) as process:
        send(topics, *alerts, *alerts[:5])
        until(lambda: len(first.got) >= 20 and len(second.got) >= 20, process)
        process.terminate()
        assert process.wait() == 0
    assert {delivery.state for delivery in states(topics).values()} == {"sent"}
    with notifying(topics, first.url, second.url) as process:
        send(topics, *alerts, "last")
        until(lambda: "last" in first.got and "last" in second.got, process)
    for receiver in (first, second):
        assert Counter(receiver.got) == Counter([*alerts, "last"])


def test_a_dead_endpoint_delays_nobody_and_gets_its_alerts_after_a_kill_and_a_restart(
    topics: Settings, receivers: Callable[..., Receiver]
) -> None:
    alive, port = receivers(), free_port()
    dead_url = f"http://127.0.0.1:{port}/hook"
    alerts = [f"alert-{number}" for number in range(8)]
    with notifying(topics, dead_url, alive.url) as process:
        send(topics, *alerts)
        until(lambda: len(alive.got) >= 8, process)
        until(lambda: committed(topics) == 8, process)
        until(
            lambda: sum(d.state == "failed" and d.attempts > 0 for d in states(topics).values()) == 8, process
        )
        process.kill()
    back = receivers(port)
    with notifying(topics, dead_url, alive.url) as process:
        until(lambda: len(back.got) >= 8, process)
        send(topics, "last")
        until(lambda: "last" in back.got and "last" in alive.got, process)
    assert Counter(back.got) == Counter([*alerts, "last"])
    assert Counter(alive.got) == Counter([*alerts, "last"])


def test_kills_at_any_moment_lose_no_alert_and_repeat_at_most_the_one_under_way(
    topics: Settings, receivers: Callable[..., Receiver]
) -> None:
    receiver, flaky = receivers(), receivers()
    flaky.status = 500
    alerts = [f"alert-{number}" for number in range(60)]
    # After 3 of 30 and 40 of 60: between them lie the records, the sending, and the commit.
    kills = (3, 40)
    for number, taken in enumerate(kills):
        with notifying(topics, receiver.url, flaky.url) as process:
            send(topics, *alerts[number * 30 : number * 30 + 30])
            until(partial(has_taken, receiver, taken), process)
            process.kill()
    flaky.status = 200
    with notifying(topics, receiver.url, flaky.url) as process:
        until(lambda: set(alerts) == set(receiver.taken) == set(flaky.taken), process)
        until(lambda: all(d.state == "sent" for d in states(topics).values()), process)
    assert len(receiver.taken) - len(alerts) <= len(kills)
    assert Counter(flaky.taken) == Counter(alerts)


def test_an_endpoint_that_is_gone_gets_nothing_more_and_its_alerts_are_given_up(
    topics: Settings, receivers: Callable[..., Receiver]
) -> None:
    gone, alive = receivers(), receivers()
    gone.status = 410
    with notifying(topics, gone.url, alive.url) as process:
        send(topics, "first")
        until(lambda: len(gone.got) == 1, process)
        send(topics, "second", "third")
        until(lambda: len(alive.got) == 3, process)
        until(lambda: sum(d.state == "given_up" for d in states(topics).values()) == 3, process)
    assert gone.got == ["first"]


def test_an_endpoint_that_asks_for_an_hour_is_left_alone_with_all_its_alerts(
    topics: Settings, receivers: Callable[..., Receiver]
) -> None:
    busy, alive = receivers(), receivers()
    busy.status, busy.headers = 429, {"Retry-After": "3600"}
    with notifying(topics, busy.url, alive.url) as process:
        send(topics, "first")
        until(lambda: any(d.status == 429 for d in states(topics).values()), process)
        send(topics, "second", "third")
        until(lambda: len(alive.got) == 3, process)
        until(lambda: committed(topics) == 3, process)
    assert busy.got == ["first"]
    assert sum(d.state == "failed" for d in states(topics).values()) == 3


def test_a_replays_namespace_pages_nobody_and_still_commits(
    topics: Settings, receivers: Callable[..., Receiver]
) -> None:
    receiver = receivers()
    with notifying(topics, receiver.url, notify="") as process:
        send(topics, "first", "second")
        until(lambda: committed(topics) == 2, process)
    assert receiver.got == []
    assert states(topics) == {}


def test_what_is_no_alert_is_passed_over(topics: Settings, receivers: Callable[..., Receiver]) -> None:
    receiver = receivers()
    producer = make_producer(topics, "test")
    for value in (b"", b"{}", b"\xff", b'{"alert_id": 3}'):
        producer.produce(topic_name(ALERTS, topics.namespace), value, partition=0)
    assert producer.flush(30) == 0
    with notifying(topics, receiver.url) as process:
        send(topics, "good")
        until(lambda: receiver.got == ["good"], process)
        until(lambda: committed(topics) == 5, process)
