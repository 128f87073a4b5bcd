"""The shell of DRIFT: Faust over signal-frames, a processor for each partition."""

import threading

from detectors.startup import warm_up
from schemas.frame import Writer
from schemas.topics import SIGNAL_FRAMES
from streams.drift.params import Params
from streams.drift.processor import DriftProcessor
from streams.faust_shell import Shell
from streams.health import Health
from streams.settings import Settings

ROLE = "drift"


def run(settings: Settings, health: Health, stop: threading.Event) -> None:
    """Process until `stop` is set.

    Raises:
        KernelMismatch: the compiled detector does not compute what it should on this machine.
    """
    health.waiting("the detectors to be compiled")
    # Before the consumer joins its group, so that compiling delays no partition.
    warm_up()
    health.waiting("the first assignment")
    params = Params(settings.namespace, settings.detector_arl)
    shell = Shell(
        settings, health, ROLE, SIGNAL_FRAMES, Writer.DRIFT, lambda place: DriftProcessor(place, params)
    )
    shell.run(stop)
