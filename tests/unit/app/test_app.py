"""A role as a process: what it leaves out, how it says why it ends."""

import os
import subprocess
import sys

import pytest

from streams.app import EXIT_CONFIG, EXIT_OK, ROLES


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("WAKELINE_")}
    return subprocess.run(
        [sys.executable, *arguments], env=clean | environment, capture_output=True, text=True, timeout=60
    )


def run_as_role(body: str) -> subprocess.CompletedProcess[str]:
    """`run_role` with a module of the test's own as the role `notify`."""
    script = (
        "import sys, types\n"
        "from streams import app\n"
        "from streams.settings import ConfigError, Settings\n"
        "role = types.ModuleType('role')\n"
        f"def run(settings, health, stop):\n    {body}\n"
        "role.run = run\n"
        "sys.modules[app.ROLES['notify']] = role\n"
        "sys.exit(app.run_role('notify', Settings()))"
    )
    return python("-c", script)


def test_a_role_that_is_told_to_stop_ends_well() -> None:
    done = run_as_role("import os, signal; os.kill(os.getpid(), signal.SIGTERM); assert stop.wait(10)")
    assert done.returncode == EXIT_OK, done.stderr
    assert "event='Stopping' signal='SIGTERM'" in done.stderr


def test_an_expected_condition_is_one_line_with_key_and_value() -> None:
    done = run_as_role("raise ConfigError('the sun is out')")
    assert done.returncode == EXIT_CONFIG
    assert "level='error' role='notify' event='the sun is out'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_keeps_its_traceback() -> None:
    done = run_as_role("raise KeyError('bug')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "KeyError: 'bug'" in done.stderr


def test_a_logged_exception_stands_below_its_line() -> None:
    done = run_as_role(
        "import structlog\n    try:\n        1 / 0\n    except ZeroDivisionError:\n"
        "        structlog.get_logger().exception('Divided', by=0)"
    )
    lines = done.stderr.splitlines()
    at = next(number for number, line in enumerate(lines) if "event='Divided' by=0" in line)
    assert lines[at + 1] == "Traceback (most recent call last):"


def test_arrow_works_in_a_role_without_pandas() -> None:
    done = run_as_role(
        "import sys, pyarrow as pa; assert pa.repeat('x', 2).to_pylist() == ['x', 'x']; "
        "assert 'pandas' not in sys.modules"
    )
    assert done.returncode == EXIT_OK, done.stderr


def test_only_the_role_that_is_asked_for_is_imported() -> None:
    script = (
        "import sys; from streams.app import main; code = main(['notify']); "
        "sys.exit(any(name.startswith(('faust', 'pyarrow', 'numpy', 'typer')) for name in sys.modules))"
    )
    assert python("-c", script, WAKELINE_WEBHOOKS="none").returncode == 0


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["ingest", "write"]])
def test_an_unknown_role_is_refused_and_the_roles_are_named(arguments: list[str]) -> None:
    done = python("-m", "streams.app", *arguments)
    assert done.returncode == EXIT_CONFIG
    assert ", ".join(ROLES) in done.stderr
