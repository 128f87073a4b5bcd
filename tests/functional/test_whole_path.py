"""The whole path: real traces through real Kafka, all roles and the real engine; every total checked."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

from schemas.columns import Kind
from schemas.frame import decode_batch, decode_header
from schemas.topics import AGENT_EVENTS, STEP_FRAMES, topic_name
from streams.admin import delete_topics
from streams.clickhouse import connect
from streams.health import Health
from streams.ingest import role as ingest
from streams.settings import PREFIX, Settings

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]

START_NS = 1_750_000_000_000_000_000
# Of a row of `steps`: where and when it came, not what it is.
DELIVERY = "append_time, source_topic, source_partition, source_offset, source_index"


@pytest.fixture
def stored(stored_settings: Settings) -> Iterator[Settings]:
    yield stored_settings
    delete_topics(stored_settings)


def replay(settings: Settings, folder: Path, *files: Path) -> None:
    """`wakeline replay`, as a user would; fails when a record is not accounted for."""
    own = {
        "CLICKHOUSE_USER": settings.clickhouse_user,
        "CLICKHOUSE_PASSWORD": settings.clickhouse_password,
        "CLICKHOUSE_DATABASE": settings.clickhouse_database,
        "PARTITIONS": str(settings.partitions),
    }
    where = ("--kafka", settings.kafka, "--clickhouse", settings.clickhouse_url, "--data", str(folder))
    command = [sys.executable, "-c", "from streams.cli import main; main()", "replay", *map(str, files)]
    done = subprocess.run(
        [*command, "--namespace", settings.namespace, *where],
        env=dict(os.environ) | {PREFIX + name: value for name, value in own.items()},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    client = connect(settings)
    try:
        return [tuple(row) for row in client.query(sql, {"namespace": settings.namespace}).result_rows]
    finally:
        client.close()


def state(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a repeat must not change."""
    where = "WHERE namespace = {namespace:String} ORDER BY ALL"
    return {
        "steps": ask(settings, f"SELECT * EXCEPT (namespace, {DELIVERY}) FROM agent_steps {where}"),
        "contents": ask(settings, f"SELECT * EXCEPT (namespace, append_time) FROM agent_contents {where}"),
        "runs": ask(settings, f"SELECT * EXCEPT (namespace, duplicates) FROM agent_runs {where}"),
        "windows": ask(settings, f"SELECT * EXCEPT (namespace) FROM agent_minutes {where}"),
        "hours": ask(settings, f"SELECT * EXCEPT (namespace) FROM agent_hours {where}"),
    }


def sums(settings: Settings) -> list[tuple[Any, ...]]:
    """Count, tokens and cost over steps, over runs, over windows of a minute and of an hour."""
    columns = ", ".join(f"ifNull(sum({name}), 0)" for name in ("input_tokens", "output_tokens", "cost_usd"))
    where = "WHERE namespace = {namespace:String}"
    steps = (
        f"SELECT count(), {columns} FROM agent_steps {where} AND state = 'ended' AND cost_status != 'rollup'"
    )
    rolled = f"SELECT count() FROM agent_steps {where} AND state = 'ended' AND cost_status = 'rollup'"
    [(count, *rest)] = ask(settings, steps)
    [(more,)] = ask(settings, rolled)
    totals = [(count + more, *rest)]
    for view in ("agent_runs", "agent_minutes", "agent_hours"):
        totals += ask(settings, f"SELECT sum(steps), {columns} FROM {view} {where}")
    return totals


def traces(shared_data: Path, ending: str) -> list[Path]:
    found = sorted((shared_data / "otlp").glob(f"*.otlp.{ending}"))
    assert len(found) == 8
    return found


def test_protobuf_and_json_of_a_trace_give_identical_rows_and_a_second_replay_changes_nothing(
    stored: Settings, shared_data: Path, tmp_path: Path
) -> None:
    replay(stored, tmp_path, *traces(shared_data, "pb"))
    once = state(stored)
    assert len(once["steps"]) == 41
    assert len(once["runs"]) == 8
    replay(stored, tmp_path, *traces(shared_data, "pb"))
    assert state(stored) == once
    twin = msgspec.structs.replace(stored, namespace=f"{stored.namespace}-json")
    try:
        replay(twin, tmp_path, *traces(shared_data, "json"))
        assert state(twin) == once
    finally:
        delete_topics(twin)
    totals = sums(stored)
    assert len(set(totals)) == 1, totals


