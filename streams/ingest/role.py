"""The shell of INGEST: builds the consumer, the producer and the stage, and runs the loop."""

import threading

from schemas.topics import SOURCES, topic_name
from streams.health import Health
from streams.ingest.ends import Ends
from streams.ingest.intake import Intake
from streams.ingest.stage import IngestStage
from streams.loop import Loop, make_consumer, make_producer
from streams.settings import Settings

ROLE = "ingest"


def run(settings: Settings, health: Health, stop: threading.Event) -> None:
    """Ingest until `stop` is set.

    Raises:
        KafkaException: a topic is missing or the broker refuses us.
    """
    topics = [topic_name(topic, settings.namespace) for topic in SOURCES]
    consumer = make_consumer(settings, ROLE)
    found = consumer.list_topics(timeout=30).topics
    sources = [(topic, part) for topic in topics if topic in found for part in found[topic].partitions]
    producer = make_producer(settings, ROLE)
    ends = Ends(settings, sources)
    intake = Intake(consumer) if settings.clock == "event" else None
    stage = IngestStage(settings, producer, len(sources), health, ends.reached_but_for, intake)
    Loop(consumer, topics, stage, health, stop, stage.held).run()
