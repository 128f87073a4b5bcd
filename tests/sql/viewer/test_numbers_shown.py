"""Are the numbers that a person reads on the page those of the events? Compared digit by digit as shown."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from dashboards.macros import ALL, Value
from tests.sql.expected import Choice, cost_usd, duration_s, is_unpriced, quantile, rank_value
from tests.sql.fleet_events import AGENTS
from tests.sql.site import Site
from tests.sql.viewer.browsing import Tab
from tests.sql.viewer.reading import read
from tests.sql.viewer.serving import Served

Opened = Callable[..., AbstractContextManager[Tab]]
# Durations of steps come out of buckets that are so wide.
BUCKET = 1 / 64


def show(tab: Tab, site: Site, uid: str, namespace: str, agents: Value = ALL) -> Choice:
    """Open six hours of a fleet; returns what is expected of it."""
    start_ms = site.fleets[namespace].start_ns // 10**6
    chosen = "" if agents == ALL else "".join(f"&var-agent={name}" for name in agents)
    tab.open(f"/d/{uid}?var-namespace={namespace}&from={start_ms}&to={start_ms + 6 * 3_600_000}{chosen}")
    return site.choice(site.scope(namespace, agent=agents))


def number(tab: Tab, title: str) -> str:
    """What a stat shows."""
    text: str = tab.panel(title).locator(".number").inner_text()
    return text


def legend(tab: Tab, title: str, calculation: str) -> dict[str, str]:
    """Name to text of a column of a chart's legend."""
    panel = tab.panel(title)
    heads = panel.locator("table.legend thead th").all_inner_texts()
    rows = panel.locator("table.legend tbody tr").all()
    column = heads.index(calculation) - 1
    return {
        row.locator("th").inner_text().strip(): row.locator("td").nth(column).inner_text() for row in rows
    }


def rows(tab: Tab, title: str) -> list[dict[str, str]]:
    """Rows of a table by its heads, as they are shown."""
    panel = tab.panel(title)
    heads = panel.locator("table.rows thead th").all_inner_texts()
    return [
        dict(zip(heads, row.locator("th, td").all_inner_texts(), strict=True))
        for row in panel.locator("table.rows tbody tr").all()
    ]


@pytest.mark.parametrize("namespace", ["live", "old"])
@pytest.mark.parametrize("agents", [ALL, ["planner", "coder"]], ids=str)
def test_the_first_row_says_what_the_events_say(
    opened: Opened, served: Served, site: Site, namespace: str, agents: Value
) -> None:
    with opened(served.url) as tab:
        fleet = show(tab, site, "wakeline-fleet", namespace, agents)
        assert read(number(tab, "Runs")).value == len(fleet.runs)
        assert read(number(tab, "Success")).says(fleet.success_ratio)
        assert read(number(tab, "Spend")).says(fleet.spend_usd)
        assert read(number(tab, "Unpriced calls")).value == sum(map(is_unpriced, fleet.events))
        assert read(number(tab, "p95 of a run")).says(rank_value((run.seconds for run in fleet.runs), 0.95))
        assert read(number(tab, "Active agents")).value == len({fleet.owner(e) for e in fleet.events})


@pytest.mark.parametrize("namespace", ["live", "old"])
def test_series_add_up_to_the_events(opened: Opened, served: Served, site: Site, namespace: str) -> None:
    with opened(served.url) as tab:
        fleet = show(tab, site, "wakeline-fleet", namespace)
        spent = fleet.sums(fleet.owner, cost_usd)
        shown = legend(tab, "Spend by agent", "Sum")
        assert set(spent) <= set(shown) == set(AGENTS)
        for agent, text in shown.items():
            assert read(text).says(spent.get(agent, 0.0)), agent
        cached = sum(event.cache_read_input_tokens or 0 for event in fleet.calls)
        given = sum(event.input_tokens or 0 for event in fleet.calls)
        written = sum(event.output_tokens or 0 for event in fleet.calls)
        tokens = legend(tab, "Tokens", "Sum")
        assert len(tokens) == 3
        for name, expected in (("New input", given - cached), ("Cached input", cached), ("Output", written)):
            assert read(tokens[name]).says(expected), name


def test_steps_are_counted_and_timed_as_the_events_are(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        fleet = show(tab, site, "wakeline-fleet", "old")
        shown = rows(tab, "Duration by step")
        assert len(shown) > len(AGENTS)
        for row in shown:
            own = [
                event
                for event in fleet.leaves
                if (fleet.owner(event), event.step_name or event.tool_name) == (row["agent"], row["step"])
            ]
            assert read(row["steps"]).value == len(own) > 0
            for share, column in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
                assert read(row[column]).says(quantile(map(duration_s, own), share), rel=BUCKET), row
            failed = sum(event.error_type is not None for event in own)
            assert read(row["errors"]).says(failed / len(own)), row
        assert sum(read(row["steps"]).value for row in shown) == len(fleet.leaves)


def test_the_most_expensive_runs_are_listed_with_their_sums(
    opened: Opened, served: Served, site: Site
) -> None:
    with opened(served.url) as tab:
        fleet = show(tab, site, "wakeline-fleet", "live")
        best = sorted(fleet.runs, key=lambda run: (-run.cost_usd, run.run_id))[:20]
        shown = rows(tab, "Most expensive runs")
        assert [row["run"] for row in shown] == [run.run_id for run in best]
        for row, run in zip(shown, best, strict=True):
            assert read(row["spend"]).says(float(run.cost_usd))
            assert read(row["duration"]).says(run.seconds)
            assert read(row["steps"]).value == len(run.events)
            assert read(row["errors"]).value == run.errors
            assert row["agent"] == run.agent


def test_the_bill_says_who_spent_what(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        fleet = show(tab, site, "wakeline-cost", "live")
        assert read(number(tab, "Spend")).says(fleet.spend_usd)
        by_model: Counter[str] = Counter()
        for event in fleet.calls:
            by_model[event.request_model or ""] += float(cost_usd(event))  # type: ignore[assignment]  # sums
        for model, text in legend(tab, "Spend by model", "Sum").items():
            assert read(text).says(by_model[model]), model


def test_a_chart_as_a_table_has_every_value_of_the_answer(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        show(tab, site, "wakeline-fleet", "live")
        panel = tab.panel("Spend by agent")
        panel.get_by_role("button", name="Menu of Spend by agent").click()
        panel.get_by_role("menuitem", name="View as table").click()
        panel.locator("table.rows tbody tr").first.wait_for()
        while panel.locator("button.more:visible").count():
            panel.locator("button.more").click()
        cells: list[Any] = panel.locator("table.rows tbody td").evaluate_all(
            "cells => cells.map((cell) => cell.dataset.value)"
        )
        told = sum(float(value) for value in cells if value)
        assert told == pytest.approx(site.choice(site.scope("live")).spend_usd)
