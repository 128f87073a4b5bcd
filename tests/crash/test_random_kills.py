"""Two hundred kills -9 at random moments, over all roles and the broker, while the load comes in."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from streams.app import ROLES
from tests.crash.case import Outcome, Servers, run_case
from tests.crash.crew import Crew
from tests.crash.feeder import Feeder
from tests.crash.progress import Progress

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1_500)]

OF_EACH_ROLE = 36
OF_THE_BROKER = 20
ALL = OF_EACH_ROLE * len(ROLES) + OF_THE_BROKER
# A group waits 6 to 10 s for a member that was killed, so that most lives last long enough to do something.
LONGEST_LIFE_S = 20.0
BETWEEN_BROKER_KILLS_S = 16.0  # its own start takes 5 to 10 s more


def kill_role(crew: Crew, role: str, rng: random.Random, progress: Progress) -> None:
    for _ in range(OF_EACH_ROLE):
        time.sleep(rng.uniform(0.2, LONGEST_LIFE_S))
        crew.kill_one(role)
        progress.count()


def kill_broker(servers: Servers, rng: random.Random, progress: Progress) -> None:
    for _ in range(OF_THE_BROKER):
        time.sleep(rng.uniform(1.0, BETWEEN_BROKER_KILLS_S))
        servers.broker.kill()
        progress.count()


def test_two_hundred_kills_at_random_moments(servers: Servers, undisturbed: Outcome) -> None:
    assert ALL == 200

    def faults(crew: Crew, feeder: Feeder) -> int:
        progress = Progress("random kills", ALL, feeder)
        with ThreadPoolExecutor(len(ROLES) + 1) as pool:
            started = [
                pool.submit(kill_role, crew, role, random.Random(f"{servers.seed}/kill/{role}"), progress)
                for role in ROLES
            ]
            rng = random.Random(f"{servers.seed}/kill/broker")
            started.append(pool.submit(kill_broker, servers, rng, progress))
        for done in started:
            done.result()
        return ALL

    run_case(servers, "random", faults, expected=undisturbed.totals)
