"""One broker, one engine and one undisturbed run for all cases of a session."""

from collections.abc import Iterator

import pytest

from tests.crash.case import Outcome, Servers, run_case, seed_of_session
from tests.crash.crew import Crew
from tests.crash.feeder import Feeder
from tests.crash.servers import Broker, Engine


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Broker and engine of the crash suite alone: the broker gets killed."""
    folder = tmp_path_factory.mktemp("crash")
    with Broker(folder / "kafka") as broker, Engine(folder) as engine:
        yield Servers(broker, engine, folder, seed_of_session())


def _nothing(_crew: Crew, feeder: Feeder) -> int:
    feeder.share(1.0)
    return 0


@pytest.fixture(scope="session")
def undisturbed(servers: Servers) -> Outcome:
    """The same load without any fault."""
    return run_case(servers, "undisturbed", _nothing, expected=None, per_s=150.0)
