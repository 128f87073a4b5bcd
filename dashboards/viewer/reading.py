"""What does the viewer ask beyond the dashboards? Where data is, one step's contents, a search over all.

Values reach ClickHouse as parameters of the statement, never as a part of its text.
"""

import re
from dataclasses import replace
from importlib import resources

from dashboards.viewer.asked import NamespaceQuestion, SearchQuestion, StepQuestion, words
from dashboards.viewer.database import Answer, Database

MAX_HITS = 100
_LIMIT = re.compile(r"\bLIMIT (\d+)$")


def _sql(name: str) -> str:
    return resources.files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def panel(database: Database, sql: str) -> Answer:
    """A panel's answer; cut where the statement's own LIMIT leaves rows out, which one row more tells."""
    limit = _LIMIT.search(sql)
    if limit is None or int(limit[1]) == 1:
        return database.ask(sql)
    most = int(limit[1])
    answer = database.ask(f"{sql[: limit.start(1)]}{most + 1}")
    if not answer.values or len(answer.values[0]) <= most:
        return answer
    return replace(answer, values=[column[:most] for column in answer.values], is_cut=True)


def namespaces(database: Database) -> Answer:
    """Namespaces with runs: namespace, runs, first, last."""
    return database.ask(_sql("namespaces"))


def extent(database: Database, question: NamespaceQuestion) -> Answer:
    """One row: runs, first, last. Without runs the times mean nothing."""
    return database.ask(_sql("extent"), {"namespace": question.namespace})


def step(database: Database, question: StepQuestion) -> tuple[Answer, Answer]:
    """The step in one row, and its contents: name, content, length of the whole in bytes."""
    named = {"namespace": question.namespace, "run": question.run, "step": question.step}
    return database.ask(_sql("step"), named), database.ask(_sql("contents"), named)


def search(database: Database, question: SearchQuestion) -> tuple[Answer, Answer]:
    """Contents that hold all words, the newest first, at most `MAX_HITS` and one more if there are more.

    Returns:
        The contents, and the steps that they belong to.

    Raises:
        BadRequest: there are no words, or too many.
    """
    wanted = words(question.text)
    named = {
        "namespace": question.namespace,
        "start_ms": question.start_ms,
        "end_ms": question.end_ms,
    }
    hits = database.ask(_sql("search"), named | {"words": wanted, "first": wanted[0], "limit": MAX_HITS + 1})
    if not hits.values:
        return hits, Answer((), (), is_cut=False)
    runs, steps, times = hits.values[:3]
    near = {"start_ms": int(min(times)), "end_ms": int(max(times))}
    owners = database.ask(
        _sql("steps"), named | near | {"runs": sorted(set(runs)), "steps": sorted(set(steps))}
    )
    return hits, owners
