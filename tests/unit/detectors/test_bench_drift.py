"""The benchmark of the detectors: opponents are treated fairly, verdicts can be negative, all is told."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from detectors.evaluate import RunLength
from detectors.synthetic import FAMILIES, LAWS
from tests.bench.drift import nab
from tests.bench.drift.families import FamilyResult, run_family
from tests.bench.drift.laws import LawResult, run_law
from tests.bench.drift.opponents import (
    BITS,
    NUMBERS,
    Ladder,
    default_makers,
    find_rung,
    oracle_view,
    watch_always_firing,
    watch_each,
    watch_recent,
)
from tests.bench.drift.plots import draw_arl, draw_delays, draw_nulls
from tests.bench.drift.protocol import QUICK, make_trial, never, null_rate
from tests.bench.drift.report import write_report
from tests.bench.drift.results import Results, score_nab
from tests.bench.drift.speed import Speed
from tests.bench.drift.targets import Verdict, judge
from tests.bench.drift.tuning import loosest

BY_NAME = {family.name: family for family in FAMILIES}
SPEED = Speed(2e7, 2e7, 1e7, 1e6, 50.0, True, 634)


class Above:
    """Fires at each value above a limit."""

    def __init__(self, limit: float) -> None:
        self._limit, self.drift_detected = limit, False

    def update(self, x: float) -> None:
        self.drift_detected = x > self._limit


@pytest.fixture(scope="module")
def row() -> FamilyResult:
    """One family at the quick size, with a setting that is not worth finding again."""
    return run_family("mean +2 sd", QUICK, ("ADWIN clock 32, delta 0.002",))


@pytest.fixture(scope="module")
def results(row: FamilyResult) -> Results:
    return Results([row], [run_law("normal", QUICK, 1e3)], [], SPEED)


def verdict(results: Results, number: str) -> Verdict:
    return next(verdict for verdict in judge(results) if verdict.number == number)


def test_an_opponent_is_watched_until_its_first_alarm_after_the_change() -> None:
    values = np.zeros((10, 2))
    values[[2, 6, 8], 0] = 1.0
    alarms = watch_each(lambda: Above(0.5), values, np.array([5, 5]))
    assert list(zip(alarms.stream.tolist(), alarms.time.tolist(), strict=True)) == [(0, 2), (0, 6)]


def test_one_that_remembers_little_sees_the_same_change_at_the_same_time() -> None:
    trial = make_trial(BY_NAME["mean +2 sd"], 6, "test")
    make = partial(Above, 4.0)
    late = trial.changed_at
    whole, recent = (watch(make, trial.values, late) for watch in (watch_each, watch_recent))
    after = whole.time >= late[whole.stream]
    assert after.sum() == 6
    assert recent.time[recent.time >= late[recent.stream]].tolist() == whole.time[after].tolist()


def test_the_loosest_rung_that_is_quiet_is_taken() -> None:
    null = np.random.default_rng(1).normal(size=(10_000, 2))
    ladder = Ladder(
        "above", tuple((f"{limit}", partial(Above, limit)) for limit in (1.0, 2.0, 3.0, 4.0, 5.0))
    )
    rung = loosest(ladder, null)
    assert rung is not None
    assert rung[0] == "4.0"
    assert null_rate(partial(watch_each, rung[1]), null) <= 1.0
    assert loosest(Ladder("above", ladder.rungs[:2]), null) is None


def test_every_rung_is_found_by_its_label_and_works() -> None:
    labels = [label for ladder in BITS for label, _ in ladder.rungs]
    assert len(set(labels)) == len(labels)
    values = np.random.default_rng(2).integers(0, 2, 300).tolist()
    for label in labels:
        detector = find_rung(label)()
        for value in values:
            detector.update(float(value))
        assert isinstance(detector.drift_detected, bool)
    with pytest.raises(ValueError, match="no rung"):
        find_rung("ADWIN, delta of nobody")


@pytest.mark.parametrize("name", ["DDM", "HDDM_A", "HDDM_W", "FHDDM"])
def test_detectors_of_errors_are_told_of_errors_not_of_hits(name: str) -> None:
    make = default_makers(BY_NAME["error .1 -> .2"].nature)[name]
    rng = np.random.default_rng(3)
    more = np.concatenate([rng.random((1000, 5)) < 0.1, rng.random((500, 5)) < 0.8]).astype(np.float64)
    fewer = 1.0 - more
    since = np.full(5, 1000)
    found, missed = (watch_each(make, values, since) for values in (more, fewer))
    assert len(np.unique(found.stream[found.time >= 1000])) == 5
    assert len(np.unique(missed.stream[missed.time >= 1000])) == 0


def test_the_oracle_sees_unit_scale_and_the_tool_that_moves() -> None:
    costs = BY_NAME["cost x1.5"]
    null = make_trial(costs, 3, "test").values
    assert oracle_view(costs, null, null).std() == pytest.approx(1.0)
    tools = np.array([[0.0, 3.0, 7.0, 8.0]])
    assert oracle_view(BY_NAME["mix, .10 moved"], tools, tools).tolist() == [[1.0, 0.0, 0.0, 0.0]]
    seen = np.array([[0.0, 7.0]])
    assert oracle_view(BY_NAME["mix, new tool 3 %"], tools, seen).tolist() == [[0.0, 0.0, 1.0, 1.0]]


def test_one_that_always_fires_has_ten_false_alarms_in_10_000() -> None:
    null = LAWS["normal"](np.random.default_rng(4), (20_000, 3))
    assert null_rate(watch_always_firing, null) == 10.0
    assert never(null).tolist() == [20_000] * 3


def test_a_large_shift_is_found_by_ours_and_by_the_others_on_the_same_streams(row: FamilyResult) -> None:
    assert row.ours.found == row.oracle.found == 1.0
    assert row.ours.median < 15
    by_name = {score.detector: score for score in row.defaults}
    assert {"ADWIN", "Page-Hinkley", "KSWIN", "always fires"} <= set(by_name)
    assert row.ours.median < by_name["ADWIN"].median < by_name["always fires"].median
    assert by_name["always fires"].fa_null == 10.0
    assert row.oracle.detector.startswith(tuple(ladder.name for ladder in NUMBERS))


def test_a_target_that_is_missed_is_said_to_be_with_the_number(results: Results, row: FamilyResult) -> None:
    assert verdict(results, "T3").reached
    delays = row.ours.delays.copy()
    delays[:6] = np.nan
    worse = replace(results, families=[replace(row, ours=replace(row.ours, delays=delays))])
    missed = verdict(worse, "T3")
    assert not missed.reached
    assert "mean +2 sd: 50.0%" in missed.measured


@pytest.mark.parametrize(
    ("number", "changed"),
    [
        ("T1", {"laws": [LawResult("normal", 1e3, RunLength(1100.0, 990.0, 0.1), 0.5)]}),
        ("T2", {"laws": [LawResult("normal", 1e4, RunLength(2e4, 2e4, 0.1), 1.2)]}),
        ("T5", {"speed": replace(SPEED, updates_10k_skewed=9e6)}),
        ("T6", {"speed": replace(SPEED, snapshot_identical=False)}),
        ("T6", {"speed": replace(SPEED, snapshot_ms=120.0)}),
    ],
)
def test_each_target_can_be_missed(results: Results, number: str, changed: dict[str, object]) -> None:
    assert not verdict(replace(results, **changed), number).reached  # type: ignore[arg-type]  # of dataclass fields


@pytest.mark.parametrize(
    ("number", "changed"),
    [
        ("T7, closing", {"closed_share": 0.84, "false_incidents": 60}),
        ("T7, closing", {"closed_share": float("nan"), "false_incidents": 0}),
        ("T7, incidents", {"opened_per_change": 1.21}),
        ("T7, incidents", {"opened_per_change": float("nan")}),
    ],
)
def test_targets_of_incidents_can_be_missed(
    results: Results, row: FamilyResult, number: str, changed: dict[str, float]
) -> None:
    incidents = replace(row.incidents, **changed)  # type: ignore[arg-type]  # of dataclass fields
    worse = replace(results, families=[replace(row, incidents=incidents)])
    assert not verdict(worse, number).reached


def test_the_report_tells_every_family_target_and_law_and_links_its_pictures(
    results: Results, tmp_path: Path
) -> None:
    for picture, draw in (("delays", draw_delays), ("arl", draw_arl), ("nulls", draw_nulls)):
        draw(results, tmp_path / f"drift-{picture}.png")
    text = write_report(results, QUICK, {"date": "2026-01-02"}, "drift")
    for verdict in judge(results):
        assert verdict.target in text
    for said in ("measured on 2026-01-02", "| mean +2 sd |", "| normal | 1,000 |", "always fires"):
        assert said in text
    for file in tmp_path.iterdir():
        assert f"({file.name})" in text
        assert file.read_bytes().startswith(b"\x89PNG")
    assert "nan" not in text


def test_windows_are_read_as_rows_and_alarms_scored_inside_and_outside(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "labels" / "combined_windows.json").write_text(
        '{"a/x.csv": [["2020-01-01 02:00:00", "2020-01-01 04:00:00"],'
        ' ["2020-01-01 07:00:00", "2020-01-01 07:30:00"]]}'
    )
    lines = [f"2020-01-01 {hour:02}:00:00,{hour}" for hour in range(10)]
    (tmp_path / "data" / "a" / "x.csv").write_text("timestamp,value\n" + "\n".join(lines) + "\n")
    (series,) = nab.load_series(tmp_path)
    assert series.windows == [(2, 5), (7, 8)]
    assert series.hours.tolist() == list(range(10))
    score = nab.score_series(
        series, "above", lambda given: watch_each(partial(Above, 3.5), given.values[:, None], np.array([10]))
    )
    # Above 3.5 are rows 4 to 9; 4 and 7 lie in windows, 5, 6, 8 and 9 do not.
    assert (score.windows, score.hit, score.outside, score.outside_observations) == (2, 2, 4, 6)
    assert score.outside_per_10k == pytest.approx(10_000 * 4 / 6)


def test_real_series_are_quieter_and_no_less_found_by_hour_of_day() -> None:
    if not nab.FOLDER.is_dir():
        pytest.skip("the Numenta series are not at ../shared/data/nab")
    scores = score_nab(nab.FOLDER)
    assert len({score.series for score in scores}) == 24
    plain = [score for score in scores if score.detector == "CSR"]
    assert sum(score.windows for score in plain) == 34
    assert sum(score.hit for score in plain) >= 20
    daily = [score for score in scores if score.detector == "Mondrian" and "artificial" in score.series]
    # The constant series and the noisy one have neither alarm nor window.
    assert all(score.outside_per_10k < 4 for score in daily)
    assert sum(score.hit for score in daily) >= 5
