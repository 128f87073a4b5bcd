"""What does the fleet do, cost and take, and who needs a look? The dashboard to look at first."""

from dashboards.builder import Row, dashboard, section
from dashboards.links import COST, DRIFT, FLEET, LATENCY, RUNS, field, label, link_to
from dashboards.panels import (
    Column,
    Json,
    State,
    heatmap,
    node_graph,
    stat,
    state_timeline,
    table,
    timeseries,
)
from dashboards.run_columns import AGENT, RUN, RUN_COLUMNS, UNPRICED
from dashboards.thresholds import (
    BLUE,
    ERROR_RATIO,
    GREEN,
    ORANGE,
    RED,
    RUN_P95_S,
    SOME_IS_BAD,
    SUCCESS_RATIO,
    YELLOW,
)
from dashboards.variables import shared_variables

UID = FLEET
HEALTH = (
    State(0, "quiet", "gray"),
    State(1, "well", GREEN),
    State(2, "some fail", YELLOW),
    State(3, "failing", RED),
    State(4, "incident", ORANGE),
)
SEVERITY = (State("critical", "", RED), State("warning", "", ORANGE))


def build() -> Json:
    """The dashboard "Fleet"."""
    spend = link_to(COST, "Where it goes", keep=("agent",))
    duration = link_to(LATENCY, "What takes so long", keep=("agent",))
    runs = link_to(RUNS, "Its runs", agent=label("agent"))
    numbers = (
        stat(
            "fleet/runs",
            decimals=0,
            change="same_as_value",
            links=[link_to(RUNS, "The runs", keep=("agent",))],
        ),
        stat(
            "fleet/success",
            steps=SUCCESS_RATIO.steps,
            decimals=1,
            change="standard",
            no_value="–",
            links=[link_to(RUNS, "Runs that failed", keep=("agent",), status="failed")],
        ),
        stat(
            "fleet/run_p95",
            steps=RUN_P95_S.steps,
            decimals=1,
            change="inverted",
            no_value="–",
            links=[duration],
        ),
        stat("fleet/spend", decimals=2, change="inverted", no_value="Unpriced", links=[spend]),
        stat("fleet/unpriced", steps=SOME_IS_BAD, decimals=0, links=[spend]),
        stat(
            "fleet/open_incidents",
            steps=SOME_IS_BAD,
            decimals=0,
            links=[link_to(DRIFT, "What moved", keep=("agent",))],
        ),
    )
    attention = (
        table(
            "fleet/attention",
            Column("agent", link=AGENT, width=180),
            Column("severity", width=90, states=SEVERITY),
            Column("change", "percentunit", 0, 90),
            Column("last_step", "dateTimeAsIso", width=170),
            no_value="–",
        ),
        stat("fleet/agents", decimals=0, change="same_as_value"),
    )
    outcome = (
        timeseries(
            "fleet/runs_by_status",
            stack="normal",
            calcs=("sum",),
            colors={"Succeeded": GREEN, "Failed": RED, "Running": BLUE},
        ),
        timeseries(
            "fleet/errors_by_agent",
            label="agent",
            steps=ERROR_RATIO.steps,
            greatest=0.06,
            links=[runs],
            min_interval="5m",
        ),
    )
    money = (
        timeseries("fleet/spend_by_agent", label="agent", stack="normal", calcs=("sum", "max"), links=[runs]),
        timeseries("fleet/tokens", stack="normal", calcs=("sum", "max")),
    )
    steps = table(
        "fleet/steps",
        Column("agent", link=AGENT),
        Column("step", link=link_to(LATENCY, "This agent's steps", agent=field("agent"))),
        Column("steps", "short", 0, 80),
        Column("p50", "s", 2, 90),
        Column("p95", "s", 2, 90),
        Column("p99", "s", 2, 90),
        Column("errors", "percentunit", 1, 80, ERROR_RATIO.steps),
        Column("spend", "currencyUSD", 2, 90),
        UNPRICED,
        no_value="–",
    )
    top_runs = table("fleet/top_runs", RUN, Column("agent", link=AGENT), *RUN_COLUMNS, no_value="–")
    incidents = table(
        "fleet/incidents",
        Column("opened", "dateTimeAsIso", width=160),
        Column("closed", "dateTimeAsIso", width=160),
        Column("agent", link=AGENT),
        Column("summary", link=link_to(DRIFT, "What moved", agent=field("agent"))),
        RUN,
        no_value="–",
    )
    return dashboard(
        UID,
        "Fleet",
        "What all agents do, what it costs and how long it takes. Minutes are shown for ranges of up to two "
        "days that are not older than 13 days or whose minutes are still stored, else hours.",
        tags=("fleet",),
        variables=shared_variables(),
        rows=(
            Row(4, numbers),
            Row(9, attention, widths=(20, 4)),
            Row(8, (state_timeline("fleet/health", "agent", HEALTH, links=[runs], min_interval="5m"),)),
            Row(9, outcome),
            Row(9, (timeseries("fleet/run_durations", min_interval="5m"), heatmap("fleet/heatmap"))),
            Row(9, money),
            section("Where to look closer", "Which steps, runs and incidents are behind the numbers?"),
            Row(11, (node_graph("fleet/call_nodes", "fleet/call_edges"), steps), widths=(10, 14)),
            Row(10, (top_runs,)),
            Row(8, (incidents,)),
        ),
    )
