"""What does the fleet do, cost and take? The dashboard to look at first."""

from dashboards.builder import (
    alerts_annotation,
    annotation,
    dashboard,
    datasource_variable,
    place,
    variable,
)
from dashboards.panels import (
    GREEN,
    NEUTRAL,
    ORANGE,
    PLAIN,
    RED,
    YELLOW,
    Column,
    Json,
    Steps,
    heatmap,
    stat,
    table,
    timeseries,
)

UID = "wakeline-fleet"

# One agent's share of failed steps: worth a look, and a fault.
ERRORS: Steps = ((None, GREEN), (0.01, YELLOW), (0.05, RED))
SUCCESS: Steps = ((None, RED), (0.9, YELLOW), (0.95, GREEN))
SOME_IS_BAD: Steps = ((None, GREEN), (1, ORANGE))


def build() -> Json:
    """The dashboard "Fleet: cost and latency"."""
    numbers = (
        stat("fleet/runs", steps=PLAIN, decimals=0, change="same_as_value"),
        stat("fleet/success", steps=SUCCESS, decimals=1, change="standard", no_value="–"),
        stat("fleet/spend", steps=PLAIN, decimals=2, change="inverted"),
        stat("fleet/p95", steps=PLAIN, decimals=2, change="inverted", no_value="–"),
        stat("fleet/unpriced", steps=SOME_IS_BAD, decimals=0),
        stat("fleet/open_incidents", steps=SOME_IS_BAD, decimals=0),
    )
    money = (
        timeseries("fleet/spend_by_agent", label="agent", stacked=True, calcs=("sum", "max")),
        timeseries("fleet/tokens", stacked=True, calcs=("sum", "max")),
    )
    time = (timeseries("fleet/percentiles"), heatmap("fleet/heatmap"))
    steps = (
        table(
            "fleet/steps",
            Column("steps", "short", 0, 80),
            Column("p50", "s", 2, 90),
            Column("p95", "s", 2, 90),
            Column("p99", "s", 2, 90),
            Column("errors", "percentunit", 1, 80, ERRORS),
            Column("spend", "currencyUSD", 2, 90),
            no_value="No steps in this range",
        ),
        timeseries("fleet/errors_by_agent", label="agent", steps=ERRORS, greatest=0.06),
    )
    lists = (
        table(
            "fleet/top_runs",
            Column("started", "dateTimeAsIso", width=160),
            Column("duration", "s", 1, 90),
            Column("steps", "short", 0, 70),
            Column("errors", "short", 0, 70, ((None, NEUTRAL), (1, ORANGE))),
            Column("input", "short", width=80),
            Column("output", "short", width=80),
            Column("cost", "currencyUSD", 4, 90),
            no_value="No runs in this range",
        ),
        table(
            "fleet/incidents",
            Column("opened", "dateTimeAsIso", width=160),
            Column("closed", "dateTimeAsIso", width=160),
            no_value="–",
        ),
    )
    return dashboard(
        UID,
        "Fleet: cost and latency",
        "What all agents do, what it costs and how long it takes. Minutes are shown for ranges of up to two "
        "days that are not older than 13 days, else hours.",
        tags=("fleet", "cost", "latency"),
        variables=(
            datasource_variable(),
            variable("namespace", "fleet/namespaces", default="live"),
            variable("environment", "fleet/environments"),
            variable("agent", "fleet/agents"),
        ),
        annotations=(alerts_annotation(), annotation("fleet/drift", color=RED)),
        panels=place(((4, numbers), (9, money), (9, time), (10, steps), (10, lists))),
    )
