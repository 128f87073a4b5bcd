"""Can the pages be used without a mouse and without sight? By keyboard, and by the rules that axe knows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards.registry import DASHBOARDS
from tests.sql.site import Site
from tests.sql.viewer.browsing import Tab
from tests.sql.viewer.serving import Served

Opened = Callable[..., AbstractContextManager[Tab]]
FOCUS = "() => document.activeElement.innerText || document.activeElement.getAttribute('aria-label') || ''"
# WCAG 2.2, levels A and AA, and what axe calls good practice.
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


def violations(tab: Tab) -> list[str]:
    """What axe finds: rule, and the first element that breaks it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    # The page's own policy forbids inline scripts, and this is none of the page's.
    found: dict[str, Any] = axe.Axe().run(tab.page, options=RULES).response
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:300]}" for one in found["violations"]]


def page_of(site: Site, uid: str, more: str = "") -> str:
    start_ms = site.fleets["live"].start_ns // 10**6
    return f"/d/{uid}?var-namespace=live&from={start_ms}&to={start_ms + 6 * 3_600_000}{more}"


@pytest.mark.parametrize("uid", list(DASHBOARDS))
def test_dashboards_keep_the_rules_of_access(opened: Opened, served: Served, site: Site, uid: str) -> None:
    with opened(served.url) as tab:
        tab.open(page_of(site, uid, "&var-run=run-10&step=run-10-0"))
        assert violations(tab) == []
        tab.page.get_by_role("button", name="Switch to the light theme").click()
        tab.settle()
        assert violations(tab) == []


@pytest.mark.parametrize("path", ["/", "/search?q=gew%C3%BCrztraminer&var-namespace=live", "/d/no-such"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_other_pages_keep_the_rules_of_access(opened: Opened, served: Served, path: str, scheme: str) -> None:
    with opened(served.url, scheme=scheme) as tab:
        tab.page.goto(served.url + path)
        tab.page.locator(".card, .hit, [role=alert]").first.wait_for()
        assert violations(tab) == []


def press(tab: Tab, *keys: str) -> str:
    """Press keys; returns what then has the focus."""
    for key in keys:
        tab.page.keyboard.press(key)
    return str(tab.run(FOCUS))


def test_the_first_key_skips_to_the_content(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(page_of(site, "wakeline-fleet"), whole=False)
        assert press(tab, "Tab") == "Skip to the content"
        press(tab, "Enter")
        assert tab.run("document.activeElement.id") == "main"
        assert tab.run("document.querySelectorAll('main, header, nav').length") >= 3


def test_agents_are_chosen_by_keyboard(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(page_of(site, "wakeline-fleet"), whole=False)
        tab.page.locator("[data-variable=agent] summary").focus()
        press(tab, "Enter", "Tab", "Tab")
        assert tab.run("document.activeElement.type") == "checkbox"
        name = tab.run("document.activeElement.value")
        press(tab, "Space", "Escape")
        tab.page.wait_for_url("**var-agent=**")
        tab.settle(whole=False)
        assert parse_qs(urlsplit(tab.page.url).query)["var-agent"] == [name]
        assert tab.run("document.activeElement.closest('[data-variable]').dataset.variable") == "agent"


def test_a_menu_is_walked_with_arrows_and_closed_with_escape(
    opened: Opened, served: Served, site: Site
) -> None:
    with opened(served.url) as tab:
        tab.open(page_of(site, "wakeline-fleet"))
        button = tab.page.get_by_role("button", name="Menu of Spend by agent")
        button.focus()
        assert press(tab, "Enter") == "View as table"
        assert press(tab, "ArrowDown") == "Download as CSV"
        assert press(tab, "ArrowUp", "ArrowUp") in ("Enlarge", "Show the SQL")
        press(tab, "Escape")
        assert button.get_attribute("aria-expanded") == "false"
        assert tab.run("document.activeElement.getAttribute('aria-label')") == "Menu of Spend by agent"
        press(tab, "Enter", "Enter")
        rows = tab.panel("Spend by agent").locator("tbody tr")
        rows.first.wait_for()
        head = tab.panel("Spend by agent").locator("button.sort").first
        head.focus()
        press(tab, "Enter")
        assert tab.panel("Spend by agent").locator("th[aria-sort=descending]").count() == 1


def test_a_waterfall_is_walked_with_arrows(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(page_of(site, "wakeline-runs", "&var-run=run-10"))
        rows = tab.page.locator(".span-row")
        # One stop for the whole list, arrows within.
        assert rows.evaluate_all("all => all.filter((one) => one.tabIndex === 0).length") == 1
        rows.first.focus()
        press(tab, "ArrowDown")
        assert rows.nth(1).evaluate("one => one === document.activeElement")
        press(tab, "Home", "ArrowLeft")
        assert rows.first.get_attribute("aria-expanded") == "false"
        assert tab.page.locator(".waterfall li:visible").count() < rows.count()
        press(tab, "ArrowRight", "End", "Enter")
        assert rows.last.get_attribute("aria-pressed") == "true"
        assert tab.page.locator(".waterfall li:visible").count() == rows.count()
        tab.page.locator(".step-detail .facts").wait_for()


def test_a_mark_says_what_happened_with_the_focus(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(page_of(site, "wakeline-fleet"))
        mark = tab.panel("Spend by agent").locator(".mark").first
        mark.focus()
        told = tab.page.get_by_role("tooltip")
        assert mark.get_attribute("aria-describedby") == told.get_attribute("id")
        assert (mark.get_attribute("aria-label") or "").split(":")[0] in told.inner_text()
        press(tab, "Escape")
        assert not told.is_visible()


def test_every_panel_is_a_region_with_a_name_and_every_chart_says_what_it_is(
    opened: Opened, served: Served, site: Site
) -> None:
    with opened(served.url) as tab:
        tab.open(page_of(site, "wakeline-fleet"))
        for panel in served.get("/api/dashboards/wakeline-fleet").json["panels"]:
            if panel["type"] != "row":
                assert tab.page.get_by_role("region", name=panel["title"], exact=True).count() == 1
        charts = tab.page.locator(".js-plotly-plot")
        assert charts.count() > 3
        for label in charts.evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))"):
            assert "has it as a table" in label or "has them as a table" in label
