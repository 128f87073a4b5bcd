"""A Grafana for each test, and a client of it."""

from collections.abc import Iterator

import pytest

from dashboards.publish.client import Grafana
from tests.unit.publish.double import TOKEN, GrafanaDouble


@pytest.fixture
def double() -> Iterator[GrafanaDouble]:
    grafana = GrafanaDouble()
    yield grafana
    grafana.close()


@pytest.fixture
def grafana(double: GrafanaDouble) -> Grafana:
    return Grafana(double.url, TOKEN, 5.0)
