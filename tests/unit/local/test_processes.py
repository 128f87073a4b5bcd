from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from streams.local.errors import LocalError
from streams.local.processes import Child, ChildSpec, DeathWatch, default_death_watch, last_words, rotate

WATCHES: list[DeathWatch] = ["kernel", "watch"] if sys.platform == "linux" else ["watch"]
SLEEP = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def python(tmp_path: Path, code: str, grace_s: float = 10.0) -> ChildSpec:
    command = (sys.executable, "-c", code)
    return ChildSpec(name="child", command=command, log_path=tmp_path / "child.log", grace_s=grace_s)


def wait_for_line(path: Path, word: str) -> str:
    while not path.exists() or word not in path.read_text() or not path.read_text().endswith("\n"):
        time.sleep(0.02)
    return path.read_text()


def wait_until_gone(pid: int) -> None:
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)


@pytest.mark.parametrize("watch", WATCHES)
def test_output_and_errors_go_to_the_log_and_the_exit_code_comes_back(
    tmp_path: Path, watch: DeathWatch
) -> None:
    code = "import sys; print('out'); print('bad', file=sys.stderr); sys.exit(3)"
    child = Child(python(tmp_path, code), death_watch=watch)
    assert child.wait() == 3
    assert child.stop() == 3
    assert sorted((tmp_path / "child.log").read_text().split()) == ["bad", "out"]


@pytest.mark.parametrize("watch", WATCHES)
def test_a_stopped_child_has_ended(tmp_path: Path, watch: DeathWatch) -> None:
    child = Child(python(tmp_path, SLEEP), death_watch=watch)
    wait_for_line(tmp_path / "child.log", "up")
    assert child.poll() is None
    child.stop()
    assert not psutil.pid_exists(child.pid)


@pytest.mark.parametrize("watch", WATCHES)
def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path, watch: DeathWatch) -> None:
    child = Child(python(tmp_path, DEAF, grace_s=0.3), death_watch=watch)
    wait_for_line(tmp_path / "child.log", "up")
    assert child.stop() == -signal.SIGKILL


def test_a_stop_reaches_what_the_child_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    )
    child = Child(python(tmp_path, code))
    grandchild = int(wait_for_line(tmp_path / "child.log", "\n"))
    child.stop()
    wait_until_gone(grandchild)


@pytest.mark.parametrize("watch", WATCHES)
def test_a_child_ends_when_its_parent_is_killed_minus_9(tmp_path: Path, watch: DeathWatch) -> None:
    grandchild = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    parent = (
        "import sys, time; from pathlib import Path\n"
        "from streams.local.processes import Child, ChildSpec\n"
        "command = (sys.executable, '-c', sys.argv[2])\n"
        "spec = ChildSpec(name='c', command=command, log_path=Path(sys.argv[1]))\n"
        "child = Child(spec, death_watch=sys.argv[3])\n"
        "time.sleep(600)\n"
    )
    log = tmp_path / "child.log"
    with subprocess.Popen([sys.executable, "-c", parent, str(log), grandchild, watch]) as process:
        pid = int(wait_for_line(log, "\n"))
        assert psutil.pid_exists(pid)
        process.kill()
    wait_until_gone(pid)


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    made: list[Child] = []
    asker = threading.Thread(target=lambda: made.append(Child(python(tmp_path, SLEEP))))
    asker.start()
    asker.join()
    wait_for_line(tmp_path / "child.log", "up")
    assert made[0].poll() is None
    made[0].stop()


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    spec = ChildSpec(name="tool", command=("no-such-program",), log_path=tmp_path / "log")
    with pytest.raises(LocalError, match="no-such-program"):
        Child(spec)


def test_a_child_gets_the_environment_it_was_given(tmp_path: Path) -> None:
    spec = ChildSpec(
        name="child",
        command=(sys.executable, "-c", "import os; print(sorted(os.environ))"),
        log_path=tmp_path / "log",
        env={"ONLY": "this"},
    )
    Child(spec).wait()
    assert "ONLY" in (tmp_path / "log").read_text()
    assert "HOME" not in (tmp_path / "log").read_text()


def test_a_log_over_the_limit_is_cut_and_its_content_kept_beside(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("12345")
    rotate(log, limit_bytes=5)
    assert log.read_text() == "12345"
    rotate(log, limit_bytes=4)
    assert log.read_text() == ""
    assert (tmp_path / "log.1").read_text() == "12345"


def test_last_words_quote_both_logs(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a\nb\nc\n")
    (tmp_path / "own").write_text("x\ny\n")
    spec = ChildSpec(
        name="child", command=("true",), log_path=tmp_path / "out", own_log_path=tmp_path / "own"
    )
    words = last_words(spec, lines=2)
    assert "b\nc" in words
    assert "a\nb" not in words
    assert "x\ny" in words
    assert str(tmp_path / "own") in words


def test_the_kernel_watches_on_linux_and_a_process_elsewhere() -> None:
    assert default_death_watch("linux") == "kernel"
    assert default_death_watch("darwin") == "watch"