def test_clients_of_others_write_events_and_read_frames(topics: Settings) -> None:
    kcat = shutil.which("kcat")
    if kcat is None:
        pytest.skip("needs kcat (Debian's package kcat)")
    events = [{"event_id": f"e{n}", "kind": "tool", "start_time_unix_nano": n} for n in range(5)]
    lines = "".join(json.dumps(event) + "\n" for event in events).encode()
    topic = topic_name(AGENT_EVENTS, topics.namespace)
    command = [kcat, "-P", "-b", topics.kafka, "-t", topic, "-k", "r"]
    subprocess.run(command, input=lines, check=True, timeout=30)
    stop = threading.Event()
    thread = threading.Thread(target=ingest.run, args=(topics, Health("ingest"), stop))
    thread.start()
    try:
        assert asyncio.run(steps_by_aiokafka(topics, 5)) == {f"e{n}" for n in range(5)}
    finally:
        stop.set()
        thread.join(30)


async def steps_by_aiokafka(settings: Settings, count: int) -> set[str]:
    topic = topic_name(STEP_FRAMES, settings.namespace)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=settings.kafka, auto_offset_reset="earliest")
    await consumer.start()
    found: set[str] = set()
    try:
        while len(found) < count:
            message = await asyncio.wait_for(consumer.getone(), 60)
            header = decode_header(message.value)
            if header.kind is Kind.STEPS:
                found |= set(decode_batch(header, message.value).column("event_id").to_pylist())
    finally:
        await consumer.stop()
    return found


def test_mini_swe_costs_what_was_billed(stored: Settings, shared_data: Path, tmp_path: Path) -> None:
    events = tmp_path / "miniswe.jsonl"
    subprocess.run([sys.executable, "-m", "tests.data.miniswe", str(events)], check=True, timeout=60)
    source = read_calls(shared_data / "miniswe_gemini3pro" / "llm_calls.public.jsonl.gz")
    replay(stored, tmp_path, events)
    [(calls, given, made, cached)] = ask(
        stored,
        "SELECT count(), sum(input_tokens), sum(output_tokens), sum(cache_read_input_tokens) "
        "FROM agent_steps WHERE namespace = {namespace:String} AND kind = 'llm'",
    )
    assert calls == len(source) == 2_433
    assert given == sum(call["prompt_tokens"] for call in source)
    assert made == sum(call["completion_tokens"] for call in source)
    assert cached == sum(call["cached_tokens"] for call in source)
    costs = dict(
        ask(
            stored,
            "SELECT response_id, cost_usd FROM agent_steps "
            "WHERE namespace = {namespace:String} AND kind = 'llm'",
        )
    )
    billed = {call["id"]: Decimal(repr(call["cost"])) for call in source if call["cost"] is not None}
    assert len(billed) == 2_406, "27 calls through another gateway carry no bill"
    wrong = {key: (cost, costs.get(key)) for key, cost in billed.items() if not equal(costs.get(key), cost)}
    assert not wrong
    total = sum(costs[key] for key in billed)
    assert total.quantize(Decimal("0.01")) == Decimal("30.94")
    assert len(set(sums(stored))) == 1


