"""Which rules are there? All of them, in groups that are evaluated together.

Where a panel judges the same number, its constant of `dashboards.thresholds` is the rule's. Numbers with
objectives of their own for each agent are divided by the objective, so that one rule serves all: it fires
above 1.

No rows mean "nothing to say" everywhere but in `pipeline-no-data`, whose silence is what it watches. A
failing query is an Error everywhere but there: Grafana tells all errors of one outage together, under the
name DatasourceError, and a rule that can never be evaluated must not look like one that has nothing to say.
"""

from dashboards import links, thresholds
from dashboards.alerts.rule import Group, Rule

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
# The number, in Go's template language.
NUMBER = '{{ printf "%.1f" $values.B.Value }}'
COUNT = '{{ printf "%.0f" $values.B.Value }}'

BUDGET_BURN_1H = Rule(
    name="budget-burn-1h",
    title="Budget burns fast",
    query="alerts/budget_burn",
    panel=(links.COST, "cost/burn"),
    severity="critical",
    range_s=HOUR_S,
    fires_above=thresholds.BURN_RATE_1H.critical,
    recovers_below=thresholds.BURN_RATE_1H.warning,
    summary="{{ $labels.agent }} spends " + NUMBER + " times faster than its budget allows",
    description="Spend of the last hour and of its last five minutes, whichever is the lower pace, as a "
    "multiple of the pace at which the agent's month's budget lasts a month.",
)
BUDGET_BURN_6H = Rule(
    name="budget-burn-6h",
    title="Budget burns steadily",
    query="alerts/budget_burn",
    panel=(links.COST, "cost/burn"),
    severity="warning",
    range_s=6 * HOUR_S,
    fires_above=thresholds.BURN_RATE_6H.critical,
    recovers_below=thresholds.BURN_RATE_6H.warning,
    summary="{{ $labels.agent }} has spent " + NUMBER + " times faster than its budget allows, for six hours",
    description="Spend of the last six hours and of their last half hour, whichever is the lower pace, as a "
    "multiple of the pace at which the agent's month's budget lasts a month.",
)
UNPRICED = Rule(
    name="unpriced-traffic",
    title="Calls without a price",
    query="alerts/unpriced",
    panel=(links.COST, "cost/priceless"),
    severity="warning",
    range_s=HOUR_S,
    fires_above=thresholds.UNPRICED_RATIO.critical,
    recovers_below=thresholds.UNPRICED_RATIO.warning,
    pending_s=5 * MINUTE_S,
    summary="{{ $labels.agent }} calls {{ $labels.model }}, which has no price: its spend is too low",
    description="Share of the agent's calls of models of the last hour that have usage and no price, by "
    "model.",
)
ERROR_RATIO = Rule(
    name="error-ratio",
    title="Step fails too often",
    query="alerts/error_ratio",
    panel=(links.LATENCY, "latency/errors_by_step"),
    severity="critical",
    range_s=HOUR_S,
    fires_above=1.0,
    recovers_below=0.8,
    pending_s=2 * MINUTE_S,
    keep_firing_s=10 * MINUTE_S,
    summary="{{ $labels.agent }}: {{ $labels.step }} fails more often than it may",
    description="The share of failed calls of the last hour as a multiple of what the objective allows: the "
    "lower end of Wilson's interval at three standard deviations, so that a few calls prove nothing.",
)
LATENCY = Rule(
    name="latency",
    title="Slower than its objective",
    query="alerts/latency",
    panel=(links.LATENCY, "latency/p95_by_step"),
    severity="warning",
    range_s=HOUR_S,
    fires_above=1.0,
    recovers_below=0.9,
    pending_s=10 * MINUTE_S,
    keep_firing_s=10 * MINUTE_S,
    summary="{{ $labels.agent }}: the 95th percentile of {{ $labels.step }} is "
    + NUMBER
    + " times its objective",
    description="The 95th percentile of what ended in the last hour as a multiple of its objective; fewer "
    "than 20 observations prove nothing.",
)
DRIFT = Rule(
    name="drift-incident",
    title="Drift is confirmed",
    query="alerts/drift_incident",
    panel=(links.DRIFT, "drift/incidents"),
    severity="warning",
    range_s=30 * DAY_S,
    fires_above=0.0,
    recovers_below=0.0,
    summary="{{ $labels.agent }}: {{ $labels.signal }} of {{ $labels.step }} has changed",
    description="Confirmed incidents of the detectors that are open: it ends when the stream has a new "
    "reference.",
)
LOOPING_RUN = Rule(
    name="looping-run",
    title="Run goes in circles",
    query="alerts/looping_run",
    panel=(links.FLEET, "fleet/incidents"),
    severity="critical",
    range_s=DAY_S,
    fires_above=0.0,
    recovers_below=0.0,
    summary="{{ $labels.agent }} makes the same call of {{ $labels.step }} over and over: {{ $labels.run }}",
    description="Identical tool calls of one run when the loop was found (setting `loop_calls`).",
)
RUNAWAY_RUN = Rule(
    name="runaway-run",
    title="Run grows without end",
    query="alerts/runaway_run",
    panel=(links.RUNS, "runs/list"),
    severity="critical",
    range_s=DAY_S,
    fires_above=1.0,
    recovers_below=1.0,
    summary="{{ $labels.agent }}: the run {{ $labels.run }} is " + NUMBER + " times what a run may be",
    description="Steps or cost of an open run, whichever is more, as a multiple of what one run of the agent "
    "may have.",
)
SILENT_AGENT = Rule(
    name="silent-agent",
    title="Agent is silent",
    query="alerts/silent_agent",
    panel=(links.INVENTORY, "inventory/silence"),
    severity="warning",
    range_s=15 * DAY_S,
    fires_above=1.0,
    recovers_below=1.0,
    summary="{{ $labels.agent }}: silent " + NUMBER + " times as long as its rhythm explains",
    description="Time since the agent was heard last, against twice its longest pause around this time of "
    "the day (ten minutes at least), or an hour past its return where it rests at this time of the week; "
    "agents with steps in fewer than six different hours have no rhythm yet.",
)
DEAD_LETTERS = Rule(
    name="dead-letters",
    title="Records cannot be taken",
    query="alerts/dead_letters",
    panel=(links.PIPELINE, "pipeline/letters_by_reason"),
    severity="warning",
    range_s=15 * MINUTE_S,
    fires_above=0.0,
    recovers_below=0.0,
    summary=COUNT + " records are dead letters: {{ $labels.reason }}",
    description="Dead letters of the last quarter of an hour, by reason.",
)
LAG = Rule(
    name="pipeline-lag",
    title="Pipeline lags",
    query="alerts/pipeline_lag",
    panel=(links.PIPELINE, "pipeline/delays"),
    severity="warning",
    range_s=10 * MINUTE_S,
    fires_above=thresholds.LAG_S.critical,
    recovers_below=thresholds.LAG_S.warning,
    pending_s=5 * MINUTE_S,
    summary="Traffic is stored " + COUNT + " s after it arrived",
    description="The 95th percentile of the time from the append at the source to ClickHouse, of the steps "
    "that were stored in the last ten minutes.",
)
NO_DATA = Rule(
    name="pipeline-no-data",
    title="Pipeline stores nothing",
    query="alerts/no_data",
    panel=(links.PIPELINE, "pipeline/freshness"),
    severity="critical",
    range_s=8 * DAY_S,
    fires_above=1.0,
    recovers_below=1.0,
    empty="Alerting",
    failed="Alerting",
    summary="Nothing has been stored for too long, or ClickHouse cannot be asked",
    description="Time since anything was stored as a multiple of what may be; no row within eight days, "
    "and a query that fails, count too.",
)

GROUPS = (
    Group("wakeline-costs", 5 * MINUTE_S, (BUDGET_BURN_1H, BUDGET_BURN_6H, UNPRICED)),
    Group("wakeline-agents", MINUTE_S, (ERROR_RATIO, LATENCY, DRIFT, LOOPING_RUN, RUNAWAY_RUN)),
    Group("wakeline-presence", MINUTE_S, (SILENT_AGENT,)),
    Group("wakeline-pipeline", MINUTE_S, (DEAD_LETTERS, LAG, NO_DATA)),
)
