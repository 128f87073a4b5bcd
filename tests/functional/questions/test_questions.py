"""Do the example questions have right answers? On recorded data and a known fleet, through the real path.

What is expected is computed here from the files and the fleet's events, by other means than SQL.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from schemas.questions import PARAMETERS, load_questions
from schemas.questions.__main__ import FILE, main, make_text
from tests.data import aider, miniswe
from tests.functional.questions.conftest import Asked, Row

pytestmark = [pytest.mark.functional, pytest.mark.timeout(900)]

NAMESPACES = ("miniswe", "aider", "traces", "fleet")
# What has no answer in a namespace, and why.
EMPTY = {
    "heaviest_users": ("miniswe",),  # no users
    "slow_steps": ("miniswe", "aider"),  # no durations
    "unpriced_models": ("miniswe", "traces"),  # all have a price
    "cost_of_a_success": ("miniswe", "aider", "traces"),  # no outcomes
    "errors": ("miniswe", "aider", "traces"),  # what came through
    "tools": ("miniswe", "aider"),  # calls of models alone
    "loops": ("miniswe", "aider", "traces"),  # of tools
    "critical_path": ("miniswe", "aider"),  # without durations nothing has a length
    "who_calls_whom": ("miniswe", "aider"),  # one agent
    "incidents": ("traces", "miniswe"),  # too few steps for any; nothing changes but from run to run
}
# Of Gemini 3 Pro as billed: USD for a token of fresh input, cached input, output.
PRICES = (Decimal("0.000002"), Decimal("0.0000002"), Decimal("0.000012"))
LEAVES = ("agent", "run", "outcome", "feedback", "report")


def of_day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def parts_of(call: Row) -> tuple[Decimal, Decimal, Decimal]:
    """Cost of a recorded call: fresh input, cached input, output."""
    fresh = call["prompt_tokens"] - call["cached_tokens"]
    counts = (fresh, call["cached_tokens"], call["completion_tokens"])
    fresh_usd, cached_usd, output_usd = (price * count for price, count in zip(PRICES, counts, strict=True))
    return fresh_usd, cached_usd, output_usd


def cost_of(call: Row) -> Decimal:
    return sum(parts_of(call), Decimal(0))


def seconds_of(event: Row) -> float:
    return (int(event["end_time_unix_nano"]) - int(event["start_time_unix_nano"])) / 1e9


def step_of(event: Row) -> str:
    return str(event.get("step_name") or event.get("tool_name"))


def leaves(events: list[Row]) -> list[Row]:
    return [event for event in events if event["kind"] not in LEAVES]


def test_there_are_twenty_and_the_page_is_what_the_files_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(load_questions()) == 20
    assert main(["--check"]) == 0
    assert FILE.read_text(encoding="utf-8") == make_text()
    assert {question.name for question in load_questions()} >= set(EMPTY)
    for one in load_questions():
        assert "{namespace:String}" in one.sql, one.name
        assert ";" not in one.sql
        named = {part.partition(":")[0] for part in one.sql.split("{")[1:]}
        assert named <= set(PARAMETERS), one.name


@pytest.mark.parametrize("question", load_questions(), ids=lambda question: str(question.name))
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_question_has_an_answer_where_there_is_one(asked: Asked, question: Any, namespace: str) -> None:
    rows = asked.answer(str(question.number), namespace)
    assert bool(rows) == (namespace not in EMPTY.get(question.name, ())), rows[:3]
    assert asked.answer(question.name, "nobody") == []


def test_spend_by_agent_and_model_is_what_was_billed_to_the_last_digit(asked: Asked) -> None:
    calls = miniswe.read_calls()
    rows = asked.answer("spend_by_agent_and_model", "miniswe")
    assert {row["agent_name"] for row in rows} == {"mini-swe-agent"}
    found = {row["model"]: row for row in rows}
    assert set(found) == {call["model"] for call in calls}
    for model, row in found.items():
        of_model = [call for call in calls if call["model"] == model]
        assert int(row["billed_calls"]) == len(of_model)
        assert int(row["tokens_in"]) == sum(call["prompt_tokens"] for call in of_model)
        assert int(row["tokens_out"]) == sum(call["completion_tokens"] for call in of_model)
        assert int(row["without_price"]) == 0
        # Of 27 calls the record tells no bill: there the price of the others is taken.
        told = [cost_of(call) if call["cost"] is None else Decimal(str(call["cost"])) for call in of_model]
        assert row["spent_usd"] == sum(told)


@pytest.mark.parametrize(("namespace", "named"), [("miniswe", "created"), ("aider", "time")])
def test_spend_by_day_adds_up_each_days_runs(asked: Asked, namespace: str, named: str) -> None:
    records = miniswe.read_calls() if namespace == "miniswe" else aider.read_calls()
    runs: dict[Any, list[Row]] = defaultdict(list)
    for record in records:
        tokens = record.get("properties", record)
        run = record.get("instance_id") or (record["user_id"], record["time"] // 86_400)
        runs[run].append({"time": record[named]} | tokens)
    expected: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for calls in runs.values():
        # A run counts on the day on which it began.
        day = expected[of_day(min(call["time"] for call in calls))]
        tokens_in, tokens_out = (sum(c[n] for c in calls) for n in ("prompt_tokens", "completion_tokens"))
        for place, number in enumerate((1, len(calls), tokens_in, tokens_out)):
            day[place] += number
    rows = asked.answer("spend_by_day", namespace)
    names = ("began", "calls", "tokens_in", "tokens_out")
    assert {row["day"]: [int(row[name]) for name in names] for row in rows} == expected
    assert [row["day"] for row in rows] == sorted(expected)


def test_the_most_expensive_runs_come_first_with_what_they_cost(asked: Asked) -> None:
    runs: dict[str, list[Row]] = defaultdict(list)
    for call in miniswe.read_calls():
        runs[call["instance_id"]].append(call)
    costs = {run: sum(map(cost_of, calls)) for run, calls in runs.items()}
    best = sorted(costs, key=lambda run: (-costs[run], run))[:20]
    rows = asked.answer("most_expensive_runs", "miniswe")
    assert [row["run_id"] for row in rows] == best
    assert [row["spent_usd"] for row in rows] == [costs[run] for run in best]
    assert [int(row["calls"]) for row in rows] == [len(runs[run]) for run in best]
    assert {row["took_s"] for row in rows} == {None}, "the record knows no end of a call"


def test_the_parts_of_the_money_are_those_of_the_price(asked: Asked) -> None:
    rows = {row["model"]: row for row in asked.answer("where_the_money_goes", "miniswe")}
    for model, row in rows.items():
        calls = [call for call in miniswe.read_calls() if call["model"] == model]
        parts = [sum(part) for part in zip(*map(parts_of, calls), strict=True)]
        assert [row[f"{name}_usd"] for name in ("fresh_input", "cached_input", "output")] == parts
        assert row["spent_usd"] == sum(parts)
    assert len(rows) == 2


def test_cache_hits_are_the_share_of_cached_tokens_and_save_nine_tenths(asked: Asked) -> None:
    calls = miniswe.read_calls()
    rows = asked.answer("cache_hits", "miniswe")
    assert {row["model"] for row in rows} == {call["model"] for call in calls}
    for row in rows:
        own = [call for call in calls if call["model"] == row["model"]]
        tokens, cached = (sum(call[name] for call in own) for name in ("prompt_tokens", "cached_tokens"))
        assert (int(row["tokens_in"]), int(row["tokens_cached"])) == (tokens, cached)
        assert float(row["cached_share"]) == pytest.approx(cached / tokens)
        known = [call["cached_tokens"] for call in own if call["prompt_tokens"] > call["cached_tokens"]]
        assert float(row["saved"] or 0) == pytest.approx(sum(known) * 0.9 * 2e-6, abs=1e-5)


def test_the_heaviest_users_are_those_of_the_record(asked: Asked) -> None:
    users: dict[str, list[Row]] = defaultdict(list)
    for record in aider.read_calls():
        if record["user_id"]:
            users[record["user_id"]].append(record)
    rows = asked.answer("heaviest_users", "aider")
    assert {row["user_id"] for row in rows} == set(users)
    spent = [row["spent_usd"] for row in rows if row["spent_usd"] is not None]
    assert spent == sorted(spent, reverse=True)
    for row in rows:
        own = users[row["user_id"]]
        about = [record["properties"] for record in own]
        assert int(row["days"]) == len({record["time"] // 86_400 for record in own})
        assert int(row["billed_calls"]) == len(own)
        assert int(row["tokens"]) == sum(one["prompt_tokens"] + one["completion_tokens"] for one in about)
        assert row["models"] == sorted({one["main_model"] for one in about})


def test_finish_reasons_are_counted(asked: Asked) -> None:
    calls = miniswe.read_calls()
    expected = Counter(call["finish_reason"] or "" for call in calls)
    rows = asked.answer("finish_reasons", "miniswe")
    assert {row["reason"]: int(row["calls"]) for row in rows} == expected
    assert sum(int(row["cut_off"]) for row in rows) == expected["length"]
    for row in rows:
        tokens = [c["completion_tokens"] for c in calls if (c["finish_reason"] or "") == row["reason"]]
        assert float(row["mean_tokens_out"]) == pytest.approx(np.mean(tokens))


def test_one_run_is_shown_step_by_step(asked: Asked) -> None:
    runs: dict[str, list[Row]] = defaultdict(list)
    for call in miniswe.read_calls():
        runs[call["instance_id"]].append(call)
    calls = max(runs.values(), key=lambda calls: sum(map(cost_of, calls)))
    calls.sort(key=lambda call: (call["created"], call["step"]))
    rows = asked.answer("one_run", "miniswe")
    assert [row["cost_usd"] for row in rows] == [cost_of(call) for call in calls]
    assert [int(row["input_tokens"]) for row in rows] == [call["prompt_tokens"] for call in calls]


def test_versions_have_the_calls_of_the_record(asked: Asked) -> None:
    expected = Counter(record["properties"].get("aider_version") or "" for record in aider.read_calls())
    rows = asked.answer("versions", "aider")
    assert {row["agent_version"]: int(row["counted"]) for row in rows} == expected
    assert len(expected) > 20


def test_slow_steps_are_those_of_the_events_within_a_64th(
    asked: Asked, fleet_answer: Callable[[str], list[Row]]
) -> None:
    durations: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in leaves(asked.fleet):
        durations[event["agent_name"], step_of(event)].append(seconds_of(event))
    rows = fleet_answer("slow_steps")
    assert {(row["agent_name"], row["step_name"]) for row in rows} == set(durations)
    for row in rows:
        seconds = durations[row["agent_name"], row["step_name"]]
        assert int(row["counted"]) == len(seconds)
        exact = np.quantile(seconds, (0.5, 0.95, 0.99), method="inverted_cdf")
        found = [float(row[name]) for name in ("p50_s", "p95_s", "p99_s")]
        np.testing.assert_allclose(found, exact, rtol=1 / 64)


def test_runs_and_success_are_those_of_the_outcomes(
    asked: Asked, fleet_answer: Callable[[str], list[Row]]
) -> None:
    agents = {event["run_id"]: event["agent_name"] for event in asked.fleet if event["kind"] == "run"}
    success: dict[str, list[bool]] = defaultdict(list)
    for event in asked.fleet:
        if event["kind"] == "outcome":
            success[agents[event["run_id"]]].append(event["outcome_success"])
    rows = fleet_answer("runs_and_success")
    assert {row["agent"]: int(row["runs"]) for row in rows} == Counter(agents.values())
    assert {row["agent"]: int(row["runs_with_outcome"]) for row in rows} == {
        agent: len(all_of) for agent, all_of in success.items()
    }
    for row in rows:
        assert float(row["success_share"]) == pytest.approx(np.mean(success[row["agent"]]))


def test_a_success_costs_what_all_runs_cost(asked: Asked, fleet_answer: Callable[[str], list[Row]]) -> None:
    won = Counter(e["agent_name"] for e in asked.fleet if e["kind"] == "outcome" and e["outcome_success"])
    rows = fleet_answer("cost_of_a_success")
    by_agent: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_agent[row["agent_name"]].append(row)
        assert float(row["cost_per_success_usd"]) == pytest.approx(
            float(row["spent_usd"]) / int(row["successes"])
        )
    assert {agent: sum(int(r["successes"]) for r in rows) for agent, rows in by_agent.items()} == won
    spent = {row["agent"]: float(row["mean_cost_usd"]) * int(row["runs"]) for row in fleet_answer("9")}
    for agent, own in by_agent.items():
        assert sum(float(row["spent_usd"]) for row in own) == pytest.approx(spent[agent])


def test_errors_are_those_of_the_events(asked: Asked, fleet_answer: Callable[[str], list[Row]]) -> None:
    failed = [event for event in asked.fleet if "error_type" in event]
    expected = Counter((event["agent_name"], step_of(event), event["error_type"]) for event in failed)
    rows = fleet_answer("errors")
    found = {(row["agent_name"], row["step_name"], row["error_type"]): int(row["failures"]) for row in rows}
    # The first fifty are shown.
    assert found.items() <= expected.items()
    assert sorted(found.values(), reverse=True) == [n for _, n in expected.most_common(50)]
    for row in rows:
        assert row["newest_message"] == f"{row['step_name']} gave no answer"


def test_tools_are_counted_with_their_failures(
    asked: Asked, fleet_answer: Callable[[str], list[Row]]
) -> None:
    tools = [event for event in asked.fleet if event["kind"] == "tool"]
    rows = fleet_answer("tools")
    assert {row["tool_name"]: int(row["calls"]) for row in rows} == Counter(t["tool_name"] for t in tools)
    failures = Counter(tool["tool_name"] for tool in tools if "error_type" in tool)
    assert {row["tool_name"]: int(row["failures"]) for row in rows if int(row["failures"])} == failures
    for row in rows:
        seconds = sorted(seconds_of(tool) for tool in tools if tool["tool_name"] == row["tool_name"])
        # quantileExact takes the value at this place.
        assert float(row["p95_s"]) == pytest.approx(seconds[int(0.95 * len(seconds))])


def test_the_run_that_goes_in_circles_is_found_with_its_number_of_calls(
    asked: Asked, fleet_answer: Callable[[str], list[Row]]
) -> None:
    same: Counter[tuple[str, str]] = Counter()
    for event in asked.fleet:
        if event["kind"] == "tool":
            same[event["run_id"], json.dumps([event["tool_name"], event.get("tool_call_arguments")])] += 1
    expected: dict[str, int] = {}
    for (run, _), count in same.items():
        if count >= 10:
            expected[run] = max(expected.get(run, 0), count)
    rows = fleet_answer("loops")
    assert {row["run_id"]: int(row["same_call"]) for row in rows} == expected
    assert len(expected) >= 1


def test_who_calls_whom_is_told_by_steps_right_below_those_of_another(
    asked: Asked, fleet_answer: Callable[[str], list[Row]]
) -> None:
    agents = {event["event_id"]: event["agent_name"] for event in asked.fleet}
    expected: Counter[tuple[str, str]] = Counter()
    for event in asked.fleet:
        above = agents.get(event.get("parent_event_id", ""))
        if above is not None and above != event["agent_name"]:
            expected[above, event["agent_name"]] += 1
    rows = fleet_answer("who_calls_whom")
    assert {(row["from_agent"], row["to_agent"]): int(row["steps_started"]) for row in rows} == expected


def test_shares_of_the_critical_path_add_up_to_the_time_of_the_runs(
    asked: Asked, fleet_answer: Callable[[str], list[Row]]
) -> None:
    ends: dict[str, list[int]] = defaultdict(list)
    for event in asked.fleet:
        start_ns = int(event["start_time_unix_nano"])
        ends[event["run_id"]] += [start_ns, int(event.get("end_time_unix_nano", start_ns))]
    agents = {event["run_id"]: event["agent_name"] for event in asked.fleet if event["kind"] == "run"}
    took: Counter[str] = Counter()
    for run, times in ends.items():
        took[agents[run]] += max(times) - min(times)
    for row in fleet_answer("critical_path"):
        shares = [float(row[f"{name}_share"]) for name in ("models", "tools", "other", "waiting")]
        assert sum(shares) == pytest.approx(1)
        assert float(row["path_s"]) == pytest.approx(took[row["agent_name"]] / 1e9)


def test_incidents_name_what_was_changed(asked: Asked, fleet_answer: Callable[[str], list[Row]]) -> None:
    """Each change that has a detector is among them, after it was made."""
    rows = fleet_answer("incidents")
    for fault in asked.plan.faults:
        if fault.detector == "csr" and fault.signal == "duration_s":
            found = [row for row in rows if (row["agent_name"], row["step_name"]) == fault.stream[:2]]
            assert found, fault.name
            opened = datetime.fromisoformat(found[-1]["opened_time"][:26]).replace(tzinfo=UTC)
            assert opened.timestamp() >= fault.at_ns / 1e9


def test_a_range_that_is_given_is_the_range_that_is_asked_for(asked: Asked) -> None:
    day = asked.answer("spend_by_day", "aider")[5]["day"]
    some = asked.answer("spend_by_day", "aider", since=f"{day} 00:00:00", until=f"{day} 23:59:59")
    assert [row["day"] for row in some] == [day]
    assert some == [row for row in asked.answer("spend_by_day", "aider") if row["day"] == day]
