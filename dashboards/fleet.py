"""What does the fleet do, cost and take? The dashboard to look at first."""

from dashboards.builder import Row, dashboard
from dashboards.links import FLEET
from dashboards.panels import Column, Json, heatmap, stat, table, timeseries
from dashboards.thresholds import ERROR_RATIO, NEUTRAL, ORANGE, PLAIN, SOME_IS_BAD, SUCCESS_RATIO
from dashboards.variables import shared_variables

UID = FLEET


def build() -> Json:
    """The dashboard "Fleet: cost and latency"."""
    numbers = (
        stat("fleet/runs", steps=PLAIN, decimals=0, change="same_as_value"),
        stat("fleet/success", steps=SUCCESS_RATIO.steps, decimals=1, change="standard", no_value="–"),
        stat("fleet/spend", steps=PLAIN, decimals=2, change="inverted"),
        stat("fleet/p95", steps=PLAIN, decimals=2, change="inverted", no_value="–"),
        stat("fleet/unpriced", steps=SOME_IS_BAD, decimals=0),
        stat("fleet/open_incidents", steps=SOME_IS_BAD, decimals=0),
    )
    money = (
        timeseries("fleet/spend_by_agent", label="agent", stack="normal", calcs=("sum", "max")),
        timeseries("fleet/tokens", stack="normal", calcs=("sum", "max")),
    )
    time = (timeseries("fleet/percentiles"), heatmap("fleet/heatmap"))
    steps = (
        table(
            "fleet/steps",
            Column("steps", "short", 0, 80),
            Column("p50", "s", 2, 90),
            Column("p95", "s", 2, 90),
            Column("p99", "s", 2, 90),
            Column("errors", "percentunit", 1, 80, ERROR_RATIO.steps),
            Column("spend", "currencyUSD", 2, 90),
            no_value="No steps in this range",
        ),
        timeseries("fleet/errors_by_agent", label="agent", steps=ERROR_RATIO.steps, greatest=0.06),
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
        variables=shared_variables(),
        rows=(Row(4, numbers), Row(9, money), Row(9, time), Row(10, steps), Row(10, lists)),
    )
