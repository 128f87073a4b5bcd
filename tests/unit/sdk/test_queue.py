"""The queue and the messages: bounds, exact counts, grouping by run, a broker that is not there."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from typing import Any

import msgspec
import pytest

import wakeline
from streams.local.ports import free_port
from wakeline.ids import Ids
from wakeline.outbox import Item, Outbox
from wakeline.sender import MAX_MESSAGE_BYTES, MAX_MESSAGE_EVENTS, pack
from wakeline.testing import collecting_emitter


def away(**options: Any) -> wakeline.Emitter:
    """An emitter whose broker is a port on which nobody listens."""
    return wakeline.Emitter(f"127.0.0.1:{free_port()}", **({"environ": {}} | options))


def test_a_message_holds_events_of_one_run_in_order() -> None:
    items = [Item("ab"[n % 2], b"%d" % n) for n in range(6)]
    assert list(pack(items)) == [("a", b"0\n2\n4", 3, 3), ("b", b"1\n3\n5", 3, 3)]


def test_a_message_has_at_most_a_hundred_events_and_the_rest_follows() -> None:
    items = [Item("a", b"x") for _ in range(250)]
    assert [count for _, _, count, _ in pack(items)] == [MAX_MESSAGE_EVENTS, MAX_MESSAGE_EVENTS, 50]


def test_a_message_stays_below_its_bytes_and_nothing_is_lost() -> None:
    items = [Item("ab"[n % 2], bytes([65 + n % 26]) * (40_000 + n)) for n in range(40)]
    messages = list(pack(items))
    assert max(len(value) for _, value, _, _ in messages) <= MAX_MESSAGE_BYTES
    for key in "ab":
        lines = b"\n".join(value for k, value, _, _ in messages if k == key).split(b"\n")
        assert lines == [item.data for item in items if item.key == key]
    assert sum(size for *_, size in messages) == sum(len(item.data) for item in items)


def test_the_largest_event_fills_a_message_alone() -> None:
    items = [Item("a", b"x" * MAX_MESSAGE_BYTES), Item("a", b"y")]
    assert [count for _, _, count, _ in pack(items)] == [1, 1]


def test_what_the_queue_does_not_hold_is_counted_exactly() -> None:
    outbox = Outbox(10, 1_000)
    assert [outbox.put("k", b"x") for _ in range(13)] == [True] * 10 + [False] * 3
    counts = outbox.counts()
    assert (counts.accepted, counts.waiting, counts.dropped) == (10, 10, {"queue_full": 3})


def test_bytes_bound_the_queue_too() -> None:
    outbox = Outbox(1_000, 100)
    assert [outbox.put("k", b"x" * 40) for _ in range(3)] == [True, True, False]
    assert outbox.counts().waiting_bytes == 80


def test_taking_makes_no_room_before_the_broker_has_it() -> None:
    outbox = Outbox(1, 100)
    outbox.put("k", b"x")
    outbox.take()
    assert not outbox.put("k", b"y")
    outbox.settle(1, 1, None)
    assert outbox.put("k", b"z")


def test_threads_that_race_for_room_are_all_counted() -> None:
    outbox = Outbox(500, 10**6)
    threads = [threading.Thread(target=lambda: [outbox.put("k", b"x") for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = outbox.counts()
    assert (counts.waiting, counts.dropped["queue_full"]) == (500, 1_100)


def test_a_blocking_queue_waits_for_room_and_drops_nothing() -> None:
    outbox = Outbox(2, 100, block=True)
    done = threading.Event()

    def emit() -> None:
        for _ in range(20):
            outbox.put("k", b"x")
        done.set()

    threading.Thread(target=emit).start()
    taken = 0
    while taken < 20:
        for item in outbox.take():
            outbox.settle(1, len(item.data), None)
            taken += 1
    assert done.wait(10)
    assert outbox.counts().dropped == {}


def test_who_waits_for_room_is_let_go_when_the_queue_closes() -> None:
    outbox = Outbox(1, 100, block=True)
    outbox.put("k", b"x")
    thread = threading.Thread(target=outbox.put, args=("k", b"y"))
    thread.start()
    outbox.close()
    thread.join(10)
    assert not thread.is_alive()
    assert outbox.counts().dropped == {"closed": 1}


def test_a_report_that_was_lost_is_made_again() -> None:
    outbox = Outbox(1, 100)
    outbox.drop("queue_full", 3)
    assert outbox.take_unreported() == {"queue_full": 3}
    assert outbox.take_unreported() == {}
    outbox.give_back("queue_full", 3)
    outbox.drop("queue_full", 2)
    assert outbox.take_unreported() == {"queue_full": 5}


def test_drops_are_reported_as_an_event_at_close() -> None:
    emitter = collecting_emitter(agent_name="a", max_queue_events=2)
    for _ in range(5):
        emitter.step("s").end()
    emitter.close()
    report = emitter.events[-1]
    assert (report["kind"], report["dropped_events"], report["attributes"]) == (
        "report",
        3,
        {"reason": "queue_full"},
    )
    assert (report["agent_name"], report["scope_name"]) == ("a", "wakeline")


def test_ids_are_unique_over_threads_and_processes() -> None:
    ids, other = Ids(), Ids()
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(ids.make() for _ in range(500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made += [other.make() for _ in range(500)]
    assert len(set(made)) == 2_500
    assert {len(name) for name in made} == {32}


# -- a broker that is not there


def test_what_the_broker_never_took_is_counted_when_its_time_is_over() -> None:
    emitter = away(delivery_timeout_s=0.5, flush_interval_s=0.05)
    for _ in range(7):
        emitter.step("s").end()
    assert emitter.flush(20)
    stats = emitter.stats()
    assert (stats.events, stats.delivered, stats.dropped) == (7, 0, {"undelivered": 7})
    emitter.close(0.2)


def test_a_queue_that_fills_while_the_broker_is_away_drops_the_newest() -> None:
    emitter = away(max_queue_events=50)
    for _ in range(80):
        emitter.step("s").end()
    stats = emitter.stats()
    assert (stats.waiting, stats.dropped) == (50, {"queue_full": 30})
    assert not emitter.close(0.2)
    stats = emitter.stats()
    assert (stats.waiting, stats.dropped) == (0, {"queue_full": 30, "exit": 50})


def test_that_the_broker_is_away_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    emitter = away(delivery_timeout_s=0.3, flush_interval_s=0.05)
    for _ in range(3):
        emitter.step("s").end()
        emitter.flush(20)
    emitter.close(0.2)
    assert len([r for r in caplog.records if "does not take events" in r.message]) == 1


def test_after_close_events_are_counted_and_close_is_harmless() -> None:
    emitter = away()
    emitter.close(0.2)
    emitter.step("s").end()
    emitter.close(0.2)
    assert emitter.stats().dropped == {"closed": 1}


def test_a_process_with_an_unreachable_broker_ends_by_itself() -> None:
    code = f"""
        import wakeline
        emitter = wakeline.Emitter("127.0.0.1:{free_port()}", exit_timeout_s=0.2)
        for _ in range(10):
            emitter.step("s").end()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "10 exit" in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_ids_counts_and_a_client_of_its_own_and_can_exit() -> None:
    code = f"""
        import os, sys, wakeline
        emitter = wakeline.Emitter("127.0.0.1:{free_port()}", exit_timeout_s=0.2)
        first = emitter.step("parent")
        first.end()
        child = os.fork()
        if child == 0:
            assert emitter.stats().events == 0, emitter.stats()
            own = emitter.step("child")
            own.end()
            print(own.event_id[:20] != first.event_id[:20], emitter.stats().events, flush=True)
            sys.exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), emitter.stats().events)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["True", "1", "7", "1"], done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_signal_handler_may_emit_while_its_thread_is_emitting() -> None:
    emitter = away(max_queue_events=1_000_000)
    before = signal.signal(signal.SIGALRM, lambda *_: emitter.step("handler").end())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for _ in range(5_000):
            emitter.step("s").end()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert emitter.stats().waiting >= 5_000
    emitter.close(0.1)


def test_events_are_lines() -> None:
    emitter = collecting_emitter()
    with emitter.tool_call("a\nb", {"text": "c\nd"}):
        pass
    (line,) = emitter.lines
    assert b"\n" not in line
    assert msgspec.json.decode(line)["tool_name"] == "a\nb"
    emitter.close()
