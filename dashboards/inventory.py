"""Which agents, models, tools and guardrails are there, whose are they, and what is not as it should be?"""

from dashboards.builder import Row, dashboard, section
from dashboards.links import COST, FLEET, INVENTORY, RUNS, VALUE, field, link_to
from dashboards.panels import (
    Column,
    Json,
    State,
    piechart,
    stat,
    status_history,
    table,
    text,
    timeseries,
)
from dashboards.run_columns import UNPRICED
from dashboards.thresholds import (
    BLUE,
    ERROR_RATIO,
    GREEN,
    NEUTRAL,
    ORANGE,
    PLAIN,
    RED,
    SILENT_S,
    SOME_IS_BAD,
    UNPRICED_RATIO,
    YELLOW,
)
from dashboards.variables import shared_variables

UID = INVENTORY

_ACTIVITY = (State(1, "works", GREEN), State(2, "over 5 % fail", ORANGE))
_SILENCE = (
    State(0, "too few to say", NEUTRAL),
    State(1, "as usual", GREEN),
    State(2, "silent", RED),
    State(3, "gone", ORANGE),
)
_VERDICTS = {
    "allow": GREEN,
    "modify": BLUE,
    "warn": YELLOW,
    "escalate": ORANGE,
    "deny": RED,
    "not told": NEUTRAL,
}
_NOT_HERE = """\
Events do not say it, so it is not here:

- **approvals**, and the **class of data** that an agent may see: keep them with your policies;
- an **owner** beside the team: `team` on the root of a run is the owner;
- **allow-lists** of models, tools and MCP servers: compare the tables here with yours;
- agents that send **nothing**: only who was seen once can be missed.
"""


def build() -> Json:
    """The dashboard "Inventory"."""
    to_agent = link_to(INVENTORY, "This agent alone", agent=VALUE)
    numbers = (
        stat("inventory/agents_active", steps=PLAIN, decimals=0, change="same_as_value"),
        stat("inventory/agents_new", steps=PLAIN, decimals=0),
        stat("inventory/versions_new", steps=PLAIN, decimals=0),
        stat("inventory/models_used", steps=PLAIN, decimals=0, change="same_as_value"),
        stat("inventory/agents_silent", steps=SOME_IS_BAD, decimals=0),
        stat("inventory/agents_unowned", steps=SOME_IS_BAD, decimals=0),
    )
    agents = table(
        "inventory/agents",
        Column("agent", width=120, link=to_agent),
        Column("versions", "short", 0, 80),
        Column("tools", "short", 0, 70),
        Column("first_seen", "dateTimeAsIso", width=150),
        Column("last_seen", "dateTimeAsIso", width=150),
        Column("steps", "short", 0, 80, link=link_to(RUNS, "Runs", agent=field("agent"))),
        Column(
            "errors",
            "percentunit",
            1,
            80,
            ERROR_RATIO.steps,
            link=link_to(FLEET, "Fleet", agent=field("agent")),
        ),
        Column("spend", "currencyUSD", 2, 90, link=link_to(COST, "Cost", agent=field("agent"))),
        UNPRICED,
        no_value="–",
    )
    missing = (
        table(
            "inventory/silence",
            Column("agent", link=to_agent),
            Column("state", "none", width=110, states=_SILENCE),
            Column("last_seen", "dateTimeAsIso", width=150),
            Column("still", "s", 0, 90, SILENT_S.steps),
            Column("longest_pause", "s", 0, 110),
            Column("times", "none", 1, 70),
            no_value="–",
        ),
        table(
            "inventory/unowned",
            Column("agent", link=to_agent),
            Column("last_seen", "dateTimeAsIso", width=150),
            Column("steps", "short", 0, 80),
            Column("spend", "currencyUSD", 2, 90, no_value="–"),
            UNPRICED,
            no_value="Every agent has a team and a name",
        ),
    )
    versions = (
        timeseries(
            "inventory/adoption", label="version", stack="percent", calcs=("sum",), min_interval="30m"
        ),
        table(
            "inventory/versions",
            Column("first_seen", "dateTimeAsIso", width=150),
            Column("last_seen", "dateTimeAsIso", width=150),
            Column("steps", "short", 0, 80),
            Column("share", "percentunit", 0, 70),
            Column("errors", "percentunit", 1, 80, ERROR_RATIO.steps),
            Column("spend", "currencyUSD", 2, 90),
            UNPRICED,
            no_value="–",
        ),
    )
    models = (
        table(
            "inventory/models",
            Column("agents", "short", 0, 70),
            Column("calls", "short", 0, 80),
            Column("errors", "percentunit", 1, 80, ERROR_RATIO.steps),
            Column("input", "short", width=80),
            Column("output", "short", width=80),
            Column("spend", "currencyUSD", 2, 90),
            UNPRICED,
            Column("first_seen", "dateTimeAsIso", width=150),
            no_value="–",
        ),
        piechart("inventory/model_share", decimals=0),
    )
    tools = (
        table(
            "inventory/tools",
            Column("calls", "short", 0, 80),
            Column("errors", "percentunit", 1, 80, ERROR_RATIO.steps),
            Column("p95", "s", 2, 80),
            Column("first_seen", "dateTimeAsIso", width=150),
            no_value="No tools in this range",
        ),
        table(
            "inventory/mcp_servers",
            Column("last_seen", "dateTimeAsIso", width=150),
            no_value="No MCP server in this range",
        ),
    )
    guardrails = (
        timeseries(
            "inventory/verdicts", stack="normal", calcs=("sum",), colors=_VERDICTS, min_interval="10m"
        ),
        table(
            "inventory/guardrails",
            Column("decisions", "short", 0, 90),
            Column("denied", "short", 0, 80),
            Column("changed", "short", 0, 80),
            Column("stepped_in", "percentunit", 1, 100),
            Column("last_seen", "dateTimeAsIso", width=150),
            no_value="No guardrail decided in this range",
        ),
    )
    emitters = table(
        "inventory/emitters",
        Column("emitter", width=160),
        Column("version", width=90),
        Column("sent", "short", 0, 80),
        Column("llm_calls", "short", 0, 80),
        Column("with_usage", "percentunit", 0, 100, ((None, RED), (0.95, GREEN))),
        Column("priced", "percentunit", 1, 80, ((None, RED), (1 - UNPRICED_RATIO.critical, GREEN))),
        Column("with_agent", "percentunit", 0, 100, ((None, RED), (0.5, GREEN))),
        Column("skew_p95", "s", 1, 90),
        no_value="–",
    )
    return dashboard(
        UID,
        "Inventory",
        "Which agents, versions, models, tools, MCP servers and guardrails are there, whose they are, which "
        "are silent or belong to nobody, and what emitters should send better.",
        tags=("inventory", "governance"),
        variables=shared_variables(),
        since="now-12h",
        rows=(
            Row(4, numbers),
            Row(10, (agents,)),
            Row(8, (status_history("inventory/activity", "agent", _ACTIVITY, min_interval="5m"),)),
            Row(9, missing, (11, 13)),
            section("Releases", "Which versions are there, and who has moved to which?"),
            Row(9, versions, (9, 15)),
            section("What agents use", "What do agents use?"),
            Row(9, models, (16, 8)),
            Row(9, tools),
            section("Guardrails and telemetry", "What is let pass, and is what is sent good enough to tell?"),
            Row(8, guardrails),
            Row(8, (emitters,)),
            Row(6, (text("What is not here", "What can an inventory from events not say?", _NOT_HERE),)),
        ),
    )
