"""Is what is published what Grafana then holds, written once, and never over what somebody else has done?"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dashboards.__main__ import ROOT
from dashboards.alerts.objectives import DefaultObjective, Objectives, load_objectives
from dashboards.publish.alerting import MARK, MissingVariable
from dashboards.publish.boards import PAGE, dashboards_in
from dashboards.publish.client import Grafana, GrafanaRefused, GrafanaUnavailable
from dashboards.publish.export import write_export
from dashboards.publish.item import State
from dashboards.publish.items import Publication, committed_dashboards, items_of
from dashboards.publish.leftovers import leftovers
from dashboards.publish.publish import Action, Decision, difference, plan, publish
from dashboards.source import FOLDER_UID, SOURCE_UID, Source
from tests.unit.publish.double import TOKEN, Answer, Fault, GrafanaDouble

SECRET = "https://hooks.example/T0/secret"
PASSWORD = "correct-horse"
EXAMPLE = load_objectives(ROOT / "deploy" / "grafana" / "alerts.example.toml")
SITE = Publication(EXAMPLE, Source("ch.internal"), PASSWORD, {"WAKELINE_ON_CALL_URL": SECRET})
BOARDS = len(committed_dashboards())
BOARD = "wakeline-fleet"


def run(grafana: Grafana, site: Publication = SITE, *, force: bool = False) -> list[Decision]:
    told: list[Decision] = []
    decisions = publish(grafana, items_of(site), force=force, told=told.append)
    assert told == decisions
    return decisions


def decision_on(decisions: list[Decision], name: str) -> Decision:
    [found] = [decision for decision in decisions if decision.item.name == name]
    return found


def with_objectives(**changes: Any) -> Publication:
    return Publication(msgspec.structs.replace(EXAMPLE, **changes), SITE.source, PASSWORD, SITE.environment)


def test_everything_is_created_in_an_order_in_which_each_finds_what_it_needs(
    double: GrafanaDouble, grafana: Grafana
) -> None:
    decisions = run(grafana)
    assert {decision.action for decision in decisions} == {Action.CREATE}
    state = double.state
    assert state.folders[FOLDER_UID]["title"] == "Agent Observability"
    assert len(state.boards) == BOARDS
    assert {board["folderUid"] for board in state.boards.values()} == {FOLDER_UID}
    assert {name for _, name in state.groups} == {
        "wakeline-costs", "wakeline-agents", "wakeline-presence", "wakeline-pipeline",
    }  # fmt: skip
    assert state.points["wakeline-on-call"]["settings"]["url"] == SECRET
    source = state.sources[SOURCE_UID]
    assert (source["jsonData"]["host"], source["jsonData"]["username"]) == ("ch.internal", "grafana_reader")
    assert double.state.secrets[SOURCE_UID] == {"password": PASSWORD}
    assert "password" not in str(source["jsonData"])
    assert double.rule("wakeline-error-ratio")["notification_settings"]["receiver"] == "wakeline on call"


def test_a_second_run_writes_nothing(double: GrafanaDouble, grafana: Grafana) -> None:
    run(grafana)
    before = deepcopy(double.state)
    double.asked.clear()
    decisions = run(grafana)
    assert {decision.action for decision in decisions} == {Action.NOTHING}
    assert double.writes == []
    assert double.state == before


@pytest.mark.parametrize("as_list", [False, True], ids=["object", "list"])
def test_a_second_run_writes_nothing_when_grafana_has_upgraded_what_it_holds(
    double: GrafanaDouble, grafana: Grafana, as_list: bool
) -> None:
    double.state.versions_as_list = as_list
    run(grafana)
    double.state.boards[BOARD]["dashboard"] |= {"schemaVersion": 42, "preload": False}
    double.asked.clear()
    assert {decision.action for decision in run(grafana)} == {Action.NOTHING}
    assert double.writes == []


def test_what_an_old_grafana_drops_is_no_change_by_hand(double: GrafanaDouble, grafana: Grafana) -> None:
    double.state.is_old = True
    run(grafana)
    assert "keep_firing_for" not in double.rule("wakeline-latency")
    assert {decision.action for decision in run(grafana)} == {Action.NOTHING}
    changed = run(grafana, with_objectives(default=DefaultObjective(run_p95_s=77.0)))
    assert decision_on(changed, "wakeline-agents").action is Action.UPDATE
    pause_rule(double)
    assert decision_on(run(grafana), "wakeline-agents").action is Action.LEAVE


def test_answers_without_a_body_change_nothing(double: GrafanaDouble, grafana: Grafana) -> None:
    double.state.empty_answers = True
    assert {decision.action for decision in run(grafana)} == {Action.CREATE}
    assert {decision.action for decision in run(grafana)} == {Action.NOTHING}


def test_what_was_ours_is_updated(double: GrafanaDouble, grafana: Grafana) -> None:
    run(grafana)
    double.asked.clear()
    site = with_objectives(default=DefaultObjective(month_usd=7.0))
    moved = Publication(site.objectives, Source("elsewhere"), PASSWORD, SITE.environment)
    decisions = run(grafana, moved)
    changed = {decision.item.name for decision in decisions if decision.action is Action.UPDATE}
    assert changed == {"Wakeline ClickHouse", "wakeline-costs"}
    assert len(double.writes) == 2
    assert "toFloat64(7.0)" in str(double.rule("wakeline-budget-burn-1h"))
    assert double.state.sources[SOURCE_UID]["jsonData"]["host"] == "elsewhere"
    assert {decision.action for decision in run(grafana, moved)} == {Action.NOTHING}


def test_a_new_version_of_a_dashboard_follows_ours(
    double: GrafanaDouble, grafana: Grafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(grafana)
    changed = committed_dashboards()
    changed[BOARD]["description"] = "new"
    monkeypatch.setattr("dashboards.publish.items.committed_dashboards", lambda: changed)
    assert decision_on(run(grafana), BOARD).action is Action.UPDATE
    assert double.state.boards[BOARD]["dashboard"]["description"] == "new"
    assert len(double.state.versions[BOARD]) == 2
    assert decision_on(run(grafana), BOARD).action is Action.NOTHING


def change_board(double: GrafanaDouble) -> None:
    double.save_by_hand(BOARD, title="mine")


def restore_board(double: GrafanaDouble) -> None:
    """A former version of ours is put back: with a message of Grafana's own."""
    change_board(double)
    double.save_by_hand(BOARD, title="older")
    double.state.versions[BOARD][-1]["message"] = "Restored from version 1"


