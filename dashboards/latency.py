"""What takes how long, since when, and what do runs wait for?"""

from dashboards.builder import Row, dashboard, section
from dashboards.links import LATENCY
from dashboards.panels import Column, Json, bargauge, heatmap, stat, table, timeseries
from dashboards.run_columns import AGENT, RUN
from dashboards.thresholds import (
    BLUE,
    ERROR_RATIO,
    FIRST_CHUNK_P95_S,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    RUN_P95_S,
    SOME_IS_BAD,
    YELLOW,
)
from dashboards.variables import model_variable, shared_variables

UID = LATENCY


def build() -> Json:
    """The dashboard "Latency"."""
    numbers = (
        stat("latency/run_p95", steps=RUN_P95_S.steps, decimals=1, change="inverted", no_value="–"),
        stat("latency/step_p95", decimals=2, change="inverted", no_value="–"),
        stat(
            "latency/first_chunk_p95",
            steps=FIRST_CHUNK_P95_S.steps,
            decimals=2,
            change="inverted",
            no_value="Not told",
        ),
        stat("latency/speed_median", decimals=0, change="standard", no_value="–"),
        stat("latency/errors", steps=ERROR_RATIO.steps, decimals=2, change="inverted", no_value="–"),
        stat("latency/throttled", steps=SOME_IS_BAD, decimals=0),
    )
    slowest = table(
        "latency/slowest",
        Column("started", "dateTimeAsIso", width=160),
        Column("agent", link=AGENT),
        Column("duration", "s", 2, 90),
        Column("first_token", "s", 2, 90),
        Column("output", "short", width=80),
        RUN,
        no_value="–",
    )
    tools = table(
        "latency/tools",
        Column("calls", "short", 0, 80),
        Column("repeated", "short", 0, 90, ((None, NEUTRAL), (1, ORANGE))),
        Column("p50", "s", 2, 80),
        Column("p95", "s", 2, 80),
        Column("errors", "percentunit", 1, 80, ERROR_RATIO.steps),
        no_value="–",
    )
    steps = table(
        "latency/steps",
        Column("agent", link=AGENT),
        Column("steps", "short", 0, 80),
        Column("p50", "s", 2, 80),
        Column("p95", "s", 2, 80),
        Column("p99", "s", 2, 80),
        Column("total", "s", 0, 90),
        Column("errors", "percentunit", 1, 80, ERROR_RATIO.steps),
        no_value="–",
    )
    errors = timeseries(
        "latency/errors_by_sort",
        stack="normal",
        calcs=("sum",),
        colors={"Rate limit": ORANGE, "Timeout": YELLOW, "Provider": RED, "Other": BLUE},
    )
    failing = timeseries(
        "latency/errors_by_step", label="step", steps=ERROR_RATIO.steps, greatest=0.06, min_interval="5m"
    )
    waiting = timeseries(
        "latency/waited_for",
        stack="percent",
        calcs=("sum",),
        colors={"Models": BLUE, "Tools": GREEN, "Other steps": YELLOW, "Nothing told": "gray"},
    )
    return dashboard(
        UID,
        "Latency",
        "How long steps and runs take, which of them runs wait for, and how models and tools answer. "
        "Percentiles of steps are off by 1.6 % at most; those of first tokens, tools and runs are exact.",
        tags=("latency",),
        variables=[*shared_variables(), model_variable()],
        rows=(
            Row(4, numbers),
            Row(9, (timeseries("latency/percentiles"), heatmap("latency/heatmap"))),
            Row(9, (waiting, bargauge("latency/critical_steps", decimals=0))),
            Row(
                9,
                (
                    timeseries("latency/p95_by_step", label="step"),
                    timeseries("latency/time_by_step", label="step", stack="percent", calcs=("sum",)),
                ),
            ),
            section("Models", "How soon and how fast do models answer?"),
            Row(
                9,
                (
                    timeseries("latency/first_chunk", label="series"),
                    timeseries("latency/speed", label="model"),
                ),
            ),
            Row(9, (errors, failing)),
            section("Steps and tools", "Which steps, tools and runs are behind the numbers?"),
            Row(10, (steps, tools)),
            Row(10, (slowest,)),
        ),
    )
