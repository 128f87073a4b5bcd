"""Do the pages do what people expect: choices and ranges in the address, links, tables, search, errors?"""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards.viewer.database import Source
from tests.sql.fleet_events import AGENTS, NEEDLE
from tests.sql.site import Site
from tests.sql.viewer.browsing import Tab
from tests.sql.viewer.serving import Served, own_dashboard, serving

Opened = Callable[..., AbstractContextManager[Tab]]


def fleet(site: Site, more: str = "", uid: str = "wakeline-fleet") -> str:
    """Six hours of the fleet of today."""
    start_ms = site.fleets["live"].start_ns // 10**6
    return f"/d/{uid}?var-namespace=live&from={start_ms}&to={start_ms + 6 * 3_600_000}{more}"


def address(tab: Tab) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(urlsplit(tab.page.url).query)


def runs(tab: Tab) -> int:
    """What the first number says."""
    return int(tab.panel("Runs").locator(".number").inner_text().replace(",", ""))


# -- choices and ranges


def test_a_choice_changes_the_address_the_numbers_and_the_links(
    opened: Opened, served: Served, site: Site
) -> None:
    with opened(served.url) as tab:
        tab.open(fleet(site), whole=False)
        everything = runs(tab)
        tab.page.locator("[data-variable=agent] summary").click()
        tab.page.get_by_label("planner", exact=True).check()
        tab.page.get_by_role("button", name="Apply").first.click()
        tab.page.wait_for_url("**var-agent=planner**")
        tab.settle(whole=False)
        chosen = site.choice(site.scope("live", agent=["planner"]))
        assert runs(tab) == len(chosen.runs) < everything
        siblings = tab.page.locator(".siblings a").evaluate_all("all => all.map((one) => one.href)")
        assert siblings
        for link in siblings:
            asked = parse_qs(urlsplit(link).query)
            assert (asked["var-agent"], asked["var-namespace"]) == (["planner"], ["live"])
            assert asked["from"] == address(tab)["from"]
        tab.page.go_back()
        tab.page.wait_for_function("() => !location.search.includes('var-agent')")
        tab.page.wait_for_function(f"() => document.querySelector('.number').innerText === '{everything}'")


