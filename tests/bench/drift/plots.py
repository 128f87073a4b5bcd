"""Pictures of the report: how delays are spread, what was promised and realised, what nulls cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from tests.bench.drift.families import FamilyResult
from tests.bench.drift.protocol import HORIZON, Score
from tests.bench.drift.results import Results

mpl.use("Agg")
import matplotlib.pyplot as plt

OURS, ORACLE, DEFAULT, ALWAYS = "#1668b8", "#d9731a", "#6b6b6b", "#bdbdbd"
_COLUMNS = 4
_DPI = 110


def draw_delays(results: Results, file: Path) -> None:
    """For each family: the share of changes found by so many observations after them."""
    lines = -(-len(results.families) // _COLUMNS)
    figure, axes = plt.subplots(
        lines, _COLUMNS, figsize=(13, 2.3 * lines + 0.8), sharex=True, sharey=True, squeeze=False
    )
    for axis, row in zip(axes.flat, results.families, strict=False):
        _draw_family(axis, row)
    for axis in axes.flat[len(results.families) :]:
        axis.set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=4, frameon=False)
    figure.supxlabel("observations after the change (logarithmic)")
    figure.supylabel("share of changes found")
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.4 / (2.3 * lines + 0.8)))
    _save(figure, file)


def _draw_family(axis: Any, row: FamilyResult) -> None:
    by_name = {score.detector: score for score in row.defaults}
    for score, label, colour, width in (
        (by_name["always fires"], "fires every 1,000", ALWAYS, 1.2),
        (by_name["ADWIN"], "river ADWIN, default", DEFAULT, 1.4),
        (row.oracle, "river, tuned by an oracle", ORACLE, 1.4),
        (row.ours, "wakeline, one setting", OURS, 2.2),
    ):
        axis.step(*_curve(score), where="post", color=colour, linewidth=width, label=label)
    axis.set_title(row.family, fontsize=9)
    axis.set_xscale("log")
    axis.set_xlim(3, HORIZON)
    axis.set_ylim(0, 1.02)
    axis.grid(alpha=0.25)


def _curve(score: Score) -> tuple[list[float], list[float]]:
    found = np.sort(score.delays[~np.isnan(score.delays)])
    share = np.arange(1, len(found) + 1) / len(score.delays)
    return [1.0, *found, float(HORIZON)], [0.0, *share, share[-1] if len(share) else 0.0]


def draw_arl(results: Results, file: Path) -> None:
    """Realised mean time to a false alarm, with its lower bound, against the promised one, for each law."""
    figure, axis = plt.subplots(figsize=(9, 5.5))
    names = list(dict.fromkeys(law.law for law in results.laws))
    promises = sorted({law.promised for law in results.laws})
    for i, name in enumerate(names):
        mine = sorted((law for law in results.laws if law.law == name), key=lambda law: law.promised)
        # Side by side, so that twelve laws at one promise can be told apart.
        x = np.array([law.promised for law in mine]) * 1.07 ** (i - (len(names) - 1) / 2)
        mean = np.array([law.realised.mean for law in mine])
        lower = np.array([law.realised.lower_99 for law in mine])
        colour = plt.get_cmap("tab20")(i)
        axis.errorbar(
            x,
            mean,
            yerr=[mean - lower, np.zeros(len(mean))],
            fmt="o",
            ms=4,
            capsize=2,
            color=colour,
            label=name,
        )
    span = np.array([min(promises) / 2, max(promises) * 2])
    axis.plot(span, span, color="black", linewidth=1, label="promised")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("promised mean observations to a false alarm, A")
    axis.set_ylabel("realised, with its lower 99 % bound")
    axis.grid(alpha=0.25, which="both")
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    _save(figure, file)


def draw_nulls(results: Results, file: Path) -> None:
    """False alarms in 10,000 observations where nothing changes, for each family's null."""
    rows = results.families[::-1]
    figure, axis = plt.subplots(figsize=(9, 0.3 * len(rows) + 1.6))
    y = np.arange(len(rows))
    by_name = [{score.detector: score for score in row.defaults} for row in rows]
    floor = 1e-2
    for rates, label, colour, marker in (
        ([scores["ADWIN"].fa_null for scores in by_name], "river ADWIN, default", DEFAULT, "s"),
        ([scores["Page-Hinkley"].fa_null for scores in by_name], "river Page-Hinkley, default", ALWAYS, "D"),
        ([row.oracle.fa_null for row in rows], "river, tuned by an oracle", ORACLE, "^"),
        ([row.ours.fa_null for row in rows], "wakeline, one setting", OURS, "o"),
    ):
        axis.scatter(np.maximum(rates, floor), y, color=colour, marker=marker, label=label, zorder=3)
    axis.axvline(1.0, color="black", linewidth=1)
    axis.set_yticks(y, [row.family for row in rows], fontsize=8)
    axis.set_xscale("log")
    axis.set_xlabel(f"false alarms in 10,000 observations (none is drawn at {floor:g})")
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    figure.tight_layout()
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    figure.savefig(file, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