def test_aiders_tokens_arrive_and_every_model_without_a_price_is_counted(
    stored: Settings, shared_data: Path, tmp_path: Path
) -> None:
    events = tmp_path / "aider.jsonl"
    subprocess.run([sys.executable, "-m", "tests.data.aider", str(events)], check=True, timeout=60)
    sent = [
        call["properties"]
        for call in read_calls(shared_data / "aider_analytics" / "events_2024-08_2025-01.jsonl.gz")
        if call["event"] == "message_send"
    ]
    replay(stored, tmp_path, events)
    [(calls, given, made, unpriced, null)] = ask(
        stored,
        "SELECT count(), sum(input_tokens), sum(output_tokens), countIf(cost_status = 'unpriced'), "
        "countIf(cost_usd IS NULL) FROM agent_steps WHERE namespace = {namespace:String} AND kind = 'llm'",
    )
    assert calls == len(sent) == 2_330
    assert given == sum(call["prompt_tokens"] for call in sent)
    assert made == sum(call["completion_tokens"] for call in sent)
    assert unpriced == null, "without a price the cost is null, never 0"
    assert len(set(sums(stored))) == 1


def test_bad_records_are_kept_with_the_reason_and_good_ones_between_them_come_out_as_without(
    stored: Settings, tmp_path: Path
) -> None:
    good = [
        {
            "event_id": f"e{number}",
            "kind": "llm",
            "run_id": f"r{number % 5}",
            "agent_name": "planner",
            "start_time_unix_nano": START_NS + number * 10**9,
            "end_time_unix_nano": START_NS + number * 10**9 + 10**8,
            "request_model": "gpt-4o-mini",
            "input_tokens": number,
        }
        for number in range(60)
    ]
    bad = {
        "{broken": "invalid_json",
        json.dumps(good[0] | {"kind": "dream"}): "invalid_event",
        json.dumps(good[0] | {"input_tokens": -1}): "invalid_event",
        json.dumps(good[0] | {"input_tokens": "many"}): "invalid_event",
        json.dumps(good[0]).replace('"input_tokens": 0', '"input_tokens": NaN'): "invalid_json",
        json.dumps({"kind": "llm"}): "invalid_event",
    }
    lines = [json.dumps(event) for event in good]
    (tmp_path / "clean.jsonl").write_text("\n".join(lines))
    for place, line in enumerate(bad):
        lines.insert(7 * place + 3, line)
    (tmp_path / "mixed.jsonl").write_text("\n".join(lines))
    replay(stored, tmp_path, tmp_path / "mixed.jsonl")
    clean = msgspec.structs.replace(stored, namespace=f"{stored.namespace}-clean")
    try:
        replay(clean, tmp_path, tmp_path / "clean.jsonl")
        assert state(stored) == state(clean)
    finally:
        delete_topics(clean)
    letters = ask(
        stored,
        "SELECT payload, reason, topic, `partition`, `offset`, detail FROM agent_dead_letters "
        "WHERE namespace = {namespace:String}",
    )
    assert {payload: reason for payload, reason, *_ in letters} == bad
    assert all(topic.endswith("agent-events") and offset >= 0 for _, _, topic, _, offset, _ in letters)
    assert all(detail for *_, detail in letters)


def test_times_out_of_range_are_stored_and_flagged(stored: Settings, tmp_path: Path) -> None:
    times = {"past": 10**18, "future": 4 * 10**18, "negative": -5, "fine": START_NS}
    lines = [
        json.dumps({"event_id": name, "kind": "tool", "run_id": name, "start_time_unix_nano": at})
        for name, at in times.items()
    ]
    (tmp_path / "times.jsonl").write_text("\n".join(lines))
    replay(stored, tmp_path, tmp_path / "times.jsonl")
    rows = ask(
        stored,
        "SELECT event_id, toString(time_flag), toUnixTimestamp64Nano(time), "
        "toUnixTimestamp64Nano(start_time) FROM agent_steps WHERE namespace = {namespace:String}",
    )
    assert sorted(rows) == [
        ("fine", "ok", START_NS, START_NS),
        ("future", "after_append", 0, 4 * 10**18),
        ("negative", "before_2020", 0, -5),
        ("past", "before_2020", 0, 10**18),
    ]
    assert len(set(sums(stored))) == 1


def read_calls(path: Path) -> list[dict[str, Any]]:
    import gzip

    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def equal(ours: Decimal | None, billed: Decimal) -> bool:
    """Equal to 1e-12 USD: the bill is written as a double, whose last digits are noise."""
    return ours is not None and abs(ours - billed) <= Decimal("1e-12")
