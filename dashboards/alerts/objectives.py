"""What may an agent cost, how often may it fail, how long may it take?

Defaults, and a TOML file of a site's own. The file is read when rules are built, and its numbers become
part of their SQL: rules need no table of their own, and a file under version control says who changed an
objective. Unknown keys are refused. docs/alerts.md explains the keys.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dashboards import thresholds

Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(gt=0, le=1)]

# A path in the repository: it names the page. Where the pages are served, the file says.
RUNBOOKS = "docs/runbooks"
WEEK_S = 7 * 86_400


class BadObjectives(ValueError):
    """A file of objectives that cannot be used. The message names the file, the key and the reason."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys are refused."""


class StepObjective(_Table, frozen=True, kw_only=True):
    """Of one step of an agent; what is not set is its agent's.

    Attributes:
        error_ratio: share of calls that may fail.
        p95_s: 95 % of calls take at most so long; without it the step's duration is watched by drift alone.
    """

    error_ratio: Share | None = None
    p95_s: Positive | None = None


class AgentObjective(_Table, frozen=True, kw_only=True):
    """Of one agent; what is not set is the default's.

    Attributes:
        month_usd: budget of a month of 30 days.
        error_ratio: share of each step's calls that may fail.
        run_p95_s: 95 % of its runs take at most so long.
        run_usd: what one run may cost.
        run_steps: how many steps one run may have.
        steps: objectives of its steps, by name.
    """

    month_usd: Positive | None = None
    error_ratio: Share | None = None
    run_p95_s: Positive | None = None
    run_usd: Positive | None = None
    run_steps: Positive | None = None
    steps: dict[str, StepObjective] = {}


class DefaultObjective(_Table, frozen=True, kw_only=True):
    """Of agents that the file does not name. Where a panel judges the number, the constant is the panel's."""

    month_usd: Positive = thresholds.MONTH_USD
    error_ratio: Share = thresholds.ERROR_RATIO.critical
    run_p95_s: Positive = thresholds.RUN_P95_S.critical
    run_usd: Positive = thresholds.RUN_USD.critical
    run_steps: Positive = thresholds.RUN_STEPS.critical


class ContactPoint(_Table, frozen=True, kw_only=True):
    """Whom Grafana tells. `$NAME` in a setting comes from the environment: no secret stands here.

    Attributes:
        uid: letters, digits, `-` and `_`.
        name: what rules call it.
        type: Grafana's: webhook, slack, pagerduty, email, ...
        settings: of that type.
    """

    uid: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,40}$")]
    name: Annotated[str, Meta(min_length=1)]
    type: Annotated[str, Meta(min_length=1)]
    settings: dict[str, Any]


class Objectives(_Table, frozen=True, kw_only=True):
    """The whole file.

    Attributes:
        namespace: whose traffic is watched.
        runbooks: address under which the pages of docs/runbooks lie, without the slash at its end.
        receiver: name of the contact point that all rules notify; unset: Grafana's own policies decide.
        no_data_s: silence of the whole pipeline that is a fault: longer than a fleet's quiet hours, at most
            a week.
        default: of agents that are not named.
        agents: by name.
        contact_points: to be published.
    """

    namespace: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,40}$")] = "live"
    runbooks: Annotated[str, Meta(pattern=r"^[^\s$]*[^\s$/]$")] = RUNBOOKS
    receiver: Annotated[str, Meta(min_length=1)] | None = None
    no_data_s: Annotated[float, Meta(ge=60, le=WEEK_S)] = thresholds.NO_DATA_S.critical
    default: DefaultObjective = DefaultObjective()
    agents: dict[str, AgentObjective] = {}
    contact_points: tuple[ContactPoint, ...] = ()


def load_objectives(file: Path | None) -> Objectives:
    """Read a file; None gives the defaults.

    Raises:
        BadObjectives: it cannot be read, is no TOML, has an unknown key or a value out of its range, or names
            an agent or a step in a way that Grafana would change on its way into SQL.
    """
    if file is None:
        return Objectives()
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Objectives)
    except OSError as error:
        raise BadObjectives(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BadObjectives(f"{file}: {error}") from error
    for agent, objective in found.agents.items():
        for name in (agent, *objective.steps):
            if "$" in name or "--" in name or "/*" in name:
                raise BadObjectives(
                    f"{file}: the name {name!r} holds $, -- or /*, "
                    "which Grafana's plugin takes for a macro or a comment"
                )
    return found


def placeholders(objectives: Objectives) -> dict[str, str]:
    """SQL of each `{name}` that the queries of alert rules may hold.

    Expressions of an agent's objective stand over the columns `agent_name` and `step_name`; a step without a
    limit of its duration has 0 in `step_p95_s`.
    """
    agents, default = objectives.agents, objectives.default

    def of_agents(value: Callable[[AgentObjective], float | None], otherwise: float) -> str:
        return _choose({(name,): value(agent) for name, agent in agents.items()}, otherwise)

    def of_steps(
        value: Callable[[StepObjective], float | None],
        of_agent: Callable[[AgentObjective], float | None],
        otherwise: float,
    ) -> str:
        found = {
            (name, step): value(objective)
            for name, agent in agents.items()
            for step, objective in agent.steps.items()
        }
        return _choose(found | {(name,): of_agent(agent) for name, agent in agents.items()}, otherwise)

    return {
        "namespace": _text(objectives.namespace),
        "no_data_s": _number(objectives.no_data_s),
        "month_usd": of_agents(lambda agent: agent.month_usd, default.month_usd),
        "run_p95_s": of_agents(lambda agent: agent.run_p95_s, default.run_p95_s),
        "run_usd": of_agents(lambda agent: agent.run_usd, default.run_usd),
        "run_steps": of_agents(lambda agent: agent.run_steps, default.run_steps),
        "error_ratio": of_steps(
            lambda step: step.error_ratio, lambda agent: agent.error_ratio, default.error_ratio
        ),
        "step_p95_s": of_steps(lambda step: step.p95_s, lambda _: None, 0.0),
    }


def _choose(values: dict[tuple[str, ...], float | None], otherwise: float) -> str:
    """The value of the first (agent) or (agent, step) that matches."""
    cases = [f"{_is(key)}, {_number(value)}" for key, value in values.items() if value is not None]
    return f"multiIf({', '.join([*cases, _number(otherwise)])})" if cases else _number(otherwise)


def _is(key: tuple[str, ...]) -> str:
    columns = ("agent_name", "step_name")[: len(key)]
    return " AND ".join(f"{column} = {_text(name)}" for column, name in zip(columns, key, strict=True))


def _number(value: float) -> str:
    return f"toFloat64({float(value)!r})"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
