"""How are findings shown? A table for people, JSON for scripts."""

from collections.abc import Sequence
from typing import TextIO

import msgspec
from rich.console import Console
from rich.table import Table

from streams.doctor.findings import Finding, State, worst

_STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "bold red"}


def print_table(findings: Sequence[Finding], out: TextIO) -> None:
    """A table; colours on a terminal alone, and lines that are not cut where there is none."""
    console = Console(file=out, width=None if out.isatty() else 160, no_color=not out.isatty())
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    for name in ("check", "state", "what it means", "what to do"):
        table.add_column(name, overflow="fold", no_wrap=name == "state")
    for finding in findings:
        state = f"[{_STYLES[finding.state]}]{finding.state.value}[/]"
        table.add_row(_plain(finding.check), state, _plain(finding.means), _plain(finding.do))
    console.print(table)
    console.print(_summary(findings), highlight=False)


def print_json(findings: Sequence[Finding], namespace: str, out: TextIO) -> None:
    """One object: `namespace`, `state`, and `checks` with check, state, means, do."""
    checks = [finding._asdict() for finding in findings]
    about = {"namespace": namespace, "state": worst(findings), "checks": checks}
    out.write(msgspec.json.format(msgspec.json.encode(about)).decode() + "\n")


def _summary(findings: Sequence[Finding]) -> str:
    counts = {state: sum(finding.state is state for finding in findings) for state in State}
    return ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)


def _plain(text: str) -> str:
    """Square brackets of a message are no markup."""
    return text.replace("[", "\\[")
