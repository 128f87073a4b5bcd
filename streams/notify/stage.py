"""How is no alert lost and none sent twice, whatever dies? The stage of NOTIFY.

An alert's offset is committed once `deliveries` holds a record for it and every target. That record comes
first and says `failed`, no attempts yet, with the alert's place; only when the broker has it does the target
get the alert. So a dead endpoint holds up neither the commit nor another target, and a kill at any moment
leaves either the offset uncommitted or the record there. Whoever is assigned a partition reads its records
first: what is `failed` is read again from `alerts` and resumes its schedule, what is `sent` or `given_up` is
never sent again, also when RUNS or DRIFT repeat the alert after a crash of theirs.

One gap stays, as with any webhook: a crash between the endpoint's answer and the record of it (milliseconds,
one alert of each target) sends that alert again. The header `webhook-id` is the same then, and lets the
receiver drop it.
"""

import time
from collections.abc import Sequence

import msgspec
import structlog
from confluent_kafka import Consumer, Message

from schemas.alert import Alert, Delivery
from streams.fault_points import FaultPoint, reach
from streams.loop import SinkUnavailable, offset_of, place_of
from streams.notify.deliveries import (
    FORGET_AFTER_MS,
    DeliveryLog,
    Found,
    Place,
    decode_alert,
    digest_of,
    read_alerts,
    read_deliveries,
)
from streams.notify.metrics import Metrics
from streams.notify.post import Endpoint, payload
from streams.notify.schedule import SCHEDULE_S
from streams.notify.target import Target
from streams.settings import Settings

log = structlog.get_logger()

# About 100 bytes each. Beyond it the oldest are forgotten; a repeat of such an alert would be sent again.
KNOWN_LIMIT = 300_000
SETTLE_S = 5.0


