"""The command line as its users type it, in processes of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streams.app import EXIT_CONFIG, EXIT_UNAVAILABLE, ROLES
from streams.cli.commands import Role
from streams.local.ports import free_port
from streams.settings import FIELDS

COMMANDS = (
    "up",
    "demo",
    "view",
    "replay",
    "sql",
    "dashboards",
    "worker",
    "migrate",
    "topics",
    "doctor",
    "check-config",
)
PROGRAM = "from streams.cli import main; main()"


def wakeline(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("WAKELINE_")}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=60)


def test_help_names_every_command() -> None:
    done = wakeline("--help")
    assert done.returncode == 0
    assert all(re.search(rf"^  {command} ", done.stdout, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    done = wakeline(command, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_help_imports_no_client_and_no_arrays() -> None:
    script = (
        "import sys; from streams.cli.commands import app\n"
        "try:\n    app(['demo', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pyarrow', 'numpy', 'confluent_kafka', 'clickhouse_connect', 'faust', 'rich'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_roles_of_help_are_those_that_run() -> None:
    assert [role.value for role in Role] == list(ROLES)


def test_check_config_prints_every_setting_with_its_source_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "wakeline.toml"
    file.write_text('namespace = "from-file"\nwebhooks = ["https://hooks.example/token?x=token"]\n')
    done = wakeline(
        "--kafka",
        "somewhere:1",
        "check-config",
        "--config",
        str(file),
        WAKELINE_CLICKHOUSE_PASSWORD="token",
        WAKELINE_PARTITIONS="8",
    )
    assert done.returncode == 0, done.stderr
    assert "token" not in done.stdout
    lines = done.stdout.splitlines()
    assert [line.split(" = ")[0] for line in lines[::2]] == list(FIELDS)
    assert all(len(line.strip()) > 20 for line in lines[1::2])
    assert "kafka = somewhere:1  [option]" in lines
    assert "partitions = 8  [environment WAKELINE_PARTITIONS]" in lines
    assert f"namespace = from-file  [file {file}]" in lines
    assert f"webhooks = https://hooks.example/...  [file {file}]" in lines
    assert "replication = 1  [default]" in lines


def test_an_option_behind_the_command_wins_over_one_before_it_and_over_the_environment() -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    done = wakeline("--kafka", "a:1", "topics", "--kafka", nowhere, WAKELINE_KAFKA="b:1")
    assert done.returncode == EXIT_UNAVAILABLE
    assert done.stderr.startswith("wakeline: Kafka does not answer at " + nowhere)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["check-config", "--config", "/none.toml"], {}, "cannot be read"),
        (["check-config"], {"WAKELINE_PARTITIONS": "0"}, "partitions"),
        (["topics", "--namespace", "Not A Name"], {}, "namespace"),
        (["replay", "x.jsonl", "--namespace", "live"], {}, "mix history"),
        (["worker", "--role", "notify"], {"WAKELINE_WEBHOOKS": "hooks"}, "webhooks"),
        (["up", "--health-port", "9101"], {"WAKELINE_UP": "", "WAKELINE_CLOCK": "sun"}, "clock"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line_and_an_exit_code(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    done = wakeline(*arguments, **environment)
    assert done.returncode == EXIT_CONFIG
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_shows_its_traceback() -> None:
    script = (
        "import streams.cli.commands as commands\n"
        "def bug(*_): raise KeyError('bug')\n"
        "commands.opt.settings_of = bug\n"
        "commands.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "check-config"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "KeyError: 'bug'" in done.stderr


def test_a_parameter_of_sql_that_is_no_pair_is_refused_before_anything_is_asked() -> None:
    done = wakeline(
        "sql", "SELECT 1", "--param", "no pair", "--clickhouse", f"http://127.0.0.1:{free_port()}"
    )
    assert done.returncode == EXIT_CONFIG
    assert "--param takes NAME=VALUE, not 'no pair'" in done.stderr
    assert "Traceback" not in done.stderr