def move_board(double: GrafanaDouble) -> None:
    double.state.folders["mine"] = {"uid": "mine", "title": "Mine", "version": 1}
    double.state.boards[BOARD]["folderUid"] = "mine"


def rename_folder(double: GrafanaDouble) -> None:
    double.state.folders[FOLDER_UID]["title"] = "Agents"


def change_source(double: GrafanaDouble) -> None:
    double.state.sources[SOURCE_UID]["jsonData"]["host"] = "mine"


def change_rule(double: GrafanaDouble) -> None:
    double.rule("wakeline-latency")["data"][2]["model"]["conditions"][0]["evaluator"]["params"] = [3.0]


def pause_rule(double: GrafanaDouble) -> None:
    double.rule("wakeline-latency")["isPaused"] = True


def relabel_rule(double: GrafanaDouble) -> None:
    double.rule("wakeline-latency")["labels"]["team"] = "mine"


def add_rule(double: GrafanaDouble) -> None:
    group = double.state.groups[FOLDER_UID, "wakeline-agents"]
    mine = deepcopy(group["rules"][0]) | {"uid": "mine", "title": "Mine"}
    mine["annotations"].pop(MARK)
    group["rules"].append(mine)


def slow_group(double: GrafanaDouble) -> None:
    double.state.groups[FOLDER_UID, "wakeline-agents"]["interval"] = 600


def change_contact(double: GrafanaDouble) -> None:
    double.state.points["wakeline-on-call"]["settings"]["url"] = "https://mine.example"


