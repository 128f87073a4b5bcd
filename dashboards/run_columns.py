"""How do tables show a run? Columns that they share, and the ways from a run or an agent to its detail."""

from dashboards.links import RUNS, field, link_to
from dashboards.panels import Column, State
from dashboards.thresholds import BLUE, GREEN, NEUTRAL, ORANGE, RED

STATUS = (State("succeeded", "", GREEN), State("failed", "", RED), State("running", "", BLUE))
RUN = Column("run", link=link_to(RUNS, "Its steps and contents", run=field("run")))
AGENT = link_to(RUNS, "Its runs", agent=field("agent"))
UNPRICED = Column("unpriced", "short", 0, 90, ((None, NEUTRAL), (1, ORANGE)))
RUN_COLUMNS = (
    Column("started", "dateTimeAsIso", width=160),
    Column("duration", "s", 1, 90),
    Column("steps", "short", 0, 70),
    Column("errors", "short", 0, 70, ((None, NEUTRAL), (1, ORANGE))),
    Column("input", "short", width=80),
    Column("output", "short", width=80),
    Column("spend", "currencyUSD", 4, 90),
    UNPRICED,
    Column("status", width=90, states=STATUS),
)
