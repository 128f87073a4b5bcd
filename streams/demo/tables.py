"""How does the demonstration look in a terminal? Tables of rich, from values. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streams.demo.results import StepLine, Totals
from streams.demo.verdicts import FOUND, MISSED, Judgement, Sighting, Verdict

_STYLES = {FOUND: "green", MISSED: "red"}
_SHOWN = 8


def live_view(
    stage: str, sent: int, total: int, totals: Totals | None, sightings: Sequence[Sighting]
) -> RenderableType:
    """What is going on: how far the fleet is, what is stored, which incidents there are."""
    parts: list[RenderableType] = [
        Text(f"{stage}: {sent:,} of {total:,} runs sent"),
        ProgressBar(total=max(total, 1), completed=sent, width=60),
    ]
    if totals is not None:
        cost = Decimal(str(totals.cost_usd or 0))
        parts.append(Text(f"stored: {totals.steps:,} steps in {totals.runs:,} runs, {cost:,.2f} USD"))
    told = [sighting for sighting in sightings if sighting.state != "closed"]
    parts += [
        Text(f"  {sighting.state:10} {sighting.summary}", style="yellow") for sighting in told[-_SHOWN:]
    ]
    return Group(*parts)


def steps_table(lines: Iterable[StepLine]) -> Table:
    """Each agent's steps: how many, how slow, how dear."""
    table = Table("agent", "step", title="The fleet, by step")
    for name in ("steps", "errors", "p50 s", "p95 s", "cost USD"):
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(
            line.agent_name,
            line.step_name,
            f"{line.steps:,}",
            f"{line.error_ratio:.1%}",
            _seconds(line.p50_s),
            _seconds(line.p95_s),
            "" if line.cost_usd is None else f"{Decimal(str(line.cost_usd)):,.4f}",
        )
    return table


def found_table(judgement: Judgement) -> Table:
    """What was changed, and what was found of it."""
    table = Table("changed", "stream", "outcome", "after", "by", title="What was changed, and what was found")
    for verdict in judgement.verdicts:
        agent, step, signal = verdict.change.streams[0]
        table.add_row(
            verdict.change.name,
            f"{agent} · {step} · {signal}",
            Text(verdict.outcome, style=_STYLES[verdict.outcome]),
            _delay(verdict),
            verdict.sighting.detector if verdict.sighting else "",
        )
    return table


def totals_lines(totals: Totals, judgement: Judgement) -> list[str]:
    """The sums, and what was said without a reason."""
    cost = Decimal(str(totals.cost_usd or 0))
    agree = "agree" if totals.agree else "DO NOT AGREE"
    found = sum(verdict.outcome == FOUND for verdict in judgement.verdicts)
    return [
        f"{totals.steps:,} steps in {totals.runs:,} runs cost {cost:,.6f} USD; the sums over steps, runs and "
        f"windows {agree}. Unpriced: {totals.unpriced}. Dead letters: {totals.dead_letters}.",
        f"Found {found} of {len(judgement.verdicts)} changes. False alarms: {len(judgement.false_alarms)} "
        f"(and {len(judgement.withdrawn)} incidents that were not confirmed, of which nobody is told).",
        *(f"  false alarm: {sighting.summary}" for sighting in judgement.false_alarms),
    ]


def _seconds(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.2f}"


def _delay(verdict: Verdict) -> str:
    return "" if verdict.delay_s is None else f"{verdict.delay_s / 60:.1f} min of event time"
