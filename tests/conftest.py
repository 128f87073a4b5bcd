"""What all tests share: the recorded data, when it is there."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.data import place

# Machines are shared: no test asserts on time.
settings.register_profile("wakeline", deadline=None)
settings.load_profile("wakeline")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded data; the test is skipped where it is absent."""
    try:
        return place.shared_data()
    except FileNotFoundError as error:
        pytest.skip(str(error))
