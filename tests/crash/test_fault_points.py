"""Every fault point of every role, three kills -9 each, at different moments of the load."""

import random
import signal
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from schemas.alert import Alert
from streams.app import ROLES
from streams.fault_points import FaultPoint
from tests.crash.case import Outcome, Servers, in_a_second_process, run_case
from tests.crash.crew import Crew, role_of
from tests.crash.feeder import Feeder
from tests.crash.progress import Progress
from tests.crash.snapshots import STATEFUL, wait_for_more, written

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

KILLS = 3


def points_of(role: str) -> list[FaultPoint]:
    return [point for point in FaultPoint if role_of(point) == role]


def die_at(crew: Crew, point: FaultPoint) -> None:
    """Arm a point, make the role come to it, and wait until it has died there."""
    crew.arm(point)
    if point.endswith(".restored"):
        crew.kill_one(role_of(point))  # only who starts restores
    crew.wait_reached(point)


def test_every_point_belongs_to_a_role() -> None:
    assert {role_of(point) for point in FaultPoint} == set(ROLES)


def test_nobody_is_killed_and_a_second_process_computes_the_same(undisturbed: Outcome) -> None:
    types = {msgspec.json.decode(alert, type=Alert).type for alert in undisturbed.made.alerts.values()}
    assert types >= {"loop.detected", "drift.detected"}, "else nothing of detectors is tried"
    assert in_a_second_process(undisturbed.settings) == undisturbed.made.digests()


def die_at_all(crew: Crew, role: str, seed: int, progress: Progress) -> None:
    rng = random.Random(f"{seed}/{role}")
    points = points_of(role) * KILLS
    rng.shuffle(points)
    before = [0] * crew.settings.partitions
    for point in points:
        # Half of the lives are long enough for snapshots; the others end soon after their start.
        if role in STATEFUL and rng.random() < 0.5:
            wait_for_more(crew.settings, role, before)
            before = written(crew.settings, role)
        die_at(crew, point)
        progress.count()


# Together, because a killed member's group waits 6 to 10 s for it: one after the other takes 12 minutes.
@pytest.mark.parametrize(
    "roles", [("ingest", "runs"), ("write", "drift", "notify")], ids=lambda roles: "+".join(roles)
)
def test_roles_die_at_each_of_their_points_three_times(
    roles: tuple[str, ...], servers: Servers, undisturbed: Outcome
) -> None:
    def faults(crew: Crew, feeder: Feeder) -> int:
        count = KILLS * sum(len(points_of(role)) for role in roles)
        progress = Progress("+".join(roles), count, feeder)
        with ThreadPoolExecutor(len(roles)) as pool:
            started = [pool.submit(die_at_all, crew, role, servers.seed, progress) for role in roles]
        for done in started:
            done.result()
        for role in roles:
            assert crew.deaths()[role][-signal.SIGKILL] >= KILLS * len(points_of(role))
        return count

    run_case(servers, "points-" + "-".join(roles), faults, expected=undisturbed.totals)
