"""`wakeline dashboards` as its users type it, in processes of its own, against a Grafana that is a double."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.__main__ import ROOT
from streams.app import EXIT_CONFIG, EXIT_FAILED, EXIT_UNAVAILABLE
from streams.local.ports import free_port
from tests.unit.cli.test_cli import wakeline
from tests.unit.publish.double import TOKEN, GrafanaDouble

EXAMPLE = str(ROOT / "deploy" / "grafana" / "alerts.example.toml")
HOOK = "https://hooks.example/T0/secret"
PASSWORD = "correct-horse"


@pytest.fixture
def double() -> Iterator[GrafanaDouble]:
    grafana = GrafanaDouble()
    yield grafana
    grafana.close()


def dashboards(double: GrafanaDouble, *arguments: str, code: int = 0) -> str:
    """Output of a command that ends with `code`; neither token, password nor webhook is in it."""
    done = wakeline(
        "dashboards",
        *arguments,
        WAKELINE_GRAFANA_URL=double.url,
        WAKELINE_GRAFANA_TOKEN=TOKEN,
        WAKELINE_ON_CALL_URL=HOOK,
        WAKELINE_CLICKHOUSE_READER_PASSWORD=PASSWORD,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert not any(secret in said for secret in (TOKEN, PASSWORD, HOOK))
    assert "Traceback" not in said
    return said


def test_publish_then_nothing_then_a_change_by_hand(double: GrafanaDouble, tmp_path: Path) -> None:
    arguments = ("--alerts", EXAMPLE, "--source", "http://ch:8123", "--data", str(tmp_path))
    first = dashboards(double, "publish", *arguments)
    assert "wakeline-fleet               created" in first
    assert "unchanged, 0 left alone." in first
    again = dashboards(double, "publish", *arguments)
    assert again.splitlines()[-1].startswith("Nothing to write: all ")
    assert dashboards(double, "diff", *arguments).splitlines()[-1].startswith("0 to write, 0 to leave alone")

    double.save_by_hand("wakeline-fleet", title="mine")
    writes = len(double.writes)
    left = dashboards(double, "publish", *arguments, code=EXIT_FAILED)
    assert "left alone. Its newest version was saved by somebody else" in left
    assert "--force overwrites it" in left
    shown = dashboards(double, "diff", *arguments, code=EXIT_FAILED)
    assert '-  "title": "mine"' in shown
    assert len(double.writes) == writes
    forced = dashboards(double, "publish", *arguments, "--force")
    assert "overwritten. Its newest version was saved by somebody else" in forced
    assert double.state.boards["wakeline-fleet"]["dashboard"]["title"] != "mine"


def test_check_with_and_without_a_grafana(double: GrafanaDouble) -> None:
    alone = wakeline("dashboards", "check")
    assert alone.returncode == 0
    assert "Grafana was not asked" in alone.stdout
    said = dashboards(double, "check", code=EXIT_FAILED)
    assert "WRONG  data source" in said
    dashboards(double, "publish")
    assert "WRONG" not in dashboards(double, "check")


def test_export_writes_files(double: GrafanaDouble, tmp_path: Path) -> None:
    dashboards(double, "publish")
    said = dashboards(double, "export", str(tmp_path / "out"))
    content = json.loads((tmp_path / "out" / "dashboards" / "wakeline-fleet.json").read_text())
    assert content["uid"] == "wakeline-fleet"
    assert str(tmp_path / "out" / "datasource.json") in said
    (tmp_path / "file").write_text("")
    assert "cannot be written" in dashboards(double, "export", str(tmp_path / "file" / "x"), code=EXIT_CONFIG)


def test_files_are_those_of_the_repository_for_the_defaults(tmp_path: Path) -> None:
    done = wakeline("dashboards", "files", str(tmp_path), "--source", "http://clickhouse:8123")
    assert done.returncode == 0, done.stderr
    committed = ROOT / "deploy" / "grafana" / "provisioning"
    for path in committed.rglob("*.yaml"):
        made = tmp_path / "provisioning" / path.relative_to(committed)
        assert made.read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), path
    for path in (ROOT / "dashboards" / "json").glob("*.json"):
        assert (tmp_path / "dashboards" / path.name).read_text(encoding="utf-8") == path.read_text(
            encoding="utf-8"
        )


def test_files_with_objectives_hold_contact_points_and_no_secret(tmp_path: Path) -> None:
    done = wakeline("dashboards", "files", str(tmp_path), "--alerts", EXAMPLE, WAKELINE_ON_CALL_URL=HOOK)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "provisioning" / "alerting" / "wakeline-contact-points.yaml").read_text()
    assert "$WAKELINE_ON_CALL_URL" in text
    assert HOOK not in "".join(path.read_text() for path in tmp_path.rglob("*.yaml"))


def test_the_token_may_come_from_a_file(double: GrafanaDouble, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    done = wakeline("dashboards", "publish", "--grafana", double.url, "--token-file", str(file))
    assert done.returncode == 0, done.stderr
    assert set(double.tokens) == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "says"),
    [
        (["publish"], {}, EXIT_CONFIG, "Which Grafana?"),
        (["publish", "--grafana", "http://127.0.0.1:1"], {}, EXIT_CONFIG, "No token: make a service account"),
        (["publish", "--grafana", "x"], {"WAKELINE_GRAFANA_TOKEN": "t"}, EXIT_CONFIG, "must begin with http"),
        (["diff", "--grafana", "http://h", "--token-file", "/none"], {}, EXIT_CONFIG, "/none cannot be read"),
        (["check", "--alerts", "/none.toml"], {}, EXIT_CONFIG, "/none.toml cannot be read"),
        (["files", "x", "--source", "ch"], {}, EXIT_CONFIG, "--source must begin with http"),
        (["files", "x", "--source", "http://ch:x"], {}, EXIT_CONFIG, "--source cannot be read"),
        (
            ["publish", "--grafana", "http://h", "--alerts", EXAMPLE],
            {"WAKELINE_GRAFANA_TOKEN": "t"},
            EXIT_CONFIG,
            "needs the variable WAKELINE_ON_CALL_URL",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line_that_says_what_to_do(
    arguments: list[str], environment: dict[str, str], code: int, says: str
) -> None:
    done = wakeline("dashboards", *arguments, **environment)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_grafana_that_refuses_or_is_away_is_one_line(double: GrafanaDouble) -> None:
    refused = wakeline("dashboards", "publish", "--grafana", double.url, WAKELINE_GRAFANA_TOKEN="wrong")
    assert refused.returncode == EXIT_FAILED
    assert refused.stderr.startswith("wakeline: Grafana does not take the token")
    assert len(refused.stderr.splitlines()) == 1
    address = f"http://127.0.0.1:{free_port()}"
    away = wakeline("dashboards", "diff", "--grafana", address, WAKELINE_GRAFANA_TOKEN="wrong")
    assert away.returncode == EXIT_UNAVAILABLE
    assert "Connection refused" in away.stderr
    assert len(away.stderr.splitlines()) == 1


def test_a_token_in_the_open_is_told() -> None:
    done = wakeline("dashboards", "diff", "--grafana", "http://grafana.invalid", WAKELINE_GRAFANA_TOKEN="t")
    assert "The token goes to grafana.invalid in the open" in done.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("wakeline dash", {"dashboards"}),
        ("wakeline dashboards ", {"publish", "diff", "export", "check", "files"}),
        ("wakeline dashboards publish --fo", {"--force"}),
        ("wakeline dashboards publish --token", {"--token-file"}),
    ],
)
def test_the_shell_completes_commands_and_options(typed: str, offered: set[str]) -> None:
    words = typed.split(" ")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("wakeline"))],
        env=dict(os.environ)
        | {"_WAKELINE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert set(done.stdout.split()) == offered, done.stderr