def test_a_preset_and_two_ends_set_the_range(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(fleet(site), whole=False)
        summary = tab.page.locator(".range summary")
        summary.click()
        tab.page.get_by_role("button", name="Last 12 hours").click()
        tab.settle(whole=False)
        assert (address(tab)["from"], address(tab)["to"]) == (["now-12h"], ["now"])
        assert summary.inner_text() == "Last 12 hours"
        summary.click()
        tab.page.get_by_label("From", exact=True).fill("2026-02-30 soon")
        tab.page.get_by_role("button", name="Apply").last.click()
        assert tab.page.locator(".range .failure").inner_text().startswith("A time is a date")
        tab.page.get_by_label("From", exact=True).fill("2026-03-02 09:30")
        tab.page.get_by_label("To", exact=True).fill("2026-03-02 09:00")
        tab.page.get_by_role("button", name="Apply").last.click()
        assert tab.page.locator(".range .failure").inner_text() == "From must lie before To"
        tab.page.get_by_label("To", exact=True).fill("2026-03-02 10:30")
        tab.page.get_by_role("button", name="Apply").last.click()
        tab.settle(whole=False)
        assert (address(tab)["from"], address(tab)["to"]) == (["1772443800000"], ["1772447400000"])
        assert summary.inner_text() == "2026-03-02 09:30 – 2026-03-02 10:30"
        for name, ends in (
            ("Later", (1_772_445_600_000, 1_772_449_200_000)),
            ("A longer range", (1_772_443_800_000, 1_772_451_000_000)),
        ):
            tab.page.get_by_role("button", name=name).click()
            tab.page.wait_for_url(f"**from={ends[0]}&to={ends[1]}**")


def test_a_part_of_a_chart_becomes_the_range(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(fleet(site))
        area = tab.panel("Spend by agent").locator(".nsewdrag").bounding_box()
        assert area is not None
        y = area["y"] + area["height"] / 2
        tab.page.mouse.move(area["x"] + area["width"] * 0.25, y)
        tab.page.mouse.down()
        tab.page.mouse.move(area["x"] + area["width"] * 0.5, y, steps=8)
        tab.page.mouse.up()
        start_ms = site.fleets["live"].start_ns // 10**6
        tab.page.wait_for_function(f"() => !location.search.includes('from={start_ms}')")
        asked = address(tab)
        hours = [(int(asked[name][0]) - start_ms) / 3_600_000 for name in ("from", "to")]
        assert hours == pytest.approx([1.5, 3.0], abs=0.1)


def test_without_a_range_a_namespace_of_the_past_is_shown_when_it_was(
    opened: Opened, served: Served, site: Site
) -> None:
    with opened(served.url) as tab:
        tab.open("/d/wakeline-fleet?var-namespace=old", whole=False)
        assert "Nothing ran in old lately" in tab.page.locator(".notes").inner_text()
        assert runs(tab) == len(site.choice(site.scope("old")).runs)
        tab.open("/d/wakeline-fleet?var-namespace=old&from=now-1h&to=now", whole=False)
        tab.page.get_by_role("button", name=re.compile("^Show 20")).click()
        tab.page.wait_for_function("() => !location.search.includes('now')")
        tab.settle(whole=False)
        assert runs(tab) == len(site.choice(site.scope("old")).runs)


def test_a_refresh_asks_again(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(fleet(site), whole=False)
        asked: list[str] = []
        tab.page.on("request", lambda request: asked.append(request.url))
        tab.page.get_by_role("button", name="Refresh now").click()
        tab.settle(whole=False)
        assert sum(url.endswith("/api/panel") for url in asked) >= 6
        # A range that does not move is not asked again by itself; one that ends now is.
        asked.clear()
        tab.open("/d/wakeline-fleet?var-namespace=live&from=now-6h&to=now&refresh=5s", whole=False)
        tab.page.wait_for_timeout(500)
        asked.clear()
        with tab.page.expect_request("**/api/panel", timeout=30_000):
            pass


# -- links


def test_a_run_leads_to_its_steps_and_a_step_to_what_was_said(
    opened: Opened, served: Served, site: Site
) -> None:
    best = min(site.choice(site.scope("live")).runs, key=lambda run: (-run.cost_usd, run.run_id))
    with opened(served.url) as tab:
        tab.open(fleet(site))
        tab.panel("Most expensive runs").get_by_role("link", name=best.run_id, exact=True).click()
        tab.page.wait_for_url("**/d/wakeline-runs**")
        tab.settle()
        assert address(tab)["var-run"] == [best.run_id]
        steps = tab.panel("Waterfall").locator(".span-row")
        assert steps.count() == len(best.events)
        assert steps.first.get_attribute("aria-label", timeout=1_000) is not None
        call = next(event for event in best.events if event.kind == "llm" and event.input_tokens)
        steps.and_(tab.page.locator(f"[data-span='{call.event_id}']")).click()
        facts = tab.panel("Waterfall").locator(".step-detail .facts")
        facts.wait_for()
        assert f"Input {call.input_tokens:,}" in facts.inner_text()
        assert address(tab)["step"] == [call.event_id]
        assert tab.complaints == []


def test_a_waterfall_nests_steps_below_those_that_hold_them(
    opened: Opened, served: Served, site: Site
) -> None:
    run = next(run for run in site.choice(site.scope("live")).runs if run.run_id == "run-10")
    parents = {event.event_id: event.parent_event_id for event in run.events}

    def depth(event_id: str) -> int:
        above = parents[event_id]
        return 0 if above is None or above not in parents else 1 + depth(above)

    with opened(served.url) as tab:
        tab.open(fleet(site, "&var-run=run-10", "wakeline-runs"))
        shown = (
            tab.panel("Waterfall")
            .locator(".span-row")
            .evaluate_all("rows => rows.map((row) => [row.dataset.span, row.getAttribute('aria-label')])")
        )
        assert {name for name, _ in shown} == set(parents)
        for name, label in shown:
            assert label.endswith(f"level {depth(name) + 1}"), label
        order = [name for name, _ in shown]
        for name, above in parents.items():
            if above in parents:
                assert order.index(above) < order.index(name)


def test_a_link_chooses_an_agent_whatever_its_name_holds(opened: Opened, served: Served, site: Site) -> None:
    """The last agent's name would end a text and widen the choice, if it were SQL."""
    name = AGENTS[-1]
    with opened(served.url) as tab:
        tab.open(fleet(site, uid="wakeline-cost"))
        tab.panel("Agents by spend").get_by_role("link", name=name, exact=True).first.click()
        tab.page.wait_for_url("**/d/wakeline-runs**")
        tab.settle()
        assert address(tab)["var-agent"] == [name]
        assert tab.page.locator(".failure:visible").all_inner_texts() == []
        chosen = site.choice(site.scope("live", agent=[name]))
        assert runs(tab) == len(chosen.runs) > 0
        tab.page.locator("[data-variable=agent] summary").click()
        assert tab.page.get_by_label(name, exact=True).is_checked()
        assert tab.complaints == []


# -- search


def test_a_search_marks_words_and_leads_to_the_step(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open("/search?var-namespace=live")
        tab.page.get_by_label("Words").fill("GEWÜRZTRAMINER")
        tab.page.get_by_role("button", name="Search", exact=True).click()
        hit = tab.page.locator(".hit").first
        hit.wait_for()
        assert hit.locator("mark").first.inner_text().lower() == "gewürztraminer"
        assert NEEDLE in hit.locator(".excerpt").inner_text()
        assert tab.run("document.querySelectorAll('.hit script').length") == 0
        assert address(tab)["q"] == ["GEWÜRZTRAMINER"]
        hit.get_by_role("link").click()
        tab.page.wait_for_url("**/d/wakeline-runs**")
        tab.settle()
        detail = tab.panel("Waterfall").locator(".step-detail")
        detail.locator(".content").first.wait_for()
        assert NEEDLE in detail.inner_text()
        assert tab.complaints == []
        tab.open("/search?var-namespace=live&q=no-such-word-anywhere")
        tab.page.locator(".nothing").wait_for()
        assert "no-such-word-anywhere" in tab.page.locator(".nothing").inner_text()


def test_the_field_at_the_top_searches_the_namespace_at_hand(
    opened: Opened, served: Served, site: Site
) -> None:
    with opened(served.url) as tab:
        tab.open(fleet(site), whole=False)
        field = tab.page.get_by_role("searchbox", name="Search contents")
        field.fill('"gewürztraminer 100%"')
        field.press("Enter")
        tab.page.wait_for_url("**/search**")
        tab.page.locator(".hit").first.wait_for()
        assert tab.page.get_by_label("Namespace").input_value() == "live"


# -- what is left out


def test_what_is_left_out_is_said(opened: Opened, source: Source, tmp_path: Path) -> None:
    folder = own_dashboard(
        tmp_path, "SELECT number FROM numbers(9) LIMIT 5", "SELECT number FROM numbers(9) LIMIT 9"
    )
    with serving(source, folder=folder) as served, opened(served.url) as tab:
        tab.open("/d/own?from=0&to=1000")
        assert tab.panel("Panel 1").locator(".note").all_inner_texts() == [
            "The first 5 rows are shown; there are more."
        ]
        assert tab.panel("Panel 2").locator(".note").count() == 0


def test_marks_tell_of_everything_that_happened(opened: Opened, source: Source, tmp_path: Path) -> None:
    """Lines are drawn for some of it."""
    folder = own_dashboard(
        tmp_path, "SELECT toDateTime(number) AS time, 1 AS value FROM numbers(1000)", answer=0
    )
    happened = "SELECT toDateTime(number) AS time, toString(number) AS title, 'x' AS text FROM numbers(1000)"
    content = json.loads((folder / "own.json").read_text())
    content["panels"][0]["type"] = "timeseries"
    content["annotations"] = {
        "list": [{"name": "Many", "enable": True, "target": {"rawSql": happened, "format": 1}}]
    }
    (folder / "own.json").write_text(json.dumps(content))
    with serving(source, folder=folder) as served, opened(served.url) as tab:
        tab.open("/d/own?from=0&to=1000000")
        labels = tab.page.locator(".mark").evaluate_all("all => all.map((one) => one.ariaLabel)")
        told = 0
        for label in labels:
            *those, last = label.split("; ")
            more = re.fullmatch(r"and (\d+) more", last)
            told += len(those) + (int(more[1]) if more else 1)
        assert told == 1_000


# -- tables, menus, errors


def test_a_table_sorts_by_any_column_and_what_is_missing_stands_last(
    opened: Opened, source: Source, tmp_path: Path
) -> None:
    statement = """
        SELECT number AS n, ['b', 'a', 'c', 'a10', 'a9'][number + 1] AS name,
            [3.5, NULL, -1, 20, 7][number + 1] AS value FROM numbers(5)
    """
    with serving(source, folder=own_dashboard(tmp_path, statement)) as served, opened(served.url) as tab:
        tab.open("/d/own?from=0&to=1000")

        def column(name: str) -> list[str]:
            cells = tab.page.locator(f"[data-column={name}]")
            return [text.strip() for text in cells.all_inner_texts()]

        assert column("n") == ["0", "1", "2", "3", "4"]
        tab.page.get_by_role("button", name="value").click()
        assert column("value") == ["20", "7", "3.5", "−1", "–"]
        assert tab.page.get_by_role("columnheader", name="value").get_attribute("aria-sort") == "descending"
        tab.page.get_by_role("button", name="value").click()
        assert column("value") == ["−1", "3.5", "7", "20", "–"]
        tab.page.get_by_role("button", name="name").click()
        assert column("name") == ["a", "a9", "a10", "b", "c"]


def test_a_table_downloads_as_it_is_and_no_cell_is_a_formula(
    opened: Opened, source: Source, tmp_path: Path
) -> None:
    statement = """
        SELECT toDateTime('2026-03-01 00:00:00', 'UTC') AS time, '=1+1' AS text, 'a "b", c' AS other,
            -0.5 AS number, CAST(NULL, 'Nullable(Float64)') AS nothing
    """
    with serving(source, folder=own_dashboard(tmp_path, statement)) as served, opened(served.url) as tab:
        tab.open("/d/own?from=0&to=1000")
        tab.page.get_by_role("button", name="Menu of Panel 1").click()
        with tab.page.expect_download() as download:
            tab.page.get_by_role("menuitem", name="Download as CSV").click()
        assert download.value.suggested_filename == "panel-1.csv"
        lines = Path(download.value.path()).read_bytes().decode().split("\r\n")
        assert lines[0] == "time,text,other,number,nothing"
        assert lines[1] == '2026-03-01T00:00:00.000Z,\'=1+1,"a ""b"", c",-0.5,'


def test_what_the_database_refuses_stands_in_its_panel_alone(
    opened: Opened, source: Source, tmp_path: Path
) -> None:
    folder = own_dashboard(tmp_path, "SELECT no_such_column FROM agent_steps", "SELECT 41 + 1 AS answer")
    with serving(source, folder=folder) as served, opened(served.url) as tab:
        tab.page.goto(f"{served.url}/d/own?from=0&to=1000")
        tab.settle()
        assert "no_such_column" in tab.panel("Panel 1").get_by_role("alert").inner_text()
        assert tab.panel("Panel 2").locator("[data-column=answer]").inner_text() == "42"


def test_more_rows_than_are_drawn_are_offered_and_more_than_are_sent_are_told(
    opened: Opened, source: Source, tmp_path: Path
) -> None:
    with (
        serving(source, folder=own_dashboard(tmp_path, "SELECT number FROM numbers(70000)")) as served,
        opened(served.url) as tab,
    ):
        tab.open("/d/own?from=0&to=1000")
        assert tab.page.locator("tbody tr").count() == 100
        assert "100 of 20000 rows" in tab.page.locator(".more").inner_text()
        assert "The first 20,000 rows are shown; there are more." in tab.panel("Panel 1").inner_text()
        tab.page.locator(".more").click()
        assert tab.page.locator("tbody tr").count() == 600


def test_the_sql_of_a_panel_can_be_read(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(fleet(site, "&var-agent=it%27s"))
        tab.panel("Spend by agent").get_by_role("button", name="Menu of Spend by agent").click()
        tab.page.get_by_role("menuitem", name="Show the SQL").click()
        shown = tab.page.get_by_role("dialog").locator("pre").inner_text()
        assert "'var-agent=it%27s'" in shown
        assert "$" not in shown
        tab.page.keyboard.press("Escape")
        assert tab.page.get_by_role("dialog").count() == 0


def test_one_panel_can_be_enlarged(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(fleet(site))
        tab.panel("Tokens").get_by_role("button", name="Menu of Tokens").click()
        tab.page.get_by_role("menuitem", name="Enlarge").click()
        tab.page.wait_for_url("**viewPanel=**")
        tab.settle()
        assert tab.page.locator(".panel").count() == 1
        assert tab.panel("Tokens").locator(".trace").count() == 3


def test_a_series_is_hidden_and_shown_by_its_name(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open(fleet(site))
        panel = tab.panel("Tokens")
        name = panel.get_by_role("button", name="Output")
        assert panel.locator(".barlayer .trace").count() == 3
        name.click()
        tab.page.wait_for_function(
            "(panel) => panel.querySelectorAll('.barlayer .trace').length === 2", arg=panel.element_handle()
        )
        assert name.get_attribute("aria-pressed") == "false"
        name.click(modifiers=["Control"])
        tab.page.wait_for_function(
            "(panel) => panel.querySelectorAll('.barlayer .trace').length === 1", arg=panel.element_handle()
        )


def test_a_dashboard_that_is_not_there_is_told_with_those_that_are(opened: Opened, served: Served) -> None:
    with opened(served.url) as tab:
        tab.page.goto(f"{served.url}/d/no-such")
        told = tab.page.get_by_role("alert")
        told.wait_for()
        assert "There is no dashboard 'no-such'; there are wakeline-" in told.inner_text()


def test_the_first_page_leads_to_data_whenever_it_was(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url) as tab:
        tab.open("/", whole=False)
        assert tab.page.locator(".card").count() == len(served.get("/api/dashboards").json["dashboards"])
        tab.page.get_by_role("link", name="old", exact=True).click()
        tab.page.wait_for_url("**/d/wakeline-fleet**")
        tab.settle(whole=False)
        assert runs(tab) == len(site.choice(site.scope("old")).runs)
        assert tab.complaints == []


def test_a_viewer_that_is_gone_is_told(opened: Opened, source: Source, site: Site) -> None:
    with opened("http://127.0.0.1:1") as tab:
        with serving(source) as served:
            tab.url = served.url
            tab.open(fleet(site), whole=False)
        tab.page.get_by_role("button", name="Refresh now").click()
        tab.page.get_by_text("The viewer's server does not answer").wait_for()


def test_themes_follow_the_system_until_one_is_chosen(opened: Opened, served: Served, site: Site) -> None:
    with opened(served.url, scheme="light") as tab:
        tab.open("/")
        assert tab.run("document.documentElement.dataset.theme") == "light"
        tab.page.emulate_media(color_scheme="dark")
        tab.page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
        tab.page.get_by_role("button", name="Switch to the light theme").click()
        tab.page.emulate_media(color_scheme="light")
        tab.page.emulate_media(color_scheme="dark")
        assert tab.run("document.documentElement.dataset.theme") == "light"
        tab.open("/search")
        assert tab.run("document.documentElement.dataset.theme") == "light"


# -- what modules compute


UNITS = [
    ("currencyUSD", 185.5568, 2, "$185.56"),
    ("currencyUSD", 0.0001234, None, "$0.000123"),
    ("currencyUSD", 12_345, 1, "$12.3 K"),
    ("percentunit", 0.7731, 1, "77.3%"),
    ("percent", 12.5, None, "12.5%"),
    ("s", 0.0123, None, "12.3 ms"),
    ("s", 90, None, "1.5 min"),
    ("s", 59.99, 1, "60.0 s"),
    ("s", 86_400 * 3, None, "3 d"),
    ("s", 0, None, "0 s"),
    ("ms", 1_500, None, "1.5 s"),
    ("ms", 0.25, None, "250 µs"),
    ("ns", 1_200, None, "1.2 µs"),
    ("short", 69_518, None, "69.5 K"),
    ("short", 9_200, 0, "9,200"),
    ("short", 1_234_567, 0, "1 M"),
    ("short", -1_500, None, "−1.5 K"),
    ("short", 0, None, "0"),
    ("bytes", 1_048_576, None, "1 MiB"),
    ("decbytes", 1_500, None, "1.5 kB"),
    ("reqps", 12.34, None, "12.3 req/s"),
    ("none", 1_234_567, None, "1234567"),
    ("suffix: tokens", 12, None, "12  tokens"),
    ("dateTimeAsIso", 1_772_323_200_000, None, "2026-03-01 00:00:00"),
    ("bool_yes_no", 1, None, "Yes"),
    ("short", "18446744073709551615", None, "18446744073709551615"),
]
NOW = 1_772_445_845_000  # 2026-03-02 10:04:05 UTC, a Monday
MOMENTS = [
    ("now", False, NOW),
    ("now-6h", False, NOW - 6 * 3_600_000),
    ("now+1d", False, NOW + 86_400_000),
    ("now/d", False, 1_772_409_600_000),
    ("now/d", True, 1_772_495_999_999),
    ("now-1d/d", False, 1_772_323_200_000),
    ("now/w", False, 1_772_409_600_000),
    ("now-1M/M", False, 1_769_904_000_000),
    ("now/y", True, 1_798_761_599_999),
    ("1772323200000", False, 1_772_323_200_000),
    ("2026-03-01", False, 1_772_323_200_000),
    ("2026-03-01 12:30", False, 1_772_368_200_000),
    ("2026-03-01T12:30:00Z", False, 1_772_368_200_000),
    ("2026-03-01T12:30:00+02:00", False, 1_772_361_000_000),
    ("yesterday", False, None),
    ("now-6", False, None),
    ("", False, None),
]


def test_units_and_moments_are_written_and_read_as_grafanas(opened: Opened, served: Served) -> None:
    with opened(served.url) as tab:
        tab.open("/")
        written = tab.run(
            """(cases) => import("/static/units.js").then(({ format }) =>
                cases.map(([unit, value, decimals]) => format(value, unit, decimals)))""",
            [case[:3] for case in UNITS],
        )
        assert dict(zip(UNITS, written, strict=True)) == {case: case[3] for case in UNITS}
        read = tab.run(
            """([cases, now]) => import("/static/times.js").then(({ moment }) =>
                cases.map(([text, isEnd]) => moment(text, isEnd, now)))""",
            [[case[:2] for case in MOMENTS], NOW],
        )
        assert dict(zip(MOMENTS, read, strict=True)) == {case: case[2] for case in MOMENTS}
