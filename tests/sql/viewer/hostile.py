"""Dashboards whose every text is an attack: what agents say ends up in all kinds of panels."""

import json
from pathlib import Path
from typing import Any

SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = '<img src="x" onerror="window.hacked = 2">'
STYLED = '<b style="color: red" onclick="window.hacked = 3">b</b><a href="javascript:window.hacked = 4">a</a>'
TEMPLATE = "%{customdata} %{y} ${__value.raw} $\\alpha$"
TEXTS = (SCRIPT, IMAGE, STYLED, TEMPLATE, "'\"</title></svg></style>")
# Where links may not lead, each as a column's value.
BAD_LINKS = (
    "javascript:window.hacked=5",
    "JaVaScRiPt:window.hacked=6",
    "java\nscript:window.hacked=7",
    " javascript:window.hacked=8",
    "data:text/html,<script>window.hacked=9</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:x",
)
GOOD_LINKS = ("https://example.org/a?b=c", "/d/own?x=1", "http://example.org")


def _array(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(map(_quoted, texts)) + "]"


def _quoted(text: str) -> str:
    # A dollar would be a macro.
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\x24") + "'"


TEXT = f"arrayElement({_array(TEXTS)}, number % {len(TEXTS)} + 1)"
TIME = "toDateTime(600 * number, 'UTC')"
FROM = f"FROM numbers({2 * len(TEXTS)})"
# Kind to (format, statement).
STATEMENTS: dict[str, tuple[int, str]] = {
    "stat": (1, f"SELECT {TEXT} AS text, number AS value {FROM}"),
    "gauge": (1, f"SELECT {TEXT} AS text, number AS value {FROM}"),
    "bargauge": (1, f"SELECT {TEXT} AS text, number AS value {FROM}"),
    "timeseries": (0, f"SELECT {TIME} AS time, {TEXT} AS name, number AS value {FROM} ORDER BY time"),
    "barchart": (1, f"SELECT {TEXT} AS name, number AS `{SCRIPT}` {FROM}"),
    "piechart": (1, f"SELECT {TEXT} AS name, number + 1 AS value {FROM}"),
    "histogram": (1, f"SELECT number AS xMin, number + 1 AS xMax, number AS `{SCRIPT}` {FROM}"),
    "heatmap": (0, f"SELECT {TIME} AS time, number AS `{SCRIPT}`, number AS `{IMAGE}` {FROM} ORDER BY time"),
    "table": (1, f"SELECT {TEXT} AS text, map('{SCRIPT}', {TEXT}) AS inner {FROM}"),
    "state-timeline": (0, f"SELECT {TIME} AS time, {TEXT} AS name, number AS state {FROM} ORDER BY time"),
    "status-history": (0, f"SELECT {TIME} AS time, {TEXT} AS name, number AS state {FROM} ORDER BY time"),
    "nodeGraph": (1, f"SELECT {TEXT} AS id, {TEXT} AS title, {TEXT} AS subtitle, number AS mainstat {FROM}"),
    "traces": (
        3,
        f"SELECT '{SCRIPT}' AS traceID, toString(number) AS spanID, '' AS parentSpanID, "
        f"{TEXT} AS serviceName, {TEXT} AS operationName, 1000 * number AS startTime, 900 AS duration, "
        f"{TEXT} AS statusMessage, "
        f"[map('key', '{SCRIPT}', 'value', {TEXT})] AS tags {FROM}",
    ),
    "logs": (2, f"SELECT {TIME} AS timestamp, {TEXT} AS body, {TEXT} AS level, {TEXT} AS label {FROM}"),
}


def hostile_dashboards(folder: Path) -> Path:
    """A dashboard `own` with a panel of each kind, and with links that must not be followed."""
    panels: list[dict[str, Any]] = []
    for kind, (answer, sql) in STATEMENTS.items():
        panels.append(_panel(len(panels), kind, answer, sql))
    panels.append(_panel(len(panels), "text", 1, ""))
    links = f"SELECT arrayJoin({_array((*BAD_LINKS, *GOOD_LINKS))}) AS url, '{SCRIPT}' AS text"
    panels.append(_panel(len(panels), "table", 1, links, title="Links", url="${__data.fields.url}"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.json").write_text(json.dumps(_dashboard(panels)))
    return folder


def _panel(
    number: int, kind: str, answer: int, sql: str, *, title: str | None = None, url: str = ""
) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": f"suffix:{SCRIPT}",
        "mappings": [{"type": "value", "options": {"0": {"text": SCRIPT, "color": SCRIPT}}}],
        "thresholds": {"mode": "absolute", "steps": [{"value": None, "color": IMAGE}]},
        "links": [{"title": SCRIPT, "url": url or "/d/own?var-a=${__value.raw}&b=${__data.fields.text}"}],
    }
    every = {"calcs": ["lastNotNull"], "fields": "", "values": True}
    return {
        "id": number + 1,
        "type": kind,
        "title": title or f"{kind} {SCRIPT}",
        "description": IMAGE,
        "gridPos": {"x": 12 * (number % 2), "y": 9 * (number // 2), "w": 12, "h": 9},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {
            "reduceOptions": every,
            "legend": {"displayMode": "table", "calcs": ["sum"], "placement": "bottom"},
            "mode": "markdown",
            "content": f"# {SCRIPT}\n\n{IMAGE} [a]({BAD_LINKS[0]}) [b]({GOOD_LINKS[0]})\n\n- **{STYLED}**",
        },
        "targets": [{"refId": "A", "rawSql": sql, "format": answer}] if sql else [],
    }


def _dashboard(panels: list[dict[str, Any]]) -> dict[str, Any]:
    marks = f"SELECT {TIME} AS time, {TEXT} AS title, {TEXT} AS text, {TEXT} AS tags {FROM}"
    options = ", ".join(f"{text.replace(',', '')} : {number}" for number, text in enumerate(TEXTS))
    return {
        "uid": "own",
        "title": SCRIPT,
        "description": IMAGE,
        "tags": [SCRIPT],
        "templating": {
            "list": [
                {"name": "a", "label": SCRIPT, "type": "textbox", "query": SCRIPT, "current": {}},
                {"name": "b", "label": IMAGE, "type": "custom", "query": options, "multi": True,
                 "includeAll": True, "current": {"value": ["$__all"]}},
            ]
        },
        "annotations": {
            "list": [{"name": IMAGE, "enable": True, "iconColor": STYLED, "target": {"rawSql": marks}}]
        },
        "panels": panels,
    }  # fmt: skip
