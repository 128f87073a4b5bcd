"""What can be set of a detector? The same four numbers for every kind of value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Parameters:
    """The settings of a detector. Only ``threshold`` is meant to be chosen."""

    threshold: float = 1e4
    """A: the promised mean number of observations to a false alarm. Lower finds sooner, errs more often."""
    warm_up: int = 100
    """W: observations that set a reference's bins, rates or cells and are then dropped."""
    confirm_threshold: float = 1e4
    """What the frozen reference must gather to confirm an incident, above ``confirm_within``. Lower confirms
    more false ones: at most a share of 2 ``confirm_within`` / ``confirm_threshold`` if it is the truth."""
    confirm_within: int = 600
    """Observations after which an unconfirmed incident closes. Fewer: slow changes close unconfirmed."""

    def __post_init__(self) -> None:
        for name in ("threshold", "confirm_threshold"):
            check_thresholds(np.array([getattr(self, name)], np.float64))
        if self.confirm_within < 1:
            raise ValueError(f"confirm_within must be at least 1, not {self.confirm_within}")

    def _check_confirmation(self) -> None:
        if not self.confirm_threshold > self.confirm_within:
            raise ValueError(
                f"confirm_threshold must be above confirm_within, {self.confirm_within}, where an incident "
                f"begins, not {self.confirm_threshold}"
            )

    def _check_warm_up(self, least: int, most: int) -> None:
        if not least <= self.warm_up <= most:
            raise ValueError(f"warm_up must be {least} to {most}, not {self.warm_up}")


def check_thresholds(thresholds: NDArray[np.float64]) -> None:
    """Raises ``ValueError`` unless all lie in 1 .. 1e9 (beyond, float32 evidence loses the stake it adds)."""
    if not bool(np.all((thresholds >= 1.0) & (thresholds <= 1e9))):
        raise ValueError("a threshold must be between 1 and 1e9")
