from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from streams.local.kafka_config import LOG4J_XML, MESSAGE_MAX_BYTES, java_command, properties


def read(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_every_listener_is_on_the_loopback_address() -> None:
    settings = read(properties(Path("/d"), 9092, 9093))
    for key in ("listeners", "advertised.listeners", "controller.quorum.voters"):
        assert all("127.0.0.1:" in part for part in settings[key].split(","))


def test_no_internal_topic_waits_for_a_second_node() -> None:
    settings = read(properties(Path("/d"), 9092, 9093))
    copies = [value for key, value in settings.items() if "replication.factor" in key or ".isr" in key]
    assert len(copies) >= 6
    assert set(copies) == {"1"}


def test_a_dead_letter_fits_into_a_message() -> None:
    assert int(read(properties(Path("/d"), 1, 2))["message.max.bytes"]) == MESSAGE_MAX_BYTES == 8 << 20


def test_a_path_outside_of_ascii_is_written_as_java_reads_it() -> None:
    text = properties(Path("/daten/Straße 🙂"), 1, 2)
    assert text.isascii()
    assert read(text)["log.dirs"] == "/daten/Stra\\u00dfe \\ud83d\\ude42"


def test_the_log_configuration_is_well_formed_and_names_one_file() -> None:
    root = ElementTree.fromstring(LOG4J_XML)
    assert [appender.get("fileName") for appender in root.iter("RollingFile")] == ["${sys:wakeline.log}"]


def test_the_java_command_ends_with_the_main_class_and_its_arguments() -> None:
    command = java_command(
        Path("/java"),
        [Path("/a.jar"), Path("/b.jar")],
        ("kafka.Kafka", "/c"),
        heap_mb=100,
        log4j=Path("/l.xml"),
        log=Path("/k.log"),
    )
    assert command[0] == "/java"
    assert "-Xmx100m" in command
    assert command[-4:] == ("-cp", "/a.jar:/b.jar", "kafka.Kafka", "/c")
