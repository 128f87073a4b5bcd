"""Of two contents under one id the table keeps one, wherever they begin."""

from collections.abc import Callable

import pytest
from clickhouse_connect.driver.client import Client

from tests.sql.test_cost_views import ask, call, root
from tests.sql.through import Path


@pytest.mark.parametrize("later_s", [0.5, 5, 7_200])
def test_a_step_that_came_twice_with_other_starts_is_one_row(
    connect: Callable[..., Client], database: Callable[[], str], later_s: float
) -> None:
    client = connect(database())
    path = Path(client, "n")
    path.send([call("a", "r", 1, input_tokens=100), root("r")])
    path.send([call("a", "r", 1 + later_s, input_tokens=200)])
    path.end()
    (steps,) = ask(client, "SELECT count(), sum(input_tokens), sum(cost_usd) FROM agent_steps")
    (run,) = ask(client, "SELECT steps, input_tokens, cost_usd FROM agent_runs")
    assert steps == run
    assert steps[0] == 2


def test_a_step_that_ends_with_another_start_than_it_began_with_is_one_row(
    connect: Callable[..., Client], database: Callable[[], str]
) -> None:
    client = connect(database())
    path = Path(client, "n")
    path.send(
        [call("a", "r", 1, state="started", input_tokens=None, output_tokens=None, end_time_unix_nano=None)]
    )
    path.send([call("a", "r", 1.5, input_tokens=200), root("r")])
    path.end()
    found = ask(client, "SELECT event_id, toString(state) FROM agent_steps ORDER BY event_id")
    assert found == [("a", "ended"), ("r-root", "ended")]
