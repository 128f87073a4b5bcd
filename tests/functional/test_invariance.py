"""The same steps, however they come: dialect, framing, order, partitions, repeats, workers change no number.

What may differ is left out of the comparison by `tests.crash.tables`, with the reason of each column. Beyond
that `agent_runs.duplicates` counts repeats, so it is left out too: one way sends everything twice.
"""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaError, Message
from confluent_kafka.cimpl import NewTopic

from schemas.topics import AGENT_EVENTS, CONTROL_END, CONTROL_HEADER, OTLP_SPANS, SOURCES, topic_name
from streams.admin import connect as admin
from streams.admin import create_topics, delete_topics
from streams.clickhouse import connect
from streams.loop import make_producer
from streams.migrate import migrate
from streams.settings import Settings
from streams.settled import source_partitions, wait_until_done
from tests.crash.crew import Crew
from tests.crash.dialects import Step, has_span, native, otlp
from tests.crash.load import LOOP_CALLS, Piece, make_steps
from tests.crash.tables import Row, Rows, differences, totals

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]

SEED = 7
RUNS = 740
MESSAGE_BYTES = 8_000_000  # 5,000 steps are 3 MB


@dataclass(frozen=True)
class Way:
    """One way in which the steps come.

    Attributes:
        each: steps a message.
        door: native, otlp, or both in turns.
        order: by end (parents last), by start (parents first), or shuffled.
        spread: over all partitions, else all on one.
        twice: every message is sent again at the end.
        workers: of INGEST.
    """

    each: int
    door: str = "native"
    order: str = "end"
    spread: bool = True
    twice: bool = False
    workers: int = 1


WAYS = {
    "native, 7 a message, parents first, one partition": Way(7, order="start", spread=False),
    "native, 5000 a message": Way(5_000),
    "OTLP, one a message, parents first": Way(1, "otlp", order="start"),
    "OTLP, 7 a message, three workers": Way(7, "otlp", workers=3),
    "OTLP, 5000 a message, every message twice": Way(5_000, "otlp", twice=True),
    "both doors, shuffled, every message twice, three workers": Way(
        7, "both", "shuffled", twice=True, workers=3
    ),
}


def steps() -> list[Step]:
    """Those that OTLP can say."""
    return [step for step in make_steps(SEED, RUNS) if has_span(step)]


def pieces(way: Way, partitions: int) -> list[Piece]:
    rng = random.Random(SEED)
    chosen = steps()
    if way.order == "start":
        # A parent begins with its first child, or before; its id tells nothing, so depth decides.
        chosen.sort(key=lambda step: (step.fields["start_time_unix_nano"], -step.end_ns))
    elif way.order == "shuffled":
        rng.shuffle(chosen)
    made = []
    for number, first in enumerate(range(0, len(chosen), way.each)):
        some = chosen[first : first + way.each]
        as_otlp = way.door == "otlp" or (way.door == "both" and number % 2 == 0)
        partition = rng.randrange(partitions) if way.spread else 0
        made.append(
            Piece(OTLP_SPANS, partition, otlp(some))
            if as_otlp
            else Piece(AGENT_EVENTS, partition, native(some))
        )
    return made * 2 if way.twice else made


def send(settings: Settings, made: Sequence[Piece]) -> None:
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            refused.append(error)

    producer = make_producer(settings, "invariance")
    for piece in made:
        name = topic_name(piece.topic, settings.namespace)
        producer.produce(name, piece.value, partition=piece.partition, on_delivery=delivered)
    producer.flush()
    for name, count in source_partitions(settings).items():
        for partition in range(count):
            headers: list[tuple[str, str | bytes | None]] = [(CONTROL_HEADER, CONTROL_END)]
            producer.produce(name, b"", partition=partition, headers=headers, on_delivery=delivered)
    producer.flush()
    assert not refused


def make_source_topics(settings: Settings) -> None:
    """Source topics that take greater messages than ours do; `create_topics` leaves them as they are."""
    config = {"max.message.bytes": str(MESSAGE_BYTES), "message.timestamp.type": "LogAppendTime"}
    names = [topic_name(topic, settings.namespace) for topic in SOURCES]
    made = [NewTopic(name, settings.partitions, 1, config=config) for name in names]
    client = admin(settings)  # kept, lest it end before it has asked
    for future in client.create_topics(made).values():
        future.result(30)


def put_through(servers: Settings, folder: Path, way: Way) -> Rows:
    """Send all steps in one way, through a namespace of its own."""
    settings = msgspec.structs.replace(servers, namespace=f"i-{secrets.token_hex(6)}")
    make_source_topics(settings)
    create_topics(settings)
    with Crew(settings, folder, each={"ingest": way.workers}):
        send(settings, pieces(way, settings.partitions))
        wait_until_done(settings)
    rows = totals(settings) | {"runs": runs(settings)}
    delete_topics(settings)
    return rows


def runs(settings: Settings) -> list[Row]:
    client = connect(settings)
    try:
        sql = (
            "SELECT * EXCEPT (namespace, time, duplicates) FROM agent_runs "
            "WHERE namespace = {namespace:String} ORDER BY ALL"
        )
        return [tuple(row) for row in client.query(sql, {"namespace": settings.namespace}).result_rows]
    finally:
        client.close()


@pytest.fixture(scope="module")
def servers(kafka: str, clickhouse: Any) -> Settings:
    settings = Settings(
        kafka=kafka,
        namespace="unused",
        clock="event",
        partitions=4,
        loop_calls=LOOP_CALLS,
        max_message_bytes=MESSAGE_BYTES,
        clickhouse_url=clickhouse.url,
        clickhouse_user=clickhouse.user,
        clickhouse_password=clickhouse.password,
        clickhouse_database="invariance",
    )
    client = connect(settings, with_database=False)
    migrate(client, settings.clickhouse_database)
    client.close()
    return settings


@pytest.fixture(scope="module")
def expected(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    rows = put_through(servers, tmp_path_factory.mktemp("expected"), Way(1))
    assert len(rows["steps"]) == len(steps()) > 5_000
    assert len(rows["runs"]) == RUNS
    return rows


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_the_numbers_are_those_of_native_events_one_a_message(
    way: Way, servers: Settings, expected: Rows, tmp_path: Path
) -> None:
    lines = differences(expected, put_through(servers, tmp_path, way))
    assert not lines, "\n".join(lines)
