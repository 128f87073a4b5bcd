"""Do questions stay right for what the fleets of their other tests do not have?"""

import time
from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from schemas.columns import Kind
from schemas.questions import find_question
from tests.sql.rows import HOUR_NS, insert


def test_a_late_part_of_a_run_takes_no_outcome_away(
    database: Callable[[], str], connect: Callable[..., Client]
) -> None:
    name = database()
    hour_ns = int(time.time()) // 3600 * HOUR_NS
    parts = [
        {"run_id": "told", "part": 0, "outcome_name": "resolved", "outcome_success": True},
        {"run_id": "told", "part": HOUR_NS},
        {"run_id": "untold", "part": 0},
    ]
    rows = [
        one
        | {
            "opened_time": hour_ns,
            "append_time": hour_ns,
            "start_time": hour_ns,
            "end_time": hour_ns + HOUR_NS,
            "steps": 1,
        }
        for one in parts
    ]
    insert(connect(name), Kind.RUNS, rows, namespace="live")
    question = find_question("most_expensive_runs")
    assert question is not None
    answer = connect(name, reader=True).query(
        question.sql,
        parameters={"namespace": "live", "since": hour_ns // 10**9, "until": hour_ns // 10**9 + 3600},
    )
    found = dict(zip(answer.result_columns[0], answer.result_columns[-1], strict=True))
    assert found == {"told": "resolved", "untold": ""}
