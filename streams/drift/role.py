"""The shell of DRIFT: Faust over signal-frames, a processor for each partition."""

import threading

from detectors.budget import threshold_for
from detectors.startup import warm_up
from schemas.frame import Writer
from schemas.topics import SIGNAL_FRAMES
from streams.drift.params import Params
from streams.drift.processor import DriftProcessor
from streams.drift.signals import SIGNALS
from streams.faust_shell import Shell
from streams.health import Health
from streams.settings import ConfigError, Settings
from streams.windows.windows import SECOND_NS

ROLE = "drift"


def detector_arl(settings: Settings) -> float:
    """The promised mean observations to a false alarm: as set, or what the budget of false alarms asks for.

    Raises:
        ConfigError: one half of the budget is missing, or it asks for more than a detector can promise.
    """
    pages, observations = settings.detector_false_pages_per_week, settings.detector_observations_per_week
    if pages is None and observations is None:
        return settings.detector_arl
    if pages is None or observations is None:
        raise ConfigError(
            "A budget of false alarms needs detector_false_pages_per_week and detector_observations_per_week"
        )
    # Some signals may raise more false alarms than others: as if all might, so that the budget is kept.
    most = max(signal.budget for signal in SIGNALS)
    try:
        return threshold_for(most * observations, pages)
    except ValueError as error:
        raise ConfigError(f"The budget of false alarms cannot be kept: {error}") from error


def run(settings: Settings, health: Health, stop: threading.Event) -> None:
    """Process until `stop` is set.

    Raises:
        ConfigError: see `detector_arl`.
        KernelMismatch: the compiled detector does not compute what it should on this machine.
    """
    health.waiting("the detectors to be compiled")
    # Before the consumer joins its group, so that compiling delays no partition.
    warm_up()
    health.waiting("the first assignment")
    params = Params(
        settings.namespace,
        detector_arl(settings),
        run_spacing_ns=int(settings.detector_run_spacing_s * SECOND_NS),
    )
    shell = Shell(
        settings, health, ROLE, SIGNAL_FRAMES, Writer.DRIFT, lambda place: DriftProcessor(place, params)
    )
    shell.run(stop)
