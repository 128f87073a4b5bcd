"""Is Kafka there, are the topics as declared, and does the clock of step-frames move?"""

import time

from schemas.topics import SIGNAL_FRAMES, STEP_FRAMES, TOPICS, topic_name
from streams.admin import check_topics
from streams.doctor.findings import Finding, failed, ok, span, warning
from streams.doctor.log import Log
from streams.settings import Settings

# INGEST's ticks come each 5 s when it is idle (streams/ingest/stage.py); RUNS passes them on.
TICK_WAIT_S = 8.0
TICK_LATE_S = 15.0
# A second moves a step's place in a window; a minute moves it into another one.
CLOCK_WARNING_S = 1.0
CLOCK_FAILED_S = 30.0


def check_broker(log: Log, settings: Settings) -> Finding:
    """Does a broker answer? Raises KafkaUnavailable when none does."""
    log.partitions()
    cluster, nodes = log.cluster()
    where = f"Kafka answers at {settings.kafka}: cluster {cluster}, {nodes} broker(s)"
    if settings.replication > nodes:
        return failed(
            "broker",
            f"{where}, but topics are to have {settings.replication} replicas.",
            "Start more brokers, or lower `replication`.",
        )
    return ok("broker", f"{where}.")


def check_declared(settings: Settings) -> Finding:
    """Are partitions, configuration and retention of all topics as declared?"""
    problems = check_topics(settings)
    if not problems:
        return ok("topics", f"All {len(TOPICS)} topics of `{settings.namespace}` are as declared.")
    missing = [problem for problem in problems if "is missing" in problem or "partitions" in problem]
    shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
    if missing:
        return failed("topics", f"{shown}.", "Run `wakeline topics`; it says what it may not change.")
    return warning("topics", f"{shown}.", "Run `wakeline topics` (`--sources` for topics that are not ours).")


def check_clock(log: Log, settings: Settings, engine_ahead_s: float | None) -> list[Finding]:
    """Do ticks come on step-frames and signal-frames, and do the machines agree on the time?

    Args:
        log: of the broker.
        settings: namespace, partitions, clock.
        engine_ahead_s: ClickHouse's clock less ours; None when it was not asked.
    """
    if settings.clock == "event":
        return [ok("ticks", "This namespace lives in the time of its events.")]
    counts = log.partitions()
    steps, signals = (topic_name(topic, settings.namespace) for topic in (STEP_FRAMES, SIGNAL_FRAMES))
    if steps not in counts or signals not in counts:
        return []
    heard = log.next_append([(steps, part) for part in range(counts[steps])], TICK_WAIT_S)
    found = [_ticks(steps, heard is not None, "INGEST", log, counts[steps])]
    if heard is not None:
        found.append(_ticks(signals, None, "RUNS", log, counts[signals]))
    found.append(_clocks(heard, engine_ahead_s))
    return found


def _ticks(topic: str, heard: bool | None, role: str, log: Log, partitions: int) -> Finding:
    check = f"ticks on {topic}"
    if heard:
        return ok(check, f"{role} writes: the clock of its readers moves.")
    ends = log.ends((topic, part) for part in range(partitions))
    newest = log.appended({place: end - 1 for place, end in ends.items() if end > 0})
    now_s = time.time()
    late = [part for (_, part), when_s in newest.items() if now_s - when_s > TICK_LATE_S]
    silent = partitions - len(newest)
    if heard is None and not late and not silent:
        oldest_s = max(now_s - when_s for when_s in newest.values())
        return ok(check, f"The newest record of each partition is at most {span(max(0.0, oldest_s))} old.")
    if newest:
        means = f"Nothing has been written for {span(max(now_s - when_s for when_s in newest.values()))}"
    else:
        means = "Nothing was ever written"
    return failed(
        check,
        f"{means}; while no ticks come, no run closes and no window is sent.",
        f"Start {role}: `wakeline worker --role {role.lower()}`; if it runs, look at its /readyz and log.",
    )


def _clocks(heard: tuple[float, float] | None, engine_ahead_s: float | None) -> Finding:
    ahead: dict[str, float] = {}
    if heard is not None:
        # The record travelled too: late is not behind. Up to the client's 50 ms and ours is no difference.
        ahead["Kafka"] = heard[0] - heard[1]
    if engine_ahead_s is not None:
        ahead["ClickHouse"] = engine_ahead_s
    if not ahead:
        return warning(
            "clocks",
            "Neither Kafka nor ClickHouse could be compared with this machine.",
            "See the checks that failed.",
        )
    said = ", ".join(f"{name} {value:+.2f} s" for name, value in ahead.items())
    most_s = max(abs(value) for value in ahead.values())
    if most_s < CLOCK_WARNING_S:
        return ok("clocks", f"Against this machine: {said}.")
    do = "Let NTP or chrony set all machines; lateness and delays are wrong by as much."
    if most_s < CLOCK_FAILED_S:
        return warning("clocks", f"Against this machine: {said}.", do)
    return failed("clocks", f"Against this machine: {said}.", do)
