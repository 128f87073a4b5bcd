"""Choose the broker's jars anew: resolve Apache Kafka with jgo and write ``jars.lock.json``.

For maintainers, after changing ``KAFKA_VERSION`` or ``LOG4J_VERSION``: ``python -m streams.local.jars_lock``,
then read the difference before committing it. Nothing else calls this.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import msgspec
from jgo.maven import MavenContext

from streams.local.jars import KAFKA_VERSION, LOCK_PATH, Jar, JarLock

# Kafka's jars bring log4j's api and core, but nothing that joins slf4j, which the broker logs through, to
# them: without this jar the broker is silent. The version must be the one that Kafka brings.
LOG4J_VERSION = "2.25.5"


def resolve() -> JarLock:
    """Resolve and download all jars into a throw-away folder and hash them.

    The binding is added by its coordinate alone: resolved together with Kafka, its bill of materials
    (log4j-bom's parent) would win over Kafka's own versions and put kafka-clients 3.9.1 beside a 4.4.0
    broker, which then dies with NoSuchMethodError (seen with jgo 3.2).

    Returns:
        The lock, sorted by coordinate.

    Raises:
        ValueError: Kafka brings another log4j than ``LOG4J_VERSION``.
    """
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder))
        wanted = [context.create_dependency(f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}")]
        inputs, transitive = context.resolver.resolve(wanted)
        binding = context.create_dependency(f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}")
        found = [d for d in [*inputs, *transitive, binding] if d.scope in (None, "compile", "runtime")]
        jars = [_jar(f"{d.groupId}:{d.artifactId}:{d.version}", d.artifact.resolve()) for d in found]
    if not any(jar.coordinate == f"org.apache.logging.log4j:log4j-core:{LOG4J_VERSION}" for jar in jars):
        raise ValueError(
            f"Kafka {KAFKA_VERSION} does not bring log4j-core {LOG4J_VERSION}; change LOG4J_VERSION"
        )
    return JarLock(kafka=KAFKA_VERSION, jars=sorted(jars, key=lambda jar: jar.coordinate))


def _jar(coordinate: str, path: Path) -> Jar:
    content = path.read_bytes()
    return Jar(coordinate=coordinate, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def main() -> None:
    """Write the lock file."""
    lock = resolve()
    LOCK_PATH.write_bytes(msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n")
    print(f"{LOCK_PATH}: {len(lock.jars)} jars, {sum(jar.size_bytes for jar in lock.jars)} bytes")


if __name__ == "__main__":
    main()
