"""The shell of RUNS: Faust over step-frames, a processor for each partition."""

import threading

from schemas.frame import Writer
from schemas.topics import STEP_FRAMES
from streams.faust_shell import Shell
from streams.health import Health
from streams.runs.params import Params
from streams.runs.processor import RunsProcessor
from streams.settings import Settings

ROLE = "runs"


def run(settings: Settings, health: Health, stop: threading.Event) -> None:
    """Process until `stop` is set."""
    params = Params(settings.namespace, settings.loop_calls)
    shell = Shell(
        settings, health, ROLE, STEP_FRAMES, Writer.RUNS, lambda place: RunsProcessor(place, params)
    )
    shell.run(stop)
