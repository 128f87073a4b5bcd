"""Does what agents send arrive, whole and in time? What ClickHouse knows of the pipeline itself."""

from dashboards.builder import Row, dashboard, section
from dashboards.links import PIPELINE, field, link_to
from dashboards.panels import (
    Column,
    Json,
    State,
    bargauge,
    heatmap,
    stat,
    status_history,
    table,
    text,
    timeseries,
)
from dashboards.thresholds import (
    DUPLICATE_RATIO,
    GREEN,
    LAG_S,
    NO_DATA_S,
    PARTS_OF_A_PARTITION,
    PLAIN,
    SOME_IS_BAD,
    UNPRICED_RATIO,
)
from dashboards.variables import shared_variables

UID = PIPELINE

_LIFE = (State(1, "stored something", GREEN),)
_NOT_STORED = "Nothing was stored in this range"
_NOT_HERE = """\
ClickHouse knows what was stored, and cannot know what waits. Each role serves that itself, for Prometheus \
(`/metrics`, docs/operations.md):

| question | metric |
|---|---|
| what waits in Kafka, and how old is it | `wakeline_lag_records`, `wakeline_lag_seconds` |
| is a role waiting, and for how long | `wakeline_ready`, `wakeline_waiting_seconds` |
| has the watchdog found it stuck | `wakeline_healthy` |
| how old is the state that a crash goes back to | `wakeline_snapshot_age_seconds` |
| do webhooks go out | `wakeline_deliveries_total`, `wakeline_waiting_alerts` |

`wakeline doctor` asks Kafka and ClickHouse for the most of it at once, without Prometheus.
"""


def build() -> Json:
    """The dashboard "Pipeline"."""
    numbers = (
        stat("pipeline/stored", steps=PLAIN, decimals=1, change="same_as_value", no_value="none"),
        stat("pipeline/delay", steps=LAG_S.steps, decimals=1, change="inverted", no_value="–"),
        stat("pipeline/letters_count", steps=SOME_IS_BAD, decimals=0, change="inverted"),
        stat("pipeline/duplicates_share", steps=DUPLICATE_RATIO.steps, decimals=2, no_value="–"),
        stat("pipeline/unpriced_share", steps=UNPRICED_RATIO.steps, decimals=2, no_value="–"),
        stat("pipeline/ledger_count", steps=SOME_IS_BAD, decimals=0),
    )
    life = (
        status_history(
            "pipeline/heartbeat", "role", _LIFE, no_value="No role has stored anything in this range"
        ),
        bargauge(
            "pipeline/freshness",
            steps=NO_DATA_S.steps,
            decimals=0,
            no_value="No role has stored anything in this range",
        ),
    )
    arrived = table(
        "pipeline/arrived",
        Column("runs", "short", 0, 100),
        Column(
            "first_arrived",
            "dateTimeAsIso",
            link=link_to(PIPELINE, "What was stored then", time=(field("from_ms"), field("to_ms"))),
        ),
        Column("last_arrived", "dateTimeAsIso"),
        Column("from_ms", "none", hidden=True),
        Column("to_ms", "none", hidden=True),
        no_value="No run has begun in this range",
    )
    rates = (
        timeseries("pipeline/rows", label="what", calcs=("mean", "max"), no_value=_NOT_STORED),
        timeseries(
            "pipeline/sources", label="source", stack="normal", calcs=("mean", "max"), no_value=_NOT_STORED
        ),
    )
    delays = (
        timeseries("pipeline/delays", steps=LAG_S.steps, calcs=("mean", "max"), no_value=_NOT_STORED),
        heatmap("pipeline/delay_heatmap", no_value=_NOT_STORED),
    )
    losses = (
        timeseries(
            "pipeline/letters_by_reason",
            label="reason",
            stack="normal",
            calcs=("sum",),
            min_interval="5m",
            no_value="No dead letter came in this range",
        ),
        timeseries(
            "pipeline/repeats",
            stack="normal",
            calcs=("sum",),
            min_interval="5m",
            no_value="No run has begun in this range",
        ),
        timeseries(
            "pipeline/unpriced",
            label="model",
            stack="normal",
            calcs=("sum",),
            min_interval="5m",
            no_value="No call without a price in this range",
        ),
    )
    letters = table(
        "pipeline/letters",
        Column("time", "dateTimeAsIso", width=160),
        Column("topic", width=120),
        Column("partition", "none", 0, 80),
        Column("offset", "none", 0, 90),
        Column("reason", width=130),
        no_value="No dead letter came in this range",
    )
    ledger = table(
        "pipeline/ledger",
        Column("time", "dateTimeAsIso", width=160),
        Column("role", width=80),
        Column("entry", width=170),
        Column("count", "short", 0, 80),
        no_value="Nothing of the kind in this range",
    )
    emitters = (
        timeseries("pipeline/emitters", label="source", calcs=("mean", "max"), no_value=_NOT_STORED),
        stat("pipeline/odd_times", steps=SOME_IS_BAD, decimals=0),
        table(
            "pipeline/dropped",
            Column("dropped", "short", 0, 90, SOME_IS_BAD),
            Column("reports", "short", 0, 80),
            Column("last_time", "dateTimeAsIso", width=160),
            no_value="No emitter reports a drop",
        ),
    )
    storage = (
        table(
            "pipeline/storage",
            Column("rows", "short", width=90),
            Column("bytes", "bytes", 1, 90),
            Column("parts", "short", 0, 80),
            Column("most_parts", "short", 0, 100, PARTS_OF_A_PARTITION.steps),
            Column("merges", "short", 0, 80),
            Column("newest", "dateTimeAsIso", width=160),
            no_value="–",
        ),
        bargauge("pipeline/parts", steps=PARTS_OF_A_PARTITION.steps, decimals=0),
    )
    return dashboard(
        UID,
        "Pipeline",
        "Whether what agents send arrives, whole and in time: what is stored and how late, what was refused, "
        "repeated or dropped, and how ClickHouse copes. Rates and delays count by the minute of storing, "
        "dead letters by their arrival, repeats included; totals are those of the other dashboards.",
        tags=("pipeline", "operations"),
        variables=shared_variables(),
        rows=(
            Row(4, numbers),
            Row(4, (arrived,)),
            Row(7, life, (16, 8)),
            Row(9, rates),
            Row(9, delays),
            section(
                "What is not counted, or counted once", "What was refused, repeated, late or has no price?"
            ),
            Row(9, losses),
            Row(9, (letters,)),
            Row(8, (ledger,)),
            section("Emitters", "What of the trouble is outside of the pipeline?"),
            Row(8, emitters, (10, 4, 10)),
            section("ClickHouse", "How large are tables, and do merges keep up?"),
            Row(10, storage, (16, 8)),
            Row(9, (text("What waits", "Where are lag, readiness and watchdog of each role?", _NOT_HERE),)),
        ),
    )
