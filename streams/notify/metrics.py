"""What does NOTIFY count?"""

from prometheus_client import CollectorRegistry, Counter, Gauge

from schemas.alert import Delivery


class Metrics:
    """Counters of NOTIFY, in the role's registry. Targets come from the settings: a closed set."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.alerts = Counter("wakeline_notify_alerts", "Alerts read", registry=registry)
        self.invalid = Counter(
            "wakeline_notify_invalid_alerts", "Records that are no alerts", registry=registry
        )
        self.silent = Counter(
            "wakeline_notify_unsent_alerts", "Alerts of a namespace that pages nobody", registry=registry
        )
        self._outcomes = Counter(
            "wakeline_notify_outcomes", "Attempts and what they gave", ["target", "state"], registry=registry
        )
        self._waiting = Gauge(
            "wakeline_notify_waiting_alerts",
            "Alerts that a target has not got yet",
            ["target"],
            registry=registry,
        )

    def outcome(self, delivery: Delivery) -> None:
        self._outcomes.labels(delivery.target, delivery.state).inc()

    def waiting(self, target: str, count: int) -> None:
        self._waiting.labels(target).set(count)
