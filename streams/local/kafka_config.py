"""What is the one-machine broker told?

Pure text: the broker's properties, its log's configuration and the Java command line, with the reason and
the measured number for every value that is not Kafka's default. Topics and their retention are declared in
``schemas``; what is here holds for topics that declare nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from streams.local.ports import LOOPBACK

NODE_ID = 1

# Largest record batch. A frame stays under 1 MB and a stored content under 512 kB (ARCHITECTURE.md 4); the
# room is for dead letters, which carry the original bytes of whatever an agent sent.
MESSAGE_MAX_BYTES = 8 << 20

LOG4J_XML = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN" shutdownHook="disable">
  <Appenders>
    <RollingFile name="file" fileName="${sys:wakeline.log}" filePattern="${sys:wakeline.log}.%i">
      <PatternLayout pattern="%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5p %c{1} %m%n"/>
      <SizeBasedTriggeringPolicy size="8 MB"/>
      <DefaultRolloverStrategy max="3" fileIndex="min"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <!-- Prints all 300 settings several times at each start: 9 lines of 10. Ours lie beside the log. -->
    <Logger name="org.apache.kafka.common.config" level="warn"/>
    <Logger name="kafka.server.KafkaConfig" level="warn"/>
    <Root level="info"><AppenderRef ref="file"/></Root>
  </Loggers>
</Configuration>
"""


def properties(log_folder: Path, port: int, controller_port: int) -> str:
    """Return the broker's configuration file.

    Args:
        log_folder: Where the broker keeps its data; no comma in its path.
        port: Where clients connect, on the loopback address.
        controller_port: Where the broker talks to its own controller; may change from start to start.

    Returns:
        Java properties, ASCII.
    """
    settings = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_folder,
        # One node: nothing can have a second copy.
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # 50 each by default: they are created, opened and mapped at every start.
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.num.partitions": 1,
        # 9 s by default: for so long a broker that was killed -9 may not come back, because the controller
        # still believes in the one before. Back after 6 s instead of 12.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # Each idle beat of the controller (0.5 s by default) is a write and an fsync; nobody reads them here.
        "metadata.max.idle.interval.ms": 10_000,
        # There is no fleet of consumers to wait for: the first member gets its partitions at once.
        "group.initial.rebalance.delay.ms": 0,
        # Topics are made from their declaration; a misspelt one must fail, not appear.
        "auto.create.topics.enable": "false",
        "message.max.bytes": MESSAGE_MAX_BYTES,
        "replica.fetch.max.bytes": MESSAGE_MAX_BYTES,
        # 1 GB by default; only closed segments are deleted, so a bound of bytes is kept this exactly.
        "log.segment.bytes": 64 << 20,
        "log.retention.hours": 168,
        # For each partition of a topic that declares nothing: it must not fill the disk.
        "log.retention.bytes": 1 << 30,
        "log.retention.check.interval.ms": 60_000,
        # 128 MB of heap by default. 8 MB clean 350,000 keys in one pass (24 bytes each).
        "log.cleaner.dedupe.buffer.size": 8 << 20,
    }
    return "".join(f"{key}={_escape(str(value))}\n" for key, value in settings.items())


def _escape(value: str) -> str:
    # Java reads properties as Latin-1, with \uXXXX of UTF-16 for the rest.
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2]) for i in range(0, len(units), 2)]
    return "".join(chr(code) if 32 <= code < 127 else f"\\u{code:04x}" for code in codes)


def java_command(
    java: Path, jars: Sequence[Path], main: Sequence[str], *, heap_mb: int, log4j: Path, log: Path
) -> tuple[str, ...]:
    """Return the command line of a Java process of the broker.

    ``TieredStopAtLevel=1`` (the quick compiler alone) costs some throughput (188-192 k events/s against
    214-248 k, at the same CPU per event) and saves 0.4 s of start and 38 MB under load; a
    small first heap that gives back what it does not use saves another 40 MB: 164 MB of PSS idle and
    180 MB under load, against 228 MB. An AOT cache would start in 1.6 s instead of 2.2, for 72 MB of disk,
    8 s of training at the first stop and 20 MB more memory: not worth it.

    Args:
        java: The ``java`` program.
        jars: The class path.
        main: Main class and its arguments.
        heap_mb: Greatest heap, MB.
        log4j: The file with ``LOG4J_XML``.
        log: Where the log goes.

    Returns:
        Program and arguments.
    """
    return (
        str(java),
        f"-Xmx{heap_mb}m",
        "-Xms64m",
        "-XX:+UseSerialGC",
        "-XX:MinHeapFreeRatio=20",
        "-XX:MaxHeapFreeRatio=40",
        "-XX:TieredStopAtLevel=1",
        "-XX:ReservedCodeCacheSize=64m",
        "-XX:-UsePerfData",
        # Half alive is worse than dead: the supervisor starts it again.
        "-XX:+ExitOnOutOfMemoryError",
        f"-XX:ErrorFile={log.with_name('kafka-crash-%p.log')}",
        # Java 25 warns of what Kafka's own client does.
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
        "-Djava.awt.headless=true",
        "-Dlog4j2.disableJmx=true",
        f"-Dlog4j2.configurationFile={log4j.as_uri()}",
        f"-Dwakeline.log={log}",
        "-cp",
        ":".join(map(str, jars)),
        *main,
    )
