"""Does the pipeline stay small and quick? 20,000 steps/s into a whole site, snapshots included.

Each second one more run repeats a tool call until the loop rule speaks; the delay is from the moment at which
the call that completes the loop was sent to the moment at which its alert can be read. All steps name their
agent. Memory is the proportional set size of each process, at a sixth of the time and at the end.

`WAKELINE_BENCH_MINUTES` sets how long (default 1); `make bench` takes a minute, a report twenty.
"""

import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from confluent_kafka import Consumer, TopicPartition

from schemas.alert import Alert
from schemas.topics import AGENT_EVENTS, ALERTS, topic_name
from streams.clickhouse import connect
from streams.local.ports import free_port
from streams.local.site import Servers, Site
from streams.loop import make_producer
from streams.settings import Settings
from tests.bench.clock import Row
from tests.bench.end_to_end import pss_kb

STEPS_PER_S = 20_000
EVENTS = 100  # a message
TURNS_PER_S = 50
RUN_STEPS = 20
SNAPSHOT_EVERY_S = 60.0
LAST_ALERT_S = 20.0
_EVENT = (
    '{{"event_id":"{run}-{step}","run_id":"{run}","kind":"llm","start_time_unix_nano":{start},'
    '"end_time_unix_nano":{end},"agent_name":"agent-{agent}","agent_version":"1.4.2",'
    '"environment":"production","step_name":"step-{stage}","provider_name":"openai","request_model":"gpt-4o-mini",'
    '"input_tokens":{tokens},'
    '"output_tokens":300,"cache_read_input_tokens":600,"finish_reasons":["stop"]{parent}}}'
)
_CALL = (
    '{{"event_id":"{run}-{step}","run_id":"{run}","kind":"tool","start_time_unix_nano":{start},'
    '"end_time_unix_nano":{start},"agent_name":"looper","step_name":"search","tool_name":"search",'
    '"tool_call_arguments":{{"query":"again"}}}}'
)


@dataclass
class Load:
    """What was sent.

    Attributes:
        steps: so many.
        late_s: how far the sender was behind its own schedule at worst.
        completed_s: by run, when the call that completes its loop was sent, Unix time.
    """

    steps: int = 0
    late_s: float = 0.0
    completed_s: dict[str, float] = field(default_factory=dict)


def run() -> list[Row]:
    """Rows of the table."""
    seconds = 60.0 * float(os.environ.get("WAKELINE_BENCH_MINUTES", "1"))
    with tempfile.TemporaryDirectory(prefix="wakeline-bench-") as folder:
        settings = Settings(
            partitions=4, snapshot_every_s=SNAPSHOT_EVERY_S, kafka_disk_bytes=8_000_000_000, notify=False
        )
        servers = Servers(kafka_port=free_port(), clickhouse_port=free_port())
        with Site(settings, Path(folder), servers=servers) as site:
            site.wait_ready()
            return _measure(site, seconds)


