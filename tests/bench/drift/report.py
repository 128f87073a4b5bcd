"""How is it all told? As Markdown tables; a number that was not measured is a dash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan

from detectors.evaluate import PER, found_share, median_delay
from tests.bench.drift.families import THRESHOLD, FamilyResult
from tests.bench.drift.nab import SeriesResult
from tests.bench.drift.protocol import HORIZON, Score, Size
from tests.bench.drift.results import Results
from tests.bench.drift.targets import judge, ratio_to_oracle

NOTHING = "–"
PICTURES = ("delays", "arl", "nulls")


def write_report(results: Results, size: Size, about: dict[str, str], stem: str) -> str:
    """The whole report; pictures are named ``<stem>-<picture>.png``.

    Args:
        about: when, where and with what it was measured: label and value.
    """
    parts = [
        f"# Drift detection: measured on {about['date']}",
        _HOW.format(
            replicates=size.replicates,
            streams=size.null_streams,
            length=f"{size.null_length:,}",
            slow=size.slow_replicates,
            smaller=size.smaller().replicates,
            threshold=f"{THRESHOLD:,.0f}",
        ),
        _table(("", ""), about.items()),
        "## Targets",
        _targets(results),
        "## Delay, share found, false alarms",
        _LEGEND,
        _families(results.families),
        f"![Share of changes found, by observations after the change]({stem}-delays.png)",
        f"![False alarms where nothing changes]({stem}-nulls.png)",
        "## Promised and realised mean time to a false alarm",
        _laws(results),
        f"![Realised against promised mean time to a false alarm]({stem}-arl.png)",
        "## What becomes of incidents",
        _incidents(results.families),
        "## All opponents",
        "As they come, with a setting that is quiet on a normal stream (`matched`), and by the oracle.",
        _opponents(results.families),
        "## Real series",
        _series(results),
    ]
    return "\n\n".join(parts) + "\n"


_HOW = """`make bench-drift` wrote this page; [docs/drift.md](../drift.md) explains the detectors.

Each family is {replicates} streams that change at a time uniform on 1,000 to 3,000 and go on for 2,000
observations; a change that no alarm follows is missed and counts as 2,000 in the median. False alarms are
from {streams} separate streams of {length} observations in which nothing changes. wakeline has one setting
for all families, A = {threshold}; every alarm counts, whether it opens an incident or continues one, and
whether that is confirmed later or not. The oracle is the best of river's detectors, tuned for each family on
its own nulls (at most 1 false alarm in 10,000) and its own changes, which no user has. river's KSWIN takes
3,000 observations a second, so it is scored on {slow} changes only, frouros' CUSUM on {smaller}."""

_LEGEND = """`delay` is the median in observations, `found` the share of changes found, `FA` false alarms in
10,000 observations where nothing changes, `cold` delay and share for changes after 150 to 300
observations, `ratio` our delay over the oracle's. A detector that fires every 1,000 observations, whatever
they are, stands in the last column: what it finds is worth nothing."""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(value: float, digits: int = 0) -> str:
    return NOTHING if isnan(value) else f"{value:,.{digits}f}"


def _share(value: float) -> str:
    return NOTHING if isnan(value) else f"{100 * value:.0f} %"


def _targets(results: Results) -> str:
    rows = [
        (verdict.number, verdict.target, verdict.measured, "yes" if verdict.reached else "**no**")
        for verdict in judge(results)
    ]
    return _table(("", "target", "measured", "reached"), rows)


def _brief(score: Score) -> str:
    """Delay, share and false alarms in one cell."""
    return f"{_number(score.median)} / {_share(score.found)} / {_number(score.fa_null, 2)}"


def _families(rows: list[FamilyResult]) -> str:
    head = (
        "family",
        "wakeline: delay / found / FA",
        "cold",
        "ratio",
        "oracle",
        "delay / found / FA",
        "ADWIN default",
        "always fires",
    )
    return _table(head, [_family(row) for row in rows])


