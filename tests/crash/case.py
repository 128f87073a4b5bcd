"""One case: a namespace of its own, all roles, a load, faults while it is sent, and then every comparison."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from confluent_kafka import KafkaException

from schemas.alert import Delivery
from schemas.topics import DELIVERIES
from streams.admin import create_topics
from streams.local.site import environment_of
from streams.settings import Settings
from streams.settled import wait_until_done
from tests.crash.crew import Crew
from tests.crash.feeder import Feeder
from tests.crash.fresh import Made, compute, read_topic, recorded
from tests.crash.load import LOOP_CALLS, make_load
from tests.crash.servers import Broker, Engine, Webhook
from tests.crash.tables import Rows, differences, store_fresh, stored, totals

PARTITIONS = 4
RUNS = 300
SEED_VARIABLE = "WAKELINE_CRASH_SEED"
# Fewer observations to an alarm than in production: two hours of four agents must show some.
DETECTOR_ARL = 1_000.0
SNAPSHOT_EVERY_S = 1.0
DELIVER_S = 60.0
STUCK_S = 90.0


def seed_of_session() -> int:
    """The seed of load and faults: the variable's, else 4."""
    return int(os.environ.get(SEED_VARIABLE, "4"))


@dataclass(frozen=True)
class Servers:
    """What all cases of a session share.

    Attributes:
        folder: of logs; each case takes one below it.
        seed: of load and faults.
    """

    broker: Broker
    engine: Engine
    folder: Path
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What a case left behind."""

    settings: Settings
    totals: Rows
    made: Made


Faults = Callable[[Crew, Feeder], int]


def run_case(
    servers: Servers,
    name: str,
    faults: Faults,
    *,
    expected: Rows | None,
    each: Mapping[str, int] | None = None,
    runs: int = RUNS,
    per_s: float = 60.0,
) -> Outcome:
    """Run a case and compare everything.

    Args:
        servers: of the session.
        name: for messages and logs.
        faults: does its worst while the feeder sends, gives it its shares, and returns how many faults.
        expected: totals of an undisturbed run of the same load; None: this is that run.
        each: workers of a role, where there is more than one.
        runs: size of the load.
        per_s: messages a second.

    Raises:
        AssertionError: something differs. The message names the seed and the first rows.
    """
    began_s = time.monotonic()
    folder = servers.folder / name
    folder.mkdir(parents=True)
    pieces = make_load(servers.seed, runs, PARTITIONS)
    with Webhook() as webhook:
        settings = _settings(servers, name, webhook)
        create_topics(settings)
        with (
            Crew(settings, folder, each=each) as crew,
            Feeder(settings, pieces, per_s) as feeder,
            _say_when_stuck(name, servers.seed, crew),
        ):
            crew.wait_ready()
            count = faults(crew, feeder)
            feeder.finish()
            _wait_until_done(settings)
            _wait_delivered(settings, webhook)
        outcome = _compare(servers, name, settings, webhook, expected, count)
    seconds = time.monotonic() - began_s
    print(
        f"\ncrash {name}: seed {servers.seed}, {count} faults, {len(pieces)} messages, "
        f"{len(outcome.made.alerts)} alerts, {seconds:.0f} s, equal; exits by code {crew.deaths()}",
        flush=True,
    )
    return outcome


def in_a_second_process(settings: Settings) -> dict[str, str]:
    """Digests of what fresh processors make of the frames as recorded, computed elsewhere."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.fresh"],
        env=dict(os.environ) | environment_of(settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _settings(servers: Servers, name: str, webhook: Webhook) -> Settings:
    settings = Settings(
        kafka=servers.broker.bootstrap,
        namespace=f"c-{name}-{secrets.token_hex(3)}",
        clock="event",
        partitions=PARTITIONS,
        webhooks=(webhook.url,),
        notify=True,
        detector_arl=DETECTOR_ARL,
        loop_calls=LOOP_CALLS,
        snapshot_every_s=SNAPSHOT_EVERY_S,
    )
    return servers.engine.use(settings)


@contextlib.contextmanager
def _say_when_stuck(name: str, seed: int, crew: Crew) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        error.add_note(f"case {name}, seed {seed}; exits by code {crew.deaths()}")
        raise


def _wait_until_done(settings: Settings) -> None:
    """Waits again when the broker has just come back, and partitions have no leader for a moment."""
    until_s = time.monotonic() + STUCK_S
    while True:
        try:
            return wait_until_done(settings, stuck_s=STUCK_S)
        except KafkaException:
            if time.monotonic() > until_s:
                raise
            time.sleep(1.0)


def _wait_delivered(settings: Settings, webhook: Webhook) -> None:
    """Alerts were sent before the end passed; NOTIFY may still be posting the last."""
    alerts = set(recorded(settings).alerts)
    until_s = time.monotonic() + DELIVER_S
    while set(webhook.posts) < alerts or _undelivered(settings, alerts):
        assert time.monotonic() < until_s, f"{len(alerts - set(webhook.posts))} alerts have not come"
        time.sleep(0.2)


def _undelivered(settings: Settings, alerts: set[str]) -> set[str]:
    """Alerts whose last record is not `sent`."""
    states = {}
    for message in read_topic(settings, DELIVERIES):
        if message.value:
            delivery = msgspec.json.decode(message.value, type=Delivery)
            states[delivery.alert_id] = delivery.state
    return {alert_id for alert_id in alerts if states.get(alert_id) != "sent"}


def _compare(
    servers: Servers, name: str, settings: Settings, webhook: Webhook, expected: Rows | None, count: int
) -> Outcome:
    where = f"case {name}, seed {servers.seed}"
    found, fresh = recorded(settings), compute(settings)
    assert found.alerts == fresh.alerts, f"{where}: alerts are not those of fresh processors"
    assert len(found.alerts) > 10, f"{where}: too few alerts to prove anything"
    _same_frames(where, found, fresh)
    rows = totals(settings)
    lines = differences(expected or rows, rows)
    assert not lines, f"{where}: not as undisturbed\n" + "\n".join(lines)
    lines = differences(stored(store_fresh(settings, fresh)), stored(settings))
    assert not lines, f"{where}: tables are not those of fresh processors\n" + "\n".join(lines)
    assert set(webhook.posts) == set(found.alerts), f"{where}: other alerts were posted"
    # A kill between an endpoint's answer and the record of it sends that alert again, under the same id.
    assert webhook.posts.total() - len(webhook.posts) <= count, f"{where}: {webhook.posts}"
    return Outcome(settings, rows, fresh)


def _same_frames(where: str, found: Made, fresh: Made) -> None:
    missing = [chain for chain in fresh.frames if chain not in found.frames]
    more = [chain for chain in found.frames if chain not in fresh.frames]
    other = [chain for chain, value in fresh.frames.items() if found.frames.get(chain, value) != value]
    wrong = len(missing) + len(more) + len(other)
    assert wrong == 0, (
        f"{where}: frames are not those of fresh processors: {len(missing)} missing {missing[:3]}, "
        f"{len(more)} too many {more[:3]}, {len(other)} with another content {other[:3]}"
    )
