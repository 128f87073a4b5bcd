"""A stuck process ends with its stacks on standard error; one that waits or was stopped lives on."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from streams.watchdog import EXIT_STUCK

# Beats for each line that it reads, and says so.
PROGRAM = """
import sys
from streams.app import configure_logs
from streams.health import Health
from streams.watchdog import Watchdog

def loop_that_reads(health):
    for line in sys.stdin:
        health.beat()
        word = line.strip()
        if word == "wait":
            health.waiting("a sink")
        elif word == "block":
            with health.blocking(600, "a call"):
                print("block", flush=True)
                sys.stdin.readline()
            word = "unblock"
        print(word, flush=True)

configure_logs("write")
health = Health("write")
health.ready()
with Watchdog(health, stuck_s=float(sys.argv[1]), tick_s=0.05, gap_s=0.5):
    loop_that_reads(health)
"""


class Process:
    """A process with a watchdog, led by lines."""

    def __init__(self, stuck_s: float) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(stuck_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def say(self, word: str) -> str:
        """Send a line; returns what it answers."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(word + "\n")
        self.child.stdin.flush()
        return self.child.stdout.readline().strip()

    def end(self) -> tuple[int, str]:
        """Close its input; exit code and standard error."""
        errors = self.child.communicate(timeout=30)[1]
        return self.child.returncode, errors


@pytest.fixture
def started() -> Iterator[list[Process]]:
    made: list[Process] = []
    yield made
    for process in made:
        process.child.kill()
        process.child.communicate()


def test_a_process_whose_loop_stands_still_ends_and_shows_where(started: list[Process]) -> None:
    started.append(process := Process(0.5))
    assert process.say("beat") == "beat"
    assert process.child.wait(30) == EXIT_STUCK  # nothing is sent any more
    code, errors = process.end()
    assert code == EXIT_STUCK
    assert "The loop has not turned" in errors
    assert "loop_that_reads" in errors, "the stack of the thread that hangs"


def test_a_call_that_has_said_how_long_it_may_take_is_spared(started: list[Process]) -> None:
    started.append(process := Process(0.5))
    assert process.say("block") == "block"
    with pytest.raises(subprocess.TimeoutExpired):
        process.child.wait(2)
    assert process.say("go") == "unblock"
    assert process.end()[0] == 0


def test_a_process_that_was_stopped_is_not_ended_when_it_goes_on(started: list[Process]) -> None:
    started.append(process := Process(3))
    assert process.say("beat") == "beat"
    process.child.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.child.wait(4)
    process.child.send_signal(signal.SIGCONT)
    assert process.child.stderr is not None
    # Its own log tells that it has noticed; only then does the loop turn again.
    assert "stood still" in process.child.stderr.readline()
    assert process.say("beat") == "beat"
    assert process.end()[0] == 0
