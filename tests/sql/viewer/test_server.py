"""Does the viewer's server answer those who may ask, as the database would, and nobody else?"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboards.registry import DASHBOARDS
from dashboards.viewer.catalogue import Catalogue
from dashboards.viewer.database import MAX_CHARACTERS, MAX_ROWS, Database, Source, Unavailable
from dashboards.viewer.server import plotly_file
from tests.sql.conftest import Engine
from tests.sql.fleet_events import AGENTS, NEEDLE
from tests.sql.site import Site
from tests.sql.viewer.serving import Json, Served, own_dashboard, serving

STATIC = Path(__file__).parents[3] / "dashboards" / "viewer" / "static"


def question(site: Site, namespace: str = "live", **more: Any) -> Json:
    """Six hours of a fleet, all of it."""
    start_ms = site.fleets[namespace].start_ns // 10**6
    chosen = {"namespace": namespace} | {name: ["$__all"] for name in ("environment", "team", "agent")}
    asked: Json = {"dashboard": "wakeline-fleet", "start_ms": start_ms, "end_ms": start_ms + 6 * 3_600_000}
    return asked | {"variables": chosen} | more


# -- who may ask


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "10.0.0.1"]
)
def test_a_name_that_is_not_ours_gets_nothing(served: Served, host: str) -> None:
    """A page elsewhere may let its own name mean the loopback address."""
    reply = served.get("/api/namespaces", Host=host)
    assert reply.status == 421
    assert "--allow-host" in reply.json["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "localhost."])
def test_names_of_the_loopback_are_ours(served: Served, host: str) -> None:
    assert served.get("/api/dashboards", Host=host).status == 200


def test_only_pages_of_this_server_ask(served: Served, site: Site) -> None:
    asked = question(site)
    assert served.ask("variables", asked).status == 200
    assert served.ask("variables", asked, Origin=served.url, Host=f"127.0.0.1:{served.port}").status == 200
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{served.port + 1}"):
        reply = served.ask("variables", asked, Origin=origin, Host=f"127.0.0.1:{served.port}")
        assert reply.status == 403, origin
    # What a form of another page can send without asking first.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert served.ask("variables", asked, Content_Type=kind).status == 415


@pytest.mark.parametrize(
    "path", ["/", "/d/wakeline-fleet", "/search", "/static/app.js", "/api/dashboards", "/nowhere", "/healthz"]
)
def test_every_answer_forbids_what_does_not_come_from_here(served: Served, path: str) -> None:
    headers = served.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    if path.startswith("/api"):
        assert "no-" in headers["Cache-Control"]


# -- files


def test_the_page_holds_no_script_and_names_files_that_are_there(served: Served) -> None:
    page = served.get("/d/any").text
    assert not re.search(
        r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:|https?://(?!www\.w3)", page
    )
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(named) > 5
    for name in named:
        assert served.get(name).status == 200, name


def test_modules_import_only_modules_that_are_served(served: Served) -> None:
    for file in sorted(STATIC.rglob("*.js")):
        text = file.read_text()
        assert served.get(f"/static/{file.relative_to(STATIC)}").text == text
        for imported in re.findall(r'from "([^"]+)"', text):
            assert (file.parent / imported).resolve().is_relative_to(STATIC), imported
            assert (file.parent / imported).is_file(), f"{file.name} imports {imported}"


def test_no_module_makes_elements_of_texts_or_runs_them() -> None:
    for file in sorted(STATIC.rglob("*.js")):
        found = re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc",
            file.read_text(),
        )
        assert found is None, f"{file.name}: {found}"


def test_plotly_comes_out_of_its_wheel(served: Served) -> None:
    reply = served.get("/static/plotly.min.js")
    assert reply.headers["Content-Type"].startswith("text/javascript")
    assert len(reply.text.encode()) == Path(plotly_file()).stat().st_size


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/panels/../../server.py",
        "/static/server.py",
        "/static/panels",
        "/static//etc/passwd",
    ],
)
def test_nothing_but_the_files_is_served(served: Served, path: str) -> None:
    assert served.get(path).status in (400, 404)


# -- dashboards


def test_every_dashboard_is_listed_and_sent_as_it_is_committed(served: Served) -> None:
    listed = served.get("/api/dashboards").json["dashboards"]
    assert {one["uid"] for one in listed} == set(DASHBOARDS)
    for one in listed:
        assert one["title"]
        assert served.get(f"/api/dashboards/{one['uid']}").json == DASHBOARDS[one["uid"]]()


def targets() -> list[tuple[str, int, str]]:
    return list(_targets())


def _targets() -> Iterator[tuple[str, int, str]]:
    for content in Catalogue():
        for panel in content.panels():
            for target in panel.get("targets", ()):
                yield content.model["uid"], panel["id"], target["refId"]


@pytest.mark.parametrize(("uid", "panel", "ref"), targets())
def test_a_panel_is_answered_as_the_database_answers(
    served: Served, site: Site, uid: str, panel: int, ref: str
) -> None:
    variables = {one["name"]: one["value"] for one in resolved(served, site, uid)}
    asked = question(site, dashboard=uid, panel=panel, ref=ref, points=600, variables=variables)
    reply = served.ask("panel", asked)
    assert reply.status == 200, reply.text
    direct = site.reader.query(reply.json["sql"])
    assert reply.json["interval_ms"] >= 60_000
    assert [column["name"] for column in reply.json["columns"]] == list(direct.column_names)
    for column, told, known in zip(
        reply.json["columns"], reply.json["values"], direct.result_columns, strict=True
    ):
        if column["kind"] == "number":
            numbers = [None if value is None else float(value) for value in told]
            assert numbers == pytest.approx(
                [None if value is None else float(value) for value in known], nan_ok=True
            )
        elif column["kind"] == "string":
            assert told == [None if value is None else str(value) for value in known]
        else:
            assert len(told) == len(known)


def resolved(served: Served, site: Site, uid: str, **variables: Any) -> list[Json]:
    reply = served.ask("variables", question(site, dashboard=uid, variables=variables))
    assert reply.status == 200, reply.text
    found: list[Json] = reply.json["variables"]
    return found


@pytest.mark.parametrize("uid", list(DASHBOARDS))
def test_annotations_of_every_dashboard_are_answered(served: Served, site: Site, uid: str) -> None:
    variables = {one["name"]: one["value"] for one in resolved(served, site, uid)}
    reply = served.ask("annotations", question(site, dashboard=uid, variables=variables))
    found = reply.json["annotations"]
    assert found
    assert [one for one in found if "error" in one] == []
    assert any(one["values"] for one in found)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"dashboard": "none"}, "There is no dashboard 'none'; there are wakeline-"),
        ({"panel": 999}, "has no panel 999"),
        ({"ref": "Z"}, "asks nothing under 'Z'"),
        ({"sql": "SELECT 1"}, "unknown field `sql`"),
        ({"rawSql": "SELECT 1"}, "unknown field `rawSql`"),
        ({"start_ms": -1}, "start_ms"),
        ({"end_ms": 1}, "ends before it begins"),
        ({"points": 0}, "points"),
        ({"variables": {}}, "There is no variable"),
        ({"variables": {"namespace": {"a": 1}}}, "variables"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_why(
    served: Served, site: Site, changed: Json, words: str
) -> None:
    reply = served.ask("panel", question(site, panel=1, ref="A") | changed)
    assert reply.status in (400, 404)
    assert words in reply.json["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_question_that_is_none_is_told_so(served: Served, body: bytes) -> None:
    reply = served.ask("panel", body)
    assert reply.status == 400
    assert "cannot be read" in reply.json["error"]


@pytest.mark.parametrize(
    "value",
    [
        "'",
        "\\",
        "\\'",
        "') OR 1=1 --",
        "\\') OR 1=1 -- ",
        "${namespace}",
        "$__timeFilter(time)",
        "\x00",
        "\ue0001\ue001",
    ],
)
def test_a_choice_is_a_value_and_never_a_part_of_the_statement(
    served: Served, site: Site, value: str
) -> None:
    asked = question(site, panel=panel_of(site, served, "Runs"), ref="A")
    asked["variables"] |= {"agent": [value, " OR 1=1 -- "]}
    reply = served.ask("panel", asked)
    assert reply.status == 200, reply.text
    assert reply.json["values"][-1][-1:] in ([0], [])
    asked["variables"] |= {"namespace": value, "agent": [" OR 1=1 -- "]}
    reply = served.ask("panel", asked)
    assert reply.status == 200, reply.text
    assert reply.json["values"][-1][-1:] in ([0], [])


def panel_of(site: Site, served: Served, title: str) -> int:
    panels = served.get("/api/dashboards/wakeline-fleet").json["panels"]
    return next(int(panel["id"]) for panel in panels if panel["title"] == title)


# -- what the database refuses


@pytest.fixture
def own(source: Source, tmp_path: Path) -> Callable[..., Any]:
    """`own(statement, ...)`: a viewer whose panels 1, 2, ... ask these."""

    def make(*statements: str, execution_s: int = 30, of: Source = source) -> Any:
        return serving(of, folder=own_dashboard(tmp_path / "own", *statements), execution_s=execution_s)

    return make


def first(served: Served, panel: int = 1) -> Any:
    return served.ask("panel", {"dashboard": "own", "panel": panel, "ref": "A", "start_ms": 0, "end_ms": 10})


def test_the_databases_own_words_are_told(own: Callable[..., Any]) -> None:
    with own("SELECT nothing_of_this_name FROM agent_steps", "SELECT 1 FROM no_such_table") as served:
        reply = first(served)
        assert reply.status == 422
        assert "nothing_of_this_name" in reply.json["error"]
        assert "http" not in reply.json["error"]
        assert "no_such_table" in first(served, 2).json["error"]


def test_rows_beyond_the_cap_are_left_out_and_that_is_said(own: Callable[..., Any]) -> None:
    with own("SELECT number FROM numbers(70000)", "SELECT number FROM numbers(5)") as served:
        reply = first(served)
        assert reply.json["is_cut"] is True
        assert reply.column("number") == list(range(MAX_ROWS))
        assert first(served, 2).json["is_cut"] is False


@pytest.mark.parametrize(
    "value",
    [
        "repeat('x', 400000)",
        "[repeat('x', 400000)]",
        "map('k', repeat('x', 400000))",
        "[map('k', [repeat('x', 400000)])]",
    ],
    ids=["text", "list", "map", "nested"],
)
def test_texts_beyond_the_cap_are_left_out_within_a_block_and_that_is_said(
    own: Callable[..., Any], value: str
) -> None:
    with own(
        f"SELECT {value} AS a, number FROM numbers(100)", f"SELECT {value} AS a FROM numbers(5)"
    ) as served:
        reply = first(served)
        assert reply.json["is_cut"] is True
        assert reply.column("number") == list(range(MAX_CHARACTERS // 400_000 - ("map" in value)))
        assert len(reply.text) < MAX_CHARACTERS * 1.01
        whole = first(served, 2)
        assert whole.json["is_cut"] is False
        assert len(whole.column("a")) == 5


@pytest.mark.parametrize(
    ("statement", "rows", "is_cut"),
    [
        ("SELECT number FROM numbers(6) LIMIT 5", 5, True),
        ("SELECT number FROM numbers(5) LIMIT 5", 5, False),
        ("SELECT number FROM numbers(4) ORDER BY number LIMIT 5", 4, False),
        ("SELECT number FROM numbers(0) LIMIT 5", 0, False),
        ("SELECT number FROM numbers(30000) LIMIT 25000", 20_000, True),
        ("SELECT number FROM (SELECT number FROM numbers(9) LIMIT 3)", 3, False),
        # What is asked for alone leaves nothing out: the newest, the dearest.
        ("SELECT number FROM numbers(9) LIMIT 1", 1, False),
    ],
)
def test_rows_beyond_a_statements_own_limit_are_left_out_and_that_is_said(
    own: Callable[..., Any], statement: str, rows: int, is_cut: bool
) -> None:
    with own(statement) as served:
        reply = first(served)
    assert reply.json["is_cut"] is is_cut
    assert [len(values) for values in reply.json["values"]] in ([rows], [] if rows == 0 else [rows])
    assert reply.json["sql"] == statement


def test_a_range_that_ends_with_a_day_does_not_reach_into_the_next(own: Callable[..., Any]) -> None:
    with own("SELECT toUnixTimestamp($__fromTime) AS since, toUnixTimestamp($__toTime) AS until") as served:
        asked = {"dashboard": "own", "panel": 1, "ref": "A", "start_ms": 86_400_000, "end_ms": 172_799_999}
        reply = served.ask("panel", asked)
    assert (reply.column("since"), reply.column("until")) == ([86_400], [172_799])


def test_a_statement_ends_after_its_time(own: Callable[..., Any]) -> None:
    endless = "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1"
    with own(endless, execution_s=1) as served:
        reply = first(served)
        assert reply.status == 422
        assert "TIMEOUT_EXCEEDED" in reply.json["error"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE made (a Int8) ENGINE = Memory",
        "DROP TABLE steps",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'line String')",
    ],
)
@pytest.mark.parametrize("who", ["reader", "writer"])
def test_nothing_is_written_or_sent_whoever_asks(
    engine: Engine,
    site: Site,
    own: Callable[..., Any],
    connect: Callable[..., Client],
    statement: str,
    who: str,
) -> None:
    user, password = getattr(engine, who)
    source = Source(url=engine.url, user=user, password=password, database=site.database)
    with own(statement, of=source) as served:
        reply = first(served)
    assert reply.status == 422
    assert "READONLY" in reply.json["error"] or "ACCESS_DENIED" in reply.json["error"]
    tables = {name for (name,) in connect(site.database).query("SHOW TABLES").result_rows}
    assert "steps" in tables
    assert "made" not in tables


def test_what_json_lacks_is_not_lost(own: Callable[..., Any]) -> None:
    statement = """
        SELECT toUInt64(18446744073709551615) AS great, 9007199254740992 AS exact, nan AS undefined,
            -inf AS least, NULL AS nothing, toDecimal64('0.1', 4) AS money, true AS yes,
            toDate('2026-03-01') AS day,
            toDateTime64('2026-03-01 00:00:00.123456789', 9, 'UTC') AS moment,
            toDateTime('2026-03-01 00:00:00', 'UTC') AS second, map('a', [1, 2]) AS inner, 'x' AS text
    """
    with own(statement) as served:
        reply = first(served)
    kinds = {column["name"]: column["kind"] for column in reply.json["columns"]}
    told = {name: reply.column(name)[0] for name in kinds}
    assert (told["great"], told["exact"]) == ("18446744073709551615", 2**53)
    assert (told["undefined"], told["least"], told["nothing"]) == ("NaN", "-Infinity", None)
    assert (told["money"], told["yes"], told["text"]) == (0.1, True, "x")
    assert told["day"] == told["second"] == 1_772_323_200_000
    assert told["moment"] == pytest.approx(1_772_323_200_123.456_789, abs=1e-3)
    assert json.dumps(told["inner"]) == '{"a": [1, 2]}'
    assert {kinds[name] for name in ("day", "moment", "second")} == {"time"}
    assert (kinds["yes"], kinds["text"], kinds["inner"], kinds["money"]) == (
        "boolean",
        "string",
        "other",
        "number",
    )


def test_a_database_that_is_not_there_is_named() -> None:
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:1 does not take us as reader"):
        Database(Source(url="http://127.0.0.1:1", user="reader", password="", database="wakeline"))


# -- variables


def test_a_link_decides_then_what_the_viewer_was_started_with_then_the_dashboard(
    source: Source, site: Site
) -> None:
    with serving(source, defaults={"namespace": "old"}) as served:
        start_ms = site.fleets["old"].start_ns // 10**6
        asked = {"dashboard": "wakeline-fleet", "start_ms": start_ms, "end_ms": start_ms + 6 * 3_600_000}

        def chosen(**variables: Any) -> dict[str, Any]:
            found = served.ask("variables", asked | {"variables": variables}).json["variables"]
            return {one["name"]: one for one in found}

        plain = chosen()
        assert plain["namespace"]["value"] == "old"
        assert plain["agent"]["value"] == ["$__all"]
        assert sorted(text for _, text in plain["agent"]["options"]) == sorted(AGENTS)
        assert plain["datasource"]["is_hidden"]
        assert chosen(namespace="live")["namespace"]["value"] == "live"
        assert chosen(agent="planner")["agent"]["value"] == ["planner"]
        assert chosen(agent=["planner", "coder"])["agent"]["value"] == ["planner", "coder"]
        assert chosen(agent=["planner", "$__all"])["agent"]["value"] == ["$__all"]
        assert chosen(agent="All")["agent"]["value"] == ["$__all"]
        assert chosen(agent="silent lately")["agent"]["value"] == ["silent lately"]
        assert chosen(namespace="live", agent="")["agent"]["value"] == ["$__all"]


def test_a_later_variable_offers_what_an_earlier_one_leaves(served: Served, site: Site) -> None:
    found = {one["name"]: one for one in resolved(served, site, "wakeline-fleet", namespace="nowhere")}
    assert found["agent"]["options"] == []
    assert found["agent"]["error"] == ""


# -- beyond the dashboards


def test_namespaces_tell_when_something_ran(served: Served, served_empty: Served, site: Site) -> None:
    reply = served.get("/api/namespaces")
    assert reply.column("namespace") == ["live", "old"]
    for namespace, first_ms, last_ms in zip(*reply.json["values"], strict=True):
        runs = site.choice(site.scope(namespace)).runs
        assert first_ms == pytest.approx(min(run.start_ns for run in runs) / 1e6, abs=1e-2)
        assert last_ms == pytest.approx(max(run.end_ns for run in runs) / 1e6, abs=1e-2)
        extent = served.ask("extent", {"namespace": namespace})
        assert [extent.column("first")[0], extent.column("last")[0]] == [first_ms, last_ms]
    assert served_empty.get("/api/namespaces").json["values"] == []
    assert served_empty.ask("extent", {"namespace": "live"}).column("runs") == [0]


def search(served: Served, site: Site, text: str, **more: Any) -> Any:
    start_ms = site.fleets["live"].start_ns // 10**6
    asked = {"namespace": "live", "text": text, "start_ms": start_ms, "end_ms": start_ms + 6 * 3_600_000}
    return served.ask("search", asked | more)


def test_a_search_finds_words_whatever_their_case_and_says_whose_they_are(served: Served, site: Site) -> None:
    reply = search(served, site, "GEWÜRZTRAMINER")
    hits = [dict(zip([c["name"] for c in reply.json["hits"]["columns"]], row, strict=True))
            for row in zip(*reply.json["hits"]["values"], strict=True)]  # fmt: skip
    assert hits
    assert all("gewürztraminer" in hit["excerpt"].lower() for hit in hits)
    assert [hit["time"] for hit in hits] == sorted((hit["time"] for hit in hits), reverse=True)
    steps = set(reply.json["steps"]["values"][0])
    assert steps == {hit["event_id"] for hit in hits}
    known = {event.event_id: event for event in site.fleets["live"].events}
    assert {hit["run_id"] for hit in hits} == {known[step].run_id for step in steps}


def test_a_search_takes_phrases_and_signs_as_they_are(served: Served, site: Site) -> None:
    def count(text: str, **more: Any) -> int:
        reply = search(served, site, text, **more)
        assert reply.status == 200, reply.text
        values = reply.json["hits"]["values"]
        return len(values[0]) if values else 0

    everything = count("gewürztraminer")
    assert everything > 0
    assert count(f'"{NEEDLE}"') == everything
    assert count('"gewürztraminer 100%"') == everything
    assert count('"100% gewürztraminer"') == 0
    assert count("gewürztraminer nothing-like-it") == 0
    for odd in ("'", "\\", "%", "_", "') OR 1=1 --", "{namespace:String}", "\\'"):
        assert count(f"gewürztraminer-not-there {odd}") == 0
    assert count("gewürztraminer", namespace="old") == 0
    assert count("gewürztraminer", namespace="nowhere") == 0
    assert count("gewürztraminer", start_ms=0, end_ms=1) == 0


@pytest.mark.parametrize("text", ["", '""', "   ", " ".join(map(str, range(13)))])
def test_a_search_without_words_or_with_too_many_is_told_so(served: Served, site: Site, text: str) -> None:
    reply = search(served, site, text)
    assert reply.status == 400
    assert "text" in reply.json["error"] or "one to twelve" in reply.json["error"]


def test_a_step_tells_its_numbers_and_contents(served: Served, site: Site) -> None:
    event = next(
        event
        for event in site.fleets["live"].events
        if event.kind == "llm" and event.output_messages is not None and event.input_tokens
    )
    reply = served.ask("step", {"namespace": "live", "run": event.run_id, "step": event.event_id})
    step = {
        c["name"]: v[0]
        for c, v in zip(reply.json["step"]["columns"], reply.json["step"]["values"], strict=True)
    }
    assert step["event_id"] == event.event_id
    assert step["input_tokens"] == event.input_tokens
    assert step["output_tokens"] == event.output_tokens
    names = reply.json["contents"]["values"][0]
    assert "output_messages" in names
    missing = served.ask("step", {"namespace": "live", "run": "no such run", "step": event.event_id})
    assert missing.json == {"step": {"columns": [], "values": [], "is_cut": False},
                            "contents": {"columns": [], "values": [], "is_cut": False}}  # fmt: skip
