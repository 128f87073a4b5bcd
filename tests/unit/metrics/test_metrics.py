"""All metrics stand in one list, and /metrics shows exactly those."""

import re
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from streams import metrics
from streams.app import ROLES
from streams.health import Health, serve
from streams.local.ports import free_port
from streams.metrics import ALL_ROLES, METRICS, Counter, Gauge, Histogram, Metric, RoleMetrics

DOCUMENT = Path(__file__).parents[3] / "docs" / "operations.md"


def shown(role: str) -> dict[str, str]:
    """Names and types at /metrics of a role, as a scraper reads them."""
    server = serve(Health(role), port := free_port())
    assert server is not None
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
    return {family.name: family.type for family in text_string_to_metric_families(text)}


@pytest.mark.parametrize("role", ALL_ROLES)
def test_metrics_of_a_role_are_those_of_the_list(role: str) -> None:
    kinds = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}
    expected = {
        metric.name.removesuffix("_total"): kinds[type(metric)] for metric in METRICS if role in metric.roles
    }
    # The client adds when each series began.
    found = {name: kind for name, kind in shown(role).items() if not name.endswith("_created")}
    assert found == expected


def test_the_list_holds_every_metric_that_is_defined() -> None:
    defined = [value for value in vars(metrics).values() if isinstance(value, Metric)]
    assert {metric.name for metric in defined} == {metric.name for metric in METRICS}
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_the_roles_of_the_list_are_those_that_run() -> None:
    assert set(ROLES) == set(ALL_ROLES)
    assert all(set(metric.roles) <= set(ALL_ROLES) for metric in METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_follows_prometheus_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"wakeline(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == isinstance(metric, Counter)
    assert (metric.unit == "s") == metric.name.endswith("_seconds")
    assert (metric.unit == "bytes") == metric.name.endswith("_bytes")
    assert "role" not in metric.labels
    assert metric.help
    assert not metric.help.endswith(".")


def test_what_is_not_in_the_list_cannot_be_counted() -> None:
    numbers = RoleMetrics(CollectorRegistry(), "ingest")
    with pytest.raises(KeyError):
        numbers.count(Counter("wakeline_other_total", "Something else", "things"))
    with pytest.raises(KeyError):
        numbers.count(metrics.LATE)  # DRIFT's
    with pytest.raises(ValueError, match="label"):
        numbers.count(metrics.FRAMES)


def test_values_arrive_and_a_lost_partition_is_shown_no_more() -> None:
    registry = CollectorRegistry()
    numbers = RoleMetrics(registry, "write")
    numbers.count(metrics.STORED_ROWS, 3, table="steps")
    numbers.count(metrics.STORED_ROWS, 4, table="steps")
    numbers.set(metrics.LAG_RECORDS, 5, topic="t", partition="0")
    with numbers.time(metrics.INSERT_SECONDS, table="steps"):
        pass
    labels = {"role": "write", "table": "steps"}
    assert registry.get_sample_value("wakeline_stored_rows_total", labels) == 7
    assert registry.get_sample_value("wakeline_insert_seconds_count", labels) == 1
    place = {"role": "write", "topic": "t", "partition": "0"}
    assert registry.get_sample_value("wakeline_lag_records", place) == 5
    numbers.forget(metrics.LAG_RECORDS, topic="t", partition="0")
    numbers.forget(metrics.LAG_RECORDS, topic="t", partition="1")
    assert registry.get_sample_value("wakeline_lag_records", place) is None


def test_the_table_in_the_documentation_is_that_of_the_list() -> None:
    assert metrics.table() in DOCUMENT.read_text(encoding="utf-8"), (
        "docs/operations.md: put there what `python -m streams.metrics` prints"
    )
