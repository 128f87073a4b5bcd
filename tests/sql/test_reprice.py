"""New prices reach steps, runs, windows and views, once; what was sent before changes nothing any more."""

import io
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from schemas.event import Event
from streams.pricing.book import PriceBook
from streams.pricing.own import OwnPrices
from streams.reprice.command import OpenRuns, _print, check_closed
from streams.reprice.plan import Plan, make_plan
from streams.reprice.write import follow, write
from streams.settings import Settings
from tests.sql.test_cost_views import START, ask, call, root
from tests.sql.through import Path

DAY_S = 86_400
SINCE_S = int(START.timestamp()) - DAY_S
UNTIL_S = SINCE_S + 2 * DAY_S
MILLION = 1_000_000
HOUR_NS = 3_600 * 10**9
OWN = """
name = "new"
[[prices]]
model = "gpt-4o-mini"
input_mtok = 1
[[prices]]
model = "house"
input_mtok = 2
"""


def book() -> PriceBook:
    return PriceBook(own=OwnPrices(OWN))


def events(namespace: str) -> list[Event]:
    def named(event: Event) -> Event:
        above = f"{namespace}-{event.parent_event_id}" if event.parent_event_id else None
        ids = {"event_id": f"{namespace}-{event.event_id}", "run_id": f"{namespace}-{event.run_id}"}
        return msgspec.structs.replace(event, parent_event_id=above, **ids)

    return [
        named(event)
        for event in (
            call("a1", "a", 1, input_tokens=MILLION, parent_event_id="a5"),
            call("a2", "a", 2, input_tokens=2 * MILLION, agent_name="other"),
            call("a3", "a", 3, input_tokens=MILLION, request_model="house"),
            call("a4", "a", 4, input_tokens=MILLION, request_model="gpt-4o", provider_name="openai"),
            call("a5", "a", 1, kind="agent", input_tokens=9 * MILLION, agent_name="planner"),
            root("a"),
        )
    ]


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    return connect(database())


def filled(client: Client, namespace: str) -> Path:
    path = Path(client, namespace)
    path.send(events(namespace))
    path.end()
    return path


def apply(client: Client, namespace: str, prices: PriceBook | None = None) -> tuple[Plan, dict[str, int]]:
    plan = make_plan(client, namespace, SINCE_S, UNTIL_S, prices or book())
    settings = Settings(namespace=namespace)
    steps = write(settings, client, plan, partial(put, client), lambda: None) if plan.changes else 0
    rest = follow(settings, client, SINCE_S, UNTIL_S, partial(put, client), lambda: None)
    return plan, {"steps": steps, **rest}


def put(client: Client, table: str, rows: Any) -> None:
    client.insert_arrow(table, rows, settings={"input_format_null_as_default": 1})


def state(client: Client, namespace: str) -> dict[str, Any]:
    where = f"WHERE namespace = '{namespace}'"
    return {
        "steps": ask(client, f"SELECT sum(cost_usd) FROM agent_steps {where}"),
        "by": ask(
            client,
            f"SELECT agent_name, sum(cost_usd) FROM agent_steps {where} GROUP BY agent_name ORDER BY 1",
        ),
        "runs": ask(client, f"SELECT cost_usd, unpriced_steps FROM agent_runs {where}"),
        "by_agent": ask(client, f"SELECT cost_by_agent_usd FROM runs FINAL {where}"),
        "minutes": ask(client, f"SELECT sum(cost_usd), sum(unpriced_steps) FROM agent_minutes {where}"),
        "hours": ask(client, f"SELECT sum(cost_usd) FROM agent_hours {where}"),
        "costs": ask(client, f"SELECT sum(cost_usd) FROM agent_costs {where}"),
    }