def _family(row: FamilyResult) -> tuple[str, ...]:
    cold = row.ours.cold_delays
    by_name = {score.detector: score for score in row.defaults}
    return (
        row.family,
        f"**{_number(row.ours.median)}** / {_share(row.ours.found)} / {_number(row.ours.fa_null, 2)}",
        f"{_number(median_delay(cold, HORIZON))} / {_share(found_share(cold))}",
        _number(ratio_to_oracle(row), 2),
        row.oracle.detector,
        _brief(row.oracle),
        _brief(by_name["ADWIN"]),
        _brief(by_name["always fires"]),
    )


def _laws(results: Results) -> str:
    rows = [
        (
            law.law,
            _number(law.promised),
            _number(law.realised.mean),
            _number(law.realised.lower_99),
            _share(law.realised.cut_share),
            _number(law.alarms_per_10k, 2),
        )
        for law in sorted(results.laws, key=lambda law: (law.law, law.promised))
    ]
    head = (
        "law",
        "promised A",
        "realised",
        "lower 99 % bound",
        "streams without alarm",
        "alarms in 10,000",
    )
    text = (
        "Each stream is watched for 5 A observations; one without an alarm counts as 5 A, so the true mean "
        "is higher than the realised one. The last column counts all alarms, not only the first."
    )
    return f"{text}\n\n{_table(head, rows)}"


def _incidents(rows: list[FamilyResult]) -> str:
    found = [
        (
            row.family,
            _number(row.incidents.opened_per_change, 2),
            _share(row.incidents.confirmed_found),
            _share(row.incidents.closed_share),
            str(row.incidents.false_incidents),
        )
        for row in rows
    ]
    head = (
        "family",
        "incidents a change found",
        "changes confirmed",
        "false ones that closed",
        "of so many (A = 1e3)",
    )
    return _table(head, found)


def _opponents(rows: list[FamilyResult]) -> str:
    lines = []
    for row in rows:
        scores = [("", score) for score in row.defaults if score.detector != "always fires"]
        scores += [("matched", score) for score in row.matched] + [("oracle", row.oracle)]
        lines += [
            (
                row.family,
                setting,
                score.detector,
                _number(score.median),
                _share(score.found),
                _number(score.fa_null, 2),
            )
            for setting, score in scores
        ]
    return _table(("family", "setting", "detector", "delay", "found", "FA"), lines)


def _series(results: Results) -> str:
    if not results.series:
        return "The series were not at hand."
    names = list(dict.fromkeys(series.detector for series in results.series))
    by_series: dict[str, list[SeriesResult]] = {}
    for result in results.series:
        by_series.setdefault(result.series, []).append(result)
    rows = [
        (name, f"{scores[0].observations:,}", str(scores[0].windows), *(_hits(score) for score in scores))
        for name, scores in by_series.items()
    ]
    totals = [_hits_of_all([r for r in results.series if r.detector == name]) for name in names]
    rows.append(("**all**", "", str(sum(scores[0].windows for scores in by_series.values())), *totals))
    text = (
        f"{len(by_series)} series of the Numenta Anomaly Benchmark: labelled windows hit, and alarms in "
        "10,000 observations outside of them. Mondrian takes the hour of day. Most series have a daily "
        "cycle, which is no exchangeable stream: nothing is promised of CSR alone there, and its alarms "
        "outside are what that costs."
    )
    return f"{text}\n\n{_table(('series', 'observations', 'windows', *names), rows)}"


def _hits(score: SeriesResult) -> str:
    return f"{score.hit} hit, {_number(score.outside_per_10k, 1)} outside"


def _hits_of_all(scores: list[SeriesResult]) -> str:
    rate = PER * sum(score.outside for score in scores) / sum(score.outside_observations for score in scores)
    return f"{sum(score.hit for score in scores)} hit, {_number(rate, 1)} outside"
