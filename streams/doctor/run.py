"""Which checks are made, in which order, and how does it end?"""

import shutil
from pathlib import Path

from confluent_kafka import KafkaException

from streams.admin import KafkaUnavailable
from streams.doctor.broker import check_broker, check_clock, check_declared
from streams.doctor.engine import Engine, judge_room
from streams.doctor.findings import Finding, State, failed, worst
from streams.doctor.groups import READS, check_role
from streams.doctor.log import Log
from streams.doctor.state import INPUTS, check_snapshots
from streams.settings import Settings

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_UNAVAILABLE = 69


def examine(settings: Settings, data: Path | None = None) -> tuple[list[Finding], int]:
    """Look at everything.

    Args:
        settings: of the site.
        data: folder of the local servers; its disk is looked at where it exists.

    Returns:
        Findings, and the exit code: 0, 1 when something failed, 69 when Kafka does not answer.
    """
    engine = Engine(settings)
    stored = engine.check()
    try:
        found, code = _kafka(settings, engine.ahead_s), EXIT_OK
    except KafkaUnavailable as error:
        found, code = [_absent(settings, str(error).split(". ")[0])], EXIT_UNAVAILABLE
    except KafkaException as error:
        found, code = [_absent(settings, error.args[0].str())], EXIT_UNAVAILABLE
    found += stored
    if data is not None and data.exists():
        usage = shutil.disk_usage(data)
        found.append(judge_room(f"disk of {data}", usage.free, usage.total))
    if code == EXIT_OK and worst(found) is State.FAILED:
        code = EXIT_FAILED
    return found, code


def _kafka(settings: Settings, engine_ahead_s: float | None) -> list[Finding]:
    log = Log(settings)
    found = [check_broker(log, settings), check_declared(settings)]
    found += [check_role(log, settings, role) for role in READS]
    found += check_clock(log, settings, engine_ahead_s)
    found += [check_snapshots(log, settings, role) for role in INPUTS]
    return found


def _absent(settings: Settings, reason: str) -> Finding:
    return failed(
        "broker",
        f"{reason}: nothing of Kafka could be looked at.",
        f"Start it (`wakeline up` on one machine), or set kafka; it is {settings.kafka} now.",
    )
