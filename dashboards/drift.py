"""What changed, when, from what to what, and how far can the detectors be believed?"""

from dashboards.builder import Row, dashboard, section
from dashboards.links import DRIFT, RUNS, field, link_to
from dashboards.panels import (
    Column,
    Json,
    State,
    barchart,
    gauge,
    histogram,
    stat,
    state_timeline,
    table,
    timeseries,
)
from dashboards.thresholds import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    PLAIN,
    PURPLE,
    RED,
    SOME_IS_BAD,
    WITHDRAWN_TO_PROMISED_RATIO,
    YELLOW,
)
from dashboards.variables import query_variable, shared_variables

UID = DRIFT
LOUDEST = "(loudest)"

# What became of an alarm; the colours of every panel that tells of it.
FATES = {"confirmed": RED, "open": ORANGE, "withdrawn": BLUE}
_STATES = (
    State("confirmed", "", RED),
    State("open", "", ORANGE),
    State("withdrawn", "", BLUE),
    State("looping", "", RED),
    State("loop ended", "", NEUTRAL),
    State("new value", "", PURPLE),
)
_STREAM_STATES = (
    State(0, "learning", PURPLE),
    State(1, "as usual", GREEN),
    State(2, "alarm, withdrawn", BLUE),
    State(3, "alarm, open", ORANGE),
    State(4, "changed", RED),
)
_DETECTOR_STATES = (
    State("learning", "", PURPLE),
    State("watching", "", GREEN),
    State("alarm open", "", ORANGE),
)
# At 1 the evidence raises an alarm, or confirms one.
_EVIDENCE = ((None, GREEN), (0.5, YELLOW), (1, RED))


def build() -> Json:
    """The dashboard "Drift"."""
    runs_near = link_to(
        RUNS,
        "Runs of this agent at that time",
        time=(field("from_ms"), field("to_ms")),
        agent=field("agent"),
    )
    numbers = (
        stat("drift/confirmed", steps=SOME_IS_BAD, decimals=0, change="inverted"),
        stat("drift/unconfirmed", steps=SOME_IS_BAD, decimals=0),
        stat("drift/withdrawn", steps=PLAIN, decimals=0, change="same_as_value"),
        stat("drift/loops", steps=SOME_IS_BAD, decimals=0, change="inverted"),
        stat("drift/withdrawn_share", steps=PLAIN, decimals=0, no_value="–"),
        gauge("drift/promise", steps=WITHDRAWN_TO_PROMISED_RATIO.steps, greatest=3, decimals=2),
    )
    incidents = table(
        "drift/incidents",
        Column("opened", "dateTimeAsIso", width=160),
        Column("closed", "dateTimeAsIso", width=160),
        Column("confirmed", "dateTimeAsIso", width=160),
        Column("state", width=100, states=_STATES),
        Column("agent", width=140, link=runs_near),
        Column("before", "short", width=90),
        Column("after", "short", width=90),
        Column("change", "percentunit", 0, 80),
        Column("run_id", width=140, link=link_to(RUNS, "This run", run=field("run_id"))),
        Column("from_ms", "none", hidden=True),
        Column("to_ms", "none", hidden=True),
        no_value="–",
    )
    over_time = (
        timeseries("drift/opened", stack="normal", calcs=("sum",), colors=FATES),
        barchart("drift/by_signal", "signal", stack="normal", colors=FATES, no_value="No alarms"),
    )
    chosen = (
        timeseries("drift/statistic", colors={"threshold": RED}, dashed=("threshold",), calcs=("max",)),
        timeseries(
            "drift/level",
            dashed=("half before",),
            band=("5 % before", "95 % before"),
            calcs=("mean", "lastNotNull"),
        ),
        histogram("drift/distribution", colors={"before": BLUE, "since": ORANGE}, no_value="No durations"),
    )
    deploys = table(
        "drift/deploys",
        Column("deployed", "dateTimeAsIso", width=160),
        Column("incidents", "short", 0, 90, SOME_IS_BAD),
        Column("first_after", "s", 0, 100),
        no_value="No deploy in this range",
    )
    watched = table(
        "drift/warm_up",
        Column("state", width=100, states=_DETECTOR_STATES),
        Column("observations", "short", 0, 110),
        Column("in_range", "short", 0, 90),
        Column("evidence", "percentunit", 0, 90, _EVIDENCE),
        Column("greatest_evidence", "percentunit", 0, 140, _EVIDENCE),
        Column("last_value", "short", width=100),
        Column("last_seen", "dateTimeAsIso", width=160),
        no_value="–",
    )
    passed_over = table(
        "drift/passed_over",
        Column("steps", "short", 0, 90),
        Column("last_time", "dateTimeAsIso", width=160),
        no_value="Detectors saw everything",
    )
    return dashboard(
        UID,
        "Drift",
        "What changed, from what to what, after which deploy; and whether alarms keep their promise: of a "
        "stream that does not change, at most one in as many observations as its threshold says.",
        tags=("drift", "incidents"),
        variables=[*shared_variables(), query_variable("stream", "variables/streams", default=LOUDEST)],
        rows=(
            Row(4, numbers),
            Row(9, (incidents,)),
            Row(9, (state_timeline("drift/states", "stream", _STREAM_STATES),)),
            Row(8, over_time),
            section("The chosen stream", "What does the stream that is chosen above look like?"),
            Row(9, chosen),
            section("Causes and detectors", "What came before a change, and what do detectors know?"),
            Row(
                9,
                (
                    timeseries(
                        "drift/evidence", label="stream", steps=_EVIDENCE, calcs=("max",), min_interval="5m"
                    ),
                ),
            ),
            Row(9, (deploys, passed_over), (16, 8)),
            Row(10, (watched,)),
        ),
    )
