"""Two workers of each role, one of which leaves and joins again thirty times under load."""

import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from streams.app import ROLES
from tests.crash.case import Outcome, Servers, run_case
from tests.crash.crew import Crew
from tests.crash.feeder import Feeder
from tests.crash.progress import Progress

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1_200)]

OF_EACH_KIND = 10
STOPPED_S = 20.0  # twice a session timeout: its partitions are somebody else's when it wakes


def leave_and_join(crew: Crew, role: str, rng: random.Random, progress: Progress) -> None:
    kinds = [signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP] * OF_EACH_KIND
    rng.shuffle(kinds)
    for kind in kinds:
        time.sleep(rng.uniform(0.5, 4.0))
        number = rng.randrange(2)
        if kind == signal.SIGTERM:
            worker = crew.workers[role][number]
            worker.stop()
            time.sleep(rng.uniform(0.0, 4.0))
            worker.wanted = True
        elif kind == signal.SIGKILL:
            crew.kill_one(role, number)
        else:
            crew.pause_one(role, number, STOPPED_S)
        progress.count()


def test_workers_join_and_leave_thirty_times(servers: Servers, undisturbed: Outcome) -> None:
    def faults(crew: Crew, feeder: Feeder) -> int:
        count = 3 * OF_EACH_KIND * len(ROLES)
        progress = Progress("joins and leaves", count, feeder)
        with ThreadPoolExecutor(len(ROLES)) as pool:
            started = [
                pool.submit(
                    leave_and_join, crew, role, random.Random(f"{servers.seed}/{role}/leave"), progress
                )
                for role in ROLES
            ]
        for done in started:
            done.result()
        return count

    run_case(servers, "joins", faults, expected=undisturbed.totals, each=dict.fromkeys(ROLES, 2))
