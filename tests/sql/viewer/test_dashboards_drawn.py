"""Is every panel of every dashboard drawn, over data and over none, wide and narrow, dark and light?"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from dashboards.registry import DASHBOARDS
from tests.sql.site import EXAMPLES, Site
from tests.sql.viewer.browsing import Tab
from tests.sql.viewer.serving import Served

Opened = Callable[..., AbstractContextManager[Tab]]
# What must be there when a panel of this kind has drawn something.
DRAWINGS = {
    "stat": ".stat .number",
    "gauge": ".gauge svg path",
    "bargauge": ".bargauge li .bar",
    "timeseries": ".scatterlayer .trace, .barlayer .trace",
    "barchart": ".barlayer .point",
    "piechart": ".pielayer .slice",
    "histogram": ".barlayer .point",
    "heatmap": ".heatmaplayer image",
    "table": "table.rows tbody tr",
    "state-timeline": ".state-rows .span",
    "status-history": ".state-rows .span",
    "nodeGraph": ".graph .node",
    "traces": ".waterfall .span-row",
    "logs": ".logs li",
    "text": ".prose > *",
}
# For each panel: what it is, how it ended, its drawing, what it says, and whether anything was told.
PANELS = """
(drawings) => window.wakeline.dashboard.panels.map((panel) => ({
    title: panel.model.title,
    kind: panel.model.type,
    state: panel.element.dataset.state ?? "never drawn",
    drawings: panel.body.querySelectorAll(drawings[panel.model.type] ?? "no such kind").length,
    text: panel.body.innerText.trim(),
    rows: panel.answers.reduce((sum, { answer }) => sum + (answer.values[0]?.length ?? 0), 0),
    numbers: panel.answers.flatMap(({ answer }) => answer.columns.flatMap(({ kind }, at) =>
        kind === "number" ? answer.values[at].filter((value) => value !== null) : [])).length,
    outside: panel.body.scrollWidth > panel.body.clientWidth + 1,
}))
"""


def path(site: Site, uid: str, namespace: str = "live") -> str:
    """Six hours of a fleet, with a run chosen and a word searched where a dashboard has boxes for them."""
    start_ms = site.fleets[namespace].start_ns // 10**6
    chosen = "".join(f"&var-{name}={value}" for name, value in EXAMPLES.items() if name == "run")
    chosen += "&var-search=gew%C3%BCrztraminer"
    return f"/d/{uid}?var-namespace={namespace}&from={start_ms}&to={start_ms + 6 * 3_600_000}{chosen}"


def check(tab: Tab) -> list[dict[str, Any]]:
    """What holds for every page; returns its panels."""
    assert tab.complaints == []
    panels: list[dict[str, Any]] = tab.run(PANELS, DRAWINGS)
    assert panels
    for panel in panels:
        assert panel["kind"] in DRAWINGS, panel
        assert panel["state"] in ("drawn", "empty"), panel
        if panel["state"] == "drawn":
            assert panel["drawings"] > 0, panel
        else:
            assert panel["text"], panel
            assert panel["drawings"] == 0, panel
        assert not panel["outside"], panel
    assert tab.run("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    return panels


@pytest.mark.parametrize("uid", list(DASHBOARDS))
def test_every_panel_has_its_drawing(opened: Opened, served: Served, site: Site, uid: str) -> None:
    with opened(served.url) as tab:
        for panels in (check(tab.open(path(site, uid))), check(light(tab)), check(narrow(tab))):
            for panel in panels:
                # What was told is drawn: nothing to see is only said where there is nothing.
                is_listed = panel["kind"] in ("table", "logs")
                is_empty = panel["rows"] == 0 or (not is_listed and panel["numbers"] == 0)
                assert panel["state"] == "drawn" or is_empty, panel
            assert sum(panel["state"] == "drawn" for panel in panels) >= 0.8 * len(panels)


@pytest.mark.parametrize("uid", list(DASHBOARDS))
def test_an_empty_database_is_said_and_drawn_nowhere(
    opened: Opened, served_empty: Served, site: Site, uid: str
) -> None:
    with opened(served_empty.url, scheme="light") as tab:
        for panels in (check(tab.open(path(site, uid))), check(narrow(tab))):
            for panel in panels:
                if panel["kind"] in ("text", "stat"):
                    # A stat may have a text of its own for no value; a number only if the database told one.
                    assert panel["numbers"] or not any(sign.isdigit() for sign in panel["text"]), panel
                elif panel["rows"] == 0:
                    assert panel["state"] == "empty", panel


def light(tab: Tab) -> Tab:
    """The same page in the other theme."""
    tab.page.get_by_role("button", name="Switch to the light theme").click()
    assert tab.run("document.documentElement.dataset.theme") == "light"
    return tab.settle()


def narrow(tab: Tab) -> Tab:
    """The same page on a telephone."""
    tab.page.set_viewport_size({"width": 400, "height": 900})
    tab.page.wait_for_timeout(600)  # what is laid out by width is drawn again once the size rests
    return tab.settle()


def test_a_page_that_begins_narrow_is_whole(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url, width=400) as tab:
        check(tab.open(path(site, "wakeline-fleet")))


def test_a_row_of_panels_can_be_closed_and_opened(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(path(site, "wakeline-fleet"))
        heads = tab.page.locator(".row-head")
        if heads.count() == 0:
            pytest.skip("The dashboard has no rows")
        head, grid = heads.first, tab.page.locator(".section:has(.row-head) > .grid").first
        head.press("Enter")
        assert head.get_attribute("aria-expanded") == "false"
        assert grid.is_hidden()
        head.press("Enter")
        assert grid.is_visible()
