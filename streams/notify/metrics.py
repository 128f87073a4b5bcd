"""What does NOTIFY count? Names and labels are in `streams.metrics`; targets come from the settings."""

from schemas.alert import Delivery
from streams import metrics
from streams.metrics import RoleMetrics


class Metrics:
    """Counts of NOTIFY."""

    def __init__(self, numbers: RoleMetrics) -> None:
        self._numbers = numbers

    def alert(self) -> None:
        """An alert was read."""
        self._numbers.count(metrics.READ_ALERTS)

    def unsent(self) -> None:
        """It is of a namespace that pages nobody."""
        self._numbers.count(metrics.UNSENT_ALERTS)

    def invalid(self) -> None:
        """It is no alert; it stays on its topic and is not sent."""
        self._numbers.count(metrics.DEAD_LETTERS, 1, reason="invalid_alert")

    def outcome(self, delivery: Delivery) -> None:
        """A target answered, or did not."""
        self._numbers.count(metrics.DELIVERIES, 1, target=delivery.target, state=delivery.state)

    def waiting(self, target: str, count: int) -> None:
        """So many alerts wait for a target."""
        self._numbers.set(metrics.WAITING_ALERTS, count, target=target)
