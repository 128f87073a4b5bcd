"""Does what agents say stay a text, wherever it is shown, and does no link lead where it must not?"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from dashboards.viewer.database import Source
from schemas.event import Event
from tests.sql.conftest import Engine
from tests.sql.through import Path as Through
from tests.sql.viewer.browsing import Tab
from tests.sql.viewer.hostile import (
    BAD_LINKS,
    GOOD_LINKS,
    IMAGE,
    SCRIPT,
    STATEMENTS,
    STYLED,
    hostile_dashboards,
)
from tests.sql.viewer.serving import serving

Opened = Callable[..., AbstractContextManager[Tab]]
# Lately: what needs attention in a range is what does now, if the range goes on.
AT_S = int((datetime.now(UTC) - timedelta(hours=2)).timestamp())
# Elements and attributes that only a text that became HTML could have made.
TRACES = """
() => ({
    hacked: window.hacked ?? null,
    scripts: [...document.scripts].filter((one) => !one.src.startsWith(location.origin + "/static/")).length,
    handlers: [...document.querySelectorAll("*")].filter((one) =>
        [...one.attributes].some(({ name }) => name.startsWith("on"))).length,
    images: [...document.images].filter((one) => !one.src.startsWith(location.origin + "/static/")).length,
    links: [...document.querySelectorAll("a[href]"), ...document.querySelectorAll("svg a")].map((one) =>
        one.getAttribute("href") ?? one.getAttribute("xlink:href") ?? ""),
})
"""


def check(tab: Tab) -> list[str]:
    """Nothing ran and nothing was made; returns the links of the page."""
    found: dict[str, Any] = tab.run(TRACES)
    assert found["hacked"] is None
    assert (found["scripts"], found["handlers"], found["images"]) == (0, 0, 0)
    links: list[str] = found["links"]
    for link in links:
        assert link.startswith(("/", "http://", "https://", "#")), link
        assert not link.startswith("//"), link
    assert tab.complaints == []
    return links


def test_no_kind_of_panel_runs_what_it_shows(opened: Opened, source: Source, tmp_path: Path) -> None:
    with serving(source, folder=hostile_dashboards(tmp_path)) as served, opened(served.url) as tab:
        tab.open("/d/own?from=0&to=7200000")
        states = tab.page.locator(".panel").evaluate_all("all => all.map((one) => one.dataset.state)")
        assert states == ["drawn"] * (len(STATEMENTS) + 2)
        links = check(tab)
        assert set(GOOD_LINKS) <= {link.rstrip("/") for link in links}
        cells = tab.panel("Links").locator("[data-column=url]")
        assert cells.count() == len(BAD_LINKS) + len(GOOD_LINKS)
        for number, link in enumerate((*BAD_LINKS, *GOOD_LINKS)):
            assert cells.nth(number).locator("a").count() == (link in GOOD_LINKS), link
        assert tab.page.get_by_role("heading", level=1).inner_text() == SCRIPT
        table = tab.page.locator(".kind-table").first
        assert {SCRIPT, IMAGE, STYLED} <= set(table.locator("[data-column=text]").all_inner_texts())
        # What appears under the pointer, and with the focus.
        for chart in tab.page.locator(".chart").all():
            box = chart.bounding_box()
            assert box is not None
            for across in (0.3, 0.5, 0.7):
                tab.page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * 0.5)
                tab.page.wait_for_timeout(60)
        for element in tab.page.locator(".mark, .state-rows .span, .node, .panel-head .icon").all():
            element.dispatch_event("focus")
        tab.page.locator(".span-row").first.click()
        tab.page.locator(".step-detail h3").wait_for()
        tab.page.locator("details.several summary").click()
        check(tab)


@pytest.fixture(scope="module")
def hostile(engine: Engine, connect: Callable[..., Client], database: Callable[[], str]) -> Source:
    """A database with one run, whose agent, step, tool, user and contents are attacks."""
    name = database()
    raw = msgspec.Raw(msgspec.json.encode([{"role": SCRIPT, "parts": [
        {"type": "text", "content": f"{IMAGE} needle {SCRIPT}"}, {"type": "reasoning", "content": STYLED},
        {"type": "tool_call", "name": SCRIPT, "arguments": {SCRIPT: IMAGE}}]}]))  # fmt: skip
    common: dict[str, Any] = {
        "run_id": SCRIPT,
        "agent_name": IMAGE,
        "environment": SCRIPT,
        "team": STYLED,
        "user_id": SCRIPT,
        "task": IMAGE,
        "service_name": STYLED,
        "start_time_unix_nano": AT_S * 10**9,
        "end_time_unix_nano": (AT_S + 1) * 10**9,
    }
    events = [
        Event(event_id="root", kind="run", step_name=SCRIPT, **common),
        Event(
            event_id="call", kind="llm", parent_event_id="root", step_name=STYLED, request_model=SCRIPT,
            input_messages=raw, output_messages=raw, reasoning=raw, error_type=SCRIPT, error_message=IMAGE,
            **common,
        ),
        Event(event_id="tool", kind="tool", parent_event_id="call", tool_name=SCRIPT,
              tool_call_arguments=raw, **common),
    ]  # fmt: skip
    path = Through(connect(name), "live", keep_contents=True)
    path.send(events)
    path.end()
    user, password = engine.reader
    return Source(url=engine.url, user=user, password=password, database=name)


@pytest.mark.parametrize("uid", ["wakeline-fleet", "wakeline-runs", "wakeline-inventory"])
def test_an_agent_whose_name_is_a_script_is_shown_by_that_name(
    opened: Opened, hostile: Source, uid: str
) -> None:
    with serving(hostile) as served, opened(served.url) as tab:
        tab.open(f"/d/{uid}?var-namespace=live&from={AT_S - 3_600}000&to={AT_S + 3_600}000")
        check(tab)
        assert IMAGE in tab.page.locator(".kind-table").first.inner_text()
        tab.page.locator("[data-variable=agent] summary").click()
        assert tab.page.get_by_label(IMAGE, exact=True).count() == 1


def test_what_such_an_agent_said_is_read_and_not_run(opened: Opened, hostile: Source) -> None:
    with serving(hostile) as served, opened(served.url) as tab:
        tab.open("/search?q=needle&var-namespace=live")
        hit = tab.page.locator(".hit").first
        hit.wait_for()
        assert SCRIPT in hit.inner_text()
        check(tab)
        tab.page.locator(".hit", has=tab.page.locator("text=answered")).get_by_role("link").first.click()
        tab.page.wait_for_url("**/d/wakeline-runs**")
        tab.settle()
        detail = tab.page.locator(".step-detail")
        detail.locator(".reasoning").first.wait_for()
        for text in (SCRIPT, IMAGE, STYLED):
            assert text in detail.inner_text()
        check(tab)
