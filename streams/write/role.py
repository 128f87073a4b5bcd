"""The shell of WRITE: consumer, sink and stage, and the loop."""

import threading

from schemas.topics import DEAD_LETTERS, RESULT_FRAMES, STEP_CONTENTS, STEP_FRAMES, topic_name
from streams.clickhouse import connect
from streams.health import Health
from streams.loop import Loop, make_consumer, make_producer
from streams.metrics import SINK_FAILURES
from streams.settings import Settings
from streams.write.sink import ClickHouseSink
from streams.write.stage import INSERT_TIMEOUT_S, WriteStage

ROLE = "write"
TOPICS = (STEP_FRAMES, STEP_CONTENTS, RESULT_FRAMES, DEAD_LETTERS)


def run(settings: Settings, health: Health, stop: threading.Event) -> None:
    """Write until `stop` is set.

    Raises:
        KafkaException: a topic is missing or the broker refuses us.
        ConfigError: ClickHouse does not know the user, the database or a table.
    """
    sink = ClickHouseSink(
        lambda: connect(settings, timeout_s=INSERT_TIMEOUT_S),
        settings.clickhouse_database,
        lambda cause: health.metrics.count(SINK_FAILURES, 1, cause=cause),
    )
    stage = WriteStage(settings, sink, make_producer(settings, ROLE), health)
    topics = [topic_name(topic, settings.namespace) for topic in TOPICS]
    Loop(make_consumer(settings, ROLE), topics, stage, health, stop).run()
