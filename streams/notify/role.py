"""The shell of NOTIFY: builds the consumer, the producer and the stage, and runs the loop."""

import threading

import structlog

from schemas.topics import ALERTS, topic_name
from streams.health import Health
from streams.loop import Loop, make_consumer, make_producer
from streams.notify.deliveries import DeliveryLog
from streams.notify.metrics import Metrics
from streams.notify.schedule import SCHEDULE_S
from streams.notify.stage import NotifyStage, sends
from streams.settings import Settings

log = structlog.get_logger()

ROLE = "notify"


def run(
    settings: Settings,
    health: Health,
    stop: threading.Event,
    schedule_s: tuple[float, ...] = SCHEDULE_S,
) -> None:
    """Send alerts until `stop` is set.

    Args:
        settings: webhooks, namespace, Kafka.
        health: of the process.
        stop: ends it; an attempt under way is waited for.
        schedule_s: pauses before each attempt.

    Raises:
        ConfigError: a webhook's URL cannot be used.
        KafkaException: a topic is missing or the broker refuses us.
    """
    consumer = make_consumer(settings, ROLE)
    deliveries = DeliveryLog(settings, make_producer(settings, ROLE, **{"linger.ms": 0}))
    stage = NotifyStage(settings, consumer, deliveries, Metrics(health.metrics), schedule_s)
    log.info("Notifying", targets=len(settings.webhooks), sends=sends(settings))
    try:
        Loop(consumer, [topic_name(ALERTS, settings.namespace)], stage, health, stop).run()
    finally:
        stage.drop()
