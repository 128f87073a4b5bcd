from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from streams.local.processes import ChildSpec
from streams.local.supervisor import ChildFailed, Restarts, StopRequested, Supervisor

QUICK = Restarts(first_s=0.0, longest_s=0.0, give_up_after=3)
SLEEP = "import time; print('up', flush=True); time.sleep(600)"


def spec(folder: Path, name: str, code: str, *arguments: str, stop_group: str = "") -> ChildSpec:
    command = (sys.executable, "-c", code, *arguments)
    return ChildSpec(name=name, command=command, log_path=folder / f"{name}.log", stop_group=stop_group)


def wait_for_lines(path: Path, count: int) -> list[str]:
    while not path.exists() or len(path.read_text().splitlines()) < count:
        time.sleep(0.02)
    return path.read_text().splitlines()


def pid_of(supervisor: Supervisor, name: str) -> int | None:
    return next(state.pid for state in supervisor.states() if state.name == name)


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    with Supervisor(QUICK) as supervisor:
        supervisor.start(spec(tmp_path, "a", SLEEP))
        first = pid_of(supervisor, "a")
        assert first is not None
        wait_for_lines(tmp_path / "a.log", 1)
        os.kill(first, signal.SIGKILL)
        while pid_of(supervisor, "a") in (first, None):
            supervisor.check()
        wait_for_lines(tmp_path / "a.log", 2)
        state = supervisor.states()[0]
    assert (state.phase, state.restarts, state.exit_code) == ("running", 1, -signal.SIGKILL)


def test_a_child_that_keeps_dying_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Supervisor(QUICK) as supervisor:
        supervisor.start(spec(tmp_path, "bad", "import sys; print('the reason'); sys.exit(4)"))
        with pytest.raises(ChildFailed, match="the reason") as raised:
            supervisor.run()
    assert raised.value.exit_code == 4
    assert (tmp_path / "bad.log").read_text().splitlines() == ["the reason"] * 3


def test_the_pause_before_a_restart_doubles_up_to_its_limit(tmp_path: Path) -> None:
    now = [100.0]
    rules = Restarts(first_s=1.0, longest_s=3.0, quick_s=20.0, give_up_after=9)
    starts: list[float] = []
    with Supervisor(rules, clock=lambda: now[0]) as supervisor:
        supervisor.start(spec(tmp_path, "bad", "raise SystemExit(1)"))
        while len(starts) < 4:
            supervisor.check()
            if len(starts) < supervisor.states()[0].restarts:
                starts.append(now[0])
            if supervisor.states()[0].phase == "waiting to restart":
                now[0] += 0.5
    assert starts == [101.0, 103.0, 106.0, 109.0]


def test_a_long_life_forgives_earlier_deaths(tmp_path: Path) -> None:
    now = [0.0]
    rules = Restarts(first_s=0.0, longest_s=0.0, quick_s=20.0, give_up_after=2)
    with Supervisor(rules, clock=lambda: now[0]) as supervisor:
        supervisor.start(spec(tmp_path, "a", "raise SystemExit(1)"))
        while supervisor.states()[0].restarts < 4:
            now[0] += 20.0
            supervisor.check()
        assert supervisor.states()[0].restarts == 4


def test_children_are_stopped_in_reverse_order_and_once(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    open(sys.argv[2], 'a').write(sys.argv[1] + '\\n'); sys.exit(0)\n"
        "signal.signal(15, end); print('up', flush=True); time.sleep(600)\n"
    )
    order = tmp_path / "order"
    with Supervisor() as supervisor:
        for name in ("one", "two", "three"):
            supervisor.start(spec(tmp_path, name, code, name, str(order)))
        for name in ("one", "two", "three"):
            wait_for_lines(tmp_path / f"{name}.log", 1)
        supervisor.stop()
        supervisor.stop()
    assert order.read_text().splitlines() == ["three", "two", "one"]
    assert {state.phase for state in supervisor.states()} == {"stopped"}


def test_children_of_one_group_are_told_to_stop_before_any_is_waited_for(tmp_path: Path) -> None:
    # Each ends only after the other was told: one after the other, they would need SIGKILL.
    code = (
        "import pathlib, signal, sys, time\n"
        "mine, other = map(pathlib.Path, sys.argv[1:])\n"
        "def end(*_):\n"
        "    mine.touch()\n"
        "    while not other.exists(): time.sleep(0.01)\n"
        "    sys.exit(7)\n"
        "signal.signal(15, end); print('up', flush=True); time.sleep(600)\n"
    )
    with Supervisor() as supervisor:
        for mine, other in (("a", "b"), ("b", "a")):
            paths = (str(tmp_path / mine), str(tmp_path / other))
            supervisor.start(spec(tmp_path, mine, code, *paths, stop_group="roles"))
        for name in ("a", "b"):
            wait_for_lines(tmp_path / f"{name}.log", 1)
    assert [state.exit_code for state in supervisor.states()] == [7, 7]


def test_a_name_cannot_be_minded_twice(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(spec(tmp_path, "a", SLEEP))
        with pytest.raises(ValueError, match="a"):
            supervisor.start(spec(tmp_path, "a", SLEEP))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_run_and_leaves_no_child(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from streams.local.processes import ChildSpec\n"
        "from streams.local.supervisor import Supervisor\n"
        "with Supervisor() as supervisor:\n"
        "    for name in ('a', 'b'):\n"
        "        log = Path(sys.argv[1]) / f'{name}.log'\n"
        "        code = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'\n"
        "        supervisor.start(ChildSpec(name=name, command=(sys.executable, '-c', code), log_path=log))\n"
        "    print('up', flush=True)\n"
        "    ended = supervisor.run()\n"
        "print(ended.name, [state.phase for state in supervisor.states()])\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        pids = [int(wait_for_lines(tmp_path / f"{name}.log", 1)[0]) for name in ("a", "b")]
        process.send_signal(number)
        process.send_signal(number)
        assert process.stdout.read().strip() == f"{number.name} ['stopped', 'stopped']"
        assert process.wait() == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_signal_is_noted_and_raised_by_the_next_check(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Supervisor() as supervisor:
        supervisor.start(spec(tmp_path, "a", SLEEP))
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StopRequested) as raised:
            supervisor.check()
    assert raised.value.signal == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