@pytest.mark.parametrize(
    ("change", "name", "why"),
    [
        (change_board, BOARD, "saved by somebody else"),
        (restore_board, BOARD, "saved by somebody else"),
        (move_board, BOARD, "lies in Mine"),
        (rename_folder, "Agent Observability", "renamed"),
        (change_source, "Wakeline ClickHouse", "changed by hand"),
        (change_rule, "wakeline-agents", "Slower than its objective"),
        (pause_rule, "wakeline-agents", "Slower than its objective"),
        (relabel_rule, "wakeline-agents", "Slower than its objective"),
        (add_rule, "wakeline-agents", "Mine"),
        (slow_group, "wakeline-agents", "by hand"),
        (change_contact, "wakeline on call", "differs in url"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_somebody_has_changed_is_told_and_left_alone_until_forced(
    double: GrafanaDouble, grafana: Grafana, change: Any, name: str, why: str
) -> None:
    run(grafana)
    change(double)
    before = deepcopy(double.state)
    double.asked.clear()
    # Left alone also when there would be something new to write.
    site = with_objectives(default=DefaultObjective(run_p95_s=77.0))
    left = decision_on(run(grafana), name)
    assert left.action is Action.LEAVE
    assert left.found.state is State.FOREIGN
    assert why in left.found.why
    assert double.writes == []
    assert double.state == before
    if name == "wakeline-agents":
        assert decision_on(run(grafana, site), name).action is Action.LEAVE
        assert double.state == before
    # Of a move and of a secret the reason alone tells.
    assert difference(left) or change in (move_board, change_contact)
    assert SECRET not in "\n".join(difference(left))

    forced = run(grafana, force=True)
    assert {decision.item.name for decision in forced if decision.writes} == {name}
    assert decision_on(forced, name).action is Action.OVERWRITE
    assert {decision.action for decision in run(grafana)} == {Action.NOTHING}


@pytest.mark.parametrize(
    ("provision", "name"),
    [
        (lambda state: state.boards[BOARD].update(provisioned=True), BOARD),
        (lambda state: state.sources[SOURCE_UID].update(readOnly=True), "Wakeline ClickHouse"),
        (lambda state: state.points["wakeline-on-call"].update(provenance="file"), "wakeline on call"),
        (
            lambda state: state.groups[FOLDER_UID, "wakeline-costs"]["rules"][0].update(provenance="file"),
            "wakeline-costs",
        ),
    ],
    ids=["dashboard", "source", "contact", "rules"],
)
def test_what_comes_from_files_of_the_server_is_never_written(
    double: GrafanaDouble, grafana: Grafana, provision: Any, name: str
) -> None:
    run(grafana)
    provision(double.state)
    double.asked.clear()
    decision = decision_on(run(grafana, force=True), name)
    assert (decision.found.state, decision.action) == (State.FILE, Action.LEAVE)
    assert double.writes == []


def test_what_is_equal_though_made_by_hand_is_taken_over_without_a_write(
    double: GrafanaDouble, grafana: Grafana
) -> None:
    run(grafana)
    for message in double.state.versions[BOARD]:
        message["message"] = ""
    for group in double.state.groups.values():
        for rule in group["rules"]:
            rule["annotations"].pop(MARK)
    double.state.sources[SOURCE_UID]["jsonData"].pop("wakelinePublished")
    double.asked.clear()
    assert {decision.action for decision in run(grafana)} == {Action.NOTHING}
    assert double.writes == []


def test_settings_of_the_source_that_somebody_added_stay(double: GrafanaDouble, grafana: Grafana) -> None:
    run(grafana)
    double.state.sources[SOURCE_UID]["jsonData"]["customSettings"] = [
        {"setting": "max_threads", "value": "4"}
    ]
    double.state.sources[SOURCE_UID]["isDefault"] = True
    moved = Publication(EXAMPLE, Source("elsewhere"), "", SITE.environment)
    assert decision_on(run(grafana, moved), "Wakeline ClickHouse").action is Action.UPDATE
    held = double.state.sources[SOURCE_UID]
    assert held["jsonData"]["customSettings"] == [{"setting": "max_threads", "value": "4"}]
    assert held["isDefault"] is True
    assert held["secureJsonFields"] == {"password": True}, "without a password Grafana keeps its own"


def test_new_secrets_are_written_when_asked_and_not_over_a_change_by_hand(
    double: GrafanaDouble, grafana: Grafana
) -> None:
    run(grafana)
    double.asked.clear()
    renewed = Publication(EXAMPLE, SITE.source, "another", SITE.environment)
    assert {decision.action for decision in run(grafana, renewed)} == {Action.NOTHING}
    told: list[Decision] = []
    publish(grafana, items_of(renewed), secrets=True, told=told.append)
    assert {decision.item.name for decision in told if decision.writes} == {
        "Wakeline ClickHouse",
        "wakeline on call",
    }
    assert double.state.secrets[SOURCE_UID] == {"password": "another"}
    change_source(double)
    change_contact(double)
    double.asked.clear()
    publish(grafana, items_of(SITE), secrets=True, told=told.append)
    assert double.writes == []


def test_a_save_between_look_and_write_is_not_overwritten(double: GrafanaDouble, grafana: Grafana) -> None:
    run(grafana)
    [board] = [item for item in items_of(SITE) if item.name == BOARD]
    found = board.look(grafana)
    change_board(double)
    with pytest.raises(GrafanaRefused, match="changed meanwhile") as refused:
        board.write(grafana, found)
    assert refused.value.status == 412
    assert double.state.boards[BOARD]["dashboard"]["title"] == "mine"


def test_a_run_that_breaks_off_is_completed_by_the_next(double: GrafanaDouble, grafana: Grafana) -> None:
    double.faults.append(Fault("PUT /api/v1/provisioning", Answer(500, {"message": "boom"}), times=1))
    told: list[Decision] = []
    with pytest.raises(GrafanaRefused, match="not written twice"):
        publish(grafana, items_of(SITE), told=told.append)
    assert {decision.action for decision in told} == {Action.CREATE}
    assert double.state.groups == {}
    decisions = run(grafana)
    assert {decision.item.kind for decision in decisions if decision.writes} == {"alert rules"}
    assert {decision.action for decision in run(grafana)} == {Action.NOTHING}


def test_a_write_that_was_done_but_not_answered_is_found(double: GrafanaDouble) -> None:
    """The server is slow: the client gives up, the write happens; the next run sees it."""
    impatient = Grafana(double.url, TOKEN, 0.4)
    double.faults.append(Fault("POST /api/folders", Answer(200, {}), times=1, delay_s=0.8))
    with pytest.raises(GrafanaUnavailable, match="does not answer"):
        run(impatient)
    double.state.folders[FOLDER_UID] = {"uid": FOLDER_UID, "title": "Agent Observability", "version": 1}
    decisions = run(Grafana(double.url, TOKEN))
    assert decision_on(decisions, "Agent Observability").action is Action.NOTHING


def test_a_receiver_that_is_nowhere_is_grafanas_to_tell(double: GrafanaDouble, grafana: Grafana) -> None:
    with pytest.raises(GrafanaRefused, match="receiver 'nobody' does not exist"):
        run(grafana, with_objectives(receiver="nobody"))


def test_rules_stay_open_to_the_user_interface_when_asked(double: GrafanaDouble, grafana: Grafana) -> None:
    run(grafana, Publication(EXAMPLE, None, "", SITE.environment, editable=True))
    assert double.rule("wakeline-latency")["provenance"] == ""
    assert double.state.points["wakeline-on-call"]["provenance"] == ""
    assert SOURCE_UID not in double.state.sources
    # Grafana does not let the provenance of a rule change, and says so.
    with pytest.raises(GrafanaRefused, match="cannot change provenance"):
        run(grafana, with_objectives(default=DefaultObjective(month_usd=7.0)))


def test_a_secret_that_is_missing_is_named(grafana: Grafana, double: GrafanaDouble) -> None:
    with pytest.raises(MissingVariable, match="'wakeline on call' needs the variable WAKELINE_ON_CALL_URL"):
        run(grafana, Publication(EXAMPLE, None))
    assert SECRET not in repr(items_of(SITE))
    assert PASSWORD not in repr(items_of(SITE))


def test_what_grafana_hides_counts_as_equal(double: GrafanaDouble, grafana: Grafana) -> None:
    point = msgspec.structs.replace(
        EXAMPLE.contact_points[0], settings={"url": "https://x.example", "username": "u", "password": "$HOOK"}
    )
    site = Publication(Objectives(contact_points=(point,)), None, "", {"HOOK": SECRET})
    run(grafana, site)
    assert {decision.action for decision in run(grafana, site)} == {Action.NOTHING}
    double.state.points["wakeline-on-call"]["settings"]["username"] = "other"
    left = decision_on(run(grafana, site), "wakeline on call")
    assert left.found.why == "It differs in username"
    assert "(hidden)" in str(left.found.held)
    assert SECRET not in str(left.found.held)


@pytest.mark.parametrize(
    "settings",
    [{"username": "u"}, {"url": "https://x.example", "username": "u"}, {"url": {"of": "x"}}, {}],
    ids=["gone", "plain", "nested", "nothing"],
)
def test_what_was_a_secret_is_not_shown_when_the_file_no_longer_names_it(
    double: GrafanaDouble, grafana: Grafana, settings: dict[str, Any]
) -> None:
    point = msgspec.structs.replace(EXAMPLE.contact_points[0], settings={"url": "$HOOK", "username": "u"})
    run(grafana, Publication(Objectives(contact_points=(point,)), None, "", {"HOOK": SECRET}))
    assert double.state.points["wakeline-on-call"]["settings"]["url"] == SECRET
    changed = msgspec.structs.replace(point, settings=settings)
    site = Publication(Objectives(contact_points=(changed,)), None, "", {})
    left = decision_on(run(grafana, site), "wakeline on call")
    assert left.found.state is State.FOREIGN
    assert "url" in left.found.why
    assert SECRET not in "\n".join([*difference(left), left.found.why, str(left.found.held)])


def test_settings_within_settings_are_filled_hidden_and_compared(
    double: GrafanaDouble, grafana: Grafana
) -> None:
    settings = {
        "url": "https://x.example",
        "title": "costs $$5",
        "hmacConfig": {"header": "x", "secret": "${HOOK}"},
    }
    point = msgspec.structs.replace(EXAMPLE.contact_points[0], settings=settings)
    publication = Publication(Objectives(contact_points=(point,)), None, "", {"HOOK": SECRET})
    run(grafana, publication)
    held = double.state.points["wakeline-on-call"]["settings"]
    assert held == settings | {"title": "costs $5", "hmacConfig": {"header": "x", "secret": SECRET}}
    held["hmacConfig"]["secret"] = "[REDACTED]"
    assert {decision.action for decision in run(grafana, publication)} == {Action.NOTHING}
    held["hmacConfig"]["header"] = "y"
    left = decision_on(run(grafana, publication), "wakeline on call")
    assert left.found.why == "It differs in hmacConfig"
    assert SECRET not in str(left.found.held) + str(left.item.wanted)


def test_a_recording_rule_in_our_group_is_somebody_elses(double: GrafanaDouble, grafana: Grafana) -> None:
    run(grafana)
    mine = {"uid": "mine", "title": "Recorded", "data": [], "record": {"metric": "m", "from": "A"}}
    double.state.groups[FOLDER_UID, "wakeline-agents"]["rules"].append(mine)
    left = decision_on(run(grafana), "wakeline-agents")
    assert (left.action, left.found.why) == (Action.LEAVE, "Changed or added by hand: Recorded")


def test_a_plan_writes_nothing_and_shows_what_a_publication_would_do(
    double: GrafanaDouble, grafana: Grafana
) -> None:
    decisions = list(plan(grafana, items_of(SITE)))
    assert {decision.action for decision in decisions} == {Action.CREATE}
    assert double.writes == []
    run(grafana)
    decisions = list(plan(grafana, items_of(with_objectives(default=DefaultObjective(month_usd=7.0)))))
    changed = [decision for decision in decisions if decision.writes]
    assert [decision.item.name for decision in changed] == ["wakeline-costs"]
    lines = difference(changed[0])
    assert any(line.startswith("-") and "toFloat64(1000.0)" in line for line in lines)
    assert any(line.startswith("+") and "toFloat64(7.0)" in line for line in lines)
    assert all(not difference(decision) for decision in decisions if not decision.writes)


def test_what_a_former_version_left_is_told_and_kept(double: GrafanaDouble, grafana: Grafana) -> None:
    run(grafana)
    assert list(leftovers(grafana, items_of(SITE))) == []
    old = deepcopy(double.state.boards[BOARD])
    double.state.boards["wakeline-former"] = old
    double.state.boards["somebodys"] = deepcopy(old)
    group = deepcopy(double.state.groups[FOLDER_UID, "wakeline-costs"])
    for rule in group["rules"]:
        rule |= {"ruleGroup": "wakeline-former-rules", "uid": f"former-{rule['uid']}"}
    double.state.groups[FOLDER_UID, "wakeline-former-rules"] = group
    assert list(leftovers(grafana, items_of(SITE))) == [
        ("dashboard", "wakeline-former"),
        ("alert rules", "wakeline-former-rules"),
    ]
    assert {decision.action for decision in run(grafana)} == {Action.NOTHING}


def test_a_folder_is_read_page_by_page(double: GrafanaDouble, grafana: Grafana) -> None:
    run(grafana)
    for number in range(2 * PAGE - BOARDS):
        double.state.boards[f"b{number:03}"] = deepcopy(double.state.boards[BOARD])
    double.asked.clear()
    assert dashboards_in(grafana, FOLDER_UID) == sorted(double.state.boards)
    assert len(double.asked) == 3, "two full pages and an empty one"


def test_an_export_holds_what_grafana_holds_and_no_secret(
    double: GrafanaDouble, grafana: Grafana, tmp_path: Path
) -> None:
    run(grafana)
    double.save_by_hand(BOARD, title="mine")
    double.state.boards["../evil"] = deepcopy(double.state.boards[BOARD])
    written = write_export(grafana, tmp_path / "out")
    names = {str(path.relative_to(tmp_path / "out")) for path in written}
    assert f"dashboards/{BOARD}.json" in names
    assert "dashboards/___evil.json" in names, "a name stays in its folder"
    assert {"datasource.json", "alerting/contact-points.json", "alerting/wakeline-costs.json"} <= names
    texts = "".join(path.read_text() for path in written)
    assert PASSWORD not in texts
    assert '"title": "mine"' in (tmp_path / "out" / "dashboards" / f"{BOARD}.json").read_text()
    assert double.writes[-1].startswith("PUT /api/v1/provisioning"), "an export writes nothing"
