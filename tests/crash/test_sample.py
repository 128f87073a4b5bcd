"""A sample of the crash suite for `make test`: each role dies once at a point that matters."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from streams.fault_points import FaultPoint
from tests.crash.case import Servers, run_case
from tests.crash.crew import Crew
from tests.crash.feeder import Feeder
from tests.crash.progress import Progress

pytestmark = [pytest.mark.functional, pytest.mark.timeout(300)]

RUNS = 120
POINTS = (
    FaultPoint.INGEST_ACKNOWLEDGED,
    FaultPoint.WRITE_TABLE_INSERTED,
    FaultPoint.RUNS_PROCESSED,
    FaultPoint.DRIFT_SNAPSHOT_SENT,
    FaultPoint.NOTIFY_RECORDED,
)


def test_every_role_dies_once_and_nothing_differs(servers: Servers) -> None:
    def nothing(_crew: Crew, feeder: Feeder) -> int:
        feeder.share(1.0)
        return 0

    def faults(crew: Crew, feeder: Feeder) -> int:
        progress = Progress("sample", len(POINTS), feeder)

        def die(point: FaultPoint) -> None:
            crew.arm(point)
            crew.wait_reached(point)
            progress.count()

        with ThreadPoolExecutor(len(POINTS)) as pool:
            list(pool.map(die, POINTS))
        return len(POINTS)

    whole = run_case(servers, "sample-whole", nothing, expected=None, runs=RUNS, per_s=400.0)
    run_case(servers, "sample", faults, expected=whole.totals, runs=RUNS, per_s=100.0)
