"""Which SQL stands behind panels, variables and annotations? One file a query; this module reads them.

A file begins with three comments: `title`, `question` (what the panel's description says) and `unit` (one of
Grafana's ids). `{{name}}` stands for `shared/name.sql`, so that a filter used by many is written once;
`{{NAME.warning}}` and `{{NAME.critical}}` for a threshold, so that a query judges as colours and alerts do;
`{{chosen.name}}` for the list of what is chosen of a variable.

A choice reaches SQL encoded as in an address: no character of it can end a text. Grafana's other format for
lists, `sqlstring`, leaves backslashes as they are, and ClickHouse reads them as escapes.
"""

import re
from dataclasses import dataclass
from importlib import resources

from dashboards import thresholds

_HEADER = re.compile(r"-- title: (?P<title>.+)\n-- question: (?P<question>.+)\n-- unit: (?P<unit>\S+)\n")
_SHARED = re.compile(r"\{\{(\w+)\}\}")
_CHOSEN = re.compile(r"\{\{chosen\.(\w+)\}\}")
_THRESHOLD = re.compile(r"\{\{(\w+)\.(warning|critical)\}\}")


@dataclass(frozen=True)
class Query:
    """One query.

    Attributes:
        name: folder and file, such as `fleet/spend`.
        title: of its panel.
        question: that it answers, for the panel's description.
        unit: Grafana's id of the unit of its numbers.
        sql: with macros, without the header.
    """

    name: str
    title: str
    question: str
    unit: str
    sql: str


def load_query(name: str) -> Query:
    """Read a query.

    Args:
        name: folder and file without `.sql`.

    Raises:
        ValueError: the header is missing or incomplete.
        FileNotFoundError: there is no such query, or no such shared part.
        AttributeError: there is no such threshold.
    """
    text = _read(name)
    header = _HEADER.match(text)
    if header is None:
        raise ValueError(f"{name}.sql does not begin with the comments title, question and unit")
    return Query(
        name, header["title"], header["question"], header["unit"], _with_shared(text[header.end() :])
    )


def query_names(folder: str) -> list[str]:
    """Names of all queries of a folder, sorted."""
    files = resources.files(__name__).joinpath(folder).iterdir()
    return sorted(
        f"{folder}/{file.name.removesuffix('.sql')}" for file in files if file.name.endswith(".sql")
    )


def _with_shared(sql: str) -> str:
    """Shared parts may hold others."""
    whole = _SHARED.sub(lambda match: _with_shared(_read(f"shared/{match[1]}")), sql).strip()
    whole = _CHOSEN.sub(lambda match: _chosen(match[1]), whole)
    return _THRESHOLD.sub(lambda match: str(getattr(getattr(thresholds, match[1]), match[2])), whole)


def _chosen(variable: str) -> str:
    """A constant list for ClickHouse, out of `var-name=value&var-name=value`; a blank is + or %20 there.

    Ask `has` of it, which makes use of the primary key; `IN` of a list that is computed does not.
    """
    values = f"extractAll('${{{variable}:queryparam}}', '=([^&]*)')"
    return f"arrayMap(one -> decodeURLFormComponent(one), {values})"


def _read(name: str) -> str:
    return resources.files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
