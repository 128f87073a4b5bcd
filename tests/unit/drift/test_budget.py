"""The false alarms a week that somebody allows become the detectors' threshold."""

import pytest

from streams.drift.role import detector_arl
from streams.drift.signals import SIGNALS
from streams.settings import ConfigError, Settings


def test_without_a_budget_the_threshold_is_the_one_that_is_set() -> None:
    assert detector_arl(Settings(detector_arl=5e3)) == 5e3


def test_a_budget_of_false_alarms_sets_the_threshold() -> None:
    settings = Settings(detector_false_pages_per_week=2.0, detector_observations_per_week=3e6)
    most = max(signal.budget for signal in SIGNALS)
    assert most > 1, "values of whole runs may raise more"
    assert detector_arl(settings) == 1.5e6 * most


@pytest.mark.parametrize(
    "half", [Settings(detector_false_pages_per_week=10.0), Settings(detector_observations_per_week=10.0)]
)
def test_half_a_budget_is_refused_with_both_names(half: Settings) -> None:
    with pytest.raises(ConfigError, match="detector_false_pages_per_week and detector_observations_per_week"):
        detector_arl(half)


def test_a_budget_that_no_detector_can_keep_is_refused_with_the_reason() -> None:
    settings = Settings(detector_false_pages_per_week=0.001, detector_observations_per_week=1e9)
    with pytest.raises(ConfigError, match="allow more pages"):
        detector_arl(settings)