def test_a_repricing_reaches_all_that_is_made_of_steps_and_a_replay_takes_nothing_back(
    client: Client,
) -> None:
    path = filled(client, "one")
    before = state(client, "one")
    assert before["steps"] == [Decimal("0.45") + Decimal("2.5")]
    plan, counts = apply(client, "one")
    assert (plan.seen, len(plan.changes)) == (5, 4), "gpt-4o has the price that it had"
    total = plan.total()
    assert (total.old_usd, total.new_usd, total.priced) == (Decimal("0.45"), Decimal(5), 1)
    assert counts["steps"] == 4
    after = state(client, "one")
    assert after["steps"] == after["hours"] == after["costs"] == [Decimal("7.5")]
    assert after["runs"] == after["minutes"] == [(Decimal("7.5"), 0)]
    assert dict(after["by_agent"][0]) == dict(after["by"]) == {"other": Decimal(2), "planner": Decimal("5.5")}
    rollup = ask(
        client,
        "SELECT cost_usd, usage_cost_usd, toString(cost_status) FROM agent_steps WHERE event_id = 'one-a5'",
    )
    assert rollup == [(None, Decimal(9), "rollup")]
    log = ask(client, "SELECT old_cost_usd, cost_usd FROM repricings WHERE event_id = 'one-a1'")
    assert log == [(Decimal("0.15"), Decimal(1))]
    for rows in path.emitted:
        put(client, "steps", rows)
    assert state(client, "one") == after, "what was sent before is below"
    assert apply(client, "one")[0].changes == [], "a second time there is nothing to do"


def test_a_repricing_that_was_interrupted_is_completed(client: Client) -> None:
    filled(client, "two")
    plan = make_plan(client, "two", SINCE_S, UNTIL_S, book())

    class Stopped(Exception):
        """In the place of a kill."""

    calls = iter(range(10))

    def check() -> None:
        if next(calls) == 1:
            raise Stopped

    # Killed between the log and the steps, then between the steps and what is made of them.
    with pytest.raises(Stopped):
        write(Settings(namespace="two"), client, plan, partial(put, client), check)
    assert state(client, "two")["steps"] == [Decimal("2.95")]
    write(Settings(namespace="two"), client, plan, partial(put, client), lambda: None)
    assert state(client, "two")["runs"] == [(Decimal("2.95"), 1)]
    plan, counts = apply(client, "two")
    assert (plan.changes, counts["runs"]) == ([], 1)
    found = state(client, "two")
    assert found["minutes"] == [(Decimal("7.5"), 0)]
    assert found["steps"] == [Decimal("7.5")]
    assert found["runs"] == [(Decimal("7.5"), 0)]


def test_open_runs_are_refused(client: Client) -> None:
    path = Path(client, "three")
    path.send(events("three"))
    path.end()
    check_closed(client, "three", SINCE_S, UNTIL_S, 60)
    with pytest.raises(OpenRuns, match="1 of 1 runs of this range had a step"):
        check_closed(client, "three", SINCE_S, UNTIL_S, 10**9)
    client.command(
        "INSERT INTO runs "
        "(namespace, run_id, part, opened_time, start_time, state, append_time, row_version) "
        f"VALUES ('three', 'x', 1, {SINCE_S}, {SINCE_S + 90_000}, 'open', {SINCE_S + 90_000}, 1)"
    )
    with pytest.raises(OpenRuns, match="1 of 2 runs of this range are open"):
        check_closed(client, "three", SINCE_S, UNTIL_S, 60)


def test_the_difference_is_shown_by_agent_and_model(client: Client) -> None:
    filled(client, "four")
    out = io.StringIO()
    plan = make_plan(client, "four", SINCE_S, UNTIL_S, book())
    _print(plan, book(), out)
    text = out.getvalue()
    assert "5 steps with usage; 4 would differ" in text
    assert "+4.550000" in text
    assert "house" in text


def test_steps_that_runs_has_not_come_to_are_refused(client: Client) -> None:
    path = Path(client, "scratch")
    path.send(events("unseen"))
    (rows,) = path.emitted
    place = rows.schema.get_field_index("namespace")
    put(client, "steps", rows.set_column(place, "namespace", pa.repeat("unseen", rows.num_rows)))
    with pytest.raises(OpenRuns, match="1 runs with steps in this range are not in `runs`"):
        check_closed(client, "unseen", SINCE_S, UNTIL_S, 60)


def test_a_repricing_counts_though_the_clock_went_back(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(client, "clock")
    apply(client, "clock")
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - HOUR_NS)
    later = PriceBook(own=OwnPrices(OWN.replace("input_mtok = 1", "input_mtok = 3")))
    plan, counts = apply(client, "clock", later)
    assert counts["steps"] == len(plan.changes) == 3
    found = state(client, "clock")
    assert found["steps"] == found["hours"] == found["costs"] == [Decimal("13.5")]
    assert found["runs"] == found["minutes"] == [(Decimal("13.5"), 0)]
    assert apply(client, "clock", later)[0].changes == []
