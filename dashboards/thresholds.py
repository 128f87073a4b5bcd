"""From which value on is a number worth a look, and from which a fault?

The same constant colours a panel and fires its alert rule, so that nobody is woken by a number that the
picture calls green.

The values are where to begin, not laws: a site changes them here, and panels and rules follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

GREEN, YELLOW, ORANGE, RED, BLUE, PURPLE = "green", "yellow", "orange", "red", "blue", "purple"
NEUTRAL = "text"
# Colour from a value on; the first has none.
Steps = Sequence[tuple[float | None, str]]
PLAIN: Steps = ((None, NEUTRAL),)


@dataclass(frozen=True)
class Threshold:
    """Two values of one number; where `critical` is the smaller, little is bad.

    Attributes:
        warning: worth a look from here on.
        critical: a fault from here on.
    """

    warning: float
    critical: float

    @property
    def steps(self) -> Steps:
        """Colours, ascending as Grafana wants them; where little is bad, green begins at `warning`."""
        if self.critical >= self.warning:
            return (None, GREEN), (self.warning, YELLOW), (self.critical, RED)
        return (None, RED), (self.critical, YELLOW), (self.warning, GREEN)


# One agent's share of steps that fail (agents and runs, which contain steps, left out).
ERROR_RATIO = Threshold(0.01, 0.05)
# Closed runs that succeed: by their outcome, else without a failed step.
SUCCESS_RATIO = Threshold(0.95, 0.90)
# Spend against what a month may cost.
BUDGET_USED_RATIO = Threshold(0.7, 0.9)
# How many times too fast the budget goes: at 14.4 an hour takes 2 % of a month's, at 6 six hours take 5 %.
# Source: Google, The Site Reliability Workbook, chapter 5, table 5-6 (there for error budgets).
BURN_RATE_6H = Threshold(3.0, 6.0)
BURN_RATE_1H = Threshold(6.0, 14.4)
# Calls with usage and no price, of all calls with usage.
UNPRICED_RATIO = Threshold(0.001, 0.01)
# Money that bought nothing, of all money.
WASTE_RATIO = Threshold(0.1, 0.25)
# 95 % of an agent's runs are shorter. No law: what a person waits for, and what a job may take.
RUN_P95_S = Threshold(60.0, 300.0)
# 95 % of first tokens are sooner. Nielsen 1993: 1 s keeps the flow of thought, 10 s the attention.
FIRST_CHUNK_P95_S = Threshold(1.0, 10.0)
# The same tool with the same arguments in one run; the view agent_waste calls a run a loop from 10 on.
REPEATED_TOOL_CALLS = Threshold(3, 10)
# An agent that ran in the range has been still for so long, s.
SILENT_S = Threshold(900, 3_600)
# More money, and more time, than in as long a time before.
SPEND_CHANGE_RATIO = Threshold(0.5, 1.0)
DURATION_CHANGE_RATIO = Threshold(0.25, 1.0)

# One is enough to look.
SOME_IS_BAD: Steps = ((None, GREEN), (1, ORANGE))

# Alarms that were withdrawn, for each that thresholds allow in the mean: a little more may be chance.
WITHDRAWN_TO_PROMISED_RATIO = Threshold(1.0, 2.0)
# From the append at the source to ClickHouse, 95 % of steps; seconds are usual.
LAG_S = Threshold(120, 300)
# Silence of everything, or of all that one role stores.
NO_DATA_S = Threshold(600, 1_800)
# Steps that were received before, of all that runs received.
DUPLICATE_RATIO = Threshold(0.01, 0.1)
# Active parts in one partition. Source: ClickHouse's settings parts_to_delay_insert (1,000) and
# parts_to_throw_insert (3,000).
PARTS_OF_A_PARTITION = Threshold(300, 1_000)

# Below here: of alert rules whose number no panel judges by a constant.
# What an agent may cost a month where nobody has said so: a guard against runaways, no plan.
MONTH_USD = 1_000.0
# One run: what nobody meant to spend, and how many steps nobody meant to take.
RUN_USD = Threshold(1.0, 10.0)
RUN_STEPS = Threshold(200, 1_000)
