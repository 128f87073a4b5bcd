"""Which runs were there, and what happened in one of them, step by step and word by word?"""

from dashboards.builder import Row, dashboard, section
from dashboards.links import RUNS, field, link_to
from dashboards.panels import Column, Json, histogram, logs, stat, table, timeseries, traces
from dashboards.run_columns import AGENT, RUN, RUN_COLUMNS, STATUS
from dashboards.thresholds import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    REPEATED_TOOL_CALLS,
    RUN_P95_S,
    SUCCESS_RATIO,
)
from dashboards.variables import custom_variable, model_variable, shared_variables, text_variable

UID = RUNS
SOME = ((None, NEUTRAL), (1, ORANGE))
COUNTS = (
    Column("calls", "short", 0, 70),
    Column("tools", "short", 0, 70),
    Column("repeated", "short", 0, 90, REPEATED_TOOL_CALLS.steps),
)


def build() -> Json:
    """The dashboard "Runs and traces"."""
    numbers = (
        stat("runs/count", decimals=0, change="same_as_value"),
        stat("runs/success", steps=SUCCESS_RATIO.steps, decimals=1, change="standard", no_value="–"),
        stat("runs/p50", decimals=1, change="inverted", no_value="–"),
        stat("runs/p95", steps=RUN_P95_S.steps, decimals=1, change="inverted", no_value="–"),
        stat("runs/spend", decimals=2, change="inverted", no_value="Unpriced"),
        stat("runs/step_count", decimals=1, change="same_as_value", no_value="–"),
    )
    shapes = (
        timeseries(
            "runs/over_time",
            stack="normal",
            calcs=("sum",),
            colors={"Succeeded": GREEN, "Failed": RED, "Running": BLUE},
        ),
        histogram("runs/durations", colors={"Succeeded": GREEN, "Failed": RED}),
    )
    runs = table("runs/list", RUN, Column("agent", link=AGENT), *RUN_COLUMNS, *COUNTS, no_value="–")
    one = table(
        "runs/run",
        Column("agent", link=AGENT),
        *RUN_COLUMNS,
        *COUNTS,
        Column("orphans", "short", 0, 80, SOME),
        Column("unended", "short", 0, 90, SOME),
        no_value="–",
    )
    steps = table(
        "runs/steps",
        Column("started", "dateTimeAsIso", width=160),
        Column("agent", link=AGENT),
        Column("duration", "s", 2, 80),
        Column("first_token", "s", 2, 80),
        *(Column(name, "short", 0, 80) for name in ("input", "cached", "output")),
        *(
            Column(name, "currencyUSD", 6, 100)
            for name in ("input_cost", "cached_cost", "output_cost", "spend")
        ),
        no_value="–",
    )
    contents = table(
        "runs/contents",
        Column("started", "dateTimeAsIso", width=160),
        Column("name", width=150),
        Column("whole", "bytes", 0, 80),
        Column("event", width=160),
        no_value="–",
    )
    found = table(
        "runs/search",
        Column("started", "dateTimeAsIso", width=160),
        Column("name", width=150),
        Column("run", link=link_to(RUNS, "The run", keep=("search",), run=field("run"))),
        no_value="–",
    )
    return dashboard(
        UID,
        "Runs and traces",
        "Choose runs, open one by a click on its id (or write it into the box), read its steps and contents, "
        "or search all contents of the range.",
        tags=("runs",),
        variables=[
            *shared_variables(),
            model_variable(),
            custom_variable(
                "status",
                "Status",
                "What came of the run?",
                [(str(state.value), str(state.value)) for state in STATUS],
                multi=True,
            ),
            text_variable("min_cost", "Costs at least (USD)", "From which cost on?"),
            text_variable("min_duration", "Takes at least (s)", "From which duration on?"),
            text_variable("run", "Run", "Which run is shown below?"),
            text_variable("search", "Search", "Which text is looked for in prompts, answers and arguments?"),
        ],
        rows=(
            Row(4, numbers),
            Row(8, shapes),
            Row(11, (runs,)),
            section("One run", "What happened in the run that is chosen?"),
            Row(5, (one,)),
            Row(14, (traces("runs/trace"),)),
            Row(10, (steps,)),
            Row(10, (contents, logs("runs/log"))),
            section("Search", "Where does a text stand?"),
            Row(10, (found,)),
        ),
    )
