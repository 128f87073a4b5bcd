"""Are the topics there, and as declared? Compares the broker with `schemas.topics`, and makes it so.

Stands behind `wakeline topics` and in front of every site that starts roles. What exists is changed with
care: an internal topic with another number of partitions is refused, because keys would part from their
state; a source topic that exists belongs to whoever made it and is only looked at, unless told otherwise.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from schemas.topics import LIVE, TOPICS, Topic, topic_name
from streams.settings import ConfigError, Settings

TIMEOUT_S = 30.0
# Over the longest session of a role's consumer, 10 s.
FORGET_S = 12.0
ASK_S = 5.0
# A segment smaller than a record batch refuses the batch; Kafka 4 wants 1 MB at least.
_LEAST_SEGMENT_BYTES = 2 * 1_048_576
_GREATEST_SEGMENT_BYTES = 64 * 1_048_576


# What a new partition answers at first. The client's `retriable()` says False to them.
_ELECTING = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
    }
)


class KafkaUnavailable(Exception):
    """No broker answers. The message says where we asked, and what to do."""


class TopicsRefused(Exception):
    """A topic exists in a shape that we must not change. The message says how to drain and start anew."""


class NamespaceBusy(Exception):
    """Topics of a namespace cannot be deleted: somebody reads them."""


@dataclass(frozen=True)
class Drift:
    """One setting of a topic that is not as declared.

    Attributes:
        topic: at the broker.
        key: of the setting.
        have: at the broker.
        want: declared.
        ours: may we change it without being told to? False for source topics.
    """

    topic: str
    key: str
    have: str
    want: str
    ours: bool

    def __str__(self) -> str:
        return f"{self.topic}: {self.key} is {self.have}, declared {self.want}"


@dataclass(frozen=True)
class Plan:
    """What it takes to make the broker as declared.

    Attributes:
        namespace: whose topics.
        create: names of topics that are missing, with their configuration.
        drift: settings that differ.
        refused: sentences, one for each topic that must not be changed.
        partitions: of topics that are created.
        replication: of topics that are created.
    """

    namespace: str
    create: Mapping[str, Mapping[str, str]]
    drift: tuple[Drift, ...]
    refused: tuple[str, ...]
    partitions: int
    replication: int

    def problems(self) -> list[str]:
        """One sentence for each difference; empty when all is as declared."""
        missing = [f"{name}: the topic is missing" for name in self.create]
        return [*self.refused, *missing, *(str(drift) for drift in self.drift)]


def connect(settings: Settings) -> AdminClient:
    """A client for administration. It connects on first use; `KafkaUnavailable` comes from there."""
    # The client would print a line on standard error for each attempt; our error says it once.
    silent = logging.getLogger(f"{__name__}.client")
    silent.propagate = False
    if not silent.handlers:
        silent.addHandler(logging.NullHandler())
    return AdminClient(
        {
            "bootstrap.servers": settings.kafka,
            "client.id": "wakeline-admin",
            "reconnect.backoff.max.ms": 500,
        },
        logger=silent,
    )


def partition_counts(settings: Settings, admin: AdminClient) -> dict[str, int]:
    """Topics of the broker, all of them, with their number of partitions.

    Raises:
        KafkaUnavailable: no broker answers within 5 s.
    """
    try:
        found = admin.list_topics(timeout=ASK_S).topics
    except KafkaException as error:
        raise KafkaUnavailable(
            f"Kafka does not answer at {settings.kafka} ({_reason(error)}). Is it running? `wakeline up` "
            "starts one on this machine; --kafka HOST:PORT or WAKELINE_KAFKA names another"
        ) from error
    return {name: len(topic.partitions) for name, topic in found.items()}


def declared_config(topic: Topic, settings: Settings, partitions: int) -> dict[str, str]:
    """The configuration of one topic, with its part of the disk if that is bounded.

    Kafka deletes closed segments only, so a partition takes its bound and one segment: both together are
    kept within the topic's share.

    Raises:
        ConfigError: `kafka_disk_bytes` is too low for so many partitions.
    """
    config = topic.config()
    disk = settings.kafka_disk_bytes
    if topic.share == 0:
        return config
    if disk is None:
        # Said, not left out: a broker's own default would bound it.
        return config | {"retention.bytes": "-1"}
    room = int(disk * topic.share / partitions)
    if room < 2 * _LEAST_SEGMENT_BYTES:
        least = int(2 * _LEAST_SEGMENT_BYTES * partitions / topic.share) + 1
        raise ConfigError(
            f"kafka_disk_bytes = {disk} leaves {room} bytes for each of {partitions} partitions of "
            f"{topic.name}; it must be {least} at least, or partitions fewer"
        )
    segment = min(_GREATEST_SEGMENT_BYTES, max(_LEAST_SEGMENT_BYTES, room // 4))
    return config | {"retention.bytes": str(room - segment), "segment.bytes": str(segment)}


def plan(settings: Settings, admin: AdminClient) -> Plan:
    """Compare the broker with what is declared, without changing anything.

    Raises:
        KafkaUnavailable: no broker answers.
        KafkaException: it refuses to tell us.
        ConfigError: as `declared_config`.
    """
    counts = partition_counts(settings, admin)
    declared = {topic_name(topic, settings.namespace): topic for topic in TOPICS}
    want = {
        name: declared_config(topic, settings, counts.get(name, settings.partitions))
        for name, topic in declared.items()
    }
    there = [name for name in declared if name in counts]
    refused = tuple(
        _how_to_drain(name, counts[name], settings)
        for name in there
        if declared[name].internal and counts[name] != settings.partitions
    )
    drift = tuple(
        Drift(name, key, have.get(key, "unset"), value, declared[name].internal)
        for name, have in _configs(admin, there).items()
        for key, value in want[name].items()
        if have.get(key) != value
    )
    create = {name: config for name, config in want.items() if name not in counts}
    return Plan(settings.namespace, create, drift, refused, settings.partitions, settings.replication)


def check_topics(settings: Settings) -> list[str]:
    """What is not as declared, one sentence each; nothing is changed.

    Raises:
        As `plan`.
    """
    return plan(settings, connect(settings)).problems()


def create_topics(settings: Settings, *, sources_too: bool = False) -> Plan:
    """Create what is missing and set what differs; a second call finds nothing to do.

    Args:
        settings: namespace, partitions, replication, disk.
        sources_too: set the configuration of source topics that exist; a shorter retention deletes records.

    Returns:
        What was found before, and so what was done.

    Raises:
        TopicsRefused: an internal topic has another number of partitions; nothing was changed then.
        As `plan`.
    """
    admin = connect(settings)
    found = plan(settings, admin)
    if found.refused:
        raise TopicsRefused("\n".join(found.refused))
    _create(admin, found)
    _configure(admin, [drift for drift in found.drift if drift.ours or sources_too])
    if found.create or found.drift:
        _wait_until_done(settings, admin, sources_too)
        _wait_for_leaders(admin, list(found.create), settings.partitions)
    return found


def delete_topics(settings: Settings) -> list[str]:
    """Delete all topics and consumer groups of a namespace, so that it starts anew.

    Returns:
        Names of the topics that were there.

    Raises:
        ValueError: the namespace is `live`.
        NamespaceBusy: a role of the namespace still runs.
        As `plan`.
    """
    if settings.namespace == LIVE:
        raise ValueError("Topics of the namespace live are never deleted by wakeline")
    admin = connect(settings)
    counts = partition_counts(settings, admin)
    _delete_groups(settings, admin)
    names = [topic_name(topic, settings.namespace) for topic in TOPICS]
    names = [name for name in names if name in counts]
    if names:
        for future in admin.delete_topics(names, operation_timeout=TIMEOUT_S).values():
            _settle(future, KafkaError.UNKNOWN_TOPIC_OR_PART)
        _wait_until_gone(settings, admin, set(names))
    return names


def _create(admin: AdminClient, found: Plan) -> None:
    if not found.create:
        return
    topics = [
        NewTopic(name, found.partitions, found.replication, config=dict(config))
        for name, config in found.create.items()
    ]
    for future in admin.create_topics(topics, operation_timeout=TIMEOUT_S).values():
        # Two processes may start at once: that the other was quicker is no fault.
        _settle(future, KafkaError.TOPIC_ALREADY_EXISTS)


def _configure(admin: AdminClient, drifts: list[Drift]) -> None:
    by_topic: dict[str, list[ConfigEntry]] = {}
    for drift in drifts:
        entry = ConfigEntry(drift.key, drift.want, incremental_operation=AlterConfigOpType.SET)
        by_topic.setdefault(drift.topic, []).append(entry)
    if by_topic:
        resources = [
            ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
            for name, entries in by_topic.items()
        ]
        for future in admin.incremental_alter_configs(resources).values():
            future.result(TIMEOUT_S)


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    futures = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    return {
        resource.name: {key: str(entry.value) for key, entry in future.result(TIMEOUT_S).items()}
        for resource, future in futures.items()
    }


def _delete_groups(settings: Settings, admin: AdminClient) -> None:
    # Offsets that stay would let the next roles skip the beginning of the new topics.
    groups, busy = _groups(settings, admin)
    until_s = time.monotonic() + FORGET_S
    while busy and time.monotonic() < until_s:
        # A named worker that has ended, and one that was killed, is a member until its session is over.
        time.sleep(0.5)
        groups, busy = _groups(settings, admin)
    if busy:
        raise NamespaceBusy(
            f"{', '.join(sorted(busy))} still read(s) the namespace {settings.namespace}: stop the roles "
            "first"
        )
    if groups:
        futures = admin.delete_consumer_groups(groups)
        for future in futures.values():
            _settle(future, KafkaError.GROUP_ID_NOT_FOUND)


def _groups(settings: Settings, admin: AdminClient) -> tuple[list[str], list[str]]:
    """Groups of the namespace, and those of them that have members."""
    listed = admin.list_consumer_groups(request_timeout=TIMEOUT_S).result(TIMEOUT_S)
    mine = [group for group in listed.valid or [] if group.group_id.startswith(settings.group(""))]
    empty = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)
    return [group.group_id for group in mine], [g.group_id for g in mine if g.state not in empty]


def _settle(future: object, accepted: int) -> None:
    """Wait for an answer; one error is as good as success."""
    try:
        future.result(TIMEOUT_S)  # type: ignore[attr-defined]  # the client types its futures as Any
    except KafkaException as error:
        if error.args[0].code() != accepted:
            raise


def _wait_until_done(settings: Settings, admin: AdminClient, sources_too: bool) -> None:
    # The controller has agreed; brokers learn of it a moment later, and roles ask brokers.
    until = time.monotonic() + TIMEOUT_S
    while True:
        now = plan(settings, admin)
        if not now.create and not any(drift.ours or sources_too for drift in now.drift):
            return
        if time.monotonic() > until:
            raise KafkaUnavailable(f"Kafka took our changes and does not show them: {now.problems()}")
        time.sleep(0.05)


def _wait_for_leaders(admin: AdminClient, names: list[str], partitions: int) -> None:
    # A new partition is listed before its leader serves it; who asks for its end then gets an error.
    until = time.monotonic() + TIMEOUT_S
    left = {TopicPartition(name, part) for name in names for part in range(partitions)}
    while left:
        asked = {place: OffsetSpec.latest() for place in left}  # type: ignore[no-untyped-call]  # the client's
        for place, future in admin.list_offsets(asked).items():
            try:
                future.result(TIMEOUT_S)
                left.discard(place)
            except KafkaException as error:
                if error.args[0].code() not in _ELECTING or time.monotonic() > until:
                    raise
        time.sleep(0.05 if left else 0)


def _wait_until_gone(settings: Settings, admin: AdminClient, names: set[str]) -> None:
    until = time.monotonic() + TIMEOUT_S
    while left := names & set(partition_counts(settings, admin)):
        if time.monotonic() > until:
            raise KafkaUnavailable(f"Kafka still lists {sorted(left)} {TIMEOUT_S:.0f} s after their deletion")
        time.sleep(0.1)


def _how_to_drain(name: str, have: int, settings: Settings) -> str:
    return (
        f"{name} has {have} partitions, the settings say {settings.partitions}. The number is chosen once: "
        f"a change would part keys from their state. Either set partitions = {have}, or drain: 1. stop "
        f"emitters and the Collector; 2. wait until the groups {settings.group('*')} have no lag; 3. stop "
        f"the roles; 4. delete the internal topics of the namespace {settings.namespace} and those groups; "
        "5. `wakeline topics`; 6. start roles and emitters"
    )


def _reason(error: KafkaException) -> str:
    return str(error.args[0].str())