class NotifyStage:
    """The stage of NOTIFY (see `streams.loop.Stage`)."""

    def __init__(
        self,
        settings: Settings,
        consumer: Consumer,
        deliveries: DeliveryLog,
        metrics: Metrics,
        schedule_s: tuple[float, ...] = SCHEDULE_S,
    ) -> None:
        """Nothing is sent before the first assignment.

        Args:
            settings: webhooks and namespace.
            consumer: the loop's; asked for its assignment.
            deliveries: where outcomes are recorded.
            metrics: see there.
            schedule_s: pauses before each attempt.

        Raises:
            ConfigError: a webhook's URL cannot be used.
        """
        self._settings = settings
        self._consumer = consumer
        self._deliveries = deliveries
        self._metrics = metrics
        self._schedule_s = schedule_s
        self._endpoints = (
            [Endpoint(url) for url in dict.fromkeys(settings.webhooks)] if sends(settings) else []
        )
        self._targets: dict[str, Target] = {}
        self._held: frozenset[int] = frozenset()
        # Insertion order is age; the values carry nothing.
        self._known: dict[bytes, None] = {}
        self._fresh: list[tuple[Alert, Place]] = []
        self._written = False
        self._opened = False

    # -- the loop's calls

    def feed(self, messages: Sequence[Message]) -> None:
        self._opened = True
        self._written = False  # these have no record yet; a second one for the others changes nothing
        self._look_at_assignment()
        for message in messages:
            self._metrics.alert()
            if not self._endpoints:
                self._metrics.unsent()
                continue
            try:
                alert = decode_alert(message.value() or b"")
            except msgspec.MsgspecError as error:
                self._metrics.invalid()
                log.error("A record is no alert", offset=offset_of(message), reason=str(error))
                continue
            self._fresh.append((alert, Place(place_of(message)[1], offset_of(message))))

    def due(self, now_s: float) -> bool:  # noqa: ARG002 - an alert waits for nothing
        self._deliveries.poll()
        self._look_at_assignment()
        for name, target in self._targets.items():
            self._metrics.waiting(name, target.waiting)
            if target.failure is not None:
                raise RuntimeError(f"The target {name} failed") from target.failure
        return self._opened

    def flush(self, now_s: float) -> None:  # noqa: ARG002
        todo = self._unknown()
        if todo and not self._written:
            for alert, place, target in todo:
                self._deliveries.write(_begun(alert, target.name), place)
            self._written = True
            reach(FaultPoint.NOTIFY_BEGUN)
        self._deliveries.settle(SETTLE_S)
        if todo:
            reach(FaultPoint.NOTIFY_RECORDED)
        for alert, place, target in todo:
            self._know(alert.alert_id, target.name)
            target.add(alert.alert_id, place, payload(alert))
        self._clear()

    def drop(self) -> None:
        """Forget everything: somebody else goes on from `deliveries`. Waits for attempts that are under way,
        so that their outcome is recorded before the next owner reads."""
        self._clear()
        self._held = frozenset()
        self._known.clear()
        targets = list(self._targets.values())
        self._targets.clear()
        for target in targets:
            target.stop()
        for target in targets:
            target.join()
        try:
            self._deliveries.settle(SETTLE_S)
        except SinkUnavailable as error:
            log.warning("What was sent last may be sent again", reason=str(error))

    # -- what was before

    def _look_at_assignment(self) -> None:
        if not self._endpoints:
            return
        assigned = frozenset(part.partition for part in self._consumer.assignment())
        gained = assigned - self._held
        if gained:
            self._held = assigned
            self._resume(gained)

    def _resume(self, partitions: frozenset[int]) -> None:
        for endpoint in self._endpoints:
            if endpoint.name not in self._targets:
                self._targets[endpoint.name] = Target(endpoint, self._outcome, self._schedule_s)
        last: dict[bytes, Found] = {}
        forget_before_ms = time.time() * 1_000 - FORGET_AFTER_MS
        for found in read_deliveries(self._settings, sorted(partitions)):
            delivery = found.delivery
            digest = digest_of(delivery.alert_id, delivery.target)
            # Out and in again: the newest record's place in the order of age.
            last.pop(digest, None)
            self._known.pop(digest, None)
            if delivery.state == "failed":
                last[digest] = found
            elif delivery.time_unix_ms < forget_before_ms:
                self._deliveries.forget(delivery, found.place.partition)
                continue
            self._know(delivery.alert_id, delivery.target)
        unsent = [found for found in last.values() if found.delivery.target in self._targets]
        self._read_again(unsent)
        log.info(
            "Deliveries read", known=len(self._known), unsent=len(unsent), removed=len(last) - len(unsent)
        )

    def _read_again(self, unsent: list[Found]) -> None:
        alerts = {}
        for place, value in read_alerts(self._settings, {found.place for found in unsent}):
            alerts[place] = payload(decode_alert(value))
        for delivery, place in unsent:
            body = alerts.get(place)
            if body is None:
                gone = msgspec.structs.replace(
                    delivery, state="given_up", detail="the alert is no longer on its topic"
                )
                log.error("An alert is given up", target=delivery.target, reason=gone.detail)
                self._outcome(gone, place)
                continue
            last_s = delivery.time_unix_ms / 1_000
            self._targets[delivery.target].add(delivery.alert_id, place, body, delivery.attempts, last_s)

    # -- parts

    def _unknown(self) -> list[tuple[Alert, Place, Target]]:
        """What is to be sent: not recorded before, and each once however often it was repeated."""
        todo: dict[bytes, tuple[Alert, Place, Target]] = {}
        for alert, place in self._fresh:
            for target in self._targets.values():
                digest = digest_of(alert.alert_id, target.name)
                if digest not in self._known:
                    todo.setdefault(digest, (alert, place, target))
        return list(todo.values())

    def _outcome(self, delivery: Delivery, place: Place) -> None:
        """Called from the targets' threads, which go on to the next alert when this one is recorded."""
        reach(FaultPoint.NOTIFY_POSTED)
        self._deliveries.write_through(delivery, place)
        self._metrics.outcome(delivery)

    def _know(self, alert_id: str, target: str) -> None:
        self._known[digest_of(alert_id, target)] = None
        if len(self._known) > KNOWN_LIMIT:
            del self._known[next(iter(self._known))]

    def _clear(self) -> None:
        self._fresh.clear()
        self._written = self._opened = False


def sends(settings: Settings) -> bool:
    """Only the namespace `live` pages people, unless the settings say otherwise."""
    return settings.namespace == "live" if settings.notify is None else settings.notify


def _begun(alert: Alert, target: str) -> Delivery:
    return Delivery(
        alert_id=alert.alert_id,
        target=target,
        state="failed",
        attempts=0,
        time_unix_ms=int(time.time() * 1_000),
        detail="not tried yet",
    )