def _measure(site: Site, seconds: float) -> list[Row]:
    load, seen, over = Load(), dict[str, float](), threading.Event()
    sender = threading.Thread(target=_send, args=(site.settings, seconds, load))
    reader = threading.Thread(target=_read_alerts, args=(site.settings, seen, over))
    sender.start()
    reader.start()
    memory: list[dict[str, float]] = []
    start_s = time.monotonic()
    while sender.is_alive():
        time.sleep(max(seconds / 60, 1.0))
        site.check()
        memory.append(_memory_mb(site))
    took_s = time.monotonic() - start_s
    _wait_until_stored(site, load.steps)
    caught_up_s = time.monotonic() - start_s - took_s
    until_s = time.monotonic() + LAST_ALERT_S
    while len(seen) < len(load.completed_s) and time.monotonic() < until_s:
        time.sleep(0.1)
    over.set()
    reader.join()
    delays_s = np.array([seen[run] - sent_s for run, sent_s in load.completed_s.items() if run in seen])
    early, last = memory[len(memory) // 6], memory[-1]
    rows: list[Row] = [
        (f"steady: {took_s:.0f} s of load", load.steps / took_s, "steps/s"),
        ("steady: sender behind its schedule, at worst", load.late_s, "s"),
        ("steady: everything stored after the last step", caught_up_s, "s"),
        ("steady: loops sent", float(len(load.completed_s)), "loops"),
        ("steady: loops alerted", float(len(delays_s)), "loops"),
        ("steady: event to alert, median", float(np.quantile(delays_s, 0.5)), "s"),
        ("steady: event to alert, 99 %", float(np.quantile(delays_s, 0.99)), "s"),
        ("steady: event to alert, at worst", float(delays_s.max()), "s"),
    ]
    for name in last:
        rows.append((f"steady: memory of {name}, after a sixth", early[name], "MB PSS"))
        rows.append((f"steady: memory of {name}, at the end", last[name], "MB PSS"))
    return rows


def _send(settings: Settings, seconds: float, load: Load) -> None:
    producer = make_producer(settings, "bench")
    topic = topic_name(AGENT_EVENTS, settings.namespace)
    start_s, number = time.time(), 0
    for turn in range(int(seconds * TURNS_PER_S)):
        due_s = start_s + turn / TURNS_PER_S
        wait_s = due_s - time.time()
        load.late_s = max(load.late_s, -wait_s)
        time.sleep(max(wait_s, 0.0))
        for _ in range(STEPS_PER_S // TURNS_PER_S // EVENTS):
            lines = [_event(n) for n in range(number, number + EVENTS)]
            number += EVENTS
            part = number // EVENTS % settings.partitions
            producer.produce(topic, "\n".join(lines).encode(), partition=part)
        if turn % TURNS_PER_S == 0:
            run = f"loop-{turn}"
            now_ns, part = time.time_ns(), turn // TURNS_PER_S % settings.partitions
            calls = [_CALL.format(run=run, step=step, start=now_ns) for step in range(settings.loop_calls)]
            load.completed_s[run] = time.time()
            producer.produce(topic, "\n".join(calls).encode(), partition=part)
            load.steps += settings.loop_calls
        producer.poll(0)
    producer.flush(30)
    load.steps += number


def _event(number: int) -> str:
    run, step = divmod(number, RUN_STEPS)
    now_ns = time.time_ns()
    parent = "" if step == 0 else f',"parent_event_id":"r{run}-0"'
    return _EVENT.format(
        run=f"r{run}",
        step=step,
        start=now_ns - 800_000_000 - number * 7919 % 300_000_000,
        end=now_ns,
        agent=run % 50,
        stage=step % 5,
        tokens=1200 + number % 100,
        parent=parent,
    )


def _read_alerts(settings: Settings, seen: dict[str, float], over: threading.Event) -> None:
    consumer = Consumer({"bootstrap.servers": settings.kafka, "group.id": "bench", "fetch.wait.max.ms": 10})
    topic = topic_name(ALERTS, settings.namespace)
    consumer.assign([TopicPartition(topic, part, 0) for part in range(settings.partitions)])
    while not over.is_set():
        message = consumer.poll(0.05)
        if message is None or message.error() is not None:
            continue
        alert = msgspec.json.decode(message.value() or b"", type=Alert)
        if alert.type == "loop.detected":
            seen.setdefault(alert.run_id, time.time())
    consumer.close()


def _wait_until_stored(site: Site, steps: int) -> None:
    client = connect(site.settings)
    try:
        while int(client.query("SELECT count() FROM steps").result_rows[0][0]) < steps:
            site.check()
            time.sleep(0.2)
    finally:
        client.close()


def _memory_mb(site: Site) -> dict[str, float]:
    return {name: pss_kb(pid) / 1024 for name, pid in site.states() if pid is not None}
