"""Every fault point of every role, three kills -9 each, at different moments of the load."""

import random

import pytest

from streams.fault_points import FaultPoint
from tests.crash.case import Outcome, Servers, in_a_second_process, run_case
from tests.crash.crew import Crew, role_of
from tests.crash.feeder import Feeder

KILLS = 3


def points_of(role: str) -> list[FaultPoint]:
    return [point for point in FaultPoint if role_of(point) == role]


def test_nothing_killed(undisturbed: Outcome) -> None:
    assert in_a_second_process(undisturbed.settings) == undisturbed.made.digests()


@pytest.mark.parametrize("role", ["ingest", "write", "notify"])
def test_a_role_killed(role: str, servers: Servers, undisturbed: Outcome) -> None:
    points = points_of(role) * KILLS
    random.Random(f"{servers.seed}/{role}").shuffle(points)

    def faults(crew: Crew, feeder: Feeder) -> int:
        for number, point in enumerate(points):
            crew.arm(point)
            feeder.share((number + 1) / (len(points) + 1))
            crew.wait_reached(point)
        return len(points)

    run_case(servers, role, faults, expected=undisturbed.totals)
