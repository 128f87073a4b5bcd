"""What do fresh processors make of the frames as recorded? Everything that RUNS and DRIFT should have sent.

`python -m tests.crash.fresh`, with the settings of a namespace in the environment, prints a digest of it: so
a second process can be compared with what the roles wrote, byte for byte. Reads Kafka, writes nothing there.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Message, TopicPartition

from schemas.alert import Alert
from schemas.columns import Kind
from schemas.frame import Label, Writer, decode_batch, decode_header, encode, make_header
from schemas.topics import ALERTS, RESULT_FRAMES, SIGNAL_FRAMES, STEP_FRAMES, Topic, topic_name
from streams.drift.params import Params as DriftParams
from streams.drift.processor import DriftProcessor
from streams.partitions import cut
from streams.runs.params import Params as RunsParams
from streams.runs.processor import RunsProcessor
from streams.settings import Settings, load_settings
from streams.state.processor import Clock, LabelWriter, Output, Place, Processor

ASK_S = 30.0


class Recorded(NamedTuple):
    """One message of a topic."""

    partition: int
    offset: int
    append_ns: int
    value: bytes


class Chain(NamedTuple):
    """Which frame it is: where it lies, from which processor, made from which input."""

    topic: str
    partition: int
    writer: Writer
    writer_partition: int
    label: Label


@dataclass
class Made:
    """What was sent: frames by their names, alerts by their ids."""

    frames: dict[Chain, bytes] = field(default_factory=dict)
    alerts: dict[str, bytes] = field(default_factory=dict)

    def digests(self) -> dict[str, str]:
        """A hash of each topic's frames, and one of the alerts."""
        hashes = {name: hashlib.sha256() for name in ("alerts", *sorted({c.topic for c in self.frames}))}
        for chain in sorted(self.frames):
            hashes[chain.topic].update(repr(chain).encode() + self.frames[chain])
        for alert_id in sorted(self.alerts):
            hashes["alerts"].update(self.alerts[alert_id])
        return {name: found.hexdigest() for name, found in hashes.items()}


def read_topic(settings: Settings, topic: Topic) -> list[Recorded]:
    """A whole topic, partition after partition, in order."""
    name = topic_name(topic, settings.namespace)
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka,
            "group.id": settings.group("crash-suite"),  # asked for by the client; never joined
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,  # a fetch that waits at one partition's end holds up the next one's
        }
    )
    try:
        found: list[Recorded] = []
        for partition in sorted(consumer.list_topics(name, timeout=ASK_S).topics[name].partitions):
            where = TopicPartition(name, partition, 0)
            _, end = consumer.get_watermark_offsets(where, timeout=ASK_S)
            consumer.assign([where])
            found += _until(consumer, end)
        return found
    finally:
        consumer.close()


def recorded(settings: Settings) -> Made:
    """What RUNS and DRIFT have sent, repeats once.

    Raises:
        AssertionError: a repeat is not what it repeats.
    """
    made = Made()
    for topic in (SIGNAL_FRAMES, RESULT_FRAMES):
        for message in read_topic(settings, topic):
            header = decode_header(message.value)
            chain = Chain(topic.name, message.partition, header.writer, header.partition, header.label)
            had = made.frames.setdefault(chain, message.value)
            assert had == message.value, f"{chain} has come with two contents"
    for message in read_topic(settings, ALERTS):
        alert_id = msgspec.json.decode(message.value, type=Alert).alert_id
        had = made.alerts.setdefault(alert_id, message.value)
        assert had == message.value, f"the alert {alert_id} has come with two contents"
    return made


def compute(settings: Settings) -> Made:
    """What fresh RUNS makes of step-frames and fresh DRIFT of signal-frames, both as recorded."""
    made = Made()
    runs = RunsParams(settings.namespace, settings.loop_calls)
    drift = DriftParams(settings.namespace, settings.detector_arl)
    _replay(settings, made, STEP_FRAMES, Writer.RUNS, lambda place: RunsProcessor(place, runs))
    _replay(settings, made, SIGNAL_FRAMES, Writer.DRIFT, lambda place: DriftProcessor(place, drift))
    return made


def _replay(
    settings: Settings, made: Made, topic: Topic, writer: Writer, make: Callable[[Place], Processor]
) -> None:
    """Put a topic through processors; the same that `streams.faust_shell` does, without Kafka and Faust."""
    by_partition: dict[int, list[Recorded]] = {}
    for message in read_topic(settings, topic):
        by_partition.setdefault(message.partition, []).append(message)
    for partition, messages in by_partition.items():
        processor = make(Place(writer, partition, settings.partitions))
        clock, labels = Clock(), LabelWriter()
        for message in messages:
            header = decode_header(message.value)
            rows = None if header.kind is Kind.TICK else decode_batch(header, message.value)
            now_ns = clock.read(header, message.append_ns)
            for output in processor.process(header, rows, message.offset, now_ns):
                if isinstance(output, Alert):
                    made.alerts[output.alert_id] = msgspec.json.encode(output)
                else:
                    source = Place(writer, partition, settings.partitions)
                    made.frames |= _frames(labels, source, message.offset, output)


def _frames(labels: LabelWriter, source: Place, offset: int, output: Output) -> Iterable[tuple[Chain, bytes]]:
    name = output.topic.name
    for rows in (None,) if output.rows is None else cut(output.rows):
        label, previous = labels.next(name, output.partition, offset)
        header = make_header(
            output.kind,
            source.writer,
            rows=0 if rows is None else rows.num_rows,
            flags=output.flags,
            partition=source.partition,
            partitions=source.partitions,
            label=label,
            previous=previous,
            clock_ns=output.clock_ns,
        )
        yield Chain(name, output.partition, source.writer, source.partition, label), encode(header, rows)


def _until(consumer: Consumer, end: int) -> Iterator[Recorded]:
    following = 0
    while following < end:
        for message in consumer.consume(1_000, 0.05):
            assert message.error() is None, message.error()
            yield _recorded(message)
            following = (message.offset() or 0) + 1


def _recorded(message: Message) -> Recorded:
    kind, milliseconds = message.timestamp()
    assert kind == TIMESTAMP_LOG_APPEND_TIME, "our topics carry the broker's time"
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return Recorded(partition, offset, milliseconds * 1_000_000, message.value() or b"")


if __name__ == "__main__":
    json.dump(compute(load_settings()).digests(), sys.stdout)
