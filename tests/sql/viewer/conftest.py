"""One viewer over the seeded fleets, one over a database without rows."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from dashboards.viewer.database import Source
from tests.sql.conftest import Engine
from tests.sql.site import Site
from tests.sql.viewer.browsing import Tab, started_browser, tab
from tests.sql.viewer.serving import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def source(engine: Engine, site: Site) -> Source:
    """The seeded database, as the user that may only read."""
    user, password = engine.reader
    return Source(url=engine.url, user=user, password=password, database=site.database)


@pytest.fixture(scope="session")
def served(source: Source) -> Iterator[Served]:
    """A viewer of the seeded database."""
    with serving(source) as found:
        yield found


@pytest.fixture(scope="session")
def served_empty(engine: Engine, database: Callable[[], str]) -> Iterator[Served]:
    """A viewer of a database without rows."""
    user, password = engine.reader
    with serving(Source(url=engine.url, user=user, password=password, database=database())) as found:
        yield found


# For a module, not for the session: while it is open, playwright's event loop runs in the tests' own thread,
# and no other test there can start one.
@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One Chromium for the tests of a module."""
    with started_browser() as found:
        yield found


@pytest.fixture
def opened(browser: "Browser") -> Callable[..., AbstractContextManager[Tab]]:
    """`opened(url, width=, scheme=, zone=)`: a page of its own."""
    return partial(tab, browser)
